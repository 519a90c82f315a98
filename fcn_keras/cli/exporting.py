"""The command `fcn-keras export`: writes a model in a form that runs without this package."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import Output
from fcn_keras.cli.recipe_options import (
    named_on_the_command_line,
    parameter_name,
    read_options,
    with_options,
)
from fcn_keras.cli.sources import hidden_notes, load_dataset, load_library
from fcn_keras.export.options import FORMATS, SAVED_MODEL, SERVING, SMALL, TFLITE, WEB

OPTIONS = {**FORMATS[SERVING], **FORMATS[WEB], **FORMATS[TFLITE]}
SPLIT = "calibration_split"
_GRAPH = "a SavedModel is a folder, of which saved_model.pb is a part"
_KERAS = "MODEL is saved by Keras already, and export writes other formats"
_CONVERTED = "this format is not written; converters to it start from a SavedModel"
ELSEWHERE = {  # suffixes of files that would become a folder's name
    **dict.fromkeys((".pb", ".pbtxt", ".savedmodel"), _GRAPH),
    **dict.fromkeys((".keras", ".h5", ".hdf5", ".weights"), _KERAS),
    **dict.fromkeys((".onnx", ".pt", ".pth", ".mlmodel", ".mlpackage", ".ckpt"), _CONVERTED),
    **dict.fromkeys((".engine", ".trt", ".plan", ".uff", ".xml", ".param", ".bin"), _CONVERTED),
    **dict.fromkeys((".safetensors", ".caffemodel", ".npz", ".pkl", ".torchscript"), _CONVERTED),
    **dict.fromkeys((".json", ".tfjs", ".js"), "TensorFlow.js is not written; --format web is"),
    **dict.fromkeys((".html", ".htm"), "a page is a folder with several files: --format web"),
    **dict.fromkeys((".lite", ".tfl"), "a TFLite file ends in .tflite"),
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz"), "no archive is written"),
}


@with_options(OPTIONS, before=SPLIT)
def export(
    context: typer.Context,
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A .keras file, a run folder (its best.keras), or an archive of pack.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="PATH", help="Folder, or .tflite file, to write.", show_default=False),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(FORMATS),
            help="Format to write. Default: tflite for a PATH.tflite, else saved-model.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the file, the page, or the --version at PATH."),
    ] = False,
    output: Output = None,
    calibration_split: Annotated[
        str, typer.Option(help="Split of the calibration images.", rich_help_panel=SMALL)
    ] = "train",
    **given,
):
    """Write a model in a form that runs without this package.

    saved-model: for tf.saved_model.load and TF Serving, as PATH/1, PATH/2, ...; takes uint8 images
    of any size or image files, gives label maps, logits or PNG masks; the class names are in its
    assets.

    tflite: one file for phones and browsers; takes a uint8 image, gives a label map or logits; the
    class names are inside.

    serving: a folder to start TF Serving from, with Docker Compose or Kubernetes.

    web: a folder with a page that segments pictures and the camera in the browser.

    [bold]Examples[/bold]

    fcn-keras export runs/camvid --out exported/camvid

    fcn-keras export runs/camvid --out camvid.tflite --quantize int8 --size 360x480 \\
    --calibration camvid:CamVid

    fcn-keras export runs/camvid --format web --out site
    """
    kind = _format(format, out)
    choices = _choices(kind, given, named_on_the_command_line(context))
    load_library()
    from fcn_keras.data import ImageReader
    from fcn_keras.export.loading import labels_beside, load_segmenter, reader_beside
    from fcn_keras.models.outputs import image_config

    net = load_segmenter(model, output)
    labels = labels_beside(model, net)
    if kind == WEB and "size" not in choices:
        choices["size"] = _crop_size(model)
    write = {SAVED_MODEL: _saved_model, TFLITE: _tflite, SERVING: _serving, WEB: _web}[kind]
    with hidden_notes():
        if "calibration" in choices:
            reader = reader_beside(model, net) or ImageReader.from_config(image_config(net))
            choices["calibration"] = load_dataset(
                choices["calibration"], calibration_split, reader=reader
            )
        line = write(net, out, labels=labels, overwrite=overwrite, **choices)
    print(line)


def _format(named, out):
    """The format that was asked for, by its name or by the suffix of the path."""
    if named is None:
        if out.suffix.lower() in ELSEWHERE and not out.is_dir():
            raise ValueError(
                f"--out {out.name}: {ELSEWHERE[out.suffix.lower()]}. There are saved-model (a "
                "folder, such as --out exported/NAME), tflite (a file, --out NAME.tflite), serving "
                "and web (folders, with --format)."
            )
        return TFLITE if out.suffix.lower() == ".tflite" else SAVED_MODEL
    if named not in FORMATS:
        raise ValueError(f"--format must be one of {', '.join(FORMATS)}, got {named!r}.")
    return named


def _choices(kind, given, named):
    """{option: value} of the command line, checked; only options of the format are allowed."""
    declared = FORMATS[kind]
    if SPLIT in named and "calibration" not in declared:
        raise ValueError(_of_another_format(SPLIT, "calibration", kind))
    for name, one in OPTIONS.items():
        if parameter_name(one) in named and name not in declared:
            raise ValueError(_of_another_format(one.flag, name, kind))
    found = read_options(declared, given, named)
    return {name: declared[name].checked(name, value) for name, value in found.items()}


def _of_another_format(flag, name, kind):
    other = next(format for format, options in FORMATS.items() if name in options)
    flag = flag.replace("_", "-")
    return f"--{flag} is an option of --format {other}, not of {kind}."


def _saved_model(net, out, **choices):
    from fcn_keras.export import export_saved_model

    folder = export_saved_model(net, out, **choices)
    return f"SavedModel: {folder}{_advice_on_16_bits(net, choices)}"


def _serving(net, out, **choices):
    from fcn_keras.export.serving import export_serving

    folder = export_serving(net, out, **choices)
    start = f"docker compose -f {out}/docker-compose.yml up -d"
    return f"TF Serving: {folder}; start it with {start}{_advice_on_16_bits(net, choices)}"


def _advice_on_16_bits(net, choices):
    """A line on the precision, where the model's own is exported and that is not float32."""
    from fcn_keras.precision import mixed_policy

    mixed = mixed_policy(net)
    if choices.get("precision") or not mixed:
        return ""
    return (
        f"\nIt computes in {mixed}, as it was trained. CPUs without 16-bit multiplications are "
        "faster with --precision float32."
    )


def _tflite(net, out, **choices):
    from fcn_keras.export import export_tflite

    path = export_tflite(net, out, **choices)
    return f"TFLite: {path} ({_megabytes(path)})"


def _web(net, out, **choices):
    from fcn_keras.export import export_web
    from fcn_keras.export.tflite import contents

    folder = export_web(net, out, **choices)
    file = folder / "model.tflite"
    size = "x".join(str(side) for side in contents.read(file)[1]["size"])
    return (
        f"Web page: {folder} (a net of {size}, {_megabytes(file)}). To open it: "
        f"python -m http.server -d {folder}, then http://localhost:8000"
    )


def _crop_size(path):
    """(H, W) of the crops that a run was trained on; None where it is not known."""
    from fcn_keras.export.packing import unpacked
    from fcn_keras.training import RunFolder

    path = Path(unpacked(path))
    run = RunFolder(path if path.is_dir() else path.parent)
    crop = run.read_config().get("recipe", {}).get("crop") if run.exists() else None
    return tuple(crop) if isinstance(crop, list) else None


def _megabytes(path):
    return f"{path.stat().st_size / 1e6:.1f} MB"
