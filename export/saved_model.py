"""SavedModel: any TensorFlow loads it and gets label maps for uint8 images of any size.

Preprocessing and argmax are in the graph, the class names in its assets.
"""

import os
import tempfile
from pathlib import Path

import keras
import numpy as np

from fcn_keras.inference import Predictor
from fcn_keras.inference.images import as_array
from fcn_keras.labels import LabelSet
from fcn_keras.models.outputs import check_single

LABELS_FILE = "labels.json"


def export_saved_model(model, directory, labels=None, *, overwrite=False):
    """Writes a segmenter as a SavedModel.

    The signatures take `images`, uint8 (batch, H, W, channels) of 0-255, any H and W (one size if
    the model takes only that):

    - `serving_default` gives `label_map`, uint8 (batch, H, W); uint16 above 255 classes.
    - `scores` gives `scores`, the float32 logits (batch, H, W, num_classes).

    The label set lies in `assets/labels.json`.

    Args:
        model: A Keras model of logits (batch, H, W, num_classes).
        directory: The folder to make. It appears whole or not at all.
        labels: A `LabelSet`. By default the one stored in the model, else numbered classes.
        overwrite: Replace a SavedModel that is already there.

    Returns:
        The directory, a `pathlib.Path`.

    Raises:
        ValueError: if the directory exists (with `overwrite`, if it is no SavedModel), if the
            model is no segmenter, or `labels` names another number of classes.
        RuntimeError: if Keras runs on another backend than TensorFlow.

    Example:

    ```python
    import tensorflow as tf

    path = fcn_keras.export.export_saved_model(model, "street_saved_model")
    street = tf.saved_model.load(str(path)).signatures["serving_default"]
    street(images=tf.zeros((1, 97, 131, 3), tf.uint8))["label_map"]
    ```
    """
    tf = _tensorflow()
    directory = Path(directory)
    check_single(model, "A SavedModel")
    _check_target(directory, overwrite)
    predictor = Predictor(model, labels)  # checks that it is a segmenter, and names the classes
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{directory.name}-", dir=directory.parent, ignore_cleanup_errors=True
    ) as aside:
        written = Path(aside) / "written"
        _archive(tf, model, predictor.labels.dtype).write_out(str(written), verbose=False)
        (written / "assets").mkdir(exist_ok=True)
        predictor.labels.save(written / "assets" / LABELS_FILE)
        _swap(written, directory, Path(aside) / "replaced")
    return directory


def _swap(written, directory, replaced):
    """Puts the new folder in place of the old one, or leaves the old one there."""
    existed = directory.exists()
    if existed:
        os.rename(directory, replaced)
    try:
        os.rename(written, directory)
    except OSError:
        if existed:
            os.rename(replaced, directory)
        raise


def _archive(tf, model, label_dtype):
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name="images")]

    def scores(images):
        return {"scores": tf.cast(model(tf.cast(images, tf.float32), training=False), tf.float32)}

    def serving_default(images):
        label_map = tf.argmax(scores(images)["scores"], axis=-1, output_type=tf.int32)
        return {"label_map": tf.cast(label_map, label_dtype)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serving_default, input_signature=signature)
    archive.add_endpoint("scores", scores, input_signature=signature)
    return archive


class SavedModelPredictor:
    """Segments images with a SavedModel written by `export_saved_model`.

    Args:
        directory: The SavedModel's folder.

    Attributes:
        labels: The `LabelSet` found in its assets.

    Raises:
        ValueError: if the folder is no SavedModel of this package.

    Example:

    ```python
    folder = fcn_keras.export.export_saved_model(model, "street_saved_model")
    predictor = fcn_keras.export.SavedModelPredictor(folder)
    predictor.segment("street.jpg")
    ```
    """

    def __init__(self, directory):
        tf = _tensorflow(any_backend=True)
        self.directory = Path(directory)
        if not is_saved_model(self.directory):
            raise ValueError(f"{self.directory} is no SavedModel: it holds no saved_model.pb.")
        labels_file = self.directory / "assets" / LABELS_FILE
        self._loaded = tf.saved_model.load(str(self.directory))
        if not labels_file.exists() or "scores" not in self._loaded.signatures:
            raise ValueError(
                f"{self.directory} was not written by fcn_keras.export.export_saved_model: "
                f"it lacks assets/{LABELS_FILE} or the signature `scores`."
            )
        self.labels = LabelSet.load(labels_file)
        self._segment = self._loaded.signatures["serving_default"]
        self._scores = self._loaded.signatures["scores"]
        self._shape = tuple(self._segment.structured_input_signature[1]["images"].shape[1:])

    def segment(self, image, *, return_scores=False):
        """Labels every pixel of one image; as `fcn_keras.segment`."""
        images = self._batch([image])
        label_map = self._segment(images=images)["label_map"].numpy()[0]
        if not return_scores:
            return label_map
        return label_map, self._scores(images=images)["scores"].numpy()[0]

    def segment_batch(self, images):
        """Labels several images of one size at once, as `Predictor.segment_batch`."""
        return self._segment(images=self._batch(images))["label_map"].numpy()

    def _batch(self, images):
        arrays = [_as_uint8(as_array(image, self._shape)) for image in images]
        if len({array.shape for array in arrays}) != 1:
            raise ValueError("A batch holds one image or more, all of one size.")
        return _tensorflow(any_backend=True).constant(np.stack(arrays))


def is_saved_model(path):
    """Whether a path is a SavedModel's folder."""
    return (Path(path) / "saved_model.pb").is_file()


def _as_uint8(image):
    return image if image.dtype == np.uint8 else np.rint(image).astype(np.uint8)


def _check_target(directory, overwrite):
    if not directory.exists() and not directory.is_symlink():
        return
    if not overwrite:
        raise ValueError(
            f"{directory} already exists. Choose another folder, or replace it (--overwrite, "
            "overwrite=True)."
        )
    if not is_saved_model(directory):
        raise ValueError(f"{directory} exists and is no SavedModel, so it is not replaced.")


def _tensorflow(any_backend=False):
    backend = keras.backend.backend()
    if not any_backend and backend != "tensorflow":
        raise RuntimeError(
            f"Exporting a SavedModel needs the TensorFlow backend; Keras runs on {backend!r}. "
            "Save the model (model.save('model.keras')), and export it in a process started with "
            "KERAS_BACKEND=tensorflow."
        )
    try:
        import tensorflow
    except ModuleNotFoundError as error:
        raise RuntimeError(
            "SavedModels need TensorFlow, which is not installed: pip install tensorflow"
        ) from error
    return tensorflow
