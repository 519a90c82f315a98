"""Files inside a .tflite file: the task of the net, its class names, and how it was made.

They are appended as a zip archive, which is how TFLite's metadata keeps its associated files.
"""

import json
import zipfile
from pathlib import Path

from fcn_keras.export.asset_names import TASK
from fcn_keras.export.decoding import files_of, task_in
from fcn_keras.models import diagnosis

NAMES, EXPORT = "labels.txt", "export.json"
IDENTIFIER = b"TFL3"


def is_tflite(path):
    """Returns whether a path is a TFLite file.

    Args:
        path: A path; it need not exist.

    Returns:
        bool.

    Example:

    ```python
    from fcn_keras.export.tflite.contents import is_tflite

    is_tflite("street.jpg")     # False
    ```
    """
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(8)[4:] == IDENTIFIER


def append(path, task, made):
    """Appends a zip archive to a .tflite file.

    Args:
        path: The file.
        task: The `fcn_keras.tasks.Task` of the net.
        made: A dict of JSON types that says how the file was made.
    """
    with zipfile.ZipFile(path, "a") as archive:
        if task.labels is not None:
            archive.writestr(NAMES, "".join(f"{name}\n" for name in task.labels.names))
        for name, text in files_of(task).items():
            archive.writestr(name, text)
        archive.writestr(EXPORT, json.dumps(made, indent=1))


def read(path):
    """Returns what `append` wrote: the pair (task, made).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a TFLite file, or not one of this package.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if not is_tflite(path):
        other = diagnosis.other_format(path)
        raise ValueError(f"{path} is not a TFLite file{f' but {other}' if other else ''}.")
    try:
        with zipfile.ZipFile(path) as archive:
            return task_in(archive.read(TASK)), json.loads(archive.read(EXPORT))
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"{path} has no {TASK} and {EXPORT} at its end: it is cut short, or "
            "fcn_keras.export.export_tflite did not write it. Copy or export it again."
        ) from error
    except KeyError as error:
        raise ValueError(
            f"{path} was not written by fcn_keras.export.export_tflite: it holds no {TASK} and "
            f"{EXPORT}."
        ) from error
