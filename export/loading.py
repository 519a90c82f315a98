"""Opening a model in any of its forms: .keras, run folder, archive, SavedModel, TFLite, server."""

import os
import zipfile
from pathlib import Path

from fcn_keras.data.images.reader import ImageReader
from fcn_keras.export import serving, tflite
from fcn_keras.export.packing import unpacked
from fcn_keras.export.saved_model import SavedModelPredictor, find_saved_model
from fcn_keras.export.serving.addresses import is_address
from fcn_keras.export.tflite.contents import is_tflite
from fcn_keras.inference import Predictor
from fcn_keras.labels import LabelSet
from fcn_keras.models import diagnosis, files, labels_of, one_output
from fcn_keras.models.outputs import check_single, keeps_task, output_tasks
from fcn_keras.training import RunFolder

FORMS = (
    "a .keras file, a run folder, an archive of fcn-keras pack, a SavedModel's folder or a .tflite "
    "file"
)


def load(source, *, output=None, labels=None):
    """Returns what segments images with a model, in whatever form the model is.

    Args:
        source: One of

            - a .keras file;
            - a run folder: its best.keras, or model.keras of a run without validation;
            - an archive that `pack` wrote;
            - the folder of a SavedModel written by `export_saved_model`, or the folder of its
              versions, of which the highest is taken;
            - a .tflite file written by `export_tflite`;
            - the address of a server, `http://host:8501/v1/models/NAME` or
              `grpc://host:8500/NAME`.
        output: Name of the output of a Keras model that has several.
        labels: A `LabelSet`, or the path of its JSON file, for a Keras model or a served model
            that has no class names or other ones. SavedModels and TFLite files keep their own.

    Returns:
        A `Predictor`, `SavedModelPredictor`, `tflite.Segmenter` or `serving.Client`: all have the
        methods and attributes of `fcn_keras.inference.Segmenter`.

    Raises:
        FileNotFoundError: if there is no such file or folder, or no model in a folder.
        ValueError: if the file is damaged or holds no model; if the model has several outputs and
            `output` names none of them; for `output` or `labels` with a form that takes none.
        ImportError: if what runs the form is not installed; the message says how to install it.

    Example:

    ```python
    model.save("street.keras")
    fcn_keras.export.load("street.keras").segment("street.jpg")

    fcn_keras.export.export_saved_model(model, "serving/street")
    fcn_keras.export.load("serving/street").segment("street.jpg")
    ```
    """
    if isinstance(labels, (str, os.PathLike)):
        labels = LabelSet.load(labels)
    source = unpacked(source)
    exported = _exported(source)
    if exported is None:
        model = load_segmenter(source, output)
        reader = reader_beside(source, model)
        return Predictor(model, labels or labels_beside(source, model), reader)
    if output is not None:
        raise ValueError(
            f"{source} is an export, which has one output: leave --output (output=) out, "
            f"got {output!r}."
        )
    if exported is serving.Client:
        return serving.Client(source, labels=labels)
    if labels is not None:
        raise ValueError(f"{source} has class names of its own: leave --labels (labels=) out.")
    return exported(source)


def load_model(path):
    """Returns the Keras model in a .keras file or run folder, without its optimizer.

    Args:
        path: A .keras file, a run folder, or an archive of one.

    Returns:
        A `keras.Model`, with all its outputs.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if the file is of another kind, or damaged.
    """
    return files.load_model(model_file(path))


def load_segmenter(path, output=None):
    """Returns the Keras model in a .keras file or run folder, with one input and one output.

    Args:
        path: A .keras file, a run folder, or an archive of one.
        output: Name of the output of a model that has several.

    Raises:
        FileNotFoundError: as `load_model`.
        ValueError: as `load_model`; if the model has several outputs and none is named, no such
            output, or several inputs.
    """
    model = load_model(path)
    known = [name for name in output_tasks(model) if name]
    if known and output is None:
        raise ValueError(
            f"{path} has the outputs {', '.join(known)}: name one with --output (output=)."
        )
    if output is not None:
        model = one_output(model, output)
    check_single(model, "A segmenter")
    return model


def model_file(path):
    """Returns the .keras file that a path means: itself, or the best model of a run folder.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: for a file of another kind.
    """
    path = Path(unpacked(path))
    if path.is_dir():
        return RunFolder(path).model_path()
    if not path.exists():
        raise FileNotFoundError(f"There is no model {path}: give {FORMS}.")
    if path.suffix != ".keras":
        raise ValueError(f"{path} is no model{_but(path)} {FORMS}.")
    return path


def labels_beside(path, model):
    """Returns the class names in a run folder, for a model without its own; else None."""
    path = unpacked(path)
    file = RunFolder(path if Path(path).is_dir() else Path(path).parent).labels
    return LabelSet.load(file) if labels_of(model) is None and file.is_file() else None


def reader_beside(path, model):
    """Returns the `ImageReader` of the run beside a model that keeps none itself; else None."""
    path = unpacked(path)
    run = RunFolder(path if Path(path).is_dir() else Path(path).parent)
    if keeps_task(model) or not run.exists():
        return None
    try:
        data = run.read_config().get("data")
    except ValueError:
        if Path(path).is_dir():
            raise
        return None  # a config.json of another program, beside a model that is in no run
    train = data.get("train") if isinstance(data, dict) else None
    return ImageReader.from_config(train.get("image_reader")) if isinstance(train, dict) else None


def _but(path):
    """What a file is that is no model, for the message, which goes on with the forms."""
    if other := diagnosis.other_format(path):
        return f" but {other}. Give"
    whole = zipfile.is_zipfile(path) and diagnosis.damage(path) is None
    return ", but would be one by the name of .keras: rename it. Give" if whole else ": give"


def _exported(source):
    """The class that runs an export; None for what may be a Keras model."""
    if is_address(source):
        return serving.Client
    if is_tflite(source):
        return tflite.Segmenter
    return SavedModelPredictor if find_saved_model(source) else None
