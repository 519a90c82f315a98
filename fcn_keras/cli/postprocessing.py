"""Options of ensembles and post-processing, shared by `evaluate`, `predict` and `tune-crf`."""

import inspect
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.checks import one_of
from fcn_keras.combining import DEFAULT, HOW
from fcn_keras.precision import PREDICTION
from fcn_keras.text_files import read_json

PANEL = "Post-processing"

With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="MODEL",
        help="Another model of the same classes, which answers together with MODEL. Repeatable.",
        rich_help_panel=PANEL,
    ),
]
Combine = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(HOW),
        help=f"How the probabilities of several models are combined. Default: {DEFAULT}.",
        rich_help_panel=PANEL,
    ),
]

Scales = Annotated[
    str | None,
    typer.Option(
        metavar="S,S,...",
        help="Sizes of the image to average over, as factors, such as 0.5,0.75,1,1.25.",
        rich_help_panel=PANEL,
    ),
]
Flip = Annotated[
    bool,
    typer.Option("--flip", help="Also average over the mirrored image.", rich_help_panel=PANEL),
]
Rotate = Annotated[
    bool,
    typer.Option(
        "--rotate",
        help="Also average over the image turned by 90, 180 and 270 degrees.",
        rich_help_panel=PANEL,
    ),
]
Crf = Annotated[
    bool,
    typer.Option(
        "--crf",
        help="Refine the probabilities by a dense CRF. With the name of a preset behind it, such "
        "as --crf deeplab-largefov, by the options that were published for a net.",
        rich_help_panel=PANEL,
    ),
]
CrfOptions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE,...|PRESET|FILE.json",
        help="Options of the CRF, such as steps=5,bilateral_weight=4, the name of a preset, or the "
        "file that tune-crf wrote. Implies --crf. Repeatable.",
        rich_help_panel=PANEL,
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(help="Number of passes with Dropout on to average over.", rich_help_panel=PANEL),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="mixed|float32",
        help="Precision of the net. mixed: 16-bit multiplications, on CPUs with bfloat16 "
        "instructions and on GPUs. Default: as the net was trained.",
    ),
]
Tile = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS|auto",
        help="Size of the tiles of large images: the same labels, in bounded memory.",
        rich_help_panel=PANEL,
    ),
]


def check_models(others, combine):
    """Refuses --combine without another model, or of an unknown kind. Needs no Keras.

    Raises:
        ValueError: naming the option.
    """
    if combine is None:
        return
    one_of("--combine", combine, HOW)
    if not others:
        raise ValueError(f"--combine {combine} is for several models: name another by --with.")


def load_models(model, others, combine, output=None, labels=None):
    """Returns the `Segmenter` of one model, or the `Ensemble` of several.

    Args:
        model: A model as `fcn_keras.export.load` takes it.
        others: The models of --with, or None.
        combine: One of `fcn_keras.combining.HOW`, or None for its default.
        output, labels: As `fcn_keras.export.load`, for each model.

    Raises:
        FileNotFoundError, ValueError, ImportError: as `fcn_keras.export.load` and `Ensemble`.
    """
    from fcn_keras import export, inference

    paths = [model, *(others or ())]
    found = [export.load(path, output=output, labels=labels) for path in paths]
    if len(found) == 1:
        return found[0]
    return inference.Ensemble(found, combine or DEFAULT, names=paths)


def check_precision(precision):
    """Refuses another precision than those of predictions, before Keras is loaded.

    Raises:
        ValueError: for any other text.
    """
    if precision not in PREDICTION:
        known = ", ".join(filter(None, PREDICTION))
        raise ValueError(f"--precision must be one of {known}, got {precision!r}.")


def build_predictor(
    segmenter, scales, flip, rotate, crf, crf_options, samples=None, tile=None, precision=None
):
    """Returns the segmenter that the options ask for.

    Raises:
        ValueError: for text without meaning, or an impossible value.
        FileNotFoundError: for a file of CRF options that is missing.
    """
    from fcn_keras import inference

    options = read_crf_options(crf_options) if crf_options else crf
    return inference.build_predictor(
        segmenter,
        precision=precision,
        samples=samples,
        tile=_tile(tile),
        scales=_numbers(scales),
        flip=flip,
        rotate=rotate,
        crf=options,
    )


def _tile(text):
    if text is None or text == "auto":
        return text
    if not text.isdigit() or not int(text):
        raise ValueError(f"--tile takes a number of pixels, such as 1024, or auto; got {text!r}.")
    return int(text)


def _numbers(text):
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"--scales takes numbers, such as 0.5,0.75,1,1.25; got {text!r}."
        ) from None


def named_presets(words):
    """Returns the words of a command line with `--crf PRESET` as `--crf-options PRESET`.

    Only a preset's name is taken, so that what else follows `--crf` stays what it was.

    Args:
        words: A list of str.
    """
    found = []
    for word in words:
        if word.startswith("--crf="):
            word = word.replace("--crf=", "--crf-options=", 1)
        elif found and found[-1] == "--crf" and word in _presets():
            found[-1] = "--crf-options"
        found.append(word)
    return found


def _presets():
    from fcn_keras.crf import PRESETS

    return PRESETS


def read_crf_options(texts):
    """Returns {option of `dense_crf`: number}.

    Args:
        texts: A list of texts, each NAME=VALUE,..., the name of a preset, or a JSON file. Of an
            option that is given several times the last value counts.

    Raises:
        ValueError: for another form, or an option that it does not have.
        FileNotFoundError: for a missing file.
    """
    found = {}
    for text in texts:
        if text.endswith(".json"):
            found.update(_read_file(text))
        else:
            for part in text.split(","):
                found.update(_presets().get(part.strip()) or [_pair(part)])
    known = crf_numbers()
    for name in found:
        if name not in known:
            raise ValueError(f"The CRF has no option {name!r}; it has {', '.join(known)}.")
    return found


def _read_file(path):
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path} of CRF options.")
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f'{path} holds no CRF options: {{"steps": 5, ...}} was expected.')
    return found


def crf_numbers():
    """Returns the options of `dense_crf` that are numbers, with their defaults."""
    from fcn_keras.crf import dense_crf

    parameters = inspect.signature(dense_crf).parameters.values()
    return {
        p.name: p.default
        for p in parameters
        if isinstance(p.default, (int, float)) and not isinstance(p.default, bool)
    }


def _pair(text):
    name, sign, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        sign = ""
    if not sign or not name.strip():
        raise ValueError(
            "--crf-options takes NAME=VALUE, such as steps=5,bilateral_weight=4, or a preset: "
            f"{', '.join(_presets())}; got {text!r}."
        )
    return name.strip(), int(number) if number.is_integer() else number
