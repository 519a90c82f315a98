"""Why a file or a folder is no Keras model that can be loaded: the cause, and what to do."""

import importlib
import json
import re
import zipfile

import h5py
import keras

from fcn_keras.text_files import other_kind

AGAIN = "Copy or save it again."
REGISTER = "register_keras_serializable"
_ZIP = b"PK"
_BEGINNING = 512
_PARTS = ("config.json", "model.weights.h5")
_UNPACKED = {*_PARTS, "metadata.json"}
_VERSION = re.compile(r"\d+")


def damage(path):
    """Returns what is wrong with a .keras file as a file, a clause; None if it is whole.

    Args:
        path: The Path of a file.
    """
    with path.open("rb") as file:
        start = file.read(len(_ZIP))
    if start != _ZIP:
        which = "does not begin like a .keras file, which is a zip archive"
        return f"it {which if start else 'is empty'}"
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            changed = archive.testzip()
    except (zipfile.BadZipFile, OSError, ValueError):
        return "it ends too early"
    if changed:
        return f"{changed} in it is not what was written"
    return _missing_part(names)


def other_format(path):
    """Returns what a file is by its beginning: "a web page, ..."; None for a zip archive, an empty
    file and what is not known.

    Args:
        path: The Path of a file.
    """
    with path.open("rb") as file:
        start = file.read(_BEGINNING)
    if start[4:8] == b"TFL3":
        return "a TFLite file, of which no Keras model can be made"
    if start.startswith(b"\x89HDF"):
        return _kind_of_hdf5(path)
    if start.startswith(b"\x80"):
        return "a pickle, as torch writes it, which is no Keras net"
    return None if start.startswith(_ZIP) else other_kind(start)


def _kind_of_hdf5(path):
    try:
        with h5py.File(path) as file:
            whole = "model_config" in file.attrs
    except OSError:
        return "an HDF5 file that ends too early"
    if whole:
        return (
            "a model in Keras's old HDF5 format. Convert it once: import fcn_keras, then "
            "keras.models.load_model('NAME.h5').save('NAME.keras')"
        )
    return (
        "a file of weights without the net they belong to. Build the net in Python, then "
        "model.load_weights('NAME.weights.h5') and model.save('NAME.keras')"
    )


def _missing_part(names):
    inside = [name for name in names if name.endswith(".keras")]
    if inside:
        return f"it is a zip archive with {inside[0]} in it; unpack it and take that file"
    if any(name.endswith("saved_model.pb") for name in names):
        return "it is a packed SavedModel; unpack it and give the folder"
    if any(name.endswith("data.pkl") for name in names):
        return "it is a file of torch, which is no Keras net"
    missing = [part for part in _PARTS if part not in names]
    return f"it has no {missing[0]}" if missing else None


def cause(path, error):
    """Returns why Keras could not load a .keras file that is whole, one sentence or more.

    Args:
        path: The Path of the file.
        error: The exception that Keras raised.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            saved = json.loads(archive.read("metadata.json")).get("keras_version", "")
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as found:
        return f"its config.json or metadata.json is damaged ({_first(found)}). {AGAIN}"
    if _numbers(saved) < (3,):
        return (
            f"it was saved by Keras {saved}, of whose files Keras 3 reads a part. Load it with "
            "that version, save its weights, and load them into the same net. Keras says: "
            f"{_last(error)}"
        )
    if _numbers(saved) > _numbers(keras.__version__):
        return (
            f"it was saved by Keras {saved}, which is newer than the installed "
            f"{keras.__version__} (pip install -U 'keras>={saved}'). Keras says: {_last(error)}"
        )
    return _of_layers(config) or _of_weights(path, error) or _last(error)


def _of_layers(config):
    """The sentence about the first layer whose class cannot be had, or None."""
    for one in _objects(config):
        name = (one.get("config") or {}).get("name", one.get("name"))
        if one.get("class_name") == "Lambda":
            return (
                f"its layer {name!r} is a Lambda, Python code that is not run from a file. Save "
                "the net with a layer in its place, such as keras.layers.Rescaling. If you trust "
                "the file: keras.config.enable_unsafe_deserialization() in Python, then load it."
            )
        if not _is_known(one):
            known = one["module"] or one.get("registered_name")
            return (
                f"the class {one['class_name']!r} of {name!r} is not known ({known}). If it is "
                f"yours, decorate it with @keras.saving.{REGISTER}() and import "
                "its module before the file is loaded in Python; commands know the classes of "
                "Keras and fcn_keras alone."
            )
    return None


def _objects(config):
    """Yields each dict of a config that describes an object of a class."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str) and "module" in config:
            yield config
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _objects(part)


def _is_known(one):
    if keras.saving.get_registered_object(one.get("registered_name") or one["class_name"]):
        return True
    module = one["module"] or ""
    if module.partition(".")[0] not in ("keras", "fcn_keras", "builtins"):
        return False
    if module == "builtins":
        return True
    try:
        return hasattr(importlib.import_module(module), one["class_name"])
    except ImportError:
        return False


def _of_weights(path, error):
    """The sentence about weights that are damaged or of another net, or None."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as file:
            h5py.File(file, "r").close()
    except OSError:
        return f"model.weights.h5 in it ends too early. {AGAIN}"
    if "could not be loaded" in str(error):
        return (
            "the weights in it do not fit the layers that its config.json describes: they belong "
            "to another net."
        )
    return None


def in_folder(path):
    """Returns what a folder without a model holds instead, a sentence; "" if nothing is known.

    Args:
        path: The Path of the folder.
    """
    names = sorted(entry.name for entry in path.iterdir())
    if set(names) >= _UNPACKED:
        return (
            " It holds the parts of an unpacked .keras file: pack config.json, metadata.json and "
            "model.weights.h5 into a zip archive of that suffix."
        )
    if any(
        "variables" in names or n.isdecimal() and (path / n / "variables").is_dir() for n in names
    ):
        return " It is a SavedModel without its saved_model.pb: copy the whole folder again."
    models = [n for n in names if n.endswith((".keras", ".tflite")) and not n.startswith(".")]
    if models:
        return f" It holds {', '.join(models[:5])}: give that file."
    runs = [n for n in names if any((path / n / f"{kind}.keras").is_file() for kind in _RUN)]
    if runs:
        return f" It holds the runs {', '.join(runs[:5])}: give one of those folders."
    return "" if names else " It is empty."


_RUN = ("best", "model")


def _numbers(version):
    return tuple(int(part) for part in _VERSION.findall(version)[:3])


def _first(error):
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _last(error):
    """The innermost of the messages that Keras nests into each other."""
    text = str(error).rpartition("Exception encountered: ")[2]
    return _first(text)
