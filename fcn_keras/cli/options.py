"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.training import choices

DATA, RECIPE = "Data", "Recipe"
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
CHARTS = (*PICTURES, ".pdf", ".svg", ".svgz", ".ps", ".pgf", "")  # without suffix it is PNG
DATA_HELP = (
    "Dataset: folder:DIR (images/, masks/, classes.txt), digits, scenes, camvid:DIR, voc:DIR (a "
    "VOCdevkit), sbd:DIR, cityscapes:DIR, ade20k:DIR, coco:DIR, labelme:DIR, cvat:DIR, "
    "label-studio:DIR, supervisely:DIR, pascal-context:DIR, nyud:DIR, siftflow:DIR, bsds:DIR, "
    "tfds:NAME; boundaries:NAME:DIR for the boundaries between the classes of any of these. "
    "Options follow after commas, such as folder:DIR,binary for masks of 0 and other values; after "
    "a colon where there is no DIR, such as digits:count=50. fcn-keras datasets lists all."
)
MODEL_HELP = (
    "A .keras file, a run folder (its best.keras), an archive of pack, a SavedModel's folder, a "
    ".tflite file, or a server: http://host:8501/v1/models/NAME, grpc://host:8500/NAME."
)

Data = Annotated[str, typer.Option(metavar="NAME[:DIR]", help=DATA_HELP, rich_help_panel=DATA)]
Split = Annotated[str, typer.Option(help="Split of the training data.", rich_help_panel=DATA)]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Names of the examples to use. Repeatable.",
        rich_help_panel=DATA,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Names of the examples to leave out. Repeatable.",
        rich_help_panel=DATA,
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="Named recipe, see fcn-keras recipes: the values of all recipe and model options that "
        "are not given.",
        rich_help_panel=RECIPE,
    ),
]
ModelPath = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP, show_default=False)]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE.json",
        help="File with the class names of a served model: its labels.json.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", metavar="NAME", help="Output to use, where the net has several outputs."
    ),
]


def check_folder(target, writable=True):
    """Refuses a file that cannot be written later.

    Args:
        target: A Path, or None.
        writable: Whether the permission to write is asked for too.

    Raises:
        FileNotFoundError: if its folder is missing.
        IsADirectoryError: if it is a folder itself.
        PermissionError: if it may not be written.
    """
    if target is None:
        return
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {target.parent} to write {target.name} into.")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; a file to write was expected.")
    if writable and not os.access(target if target.exists() else target.parent, os.W_OK):
        raise PermissionError(f"There is no permission to write {target}.")


def check_picture(target, suffixes=PICTURES, writable=True):
    """Refuses a picture whose folder is missing or whose suffix is of no kind of picture.

    Args:
        target: A Path, or None.
        suffixes: The possible suffixes.
        writable: As of `check_folder`.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: as `check_folder`.
        ValueError: for another suffix.
    """
    check_folder(target, writable)
    if target is None or target.suffix.lower() in suffixes or _pillow_writes(target):
        return
    raise ValueError(
        f"A picture is a file such as {target.stem}.png (one of "
        f"{', '.join(filter(None, suffixes))}); got {target.name}."
    )


def _pillow_writes(target):
    from PIL import Image

    return Image.registered_extensions().get(target.suffix.lower()) in Image.SAVE


def parse_size(text, option):
    """Returns "256x320" as (256, 320).

    Args:
        text: The text on the command line.
        option: The option, for the message.

    Raises:
        ValueError: for other text; the message names the option.
    """
    try:
        return choices.parse_size(text)
    except ValueError:
        raise ValueError(
            f"{option} takes HEIGHTxWIDTH in pixels, such as 256x320; got {text!r}."
        ) from None
