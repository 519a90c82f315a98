"""Mask files as label maps: index, palette or coloured PNGs, checked value by value."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from fcn_keras.data.headers import grey_steps
from fcn_keras.data.images import open_image
from fcn_keras.labels import VOID_COLOR, LabelSet


class LabelError(ValueError):
    """A mask holds a value that is no class: names the file, the value and the likely cause."""


@dataclass(frozen=True)
class MaskReader:
    """How a dataset's mask files are to be read.

    Index masks (grey PNG of 1 to 16 bits) and palette masks hold class numbers; RGB masks hold
    the classes' colours.

    Attributes:
        labels: The dataset's `LabelSet`; its palette is the colours of RGB masks.
        void: Values that stand for void in the files; they become `labels.ignore`, which itself
            always stands for void.
        nonzero: Class that every other value but 0 means (binary masks, instance numbers), or
            None. Then only `void` is void.
        colored: Whether an RGB mask that is grey everywhere still holds colours. If not, its grey
            values are class numbers, for classes that were given no colours of their own.
        void_colors: Colours that stand for void in RGB masks.

    Example:

    ```python
    eggs = fcn_keras.LabelSet(("background", "egg"))
    reader = fcn_keras.data.MaskReader(eggs, void=(), nonzero=1)
    label_map = reader.read("mask.png")
    ```
    """

    labels: LabelSet
    void: tuple[int, ...] = (255,)
    nonzero: int | None = None
    colored: bool = True
    void_colors: tuple[tuple[int, int, int], ...] = (VOID_COLOR,)

    def read(self, path):
        """A mask file as label map, (H, W) of `labels.dtype`, void as `labels.ignore`.

        Raises:
            FileNotFoundError: if there is no such file.
            LabelError: if it holds values that are neither classes nor void.
            ValueError: if the file cannot be read.
        """
        return self.convert(raw_values(path), path)

    def convert(self, values, path):
        """The label map of raw values: class numbers (H, W), or colours (H, W, 3)."""
        if values.ndim == 3:
            return self._from_colors(values, path)
        if values.dtype == np.uint8 and self.labels.dtype == np.uint8:
            result = self.table()[values]
            wrong = result.min(initial=0) < 0
        else:
            values = values.astype("int64")
            result, wrong = self._from_large(values)
        if wrong:
            raise LabelError(self._explain(path, values))
        return result.astype(self.labels.dtype)

    def table(self):
        """From each value 0..255 of a file to its label, int16; -1 where it is wrong."""
        return self._from_large(np.arange(256))[0].astype("int16")

    def _from_large(self, values):
        """Labels of any integers, -1 where they are wrong, and whether some are."""
        known = (values >= 0) & (values < self.labels.num_classes)
        result = np.where(known, values, -1)
        if self.nonzero is not None:
            result = np.where(values != 0, self.nonzero, 0)
        else:
            result[values == self.labels.ignore] = self.labels.ignore
        result[np.isin(values, self.void)] = self.labels.ignore
        return result, bool((result < 0).any())

    def _from_colors(self, rgb, path):
        """The label map of colours."""
        if self.nonzero is not None:
            return np.where(rgb.any(axis=-1), self.nonzero, 0).astype(self.labels.dtype)
        if not self.colored and is_grey(rgb):
            return self.convert(rgb[..., 0], path)
        codes = joint_code(rgb)
        colors = joint_code((*self.void_colors, *self.labels.palette))
        meanings = np.r_[
            np.full(len(self.void_colors), self.labels.ignore), : self.labels.num_classes
        ]
        order = np.argsort(colors, kind="stable")
        colors, meanings = colors[order], meanings[order]
        place = np.searchsorted(colors, codes, side="right") - 1
        known = (place >= 0) & (colors[place] == codes)
        if not known.all():
            raise LabelError(self._explain_color(path, rgb, ~known))
        return meanings[place].astype(self.labels.dtype)

    def _explain_color(self, path, rgb, wrong):
        row, column = np.argwhere(wrong)[0]
        start = (
            f"{path} holds the colour {tuple(rgb[row, column].tolist())} at row {row}, "
            f"column {column}, which is no class's colour. Likely cause: "
        )
        if str(path).lower().endswith((".jpg", ".jpeg")):
            return start + "it is a JPEG, which blends colours; masks must be PNG."
        if not self.colored:
            return start + "no colours were given: write name red green blue in classes.txt."
        return start + (
            "the colours given for the classes are not the mask's, void has a colour of its own, "
            "or the mask was saved as JPEG or resized with blending."
        )

    def _explain(self, path, values):
        """The message for wrong values: file, value, allowed range, likely cause."""
        present = np.unique(values)
        wrong = [int(v) for v in present[self._from_large(present.astype("int64"))[0] < 0]]
        shown = ", ".join(str(value) for value in wrong[:8]) + (", ..." if len(wrong) > 8 else "")
        void = ", ".join(str(value) for value in sorted({*self.void, self.labels.ignore}))
        return (
            f"{path} holds the label {shown}; allowed are 0 to {self.labels.num_classes - 1}, "
            f"and {void} for void. Likely cause: {self._cause(path, wrong, set(present.tolist()))}"
        )

    def _cause(self, path, wrong, present):
        count = self.labels.num_classes
        if str(path).lower().endswith((".jpg", ".jpeg")):
            return "it is a JPEG, which changes values; masks must be PNG."
        if len(wrong) == 1 and present <= {0, *wrong} and wrong[0] > count:
            return (
                f"it is a binary mask of 0 and {wrong[0]}, where every value but 0 is the object "
                "(folder datasets: binary=True, or folder:DIR,binary)."
            )
        if wrong == [count]:
            return (
                f"the classes are counted from 1, one is missing in the list of classes, or "
                f"{count} is void (folder datasets: void={count}, or folder:DIR,void={count})."
            )
        if min(wrong) < 0:
            return "negative values, which no class has."
        if len(wrong) > 20:
            return "it is a photograph or was resized with blending; masks hold class numbers."
        return "the list of classes is too short, or the value is void."


BINARY_HINT = (
    "The masks are binary, 0 and 255, and 255 means void here: their object would be ignored. "
    "To read every value but 0 as class 1, pass binary=True, on the command line "
    "folder:DIR,binary. If 255 really is void, pass void=255 (folder:DIR,void=255)."
)


def raw_values(path):
    """What a mask file holds: class numbers (H, W), or colours uint8 (H, W, 3)."""
    image = open_image(path)
    if image.mode in ("LA", "PA"):
        return np.asarray(image.getchannel(0))
    if image.mode in ("1", "L", "P") or image.mode.startswith("I"):
        values = np.asarray(image).astype("uint8" if image.mode == "1" else None, copy=False)
        steps = grey_steps(path) if image.mode == "L" else 1
        return values // steps if steps > 1 else values
    return np.asarray(image.convert("RGB"))


def joint_code(rgb):
    """One integer for each RGB triple of an array (..., 3)."""
    rgb = np.asarray(rgb).astype("int32")
    return (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]


def is_grey(rgb):
    """Whether the three channels agree everywhere."""
    return bool((rgb == rgb[..., :1]).all())


def look_binary(paths, most=32):
    """Whether index masks hold 0 and 255 alone, judged by the first `most` of them.

    A file that cannot be read tells nothing.
    """
    object_seen = False
    for path in paths[:most]:
        try:
            values = raw_values(path)
        except (OSError, ValueError):
            continue
        values = values[..., 0] if values.ndim == 3 and is_grey(values) else values
        if values.ndim == 3 or not np.isin(values, (0, 255)).all():
            return False
        object_seen |= bool(values.any())
    return object_seen
