"""What the targets of a dataset hold, for `check`. A new task is one line in `COUNTS`."""

from dataclasses import dataclass

import numpy as np

from fcn_keras.data.masks.reader import BINARY_HINT
from fcn_keras.labels import LabelSet
from fcn_keras.tasks import Regression, entry_for


@dataclass(frozen=True)
class ClassCounts:
    """How often each class occurs.

    Attributes:
        labels: The `LabelSet`.
        splits: The splits, in the order of the rows of `by_split`.
        by_split: Pixels of each class in each split, int64 (splits, num_classes).
        images: Number of images that contain the class, int64 (num_classes,).
        void_pixels: Pixels of void.
        by_read: Number of masks of each split that could be read.

    Example:

    ```python
    counts = fcn_keras.data.check("digits").counts
    dict(zip(counts.labels.names, counts.pixels))
    ```
    """

    labels: LabelSet
    splits: tuple[str, ...]
    by_split: np.ndarray
    images: np.ndarray
    void_pixels: int
    by_read: tuple[int, ...]

    @staticmethod
    def of_target(task, target):
        """Returns the counts of one label map, for `of_dataset`."""
        void = target == task.invalid
        return np.bincount(target[~void], minlength=task.num_classes), int(void.sum())

    @classmethod
    def of_dataset(cls, task, splits):
        """Returns the counts of a dataset.

        Args:
            task: The `Classes`.
            splits: {split: list of what `of_target` returned}.
        """
        nothing = [np.zeros(task.num_classes, "int64")]
        pixels = [[one for one, _ in found] or nothing for found in splits.values()]
        return cls(
            task.labels,
            tuple(splits),
            np.array([np.sum(part, axis=0, dtype="int64") for part in pixels]),
            np.sum([one > 0 for part in pixels for one in part], axis=0, dtype="int64"),
            sum(void for found in splits.values() for _, void in found),
            tuple(len(found) for found in splits.values()),
        )

    @property
    def pixels(self):
        """Pixels of each class, int64 (num_classes,)."""
        return self.by_split.sum(0)

    def problem(self, reader):
        """Returns what is wrong with all masks together, or None.

        It is the case of masks with nothing but class 0 and 255, where nothing declares 255.
        """
        background = self.pixels.any() and not self.pixels[1:].any()
        undeclared = reader.values is not None and not reader.declares_255
        if self.void_pixels and background and undeclared:
            return f"No mask holds anything but {self.labels.names[0]!r} and 255. {BINARY_HINT}"
        return None

    def read(self, split):
        """Returns whether any mask of a split could be read."""
        return split in self.splits and self.by_read[self.splits.index(split)] > 0

    def teaches_nothing(self, split):
        """Returns why no training on a split means anything, or None: void alone, one class."""
        pixels = self.by_split[self.splits.index(split)]
        if not pixels.any():
            return (
                f"No pixel of {split} has a class: the masks hold nothing but void. "
                "If 255 is the object, see folder:DIR,binary; otherwise the values of the masks "
                "are not those of the list of classes, or `void` names a class."
            )
        if np.count_nonzero(pixels) > 1:
            return None
        name = self.labels.names[int(pixels.argmax())]
        if self.labels.num_classes == 1:
            return (
                f"There is one class alone, {name!r}: a net has nothing to tell it apart from. "
                "Add the others, such as background, to the list of classes."
            )
        return (
            f"Every pixel of {split} that has a class is {name!r}: a net learns to answer it "
            "everywhere. The masks of the other classes are missing, or hold other values (void "
            "is not counted)."
        )

    def measures_nothing(self, split):
        """Returns why nothing can be measured on a split, or None: void alone."""
        if self.by_split[self.splits.index(split)].any():
            return None
        return f"No pixel of {split} has a class, so that nothing can be measured on it."

    def warnings(self):
        """Returns sentences about classes that no mask has, or none of the training masks."""
        total = self.pixels
        missing = [n for n, count in zip(self.labels.names, total, strict=True) if not count]
        sentences = [f"Never occurs: {', '.join(missing)}."] if missing else []
        for split, own in zip(self.splits, self.by_split, strict=True):
            names = zip(self.labels.names, own, total, strict=True)
            only = [name for name, here, everywhere in names if everywhere > here == 0]
            if split == "train" and only and own.any():
                sentences.append(f"Occurs, but never in train: {', '.join(only)}.")
        return sentences

    def table(self):
        """Returns the class distribution as text: a line for each class, and one for void."""
        width = max(len(name) for name in (*self.labels.names, "class"))
        every = max(int(self.pixels.sum()) + self.void_pixels, 1)
        lines = [f"{'':5}{'class':{width}}  {'share of pixels':>15}  {'images':>7}"]
        for number, name in enumerate(self.labels.names):
            share = f"{self.pixels[number] / every:.2%}"
            if not self.images[number]:
                share = "never occurs"
            lines.append(f"{number:3}  {name:{width}}  {share:>15}  {self.images[number]:7}")
        void = f"{self.void_pixels / every:.2%}"
        lines.append(f"{self.labels.ignore:3}  {'void':{width}}  {void:>15}")
        return "\n".join(lines)

    def to_dict(self):
        """Returns the counts in JSON types."""
        return {
            "labels": self.labels.to_config(),
            "pixels": self.pixels.tolist(),
            "images": self.images.tolist(),
            "void_pixels": self.void_pixels,
        }


@dataclass(frozen=True)
class ValueCounts:
    """The range of the values of each split.

    Attributes:
        task: The `fcn_keras.tasks.Regression`.
        rows: {split: {"images", "pixels", "invalid_pixels", "least", "mean", "most"}}; the last
            three are None where the split has no values.

    Example:

    ```python
    report = fcn_keras.data.check("folder", "depths", regression="depth", unit="m")
    report.counts.rows["train"]["most"]
    ```
    """

    task: Regression
    rows: dict

    @staticmethod
    def of_target(task, target):
        """Returns the counts of one map, for `of_dataset`."""
        valid = task.valid(target)
        values = target[valid].astype("float64")
        if not values.size:
            return valid.size, valid.size, np.inf, 0.0, -np.inf
        mean = values.sum() / task.channels
        return valid.size, int((~valid).sum()), values.min(), mean, values.max()

    @classmethod
    def of_dataset(cls, task, splits):
        """Returns the counts of a dataset; see `ClassCounts.of_dataset`."""
        rows = {}
        for split, found in splits.items():
            pixels, invalid, least, total, most = zip(*found, strict=True) if found else ((),) * 5
            valid = sum(pixels) - sum(invalid)
            rows[split] = {
                "images": len(found),
                "pixels": sum(pixels),
                "invalid_pixels": sum(invalid),
                "least": float(min(least)) if valid else None,
                "mean": float(sum(total) / valid) if valid else None,
                "most": float(max(most)) if valid else None,
            }
        return cls(task, rows)

    def problem(self, reader):
        """Returns what is wrong with all targets together, or None: no pixel has a value."""
        if any(row["mean"] is not None for row in self.rows.values()):
            return None
        return f"No pixel of any target has a value of {self.task.name!r}: all are NaN or void."

    def read(self, split):
        """Returns whether any target of a split could be read."""
        return split in self.rows and self.rows[split]["images"] > 0

    def teaches_nothing(self, split):
        """Returns why no training on a split means anything, or None: no values, or one alone."""
        row = self.rows[split]
        if row["mean"] is None:
            return (
                f"No pixel of {split} has a value of {self.task.name!r}: all are NaN or void, so "
                "that there is nothing to learn."
            )
        if row["least"] == row["most"]:
            return (
                f"Every value of {split} is {row['least']:g}: a net learns to answer it "
                "everywhere. Read are the values of the files times `scale`."
            )
        return None

    def measures_nothing(self, split):
        """Returns why nothing can be measured on a split, or None: no values."""
        if self.rows[split]["mean"] is not None:
            return None
        return f"No pixel of {split} has a value, so that nothing can be measured on it."

    def warnings(self):
        """Returns sentences about what may be intended: none."""
        return []

    def table(self):
        """Returns the range of the values as text: a line for each split."""
        width = max(len(split) for split in (*self.rows, "split"))
        unit = f" in {self.task.unit}" if self.task.unit else ""
        heads = ("images", "no value", "least", "mean", "most")
        lines = [
            f"{self.task.name}{unit}",
            f"{'split':{width}}" + "".join(f"  {head:>10}" for head in heads),
        ]
        for split, row in self.rows.items():
            cells = [str(row["images"]), f"{row['invalid_pixels'] / max(row['pixels'], 1):.2%}"]
            for key in ("least", "mean", "most"):
                cells.append("none" if row[key] is None else f"{row[key]:.6g}")
            lines.append(f"{split:{width}}" + "".join(f"  {cell:>10}" for cell in cells))
        return "\n".join(lines)

    def to_dict(self):
        """Returns the counts in JSON types."""
        return {"task": self.task.to_config(), "values": self.rows}


COUNTS = {
    "classes": ClassCounts,
    "regression": ValueCounts,
    "depth": ValueCounts,
    "flow": ValueCounts,
    "boundaries": ValueCounts,
    "normals": ValueCounts,
}


def counts_for(task):
    """Returns the class that counts the targets of a task.

    Raises:
        ValueError: for a task without one.
    """
    return entry_for(task, COUNTS, "report of targets")
