"""The datasets by name, in Python and on the command line."""

import contextlib
import inspect
import re

from fcn_keras.checks import number, one_of
from fcn_keras.data import (
    ade20k,
    camvid,
    cityscapes,
    coco,
    digits,
    folder,
    nyud,
    pascal_context,
    sbd,
    siftflow,
    tfds,
    voc,
)
from fcn_keras.data.protocol import DatasetModule

DATASETS: dict[str, DatasetModule] = {
    "digits": digits, "camvid": camvid, "voc": voc, "sbd": sbd, "pascal-context": pascal_context,
    "nyud": nyud, "siftflow": siftflow, "cityscapes": cityscapes, "ade20k": ade20k, "coco": coco,
    "folder": folder,
}  # fmt: skip
_TFDS = re.compile(r"(?P<name>\w+(?:/\w+)?(?::\d+\.\d+\.\d+)?)(?::(?P<root>.+))?")


def names():
    """Returns the names that `load` knows; "tfds:NAME" is any builder of TensorFlow Datasets.

    Example:

    ```python
    print(fcn_keras.data.names())
    ```
    """
    return [*DATASETS, "tfds:NAME"]


def module_of(name):
    """Returns the `DatasetModule` of a dataset.

    Raises:
        ValueError: for an unknown name.
    """
    if name.startswith("tfds:") and name != "tfds:":
        return tfds.Builder(name)
    if name not in DATASETS:
        known, _, folder = name.partition(":")
        apart = f"; in Python the folder is an argument of its own: load({known!r}, {folder!r})"
        raise ValueError(
            f"There is no dataset {name!r}{apart if known in DATASETS else ''}. "
            f"Known: {', '.join(names())}."
        )
    return DATASETS[name]


def load(name, root=None, split="train", **options):
    """Loads one split of a dataset.

    Args:
        name: One of `names()`: "digits" needs no files, "tfds:NAME" is a builder of TensorFlow
            Datasets, the others are read from `root`.
        root: The dataset's folder. For tfds: its data_dir, by default ~/tensorflow_datasets.
        split: Name of the split: "train", "val", ...
        **options: Options of the dataset: those of `OPTIONS` in its module, which its `load`
            describes, such as `fcn_keras.data.folder.load`.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: for an unknown dataset, split or option.
        FileNotFoundError: for missing files; the message says what was expected where.

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="val")
    ```
    """
    module = module_of(name)
    check_arguments(name, root, options)
    return module.load(root, split, **options).require_files()


def check_arguments(name, root, options):
    """Checks what is passed to a dataset's `load`.

    Raises:
        ValueError: for a dataset of files without its folder, or an option that it has not.
    """
    module = module_of(name)
    if root is None and needs_folder(module):
        raise ValueError(f"{name} needs its folder: root=DIR in Python, {name}:DIR in a command.")
    known = [*inspect.signature(module.load).parameters][2:]
    unknown = sorted(set(options) - set(known))
    if unknown:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise ValueError(f"{name} has no option {unknown[0]!r}; {has}.")


def needs_folder(module):
    """Returns whether a `DatasetModule` reads files: its `load` has no default for `root`."""
    root = inspect.signature(module.load).parameters["root"]
    return root.default is inspect.Parameter.empty


def parse(text):
    """Returns the arguments of `load` for NAME, NAME:DIR or NAME:DIR,OPTION,... of a command.

    An option is a word or word=value: voc:DIR,year=2007; folder:DIR,binary,void=11,void=12;
    digits:count=50. TensorFlow Datasets are tfds:NAME or tfds:NAME:DIR.

    Args:
        text: Such as "digits", "camvid:CamVid" or "folder:eggs,binary".

    Returns:
        `(name, root, options)`: str, str or None, dict.

    Raises:
        ValueError: for an unknown name, a dataset of files without DIR, or an impossible value of
            an option.

    Example:

    ```python
    name, root, options = fcn_keras.data.parse("folder:parts,void=254")
    data = fcn_keras.data.load(name, root, split="train", **options)
    ```
    """
    name, _, root = text.partition(":")
    if name not in (*DATASETS, "tfds"):
        raise ValueError(
            f"--data is NAME or NAME:DIR with NAME one of {', '.join(names())}; got {text!r}."
        )
    known = tfds.OPTIONS if name == "tfds" else DATASETS[name].OPTIONS
    alone = name != "tfds" and not needs_folder(DATASETS[name])
    options = {}
    while root.rpartition(",")[2].partition("=")[0] in known and ("," in root or alone):
        root, _, word = root.rpartition(",")
        key, _, text = word.partition("=")
        value = _value(known[key], word, text)
        options[key] = (value, *options.get(key, ())) if known[key].repeatable else value
    if name == "tfds":
        if not (found := _TFDS.fullmatch(root)):
            raise ValueError(f"--data takes tfds:NAME or tfds:NAME:DIR, got {text!r}.")
        return f"tfds:{found['name']}", found["root"], options
    check_arguments(name, root or None, {})
    return name, root or None, options


def _value(option, word, text):
    """The value of the text of an option."""
    if option.parse is not None:
        return option.parse(text)
    if option.kind is bool and text.lower() in ("", "true", "false"):
        return text.lower() != "false"
    if option.kind is int and text.removeprefix("-").isdecimal():
        return int(text)
    if option.kind is float:
        with contextlib.suppress(ValueError):
            return number(word.partition("=")[0], float(text))
    if option.kind is str and text:
        return one_of(word.partition("=")[0], text, option.choices) if option.choices else text
    wanted = {bool: "has no value", int: "needs =N", float: "needs =NUMBER", str: "needs =NAME"}
    raise ValueError(f"The option {word!r} of --data {wanted[option.kind]}.")
