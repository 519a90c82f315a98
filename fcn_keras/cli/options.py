"""Options that several commands share, and how their words are read."""

import re
from pathlib import Path
from typing import Annotated

import typer

DATA_HELP = (
    "folder:DIR (images/, masks/, classes.txt), digits, camvid:DIR, voc:DIR (a VOCdevkit), "
    "sbd:DIR, cityscapes:DIR, ade20k:DIR, coco:DIR, pascal-context:DIR, nyud:DIR, siftflow:DIR, "
    "tfds:NAME. Options follow with commas, such as folder:DIR,binary for masks of 0 and not 0."
)
MODELS = ("fcn8s", "fcn16s", "fcn32s", "fcn4s", "fcn2s")
MODEL_HELP = (
    "A .keras file, a run folder (its best.keras), a SavedModel's folder, a .tflite file, or a "
    "server: http://host:8501/v1/models/NAME, grpc://host:8500/NAME."
)

ModelPath = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP, show_default=False)]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE.json",
        help="Class names of a served model: its labels.json.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option("--output", metavar="NAME", help="Which output, where the net has several."),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Only the examples of these names. Repeatable.",
        rich_help_panel="Data",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Not the examples of these names. Repeatable.",
        rich_help_panel="Data",
    ),
]


def check_folder(target):
    """Refuses a file to write, or None, whose folder is missing.

    Raises:
        FileNotFoundError: naming both.
    """
    if target is not None and not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {target.parent} to write {target.name} into.")


def parse_size(text, option):
    """ "256x320" as (256, 320).

    Raises:
        ValueError: for anything else; the message names the option.
    """
    found = re.fullmatch(r"\s*(\d+)\s*[x×]\s*(\d+)\s*", text)
    if not found or "0" in (found[1].lstrip("0") or "0", found[2].lstrip("0") or "0"):
        raise ValueError(f"{option} takes HEIGHTxWIDTH in pixels, such as 256x320; got {text!r}.")
    return int(found[1]), int(found[2])


def parse_crop(text):
    """ "256x320" as (256, 320), "auto" as it is, "none" as None."""
    if text in ("auto", "none"):
        return None if text == "none" else text
    try:
        return parse_size(text, "--crop")
    except ValueError as error:
        raise ValueError(f"{str(error)[:-1]} (auto and none are possible too).") from None


def parse_scale(text):
    """ "0.5:2" as (0.5, 2.0), "none" as None."""
    if text == "none":
        return None
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        low, high = 0, 0
    if not 0 < low <= high:
        raise ValueError(
            f"--scale takes LOW:HIGH, two factors with 0 < LOW <= HIGH, such as 0.5:2, or none; "
            f"got {text!r}."
        )
    return low, high


def parse_filters(text):
    """ "128,96,64" as (128, 96, 64), None as it is."""
    if text is None:
        return None
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise ValueError(
            f"--decoder-filters takes whole numbers with commas between, a skip each, such as "
            f"128,96,64; got {text!r}."
        )
    return tuple(int(number) for number in text.split(","))


def parse_class_weights(text):
    """The name of a rule ("enet") as it is, "none" as None, "1,2.5,1" as [1.0, 2.5, 1.0]."""
    from fcn_keras.data.statistics import CLASS_WEIGHTS

    if text == "none" or text in CLASS_WEIGHTS:
        return None if text == "none" else text
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            "--class-weights takes enet, median, none, or one number a class with commas between; "
            f"got {text!r}."
        ) from None
