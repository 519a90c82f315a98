"""Protocols of this folder: what a dataset module offers, and what reads targets."""

from typing import Any, Protocol

import numpy as np

from fcn_keras.data.dataset import Dataset
from fcn_keras.options import Option


class DatasetModule(Protocol):
    """What the module of a dataset offers; `registry.DATASETS` lists the modules by name.

    `load` finds the files and does not open them, so that `check` can report all that are missing;
    `fcn_keras.data.load` refuses missing files.

    Attributes:
        OPTIONS: {name: `Option`}: what may follow `NAME:DIR` on the command line. Each is a keyword
            argument of `load` and `splits`.
    """

    OPTIONS: dict[str, Option]

    def splits(self, root, **options: Any) -> list[str]:
        """Returns the splits that together hold every example once.

        Raises:
            FileNotFoundError: if there are none; the message says what belongs where.
        """
        ...

    def load(self, root, split: str = "train", **options: Any) -> Dataset:
        """Returns one split.

        Args:
            root: The dataset's folder. A dataset without files gives it the default None.
            split: Name of the split.
            **options: Those of `OPTIONS`, and others that Python alone has.

        Raises:
            FileNotFoundError: if a folder or a list is missing; the message says what belongs
                where. Missing images and targets are no error here.
            ValueError: for an unknown split or an impossible option.
        """
        ...


class TargetReader(Protocol):
    """What reads the targets of a dataset.

    Attributes:
        task: The `fcn_keras.tasks.Task` of the targets.
    """

    task: Any

    def read(self, path) -> np.ndarray:
        """Returns the target in a file, as `convert` does."""
        ...

    def convert(self, values, name) -> np.ndarray:
        """Returns the target that stored values stand for.

        Args:
            values: An array (H, W) or (H, W, C).
            name: Name of the file or the example, for messages.

        Returns:
            An array of `task.dtype` with `task.axes` axes; `task.invalid` where nothing is known.

        Raises:
            LabelError: for values that the task does not have.
            ValueError: for an array that is no target.
        """
        ...

    def settled(self, targets, name) -> "TargetReader":
        """Returns the reader for targets that `convert` returned already.

        Args:
            targets: All targets of a dataset.
            name: The dataset's name, for messages.

        Raises:
            LabelError: if all targets together show that they mean something else.
        """
        ...
