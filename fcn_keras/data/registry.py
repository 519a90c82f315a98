"""The datasets by name, and how a command line names them."""

import inspect
import re

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

DATASETS = {
    "digits": digits, "camvid": camvid, "voc": voc, "sbd": sbd, "pascal-context": pascal_context,
    "nyud": nyud, "siftflow": siftflow, "cityscapes": cityscapes, "ade20k": ade20k, "coco": coco,
    "folder": folder,
}  # fmt: skip
_TFDS = re.compile(r"(?P<name>\w+(?:/\w+)?(?::\d+\.\d+\.\d+)?)(?::(?P<root>.+))?")


def names():
    """The names that `load` knows, a list of str; "tfds:NAME" is any builder of TFDS.

    Example:

    ```python
    print(fcn_keras.data.names())
    ```
    """
    return [*DATASETS, "tfds:NAME"]


def module_of(name):
    """The module of a dataset, or what does a module's part for a TFDS builder.

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
        name: "digits", which needs no files; one of `names()`, which read `root`; or "tfds:NAME",
            a builder of TensorFlow Datasets.
        root: The dataset's folder; for tfds: its data_dir, ~/tensorflow_datasets by default.
        split: Name of the split: "train", "val", ...
        **options: The dataset's own. digits: size, count, seed. voc: year, sbd. sbd: voc.
            pascal-context: voc, background. nyud: inputs. siftflow: task. coco: annotations,
            images, crowd. folder: binary, void, images, masks. tfds: download, classes, first,
            void, image, mask. See `fcn_keras.data.folder.load` and its like.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: for an unknown dataset, split or option.
        FileNotFoundError: for missing files, saying what was expected where.

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="val")
    ```
    """
    module = module_of(name)
    need_root(name, root)
    unknown = sorted(set(options) - set(inspect.signature(module.load).parameters))
    if unknown:
        raise ValueError(f"{name} has no option {unknown[0]!r}.")
    return module.load(root, split, **options)


def need_root(name, root):
    """Raises ValueError if a dataset of files comes without its folder."""
    if root is None and name != "digits" and not name.startswith("tfds:"):
        raise ValueError(f"{name} needs its folder: root=DIR in Python, {name}:DIR in a command.")


def parse(text):
    """What the command line's NAME, NAME:DIR or NAME:DIR,OPTION,... means for `load`.

    An option is a word or word=value: year=2007 (voc); binary, void=11 (repeated for several),
    images=FOLDER and masks=FOLDER (folder); count=50 and seed=1 (digits); and so on, as `load`
    lists them. For TFDS it is tfds:NAME or tfds:NAME:DIR.

    Args:
        text: Such as "digits", "camvid:CamVid" or "folder:eggs,binary".

    Returns:
        `(name, root, options)`: str, str or None, dict.

    Raises:
        ValueError: for an unknown name, a dataset of files without DIR, or an option's value that
            does not fit.

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
    known, options = tfds.OPTIONS if name == "tfds" else DATASETS[name].OPTIONS, {}
    while root.rpartition(",")[2].partition("=")[0] in known and ("," in root or name == "digits"):
        root, _, word = root.rpartition(",")
        key, _, value = word.partition("=")
        if isinstance(known[key], tuple):
            options[key] = (_value(known[key][0], word, value), *options.get(key, ()))
        else:
            options[key] = _value(known[key], word, value)
    if name == "tfds":
        if not (found := _TFDS.fullmatch(root)):
            raise ValueError(f"--data tfds:NAME or tfds:NAME:DIR was expected, got {text!r}.")
        return f"tfds:{found['name']}", found["root"], options
    need_root(name, root or None)
    return name, root or None, options


def _value(kind, word, value):
    """The value of an option's word, of the kind that the dataset wants."""
    if kind is bool and value.lower() in ("", "true", "false"):
        return value.lower() != "false"
    if kind is int and value.isdecimal():
        return int(value)
    if kind is str and value:
        return value
    wanted = {bool: "stands alone", int: "needs =NUMBER", str: "needs =NAME"}[kind]
    raise ValueError(f"The option {word!r} of --data {wanted}.")
