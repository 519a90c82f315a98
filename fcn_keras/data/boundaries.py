"""Targets of boundaries: soft maps, the .mat files of BSDS500, and outlines of label maps."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_keras.checks import one_of
from fcn_keras.data.masks.label_error import LabelError
from fcn_keras.data.masks.matlab import read_mat
from fcn_keras.data.values import read_values
from fcn_keras.tasks import Boundaries

# What becomes of the shares of several annotators.
TARGETS = ("mean", "consensus", "certain")


@dataclass(frozen=True)
class BoundaryReader:
    """How targets of boundaries are read.

    .mat files are those of BSDS500, with a cell for each annotator. Images are grey: 255 is a
    boundary in files of 8 bits, 1 where nothing is above 1. .npy files hold shares from 0 to 1,
    with NaN for pixels that are not known.

    Attributes:
        task: `fcn_keras.tasks.Boundaries`.
        target: What becomes of the share of annotators who marked a pixel. "mean": the share
            itself. "consensus": 1 from half of them on, else 0. "certain": the same, and NaN where
            some marked it but fewer than half.

    Raises:
        ValueError: for another `target`.

    Example:

    ```python
    reader = fcn_keras.data.BoundaryReader(target="certain")
    reader.convert(np.array([[0, 0.2, 0.6]]), "soft.npy")       # [[0, nan, 1]], float32
    ```
    """

    task: Boundaries = Boundaries()
    target: str = "mean"

    def __post_init__(self):
        one_of("target", self.target, TARGETS)

    def read(self, path):
        """Returns the target in a file, float32 (H, W), NaN where it is not known.

        Raises:
            FileNotFoundError: if there is no such file.
            LabelError: for values outside 0 to 1.
            ValueError: naming the file, if it cannot be read or holds no such map.
        """
        if Path(path).suffix.lower() == ".mat":
            return self._reduced(self.read_annotations(path).mean(0, dtype="float32"))
        return self.convert(read_values(path), path)

    def read_annotations(self, path):
        """Returns the boundaries of each annotator in a file, bool (annotators, H, W).

        A file that is no .mat is one annotator, who marked what reaches 0.5.
        """
        if Path(path).suffix.lower() != ".mat":
            return (self.convert(read_values(path), path) >= 0.5)[None]
        cells = np.atleast_1d(read_mat(path, ("groundTruth",))).ravel()
        found = [cell["Boundaries"] for cell in cells if "Boundaries" in (cell.dtype.names or ())]
        found = [np.asarray(one.item() if one.dtype == object else one) for one in found]
        if not found or any(one.ndim != 2 or one.shape != found[0].shape for one in found):
            raise ValueError(
                f"{path}: groundTruth must be cells of the annotators, each a struct with "
                "Boundaries (height, width), as in BSDS500."
            )
        return np.stack(found) > 0

    def convert(self, values, name):
        """Returns the target that stored values stand for; see `read`."""
        values = np.asarray(values)
        if values.ndim == 3 and values.shape[-1] == 1:
            values = values[..., 0]
        if values.ndim != 2 or values.dtype.kind not in "uifb":
            raise ValueError(
                f"{name}: boundaries must be numbers (H, W), got {values.dtype} {values.shape}."
            )
        share = values.astype("float32")
        if values.dtype.kind == "u" and values.max(initial=0) > 1:
            share /= np.iinfo(values.dtype).max
        least, most = np.nanmin(share, initial=0), np.nanmax(share, initial=0)
        if least < 0 or most > 1:
            raise LabelError(
                f"{name} holds values from {least:g} to {most:g}. Boundaries are shares from 0 to "
                "1, or 0 and 255 in unsigned 8 bits; NaN stands for pixels that are not known."
            )
        return self._reduced(share)

    def settled(self, targets, name):
        """Returns the reader for targets that are shares already."""
        return BoundaryReader(self.task)

    def _reduced(self, share):
        if self.target == "mean":
            return share
        reduced = np.where(np.isnan(share), np.nan, share >= 0.5).astype("float32")
        if self.target == "certain":
            reduced[(share > 0) & (share < 0.5)] = np.nan
        return reduced


@dataclass(frozen=True)
class OutlineReader:
    """Reads label maps and returns the boundaries between their classes.

    Attributes:
        labels: The reader of the label maps.
        task: `fcn_keras.tasks.Boundaries`.
    """

    labels: object
    task: Boundaries = Boundaries()

    def read(self, path):
        """Returns the boundaries of the label map in a file; see `outlines`."""
        return outlines(self.labels.read(path), self.labels.task.invalid)

    def convert(self, values, name):
        """Returns the boundaries of a label map; floats are boundaries already."""
        if np.asarray(values).dtype.kind == "f":
            return BoundaryReader().convert(values, name)
        return outlines(self.labels.convert(values, name), self.labels.task.invalid)

    def settled(self, targets, name):
        """Returns the reader for targets that are boundaries already."""
        return BoundaryReader(self.task)


def outlines(labels, void):
    """Returns the boundaries of a label map: pixels whose right or lower neighbour is another.

    Args:
        labels: Whole numbers (H, W).
        void: The value that is no class.

    Returns:
        float32 (H, W): 1 on boundaries, else 0; NaN for void.

    Example:

    ```python
    from fcn_keras.data.boundaries import outlines

    outlines(np.array([[0, 0, 1, 1]]), void=255)     # [[0, 1, 0, 0]]
    ```
    """
    labels = np.asarray(labels)
    known, found = labels != void, np.zeros(labels.shape, "float32")
    for here, there in (
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        differ = (labels[here] != labels[there]) & known[here] & known[there]
        found[here] = np.maximum(found[here], differ)
    found[~known] = np.nan
    return found


def boundaries_of(dataset):
    """Returns a dataset of classes as one of the boundaries between them.

    Args:
        dataset: A `Dataset` of classes.

    Returns:
        A `Dataset` of `fcn_keras.tasks.Boundaries`; void is not known.

    Raises:
        ValueError: for a dataset without classes.

    Example:

    ```python
    data = fcn_keras.data.boundaries_of(fcn_keras.data.load("digits", split="val"))
    image, target = data[0]     # 1 on the outlines of the digits, else 0
    ```
    """
    if dataset.labels is None:
        raise ValueError(
            f"{dataset.name} ({dataset.split}) has no classes whose boundaries could be taken: its "
            f"task is {dataset.task}."
        )
    task = Boundaries()
    targets = dataset.targets
    if dataset.in_memory:
        targets = tuple(outlines(target, dataset.task.invalid) for target in targets)
        reader = BoundaryReader(task)
    else:
        reader = OutlineReader(dataset.reader, task)
    return dataclasses.replace(dataset, task=task, targets=targets, reader=reader)
