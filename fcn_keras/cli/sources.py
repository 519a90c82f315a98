"""Functions that commands share: importing the library quietly, and opening a dataset."""

import contextlib
import os
import sys
import tempfile
import traceback

BACKENDS = ("tensorflow", "jax", "torch")


def load_library():
    """Imports Keras and this package's layers, and hides the lines that TensorFlow writes then.

    If the import fails, they are shown. Commands compute in float32, or as --precision says, on
    images with channels last, whatever keras.json says.

    Raises:
        RuntimeError: if Keras's backend cannot be imported; the message says what to set.
    """
    with contextlib.nullcontext() if "keras" in sys.modules else hidden_notes():
        keras = _import_keras()
        keras.config.set_floatx("float32")
        keras.config.set_image_data_format("channels_last")
        import fcn_keras

        fcn_keras.register()


def _import_keras():
    """Keras, on a backend that nets can be trained on."""
    remedy = "Set KERAS_BACKEND=tensorflow (pip install tensorflow), or jax or torch."
    try:
        import keras
    except (ImportError, ValueError) as error:
        given = os.environ.get("KERAS_BACKEND")
        where = "which keras.json names" if given is None else f"KERAS_BACKEND={given}"
        raise RuntimeError(f"Keras cannot use its backend, {where}: {error}. {remedy}") from error
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise RuntimeError(f"Keras's backend {backend!r} cannot train nets. {remedy}")
    return keras


@contextlib.contextmanager
def hidden_notes():
    """Hides what C++ code writes directly to the process's error output, unless --debug is given.

    Python's own warnings are shown. If the code inside fails, everything is shown.
    """
    if "--debug" in sys.argv:
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside, _error_output() as shown:
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


def _error_output():
    """A second error output of the process, for characters of any language."""
    return os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")


def print_picture(what, draw):
    """Draws a picture and prints where it is; if that fails, prints why as a note.

    What was found out before stays valid without its picture.

    Args:
        what: What the picture shows.
        draw: Function without arguments that writes it and returns its path.
    """
    try:
        path = draw()
    except Exception as error:  # whatever a font, a disk or an image may raise
        if "--debug" in sys.argv:
            traceback.print_exc()
        print(f"note: the {what} could not be drawn: {error}")
    else:
        print(f"{what}: {path}")


def load_dataset(text, split, only=None, exclude=None, reader=None):
    """Returns the dataset that --data and the options with it name.

    Args:
        text: The text of --data.
        split: Name of the split.
        only, exclude: Patterns of names, or None.
        reader: The `ImageReader` of a model, whose options hold where the text gives none.

    Raises:
        ValueError: for an unknown name or split, or where `only` and `exclude` leave nothing.
        FileNotFoundError: for a folder that is missing or lacks what the dataset needs.
    """
    from fcn_keras import data

    name, root, options = data.parse(text)
    if reader is not None:
        known = data.options_of(name)
        own = {key: value for key, value in reader.to_config().items() if key in known}
        options = {**own, **options}
    dataset = data.load(name, root, split=split, **options)
    if only:
        dataset = dataset.select(only)
    if exclude:
        dataset = dataset.exclude(exclude)
    return dataset
