"""Segmenting with a SavedModel as with a Keras model, on any Keras backend."""

from fcn_keras import tasks
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.export import asset_names
from fcn_keras.export.decoding import map_name
from fcn_keras.export.runner import Runner, as_batch, outputs_in
from fcn_keras.export.saved_model.exporting import check_tensorflow
from fcn_keras.export.saved_model.versions import find_saved_model
from fcn_keras.geometry import Halo
from fcn_keras.text_files import read_json


class SavedModelPredictor(Runner):
    """Segments images with a SavedModel written by `export_saved_model`.

    Args:
        directory: The folder of the versions, of which the highest is taken, or the folder of one
            version.

    Attributes:
        directory: The version's folder, a `pathlib.Path`.
        task: The `fcn_keras.tasks.Task` in its assets.
        labels: The `LabelSet` of classes, or None for another task.
        halo: The `fcn_keras.geometry.Halo` in its assets, or None.
        size: (H, W) of the images that the model takes, or None for any size.
        channels: Number of channels of an image.
        image_reader: The `fcn_keras.data.ImageReader` of files, from its assets.

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
                f"{directory} is not a SavedModel: neither it nor a version in it (1, 2, ...) "
                "holds a saved_model.pb."
            )
        assets = self.directory / "assets"
        self._loaded = _loaded(tf, self.directory)
        signatures = self._loaded.signatures
        if not (assets / asset_names.TASK).is_file() or "serving_default" not in signatures:
            raise ValueError(
                f"{self.directory} was not written by fcn_keras.export.export_saved_model: "
                f"it has no assets/{asset_names.TASK} or no signature `serving_default`."
            )
        self.task = _task_in(assets / asset_names.TASK)
        halo = assets / asset_names.HALO
        self.halo = Halo.from_config(read_json(halo)) if halo.exists() else None
        images = assets / asset_names.IMAGES
        config = read_json(images) if images.exists() else None
        self.image_reader = ImageReader.from_config(config)
        self._segment, self._logits = signatures["serving_default"], signatures.get("logits")
        self._shape = tuple(self._segment.structured_input_signature[1]["images"].shape[1:])
        self.size = None if None in self._shape[:2] else self._shape[:2]
        self.channels = self._shape[2]

    def segment_batch(self, images, *, return_logits=False):
        """Segments several images of one size at once.

        Args:
            images: Arrays (H, W, channels) of 0-255, or one array (batch, H, W, channels).
            return_logits: Also return the logits.

        Returns:
            uint8 (batch, H, W), uint16 above 255 classes; float32 for other tasks. With
            `return_logits` the pair with float32 (batch, H, W, num_classes).

        Raises:
            ValueError: if an image cannot be used, for images of several sizes, and for the
                logits of a SavedModel exported without them.
        """
        import tensorflow as tf

        batch = tf.constant(as_batch(images, self._shape, self.image_reader))
        maps = self._segment(images=batch)[map_name(self.task)].numpy()
        if not return_logits:
            return maps
        if self._logits is None:
            return maps, outputs_in(self.task, maps)
        return maps, self._logits(images=batch)["logits"].numpy()


def _loaded(tf, directory):
    """The SavedModel in a version's folder; a ValueError names the part that is missing or short.

    TensorFlow raises for a damaged one whatever the damage leads to: OSError, IndexError, its own.
    """
    try:
        return tf.saved_model.load(str(directory))
    except MemoryError:
        raise
    except Exception as error:
        variables = directory / "variables"
        if not list(variables.glob("variables.data*")) or not list(variables.glob("*.index")):
            why = f"its files {variables / 'variables.*'} are missing"
        elif not (directory / "saved_model.pb").stat().st_size:
            why = "its saved_model.pb is empty"
        else:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            why = f"its saved_model.pb or a file of {variables} is damaged ({lines[0]})"
        raise ValueError(
            f"{directory} cannot be loaded as a SavedModel: {why}. Copy the whole folder again, or "
            "export it again."
        ) from error


def _task_in(path):
    config = read_json(path)
    try:
        return tasks.from_config(config)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} describes no task ({error}). Export the model again.") from error
