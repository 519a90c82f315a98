"""Exports a segmenter as a folder with a web page: the net as TFLite, the runtime, the template.

The folder appears whole or not at all.
"""

import os
import tempfile
import warnings
from pathlib import Path

from fcn_keras.export.decoding import gives_labels, task_to_export
from fcn_keras.export.tflite import contents, export_tflite
from fcn_keras.export.tflite.checks import check_quantization, checked_size
from fcn_keras.export.web import litert, page
from fcn_keras.models.outputs import image_config

MOST_CLASSES = 256  # the indices of a PNG's palette


def export_web(
    model,
    out,
    *,
    size=None,
    quantize="float16",
    calibration=None,
    calibration_images=100,
    labels=None,
    title=None,
    cdn=False,
    runtime=None,
    overwrite=False,
):
    """Writes a static web page that segments images in the browser and sends them nowhere.

    The page takes an image (from a file, by drag and drop, or from the clipboard) or the camera,
    draws the labels over it, lists the classes with their shares of the area, and saves the label
    map as a PNG. The folder holds index.html and its scripts, model.tflite, and runtime/, which is
    LiteRT.js: its files are fetched from npm once, checked by their hashes and kept in the user's
    cache. A content security policy allows no connection to other sites. Browsers open the page
    over http(s) only, not from a file: `python -m http.server -d site`.

    An image larger than `size` is shrunk until it fits, without a change of its aspect ratio. It
    is padded at the bottom and right as by `tflite.Segmenter`. Labels are enlarged by nearest
    neighbours.

    model.tflite takes uint8 (1, H, W, 3) and gives float32 logits. It has MediaPipe's metadata, so
    that the same file runs on phones.

    Args:
        model: A functional Keras model of classes, from RGB images to (batch, H, W, num_classes).
        out: The folder to write.
        size: (H, W) of the net's input. Only a model that takes one size has a default, its own:
            at a size far from that of training a net is less accurate.
        quantize: See `export_tflite`. "float16" halves the download and keeps the labels; "int8"
            takes a quarter and is the fastest.
        calibration: For "int8": a `fcn_keras.data.Dataset`, or a sequence of images.
        calibration_images: Largest number of them to use.
        labels: A `LabelSet`. Default: the one stored in the model, else numbered classes.
        title: Heading of the page. Default: the model's name.
        cdn: Whether the page loads the runtime from a public CDN (jsDelivr), checked by the same
            hashes, instead of from its own folder: 19 MB less to host, and nothing to fetch now.
        runtime: A `node_modules` folder with the runtime, for a machine without a network.
        overwrite: Whether to replace a page that is already there.

    Returns:
        The folder, a `pathlib.Path`.

    Raises:
        ValueError: if there is something at `out` (with `overwrite`, if it is not such a page);
            without a size; for another task than classes, or above 256 classes; as
            `export_tflite`; if a file of the runtime is not the one that was tested.
        ConnectionError: if the runtime can be fetched neither with npm nor from the CDN.
        FileNotFoundError: if `runtime` does not hold the runtime.
        RuntimeError: if Keras runs on another backend than TensorFlow.

    Example:

    ```python
    folder = fcn_keras.export.export_web(model, "site", size=(128, 160), cdn=True)
    sorted(path.name for path in folder.iterdir())    # app.js, ..., model.tflite, ...
    ```

    Source: https://ai.google.dev/edge/litert/web
    """
    out = Path(out)
    _check_target(out, overwrite)
    check_quantization(quantize, calibration)
    _check_classes(model, labels)
    _tell_reading(model)
    size = _checked_size(size, model)
    if cdn and runtime is not None:
        raise ValueError("`cdn` and `runtime` are two sources of the runtime: give one of them.")
    beside = {} if cdn else page.runtime_beside(litert.runtime_files(runtime))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as aside:
        site = Path(aside) / "site"
        file = export_tflite(
            model,
            site / page.MODEL,
            quantize,
            size=size,
            calibration=calibration,
            calibration_images=calibration_images,
            mediapipe=True,
            labels=labels,
        )
        task, made = contents.read(file)
        files = page.page_files(title or model.name, task.labels, made, cdn)
        _write(site, files)
        _write(site / page.RUNTIME, beside)
        if out.exists():
            os.replace(out, Path(aside) / "replaced")
        os.replace(site, out)
    return out


def _tell_reading(model):
    """Warns where the training read images with options that a browser does not have."""
    if options := image_config(model):
        told = ", ".join(f"{name}={value}" for name, value in options.items())
        warnings.warn(
            "The page reads images as browsers do, with 8 bits a channel; the options of the "
            f"training, {told}, do not reach it.",
            stacklevel=3,
        )


def _write(folder, files):
    for name, content in files.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def _check_target(out, overwrite):
    """Raises ValueError if the folder exists and may not be replaced: it must be such a page."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not overwrite:
        raise ValueError(
            f"{out} already exists. Choose another name, or replace it (--overwrite, "
            "overwrite=True)."
        )
    if not all((out / name).is_file() for name in (page.INDEX, page.CONFIG, page.MODEL)):
        raise ValueError(f"{out} exists and is not a page of this package, so it is not replaced.")


def _check_classes(model, labels):
    """Raises ValueError for a task, or a number of classes, that a page cannot show."""
    task = task_to_export(model, "A web page", labels)
    if not gives_labels(task):
        raise ValueError(f"A web page shows classes; {model.name!r} is made for {task.kind}.")
    if task.channels > MOST_CLASSES:
        raise ValueError(
            f"A web page shows at most {MOST_CLASSES} classes; {model.name!r} has {task.channels}."
        )


def _checked_size(size, model):
    """The size of the net's input."""
    size = checked_size(size, model)
    if size is None:
        raise ValueError(
            "A web page needs one size of the net's input: size=(H, W), --size HxW. Take the size "
            "of the training crops, or of your images; larger ones are shrunk to it."
        )
    return size
