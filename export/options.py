"""Options of the exporters, each declared once. Needs no Keras.

The defaults are those of the functions' arguments of the same names. The command `export` and its
help are made from these declarations.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from fcn_keras.checks import one_of
from fcn_keras.options import declared, option

SAVED_MODEL, TFLITE, SERVING, WEB = "saved-model", "tflite", "serving", "web"
SIGNATURES = ("serving_default", "logits", "encoded", "assets")
PRECISIONS = ("mixed", "float32", "mixed_float16", "mixed_bfloat16")
QUANTIZE = ("none", "float16", "dynamic", "int8", "int8-weights")
WHOLE, SMALL, PAGE = "SavedModel", "TFLite", "Web page"


def parse_size(text):
    """Returns "360x480" as (360, 480); raises ValueError for other text."""
    found = re.fullmatch(r"\s*(\d+)\s*[x×]\s*(\d+)\s*", text)
    size = tuple(map(int, found.groups())) if found else (0, 0)
    if min(size) < 1:
        raise ValueError(text)
    return size


def parse_names(text):
    """Returns "a,b" as ("a", "b")."""
    return tuple(name.strip() for name in text.split(","))


def check_signatures(name, names):
    """Returns names of signatures; raises ValueError for an unknown one."""
    return tuple(one_of(name, one, SIGNATURES) for one in names)


@dataclass(frozen=True)
class SavedModelOptions:
    """The options of `export_saved_model` on the command line."""

    version: int | None = option(
        None, "Number of the version.", shown="the next free number", least=1, panel=WHOLE
    )
    signatures: tuple | None = option(
        None,
        f"Signatures to write: serving_default and any of {', '.join(SIGNATURES[1:])}.",
        metavar="NAME,...",
        takes="names with commas between, such as serving_default,assets",
        parse=parse_names,
        check=check_signatures,
        shown="all that suit the net",
        panel=WHOLE,
    )
    flip: bool = option(
        False,
        "Average the outputs with those of the mirrored image, which takes twice the time.",
        panel=WHOLE,
    )
    max_side: int | None = option(
        None,
        "Longest side that the net gets, in pixels; longer images are shrunk to it, and their maps "
        "enlarged again.",
        metavar="PIXELS",
        shown="no limit",
        least=1,
        panel=WHOLE,
    )
    max_megapixels: float = option(
        40.0, "Largest image file that the signature encoded accepts, in megapixels.", panel=WHOLE
    )
    precision: str | None = option(
        None,
        "Arithmetic of the net. mixed: 16-bit multiplications of the kind that this machine has.",
        choices=PRECISIONS,
        shown="as the net was trained",
        panel=WHOLE,
    )
    half_weights: bool = option(
        False, "Store kernels as float16, which halves the size of the export.", panel=WHOLE
    )


@dataclass(frozen=True)
class ServingOptions(SavedModelOptions):
    """The options of `serving.export_serving` on the command line."""

    name: str | None = option(
        None,
        "Format serving: name of the model in addresses.",
        metavar="NAME",
        shown="the name of the net",
        panel=WHOLE,
    )


_QUANTIZE = {
    "help": "How weights and values are stored.",
    "choices": QUANTIZE,
    "shown": "none; float16 for a web page",
    "panel": SMALL,
}


@dataclass(frozen=True)
class _SmallOptions:
    """The options that `export_tflite` and `export_web` share."""

    quantize: str = option("none", **_QUANTIZE)
    size: tuple | None = option(
        None,
        "Height and width of the only size that the net takes, in pixels.",
        metavar="HxW",
        takes="HEIGHTxWIDTH in pixels, such as 256x320",
        parse=parse_size,
        shown="any size; for a web page the crop size of the run's training",
        panel=SMALL,
    )
    calibration: str | None = option(
        None,
        "Dataset whose images measure the ranges for int8, as for evaluate --data.",
        metavar="NAME[:DIR]",
        panel=SMALL,
    )
    calibration_images: int = option(
        100, "Largest number of calibration images.", least=1, panel=SMALL
    )


@dataclass(frozen=True)
class TFLiteOptions(_SmallOptions):
    """The options of `export_tflite` on the command line."""

    logits: bool = option(False, "Write logits of classes instead of labels.", panel=SMALL)
    mediapipe: bool = option(
        False,
        "Add the metadata of MediaPipe's Image Segmenter; needs --size, and writes logits.",
        panel=SMALL,
    )
    float_layers: tuple = option(
        (),
        "int8: name of a layer to leave in float. Repeatable.",
        metavar="NAME",
        repeatable=True,
        panel=SMALL,
    )
    report: Path | None = option(
        None,
        "int8: file for the quantization error of each operation.",
        metavar="FILE.csv",
        panel=SMALL,
    )


@dataclass(frozen=True)
class WebOptions(_SmallOptions):
    """The options of `export_web` on the command line."""

    quantize: str = option("float16", **_QUANTIZE)
    title: str | None = option(
        None, "Heading of the page.", shown="the name of the net", panel=PAGE
    )
    cdn: bool = option(
        False,
        "Let the page load LiteRT.js from a public CDN, instead of fetching it from npm now.",
        panel=PAGE,
    )
    runtime: Path | None = option(
        None,
        "node_modules folder to take LiteRT.js from.",
        metavar="DIR",
        shown="fetched from npm",
        panel=PAGE,
    )


FORMATS = {
    SAVED_MODEL: declared(SavedModelOptions),
    TFLITE: declared(TFLiteOptions),
    SERVING: declared(ServingOptions),
    WEB: declared(WebOptions),
}
