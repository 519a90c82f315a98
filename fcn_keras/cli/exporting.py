"""`fcn-keras export`: a model in a form that runs without this package."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import Output, parse_size
from fcn_keras.cli.sources import (
    labels_beside,
    load_dataset,
    load_library,
    load_segmenter,
    without_remarks,
)

SAVED_MODEL, TFLITE, SERVING, WEB = "saved-model", "tflite", "serving", "web"
FORMATS = (SAVED_MODEL, TFLITE, SERVING, WEB)
CALIBRATION = ("calibration", "calibration_split", "calibration_images")
BELONGS = {
    SAVED_MODEL: (
        "version", "flip", "max_side", "max_megapixels", "precision", "half_weights", "no_scores",
    ),
    TFLITE: (
        "quantize", "size", *CALIBRATION, "scores", "mediapipe", "float_layers", "report",
    ),
    WEB: ("quantize", "size", *CALIBRATION, "title", "cdn", "runtime"),
}  # fmt: skip
BELONGS[SERVING] = (*BELONGS[SAVED_MODEL], "name")
WHOLE = "SavedModel"
SMALL = "TFLite"
PAGE = "Web page"


def export(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A .keras file or a run folder (its best.keras).",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="The folder, or the .tflite file, to write.", show_default=False
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(FORMATS), help="What to write; a PATH.tflite says it by itself."
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the file, or the --version, that is there."),
    ] = False,
    output: Output = None,
    version: Annotated[
        int | None,
        typer.Option(
            help="Number of the version; by default the next free one.", rich_help_panel=WHOLE
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="serving: the model's name in addresses; by default the net's.",
            rich_help_panel=WHOLE,
        ),
    ] = None,
    flip: Annotated[
        bool | None,
        typer.Option("--flip", help="Average with the mirrored image.", rich_help_panel=WHOLE),
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS", help="Shrink longer images for the net.", rich_help_panel=WHOLE
        ),
    ] = None,
    max_megapixels: Annotated[
        float | None,
        typer.Option(
            help="Refuse larger image files before decoding them. Default: 40.",
            rich_help_panel=WHOLE,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="float32|mixed_float16|mixed_bfloat16",
            help="What to compute in; by default as the model.",
            rich_help_panel=WHOLE,
        ),
    ] = None,
    half_weights: Annotated[
        bool | None,
        typer.Option("--half-weights", help="Store 16-bit kernels.", rich_help_panel=WHOLE),
    ] = None,
    no_scores: Annotated[
        bool | None,
        typer.Option("--no-scores", help="Leave out the signature.", rich_help_panel=WHOLE),
    ] = None,
    quantize: Annotated[
        str | None,
        typer.Option(
            metavar="none|float16|dynamic|int8|int8-weights",
            help="How numbers are stored. Default: none; web: float16.",
            rich_help_panel=SMALL,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW",
            help="The only size it takes; by default any; web: that of a run's training crops.",
            rich_help_panel=SMALL,
        ),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:DIR]", help="Images for int8, as evaluate --data.", rich_help_panel=SMALL
        ),
    ] = None,
    calibration_split: Annotated[
        str | None,
        typer.Option(help="Split to calibrate on. Default: train.", rich_help_panel=SMALL),
    ] = None,
    calibration_images: Annotated[
        int | None,
        typer.Option(help="How many, at most. Default: 100.", rich_help_panel=SMALL),
    ] = None,
    scores: Annotated[
        bool | None,
        typer.Option(
            "--scores", help="Give logits; argmax is left to the user.", rich_help_panel=SMALL
        ),
    ] = None,
    mediapipe: Annotated[
        bool | None,
        typer.Option(
            "--mediapipe",
            help="Add the metadata of MediaPipe's Image Segmenter; needs --size, gives scores.",
            rich_help_panel=SMALL,
        ),
    ] = None,
    float_layers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="int8: leave this layer in float. Repeatable.",
            rich_help_panel=SMALL,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="int8: write each operation's error.", rich_help_panel=SMALL
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="The page's heading.", rich_help_panel=PAGE)
    ] = None,
    cdn: Annotated[
        bool | None,
        typer.Option(
            "--cdn",
            help="Take LiteRT.js from a public CDN when the page is opened, not from npm now.",
            rich_help_panel=PAGE,
        ),
    ] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Take LiteRT.js from this node_modules folder.",
            rich_help_panel=PAGE,
        ),
    ] = None,
):
    """Write a model in a form that runs without this package.

    saved-model: for tf.saved_model.load and TF Serving, written as PATH/1, PATH/2, ...; uint8
    images of any size or image files in, label maps, scores or PNG masks out, the class names in
    its assets.

    tflite: one file for phones and browsers; uint8 image in, label map or scores out, the class
    names inside.

    web: a folder with a page that segments pictures and the camera's image in the browser.

    [bold]Examples[/bold]

    fcn-keras export runs/camvid --out exported/camvid

    fcn-keras export runs/camvid --out camvid.tflite --quantize int8 --size 360x480 \\
    --calibration camvid:CamVid

    fcn-keras export runs/camvid --format web --out site
    """
    given = {name: value for name, value in locals().items() if value is not None}
    kind = _format(format, out)
    _check_options(kind, given)
    load_library()
    net = load_segmenter(model, output)
    labels = labels_beside(model, net)
    choices = {name: given[name] for name in BELONGS[kind] if name in given}
    if kind == WEB:
        choices.setdefault("size", _size_of_training(model))
    write = {SAVED_MODEL: _saved_model, TFLITE: _tflite, SERVING: _serving, WEB: _web}[kind]
    with without_remarks():
        told = write(net, out, labels, overwrite, choices)
    print(told)


def _format(named, out):
    """The format that is asked for, by name or by the end of the path."""
    if named is None:
        return TFLITE if out.suffix == ".tflite" else SAVED_MODEL
    if named not in FORMATS:
        raise ValueError(f"--format is one of {', '.join(FORMATS)}; got {named!r}.")
    return named


def _check_options(kind, given):
    for other, names in BELONGS.items():
        for name in names:
            if name not in BELONGS[kind] and name in given:
                raise ValueError(
                    f"--{name.replace('_', '-')} is an option of --format {other}; this is {kind}."
                )


def _saved_model(net, out, labels, overwrite, choices):
    from fcn_keras.export import export_saved_model

    _drop_scores(net, choices)
    folder = export_saved_model(net, out, labels=labels, overwrite=overwrite, **choices)
    return f"SavedModel: {folder}"


def _serving(net, out, labels, overwrite, choices):
    from fcn_keras.export.serving import export_serving

    _drop_scores(net, choices)
    folder = export_serving(net, out, labels=labels, overwrite=overwrite, **choices)
    return f"TF Serving: {folder}; start it with docker compose -f {out}/docker-compose.yml up -d"


def _drop_scores(net, choices):
    from fcn_keras.export.saved_model.options import checked_signatures

    if choices.pop("no_scores", False):
        names = checked_signatures(net, None)
        choices["signatures"] = tuple(name for name in names if name != "scores")


def _tflite(net, out, labels, overwrite, choices):
    from fcn_keras.export import export_tflite

    if choices.pop("scores", False) or choices.get("mediapipe"):
        choices["output"] = "scores"
    _read(choices)
    path = export_tflite(net, out, labels=labels, overwrite=overwrite, **choices)
    return f"TFLite: {path} ({_megabytes(path)})"


def _web(net, out, labels, overwrite, choices):
    from fcn_keras.export import export_web
    from fcn_keras.export.tflite import contents

    _read(choices)
    folder = export_web(net, out, labels=labels, overwrite=overwrite, **choices)
    net = folder / "model.tflite"
    size = "x".join(str(side) for side in contents.read(net)[1]["size"])
    return (
        f"Web page: {folder} (a net of {size}, {_megabytes(net)}). To look at it: "
        f"python -m http.server -d {folder}, then http://localhost:8000"
    )


def _read(choices):
    """Size and calibration images, as they are meant by the words given."""
    if choices.get("size") is not None:
        choices["size"] = parse_size(choices["size"], "--size")
    split = choices.pop("calibration_split", "train")
    if "calibration" in choices:
        choices["calibration"] = load_dataset(choices["calibration"], split)


def _size_of_training(path):
    """The size of the crops that a run was trained on, as "HxW"; None where that is not known."""
    from fcn_keras.training import RunFolder

    run = RunFolder(path if path.is_dir() else path.parent)
    crop = run.read_config().get("recipe", {}).get("crop") if run.exists() else None
    return crop and "x".join(str(side) for side in crop)


def _megabytes(path):
    return f"{path.stat().st_size / 1e6:.1f} MB"
