"""What evaluate and predict may do behind the net: averaging, a CRF, sampling."""

import inspect
import json
from pathlib import Path
from typing import Annotated

import typer

PANEL = "Post-processing"

Scales = Annotated[
    str | None,
    typer.Option(
        metavar="S,S,...",
        help="Average over the image at these factors of its size, such as 0.5,0.75,1,1.25.",
        rich_help_panel=PANEL,
    ),
]
Flip = Annotated[
    bool,
    typer.Option("--flip", help="Average over the mirrored image too.", rich_help_panel=PANEL),
]
Crf = Annotated[
    bool,
    typer.Option(
        "--crf", help="Refine by a dense CRF over the image's pixels.", rich_help_panel=PANEL
    ),
]
CrfOptions = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=VALUE,...|FILE.json",
        help="The CRF's own: steps=5,bilateral_weight=4, or what tune-crf wrote. Implies --crf.",
        rich_help_panel=PANEL,
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(help="Average over so many passes with Dropout on.", rich_help_panel=PANEL),
]
Tile = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS|auto",
        help="See large images tile by tile: the same labels, in bounded memory.",
        rich_help_panel=PANEL,
    ),
]


def build_predictor(predictor, scales, flip, crf, crf_options, samples=None, tile=None):
    """The predictor that the options ask for.

    Raises:
        ValueError: for words that mean nothing, or an impossible value.
        FileNotFoundError: for a file of CRF options that is missing.
    """
    from fcn_keras import inference

    options = crf if crf_options is None else read_crf_options(crf_options)
    return inference.build_predictor(
        predictor,
        samples=samples,
        tile=_tile(tile),
        scales=_numbers(scales),
        flip=flip,
        crf=options,
    )


def _tile(words):
    if words is None or words == "auto":
        return words
    if not words.isdigit() or not int(words):
        raise ValueError(f"--tile takes a number of pixels, such as 1024, or auto; got {words!r}.")
    return int(words)


def _numbers(words):
    if words is None:
        return None
    try:
        return tuple(float(word) for word in words.split(","))
    except ValueError:
        raise ValueError(
            f"--scales takes numbers, such as 0.5,0.75,1,1.25; got {words!r}."
        ) from None


def read_crf_options(words):
    """{option of `dense_crf`: number} from NAME=VALUE,... or a JSON file.

    Raises:
        ValueError: for another form, or an option that it does not have.
        FileNotFoundError: for a missing file.
    """
    if words.endswith(".json"):
        if not Path(words).is_file():
            raise FileNotFoundError(f"There is no file {words} of CRF options.")
        found = json.loads(Path(words).read_text(encoding="utf-8"))
    else:
        found = dict(map(_pair, words.split(",")))
    known = crf_numbers()
    for name in found:
        if name not in known:
            raise ValueError(f"The CRF has no option {name!r}; it has {', '.join(known)}.")
    return found


def crf_numbers():
    """The options of `dense_crf` that are numbers, and their defaults."""
    from fcn_keras.crf import dense_crf

    parameters = inspect.signature(dense_crf).parameters.values()
    return {
        p.name: p.default
        for p in parameters
        if isinstance(p.default, (int, float)) and not isinstance(p.default, bool)
    }


def _pair(word):
    name, sign, value = word.partition("=")
    try:
        number = float(value)
    except ValueError:
        sign = ""
    if not sign or not name.strip():
        raise ValueError(
            f"--crf-options takes NAME=VALUE, such as steps=5,bilateral_weight=4; got {word!r}."
        )
    return name.strip(), int(number) if number.is_integer() else number
