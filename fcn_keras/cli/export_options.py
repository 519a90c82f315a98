"""The options of `fcn-keras export`, one name each."""

from pathlib import Path
from typing import Annotated

import typer

FORMATS = SAVED_MODEL, TFLITE, SERVING, WEB = "saved-model", "tflite", "serving", "web"
WHOLE, SMALL, PAGE = "SavedModel", "TFLite", "Web page"

Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A .keras file or a run folder (its best.keras).",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        metavar="PATH", help="The folder, or the .tflite file, to write.", show_default=False
    ),
]
Format = Annotated[
    str | None,
    typer.Option(metavar="|".join(FORMATS), help="What to write; a PATH.tflite says it by itself."),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the file, or the --version, that is there."),
]
Version = Annotated[
    int | None,
    typer.Option(
        help="Number of the version; by default the next free one.", rich_help_panel=WHOLE
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        help="serving: the model's name in addresses; by default the net's.",
        rich_help_panel=WHOLE,
    ),
]
Flip = Annotated[
    bool | None,
    typer.Option("--flip", help="Average with the mirrored image.", rich_help_panel=WHOLE),
]
MaxSide = Annotated[
    int | None,
    typer.Option(metavar="PIXELS", help="Shrink longer images for the net.", rich_help_panel=WHOLE),
]
MaxMegapixels = Annotated[
    float | None,
    typer.Option(
        help="Refuse larger image files before decoding them. Default: 40.",
        rich_help_panel=WHOLE,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="float32|mixed_float16|mixed_bfloat16",
        help="What to compute in; by default as the model.",
        rich_help_panel=WHOLE,
    ),
]
HalfWeights = Annotated[
    bool | None,
    typer.Option("--half-weights", help="Store 16-bit kernels.", rich_help_panel=WHOLE),
]
NoLogits = Annotated[
    bool | None,
    typer.Option("--no-logits", help="Leave out the signature.", rich_help_panel=WHOLE),
]
Quantize = Annotated[
    str | None,
    typer.Option(
        metavar="none|float16|dynamic|int8|int8-weights",
        help="How numbers are stored. Default: none; web: float16.",
        rich_help_panel=SMALL,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="HxW",
        help="The only size it takes; by default any; web: that of a run's training crops.",
        rich_help_panel=SMALL,
    ),
]
Calibration = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:DIR]", help="Images for int8, as evaluate --data.", rich_help_panel=SMALL
    ),
]
CalibrationSplit = Annotated[
    str | None,
    typer.Option(help="Split to calibrate on. Default: train.", rich_help_panel=SMALL),
]
CalibrationImages = Annotated[
    int | None,
    typer.Option(help="How many, at most. Default: 100.", rich_help_panel=SMALL),
]
Logits = Annotated[
    bool | None,
    typer.Option(
        "--logits", help="Give logits; argmax is left to the user.", rich_help_panel=SMALL
    ),
]
Mediapipe = Annotated[
    bool | None,
    typer.Option(
        "--mediapipe",
        help="Add the metadata of MediaPipe's Image Segmenter; needs --size, gives logits.",
        rich_help_panel=SMALL,
    ),
]
FloatLayers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="int8: leave this layer in float. Repeatable.",
        rich_help_panel=SMALL,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv", help="int8: write each operation's error.", rich_help_panel=SMALL
    ),
]
Title = Annotated[str | None, typer.Option(help="The page's heading.", rich_help_panel=PAGE)]
Cdn = Annotated[
    bool | None,
    typer.Option(
        "--cdn",
        help="Take LiteRT.js from a public CDN when the page is opened, not from npm now.",
        rich_help_panel=PAGE,
    ),
]
Runtime = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Take LiteRT.js from this node_modules folder.",
        rich_help_panel=PAGE,
    ),
]
