"""Exports a segmenter as a SavedModel; all arguments are checked before anything is written."""

import importlib.util
from pathlib import Path

import keras

from fcn_keras.export.decoding import task_to_export
from fcn_keras.export.saved_model import options as asked
from fcn_keras.export.saved_model.versions import check_version, new_version
from fcn_keras.geometry.halo import recorded_halo
from fcn_keras.models.outputs import image_config


def export_saved_model(
    model,
    directory,
    version=None,
    labels=None,
    *,
    signatures=None,
    warmup=asked.WARMUP,
    flip=False,
    max_side=None,
    max_megapixels=40,
    precision=None,
    half_weights=False,
    overwrite=False,
):
    """Writes a segmenter as `directory`/<version>/, the layout that TF Serving watches.

    Preprocessing and decoding are in the graph. The signatures are

    - `serving_default`: takes `images`, uint8 (batch, H, W, channels) of 0-255, of any H and W (of
      one size if the model takes one size). Gives `label_map`, uint8 (batch, H, W), uint16 above
      255 classes. A net for another task than classes gives `map`, float32 (batch, H, W) or
      (batch, H, W, C).
    - `logits`, for classes: takes `images` and gives `logits`, float32 (batch, H, W, num_classes):
      forty times as many bytes for ten classes.
    - `encoded`, for classes: takes `image_bytes`, strings (batch,), each a JPEG, PNG, BMP or GIF
      file of any size. Gives `mask_png_bytes`, strings (batch,), each a grey PNG of the class
      numbers in the size of its image (16 bits a pixel above 255 classes), and `status`, strings
      (batch,): "ok", or one sentence that says why an image was refused; its mask is then empty.
    - `assets`: takes `name`, strings (batch,), and gives `contents`, strings (batch,): the text of
      "task.json", "labels.json", "halo.json" and "images.json", which servers do not send
      otherwise; empty for other names.

    `encoded` reads files as `fcn_keras.segment` does: it applies the EXIF orientation, puts
    transparency on white and divides 16-bit values by 257, unless the net was trained with other
    `bits` or `alpha`. It refuses 16-bit files that do not show which value is white, and files that
    TensorFlow decodes differently from Pillow: CMYK JPEGs, BMPs that are compressed or of 1 or 4
    bits, GIFs whose first frame is transparent or does not fill its canvas. Of an animation it
    takes the first frame. The images of a batch go through the model one by one.

    The folder also holds the task of the net in `assets/task.json`; the `LabelSet` of classes in
    `assets/labels.json`; the halo, which `fcn_keras.segment_tiled` needs, in `assets/halo.json`
    (not with `flip` or `max_side`, nor for a net with a layer that pools the whole image); the
    training's options of reading images, if any, in `assets/images.json`; requests
    with which TF Serving warms up in `assets.extra/`; and `fingerprint.pb`, which tells exports
    apart.

    Args:
        model: A Keras model with one output (batch, H, W, channels), on any backend.
        directory: The folder of the versions; it is made if it is missing.
        version: A whole number from 1. Default: the next free one. The version appears whole or
            not at all.
        labels: A `LabelSet`. Default: the one stored in the model, else numbered classes.
        signatures: Names of the signatures to write; `serving_default` must be among them.
            Default: all that suit the model. `encoded` needs a model of 1 or 3 channels.
        warmup: Size (H, W) of the images that warm the server up, or several sizes; None for no
            warm-up. A server on a GPU tunes itself to each size.
        flip: Whether to average the outputs with those of the mirrored image; takes twice the
            time.
        max_side: Longest side in pixels that the model gets; longer images are shrunk to it. Label
            maps are enlarged again by nearest neighbours, logits and other maps bilinearly.
        max_megapixels: Largest image that `encoded` accepts. It reads the size in the header,
            before it decodes, and refuses every image with a side above 65535 pixels.
        precision: Arithmetic of the net: "float32", "mixed_float16", "mixed_bfloat16", "mixed" for
            16 bits of the kind that this machine multiplies, or None for the model's own. 16 bits
            suit GPUs, and bfloat16 CPUs that multiply it. Weights, the scaling of the images and
            the outputs are float32 in any case.
        half_weights: Whether to store kernels as float16: half the bytes, and an error of 1/2048
            of a weight. They are widened when they are used.
        overwrite: Whether to replace `version` if it is there.

    Returns:
        The version's folder, a `pathlib.Path`.

    Raises:
        ValueError: if the version is there (with `overwrite`, if it is no SavedModel), an argument
            has another value than the above, the model is no segmenter, or `labels` does not fit
            it.
        RuntimeError: if TensorFlow is not installed; on other backends, if the process that
            exports the saved model fails, with its reason.

    Example:

    ```python
    import tensorflow as tf

    folder = fcn_keras.export.export_saved_model(model, "serving/street")   # serving/street/1
    street = tf.saved_model.load(str(folder)).signatures
    street["serving_default"](images=tf.zeros((1, 97, 131, 3), tf.uint8))["label_map"]
    street["encoded"](image_bytes=[tf.io.read_file("street.jpg")])["status"]
    ```
    """
    directory = Path(directory)
    task = task_to_export(model, "A SavedModel", labels)
    check_version(directory, version, overwrite)
    max_side, max_megapixels = asked.checked_limits(model, max_side, max_megapixels)
    options = asked.Options(
        name=directory.resolve().name,
        task=task.to_config(),
        halo=None if flip or max_side else recorded_halo(model),
        signatures=asked.checked_signatures(model, task, signatures),
        warmup=asked.checked_warmup(model, warmup),
        flip=bool(flip),
        max_side=max_side,
        max_megapixels=max_megapixels,
        precision=asked.checked_precision(model, precision),
        half_weights=bool(half_weights),
        images=image_config(model),
    )
    check_tensorflow()
    with new_version(directory, version) as draft:
        _writer()(model, draft.folder, options)
        return draft.publish()


def check_tensorflow():
    """Raises RuntimeError if TensorFlow is not installed; does not import it."""
    try:
        found = importlib.util.find_spec("tensorflow") is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise RuntimeError(
            "SavedModels need TensorFlow, which is not installed: pip install tensorflow"
        )


def _writer():
    if keras.backend.backend() == "tensorflow":
        from fcn_keras.export.saved_model.archive import write

        return write
    from fcn_keras.export.saved_model.other_backends import write_elsewhere

    return write_elsewhere
