"""What lies in a .tflite file beside the net: its class names, and how it was made.

They are appended as a zip archive, as TFLite's metadata has its associated files.
"""

import json
import zipfile
from pathlib import Path

from fcn_keras.export.asset_names import LABELS
from fcn_keras.labels import LabelSet

NAMES, EXPORT = "labels.txt", "export.json"
IDENTIFIER = b"TFL3"


def is_tflite(path):
    """Whether a path is a TFLite file.

    Args:
        path: A path; it need not exist.

    Returns:
        bool.

    Example:

    ```python
    fcn_keras.export.tflite.is_tflite("street.jpg")     # False
    ```
    """
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(8)[4:] == IDENTIFIER


def append(path, labels, made):
    """Puts the labels and the dict `made` behind the net in a file."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NAMES, "".join(f"{name}\n" for name in labels.names))
        archive.writestr(LABELS, json.dumps(labels.to_config(), indent=1))
        archive.writestr(EXPORT, json.dumps(made, indent=1))


def read(path):
    """`(LabelSet, dict)` that `append` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no TFLite file, or none of this package.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if not is_tflite(path):
        raise ValueError(f"{path} is no TFLite file.")
    try:
        with zipfile.ZipFile(path) as archive:
            labels, made = (json.loads(archive.read(name)) for name in (LABELS, EXPORT))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(
            f"{path} was not written by fcn_keras.export.export_tflite: it holds no {LABELS} and "
            f"{EXPORT}."
        ) from error
    return LabelSet.from_config(labels), made
