"""`fcn-keras export`: a model in a form that runs without this package."""

from fcn_keras.cli import export_options as o
from fcn_keras.cli.export_options import FORMATS, SAVED_MODEL, SERVING, TFLITE, WEB
from fcn_keras.cli.options import Output, parse_size
from fcn_keras.cli.sources import hidden_notes, load_dataset, load_library

CALIBRATION = ("calibration", "calibration_split", "calibration_images")
BELONGS = {
    SAVED_MODEL: (
        "version", "flip", "max_side", "max_megapixels", "precision", "half_weights", "no_logits",
    ),
    TFLITE: (
        "quantize", "size", *CALIBRATION, "logits", "mediapipe", "float_layers", "report",
    ),
    WEB: ("quantize", "size", *CALIBRATION, "title", "cdn", "runtime"),
}  # fmt: skip
BELONGS[SERVING] = (*BELONGS[SAVED_MODEL], "name")


def export(
    model: o.Model,
    out: o.Out,
    format: o.Format = None,
    overwrite: o.Overwrite = False,
    output: Output = None,
    version: o.Version = None,
    name: o.Name = None,
    flip: o.Flip = None,
    max_side: o.MaxSide = None,
    max_megapixels: o.MaxMegapixels = None,
    precision: o.Precision = None,
    half_weights: o.HalfWeights = None,
    no_logits: o.NoLogits = None,
    quantize: o.Quantize = None,
    size: o.Size = None,
    calibration: o.Calibration = None,
    calibration_split: o.CalibrationSplit = None,
    calibration_images: o.CalibrationImages = None,
    logits: o.Logits = None,
    mediapipe: o.Mediapipe = None,
    float_layers: o.FloatLayers = None,
    report: o.Report = None,
    title: o.Title = None,
    cdn: o.Cdn = None,
    runtime: o.Runtime = None,
):
    """Write a model in a form that runs without this package.

    saved-model: for tf.saved_model.load and TF Serving, written as PATH/1, PATH/2, ...; uint8
    images of any size or image files in, label maps, logits or PNG masks out, the class names in
    its assets.

    tflite: one file for phones and browsers; uint8 image in, label map or logits out, the class
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
    from fcn_keras.export.loading import labels_beside, load_segmenter

    net = load_segmenter(model, output)
    labels = labels_beside(model, net)
    choices = {name: given[name] for name in BELONGS[kind] if name in given}
    if kind == WEB:
        choices.setdefault("size", _size_of_training(model))
    write = {SAVED_MODEL: _saved_model, TFLITE: _tflite, SERVING: _serving, WEB: _web}[kind]
    with hidden_notes():
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
                    f"--{name.replace('_', '-')} is an option of --format {other}, not of {kind}."
                )


def _saved_model(net, out, labels, overwrite, choices):
    from fcn_keras.export import export_saved_model

    _drop_logits(net, choices)
    folder = export_saved_model(net, out, labels=labels, overwrite=overwrite, **choices)
    return f"SavedModel: {folder}{_of_16_bits(net, choices)}"


def _serving(net, out, labels, overwrite, choices):
    from fcn_keras.export.serving import export_serving

    _drop_logits(net, choices)
    folder = export_serving(net, out, labels=labels, overwrite=overwrite, **choices)
    start = f"docker compose -f {out}/docker-compose.yml up -d"
    return f"TF Serving: {folder}; start it with {start}{_of_16_bits(net, choices)}"


def _of_16_bits(net, choices):
    """A line on the precision, where the model's own is exported and that is not float32."""
    from fcn_keras.precision import mixed_policy

    mixed = mixed_policy(net)
    if choices.get("precision") or not mixed:
        return ""
    return (
        f"\nIt computes in {mixed}, as it was trained. CPUs without 16-bit multiplications are "
        "faster with --precision float32."
    )


def _drop_logits(net, choices):
    from fcn_keras.export.saved_model.options import checked_signatures
    from fcn_keras.models import task_of

    if choices.pop("no_logits", False):
        names = checked_signatures(net, task_of(net), None)
        choices["signatures"] = tuple(name for name in names if name != "logits")


def _tflite(net, out, labels, overwrite, choices):
    from fcn_keras.export import export_tflite

    if choices.get("mediapipe"):
        choices["logits"] = True
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
