"""Segmenting with a SavedModel as with a Keras model, on any Keras backend."""

import json

import numpy as np

from fcn_keras.data.images import to_input
from fcn_keras.export import asset_names
from fcn_keras.export.saved_model.exporting import check_tensorflow
from fcn_keras.export.saved_model.versions import find_saved_model
from fcn_keras.geometry import Halo
from fcn_keras.labels import LabelSet


class SavedModelPredictor:
    """Segments images with a SavedModel written by `export_saved_model`.

    Args:
        directory: The folder of the versions, of which the highest is taken, or one version's.

    Attributes:
        directory: The version's folder, a `pathlib.Path`.
        labels: The `LabelSet` found in its assets.
        halo: The `fcn_keras.geometry.Halo` found there, or None.

    Raises:
        ValueError: if the folder holds no SavedModel of this package.
        RuntimeError: if TensorFlow is not installed.

    Example:

    ```python
    fcn_keras.export.export_saved_model(model, "serving/street")
    predictor = fcn_keras.export.SavedModelPredictor("serving/street")
    predictor.segment("street.jpg")
    ```
    """

    def __init__(self, directory):
        check_tensorflow()
        import tensorflow as tf

        self.directory = find_saved_model(directory)
        if self.directory is None:
            raise ValueError(
                f"{directory} is no SavedModel: neither it nor a version in it (1, 2, ...) holds a "
                "saved_model.pb."
            )
        labels_file = self.directory / "assets" / asset_names.LABELS
        self._loaded = tf.saved_model.load(str(self.directory))
        signatures = self._loaded.signatures
        outputs = getattr(signatures.get("serving_default"), "structured_outputs", {})
        if not labels_file.exists() or "label_map" not in outputs:
            raise ValueError(
                f"{self.directory} was not written by fcn_keras.export.export_saved_model: "
                f"it lacks assets/{asset_names.LABELS} or the output `label_map`."
            )
        self.labels = LabelSet.load(labels_file)
        halo = labels_file.with_name(asset_names.HALO)
        self.halo = Halo.from_config(json.loads(halo.read_text())) if halo.exists() else None
        self._segment, self._scores = signatures["serving_default"], signatures.get("scores")
        self._shape = tuple(self._segment.structured_input_signature[1]["images"].shape[1:])

    def segment(self, image, *, return_logits=False):
        """Labels every pixel of one image; as `fcn_keras.segment`.

        Raises:
            ValueError: for the scores of a SavedModel exported without them.
        """
        images = self._batch([image])
        label_map = self._segment(images=images)["label_map"].numpy()[0]
        if not return_logits:
            return label_map
        if self._scores is None:
            raise ValueError(
                f"{self.directory} has no scores: export it with the signature `scores`."
            )
        return label_map, self._scores(images=images)["scores"].numpy()[0]

    def segment_batch(self, images):
        """Labels several images of one size at once, as `Predictor.segment_batch`."""
        return self._segment(images=self._batch(images))["label_map"].numpy()

    def _batch(self, images):
        import tensorflow as tf

        arrays = [_as_uint8(to_input(image, self._shape)) for image in images]
        if len({array.shape for array in arrays}) != 1:
            raise ValueError("A batch holds one image or more, all of one size.")
        return tf.constant(np.stack(arrays))


def _as_uint8(image):
    return image if image.dtype == np.uint8 else np.rint(image).astype(np.uint8)
