"""From the words of the command line to datasets, models and predictors."""

import contextlib
import functools
import os
import sys
import tempfile
from pathlib import Path


def load_library():
    """Imports Keras and this package's layers without the lines that TensorFlow writes by itself.

    They come from C++ straight to the process's error output, so that is set aside meanwhile;
    if the import fails, they are shown.
    """
    with contextlib.nullcontext() if "keras" in sys.modules else without_remarks():
        import fcn_keras

        fcn_keras.register()


@contextlib.contextmanager
def without_remarks():
    """Sets aside what C++ writes straight to the process's error output, but for --debug.

    Python's own warnings are shown, and the rest too if what is done meanwhile fails.
    """
    if "--debug" in sys.argv:
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside, os.fdopen(os.dup(2), "w", buffering=1) as shown:
        os.dup2(aside.fileno(), 2)
        try:
            with contextlib.redirect_stderr(shown):
                yield
        except BaseException:
            aside.seek(0)
            os.write(shown.fileno(), aside.read())
            raise
        finally:
            os.dup2(shown.fileno(), 2)


def load_dataset(text, split, only=None, exclude=None):
    """The dataset that `--data` and its companions name.

    Raises:
        ValueError: for an unknown name or split, or where `only` and `exclude` leave nothing.
        FileNotFoundError: for a folder that is missing or lacks what the dataset needs.
    """
    from fcn_keras import data

    name, root, options = data.parse(text)
    dataset = data.load(name, root, split=split, **options)
    if only:
        dataset = dataset.select(only)
    if exclude:
        dataset = dataset.exclude(exclude)
    return dataset


def model_file(path):
    """The .keras file that a path means: itself, or the best model of a run folder.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: for a file of another kind.
    """
    from fcn_keras.training import RunFolder

    path = Path(path)
    if path.is_dir():
        return RunFolder(path).model_path()
    if not path.exists():
        raise FileNotFoundError(
            f"There is no model {path}: give a .keras file, a run folder, a SavedModel's folder or "
            "a .tflite file."
        )
    if path.suffix != ".keras":
        raise ValueError(
            f"{path} is no model: give a .keras file, a run folder, a SavedModel's folder or a "
            ".tflite file."
        )
    return path


def load_model(path):
    """The Keras model that a path means, without its optimizer."""
    import keras

    file = model_file(path)
    try:
        return keras.models.load_model(file, compile=False)
    except Exception as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{file} could not be loaded as a Keras model: {first}") from error


def load_segmenter(path, output=None):
    """The Keras model that a path means; of one with several outputs, the one that is named.

    Raises:
        ValueError: if it has several outputs and none is named, no such output, or several inputs.
    """
    from fcn_keras.models import one_output
    from fcn_keras.models.outputs import check_single, output_tasks

    model = load_model(path)
    known = [name for name in output_tasks(model) if name]
    if known and output is None:
        raise ValueError(f"{path} has the outputs {', '.join(known)}: name one with --output.")
    if output is not None:
        model = one_output(model, output)
    check_single(model, "The command line")
    return model


def load_predictor(path, output=None, labels=None):
    """What segments: a `Predictor` over a Keras model, what runs an exported one, or a client.

    `labels` is the file with the class names of a served model, or None.
    """
    from fcn_keras import LabelSet, export, inference
    from fcn_keras.export import serving
    from fcn_keras.export.saved_model import find_saved_model

    exported = None
    if labels is not None and not serving.is_address(path):
        raise ValueError(f"--labels belongs to a server's address; {path} has its own labels.")
    if serving.is_address(path):
        named = LabelSet.load(labels) if labels else None
        exported = functools.partial(serving.Client, labels=named)
    elif export.tflite.is_tflite(path):
        exported = export.tflite.Segmenter
    elif find_saved_model(path):
        exported = export.SavedModelPredictor
    if exported is not None:
        if output is not None:
            raise ValueError(f"{path} is an export, which has one output; leave --output out.")
        return exported(path)
    model = load_segmenter(path, output)
    return inference.Predictor(model, labels_beside(path, model))


def labels_beside(path, model):
    """The class names of a run folder, for a model that does not carry its own; else None."""
    from fcn_keras import LabelSet, labels_of
    from fcn_keras.training import RunFolder

    file = RunFolder(path if Path(path).is_dir() else Path(path).parent).labels
    return LabelSet.load(file) if labels_of(model) is None and file.is_file() else None
