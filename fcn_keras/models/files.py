"""Keras models in files: reading one, and saying what is wrong with a file that cannot be read."""

import zipfile
from pathlib import Path

import keras

_ZIP = b"PK"
_PARTS = ("config.json", "model.weights.h5")


def load_model(path, compile=False):
    """Returns the Keras model in a file.

    Args:
        path: A .keras file.
        compile: Whether to restore the optimizer, loss and metrics too.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or is no model; the message names the file.

    Example:

    ```python
    model.save("street.keras")
    again = fcn_keras.models.load_model("street.keras")
    ```
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no model file {path}.")
    try:
        return keras.models.load_model(path, compile=compile)
    except Exception as error:
        if path.suffix == ".keras":
            check_whole(path)
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{path} could not be loaded as a Keras model: {first}") from error


def check_whole(path):
    """Refuses a .keras file that is cut short or changed.

    Raises:
        ValueError: naming the file and the damage.
    """
    if damage := _damage(Path(path)):
        raise ValueError(f"{path} is damaged: {damage}. Copy or save it again.")


def _damage(path):
    """What is wrong with a .keras file, which is a zip archive; None if it is whole."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:
            return "it does not begin like a .keras file, which is a zip archive"
    try:
        with zipfile.ZipFile(path) as archive:
            changed = archive.testzip()
            missing = [part for part in _PARTS if part not in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError):
        return "it ends too early"
    if changed:
        return f"{changed} in it is not what was written"
    return f"it has no {missing[0]}" if missing else None
