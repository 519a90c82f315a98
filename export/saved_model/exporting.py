"""Writing a segmenter as a SavedModel: what is asked for is checked before anything is written."""

import importlib.util
from pathlib import Path

import keras

from fcn_keras.export.saved_model import options as asked
from fcn_keras.export.saved_model.versions import check_version, new_version
from fcn_keras.geometry import recorded_halo
from fcn_keras.inference import Predictor
from fcn_keras.models.outputs import check_single


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

    Preprocessing and argmax are in the graph. Its signatures are

    - `serving_default`: `images`, uint8 (batch, H, W, channels) of 0-255, any H and W (one size if
      the model takes only that), gives `label_map`, uint8 (batch, H, W); uint16 above 255 classes.
    - `scores`: of the same `images` the `scores`, float32 logits (batch, H, W, num_classes), forty
      times as many bytes for ten classes.
    - `encoded`: `image_bytes`, strings (batch,), each a JPEG, PNG, BMP or GIF file of any size,
      gives `mask_png_bytes`, strings (batch,): a grey PNG of the class numbers as large as its
      image (16 bits a pixel above 255 classes); and `status`, strings (batch,): "ok", or one
      sentence saying why an image was refused, whose mask is then empty.
    - `assets`: of `name`, strings (batch,), the `contents`, strings (batch,), of the files in the
      folder `assets`, which servers do not hand out otherwise: "labels.json", "halo.json"; empty
      for other names.

    `encoded` reads files as `fcn_keras.segment` does: EXIF orientation applied, transparency put
    on white, 16-bit grey divided by 257. What TensorFlow decodes otherwise than Pillow is refused:
    CMYK JPEGs, BMPs that are compressed or of 1 or 4 bits, GIFs whose first frame is transparent
    or does not fill its canvas. Of an animation the first frame counts. The images of a batch go
    through the model one by one.

    The folder also holds the label set in `assets/labels.json`; in `assets/halo.json` how far the
    net looks, for `fcn_keras.segment_tiled` (not with `flip` or `max_side`, nor where a layer sees
    the whole image); requests with which TF Serving warms up in `assets.extra/`; and
    `fingerprint.pb`, which tells exports apart.

    Args:
        model: A Keras model of logits (batch, H, W, num_classes), on any backend.
        directory: The folder of the versions; made if missing.
        version: A number from 1; by default the next free one. It appears whole or not at all.
        labels: A `LabelSet`. By default the one stored in the model, else numbered classes.
        signatures: Names of the signatures to write, `serving_default` among them. By default
            all; a model of other channels than 1 and 3 has no `encoded`.
        warmup: The size (H, W) of the images that warm the server up, or several; None for none.
            A server on a GPU tunes itself to each size.
        flip: Average the logits with those of the mirrored image: twice the time.
        max_side: Images of which a side is longer are shrunk to it for the model. Their label
            maps are enlarged by nearest neighbours, their logits bilinearly.
        max_megapixels: `encoded` refuses larger images by their header, before decoding, and any
            with a side above 65535.
        precision: What to compute in: "float32", "mixed_float16", "mixed_bfloat16"; None as the
            model does. 16 bits suit GPUs, and bfloat16 CPUs that multiply it.
        half_weights: Store kernels as float16: half the bytes, and an error of 1/2048 of a weight.
            They are widened when they are used.
        overwrite: Replace `version` if it is there.

    Returns:
        The version's folder, a `pathlib.Path`.

    Raises:
        ValueError: if the version is there (with `overwrite`, if it is no SavedModel), an argument
            is none of the above, the model is no segmenter, or `labels` names another number of
            classes.
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
    check_single(model, "A SavedModel")
    check_version(directory, version, overwrite)
    predictor = Predictor(model, labels)  # checks that it is a segmenter, and names the classes
    max_side, max_megapixels = asked.checked_limits(model, max_side, max_megapixels)
    options = asked.Options(
        name=directory.resolve().name,
        labels=predictor.labels.to_config(),
        halo=None if flip or max_side else recorded_halo(model),
        signatures=asked.checked_signatures(model, signatures),
        warmup=asked.checked_warmup(model, warmup),
        flip=bool(flip),
        max_side=max_side,
        max_megapixels=max_megapixels,
        precision=asked.checked_precision(model, precision),
        half_weights=bool(half_weights),
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
