"""From a Keras segmenter to a folder with a page: the net as TFLite, the runtime, the template.

The folder appears whole or not at all.
"""

import os
import tempfile
from pathlib import Path

from fcn_keras.export.tflite import contents, export_tflite
from fcn_keras.export.tflite.checks import check_options, checked_size
from fcn_keras.export.web import litert, page
from fcn_keras.models.outputs import check_single

MOST_CLASSES = 256  # what the indices of a PNG's palette can tell apart


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
    """Writes a static web page that segments in the browser, and sends nothing anywhere.

    The page takes a picture (a file, dropped or pasted too) or the camera, lays the labels over
    it, lists the classes with their shares, and gives the label map as a PNG. The folder holds
    index.html and its scripts, model.tflite, and runtime/, which is LiteRT.js: its files are
    fetched from npm once, checked by their hashes and kept in the user's cache. A content security
    policy keeps the page to its own site. Browsers load it over http(s) only, not from a file:
    `python -m http.server -d site`.

    A picture that is larger than `size` is shrunk to fit, with its aspect; below and right of it
    the net sees the pixel that its preprocessing turns into zero, as `tflite.Segmenter` shows it.
    Labels are enlarged by nearest neighbours.

    model.tflite takes uint8 (1, H, W, 3) and gives float32 logits; it has MediaPipe's metadata,
    so that the same file runs on phones.

    Args:
        model: A functional Keras model of logits (batch, H, W, num_classes) of RGB images.
        out: The folder to write.
        size: (H, W) that the net sees. Only a model that takes one size has a default, its own:
            a size that is far from that of training would cost accuracy without a word.
        quantize: As for `export_tflite`. "float16" halves the download and keeps the labels;
            "int8" is a quarter and the fastest.
        calibration: For "int8": a `fcn_keras.data.Dataset`, or a sequence of images.
        calibration_images: How many of them to use, at most.
        labels: A `LabelSet`. By default the one stored in the model, else numbered classes.
        title: The page's heading; by default the model's name.
        cdn: Take the runtime from a public CDN (jsDelivr) when the page is opened, checked by the
            same hashes, in place of writing it beside the page: 19 MB less to host, and nothing
            to fetch now.
        runtime: A `node_modules` folder to take the runtime from, for a machine without a
            network.
        overwrite: Replace a page that is already there.

    Returns:
        The folder, a `pathlib.Path`.

    Raises:
        ValueError: if there is something at `out` (with `overwrite`, if it is no such page);
            without a size; above 256 classes; as `export_tflite`; if a file of the runtime is not
            the one that was tested.
        ConnectionError: if the runtime can be fetched neither by npm nor from the CDN.
        FileNotFoundError: if `runtime` does not hold it.
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
    check_options(quantize, calibration, "scores", (), None)
    size = _checked_size(size, model)
    if cdn and runtime is not None:
        raise ValueError("Either the runtime comes from the CDN or from a folder; both were given.")
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
            output="scores",
            mediapipe=True,
            labels=labels,
        )
        files = page.page_files(title or model.name, *contents.read(file), cdn)
        _write(site, files)
        _write(site / page.RUNTIME, beside)
        if out.exists():
            os.replace(out, Path(aside) / "replaced")
        os.replace(site, out)
    return out


def _write(folder, files):
    for name, content in files.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def _check_target(out, overwrite):
    """A folder is replaced only if asked for, and only a page."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not overwrite:
        raise ValueError(
            f"{out} already exists. Choose another name, or replace it (--overwrite, "
            "overwrite=True)."
        )
    if not all((out / name).is_file() for name in (page.INDEX, page.CONFIG, page.MODEL)):
        raise ValueError(f"{out} exists and is no page of this package, so it is not replaced.")


def _checked_size(size, model):
    """The size of a net that a page can show."""
    check_single(model, "A web page")
    classes = model.output_shape[-1]
    if classes is not None and classes > MOST_CLASSES:
        raise ValueError(
            f"A web page shows at most {MOST_CLASSES} classes; {model.name!r} has {classes}."
        )
    size = checked_size(size, model)
    if size is None:
        raise ValueError(
            "A web page needs the one size that the net sees: size=(H, W), --size HxW. Take that "
            "of the training crops, or of your pictures; larger ones are shrunk to it."
        )
    return size
