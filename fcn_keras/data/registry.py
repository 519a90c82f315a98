"""The datasets by name, in Python and on the command line."""

import functools
import inspect
import os
from pathlib import Path

from fcn_keras.data import (
    ade20k,
    bsds,
    camvid,
    cityscapes,
    coco,
    digits,
    folder,
    nyud,
    pascal_context,
    sbd,
    scenes,
    siftflow,
    tfds,
    voc,
)
from fcn_keras.data.boundaries import boundaries_of
from fcn_keras.data.flow import flying_chairs, kitti, middlebury, sintel
from fcn_keras.data.protocol import DatasetModule
from fcn_keras.data.tools import cvat, label_studio, labelme, supervisely

BOUNDARIES = "boundaries"  # in front of another dataset's name

DATASETS: dict[str, DatasetModule] = {
    "digits": digits, "scenes": scenes, "camvid": camvid, "voc": voc, "sbd": sbd,
    "pascal-context": pascal_context, "nyud": nyud, "siftflow": siftflow,
    "cityscapes": cityscapes, "ade20k": ade20k, "coco": coco, "folder": folder,
    "labelme": labelme, "cvat": cvat, "label-studio": label_studio, "supervisely": supervisely,
    "flying-chairs": flying_chairs, "sintel": sintel, "kitti-flow": kitti,
    "middlebury": middlebury, "bsds": bsds,
}  # fmt: skip


def names():
    """Returns the names that `load` knows.

    "tfds:NAME" is any builder of TensorFlow Datasets, "boundaries:NAME" the boundaries between the
    classes of another dataset.

    Example:

    ```python
    print(fcn_keras.data.names())
    ```
    """
    return [*DATASETS, "tfds:NAME", "boundaries:NAME"]


class BoundariesOf:
    """The boundaries between the classes of another dataset, as a `DatasetModule`.

    Args:
        module: The `DatasetModule` of the other dataset, whose options and splits these are.
    """

    def __init__(self, module):
        self.OPTIONS, self.splits = module.OPTIONS, module.splits

        @functools.wraps(module.load)
        def load(*arguments, **options):
            return boundaries_of(module.load(*arguments, **options))

        self.load = load


def module_of(name):
    """Returns the `DatasetModule` of a dataset.

    Raises:
        ValueError: for an unknown name.
    """
    if name.startswith("tfds:") and name != "tfds:":
        return tfds.Builder(name)
    if name.startswith(f"{BOUNDARIES}:"):
        return BoundariesOf(module_of(name.removeprefix(f"{BOUNDARIES}:")))
    if name not in DATASETS:
        known, _, folder = name.partition(":")
        apart = f"; in Python the folder is an argument of its own: load({known!r}, {folder!r})"
        raise ValueError(
            f"There is no dataset {name!r}{apart if known in DATASETS else ''}. "
            f"Known: {', '.join(names())}."
        )
    return DATASETS[name]


def options_of(name):
    """Returns the options of a dataset, {name: `Option`}.

    Raises:
        ValueError: for an unknown name.

    Example:

    ```python
    print(*fcn_keras.data.options_of("folder"))
    ```
    """
    return module_of(name).OPTIONS


def load(name, root=None, split="train", **options):
    """Loads one split of a dataset.

    Args:
        name: One of `names()`: "digits" and "scenes" need no files, "tfds:NAME" is a builder of
            TensorFlow Datasets, the others are read from `root`.
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
    return module.load(at_home(root), split, **options).require_files()


def at_home(root):
    """Returns the folder of a dataset: `~` at its beginning is the home folder.

    Args:
        root: A path or None. A folder that has this name itself is kept.
    """
    if root is None or not str(root).startswith("~") or Path(root).exists():
        return root
    return os.path.expanduser(root)


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
