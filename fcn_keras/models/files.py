"""Keras models in files: reading one, and saying what is wrong with a file that cannot be read."""

from pathlib import Path

import keras

from fcn_keras.models import diagnosis


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
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a .keras file.{diagnosis.in_folder(path)}")
    try:
        return keras.models.load_model(path, compile=compile)
    except (MemoryError, PermissionError):
        raise
    except Exception as error:
        check_whole(path)
        why = diagnosis.cause(path, error)
        raise ValueError(f"{path} could not be loaded as a Keras model: {why}") from error


def check_whole(path):
    """Refuses a .keras file that is cut short or changed, and a file of another kind.

    Raises:
        ValueError: naming the file and the damage.
    """
    path = Path(path)
    if not path.is_file():
        return
    if other := diagnosis.other_format(path):
        raise ValueError(f"{path} is no .keras file but {other}.")
    if damage := diagnosis.damage(path):
        raise ValueError(f"{path} is damaged: {damage}. {diagnosis.AGAIN}")
