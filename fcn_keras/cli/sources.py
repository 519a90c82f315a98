"""What commands share: importing the library without remarks, and opening a dataset."""

import contextlib
import os
import sys
import tempfile


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
