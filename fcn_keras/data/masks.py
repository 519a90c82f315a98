"""Mask files as label maps: index, palette or coloured PNGs, checked value by value."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from fcn_keras.data.images import open_image
from fcn_keras.labels import LabelSet


class LabelError(ValueError):
    """A mask holds a value that is no class: names the file, the value and the likely cause."""


@dataclass(frozen=True)
class MaskReader:
    """How a dataset's mask files are to be read.

    Attributes:
        labels: The dataset's `LabelSet`; also the colours of RGB masks.
        void: Values that stand for void in the files; they become `labels.ignore`.
        nonzero: Class that every value but 0 means (binary masks, instance numbers), or None.
    """

    labels: LabelSet
    void: tuple[int, ...] = (255,)
    nonzero: int | None = None

    def read(self, path):
        """A mask file as label map, (H, W) of `labels.dtype`, void as `labels.ignore`.

        Raises:
            LabelError: if it holds values that are neither classes nor void.
            ValueError: if the file cannot be read.
        """
        return self.decode(open_image(path), path)

    def decode(self, image, path):
        """The label map of an opened Pillow image; see `read`."""
        if image.mode in ("RGB", "RGBA"):
            return self._from_colors(np.asarray(image.convert("RGB")), path)
        if image.mode == "1":
            image = image.convert("L")
        if image.mode in ("LA", "PA"):
            image = Image.fromarray(np.asarray(image)[..., 0])
        return self.convert(np.asarray(image), path)

    def convert(self, values, path):
        """Label map of raw values, checked."""
        values = values.astype("int64")
        if self.nonzero is not None:
            return np.where(values != 0, self.nonzero, 0).astype(self.labels.dtype)
        result = values.astype(self.labels.dtype)
        for value in self.void:
            result[values == value] = self.labels.ignore
        wrong = self.wrong_values(values)
        if wrong:
            raise LabelError(self.explain(path, wrong, values))
        return result

    def wrong_values(self, values):
        """Values that are neither classes nor void, ascending."""
        allowed = [*range(self.labels.num_classes), *self.void, self.labels.ignore]
        return [int(v) for v in np.unique(values) if v not in allowed]

    def table(self):
        """256 entries from a file's value to the label map's; -1 where it is wrong."""
        table = np.full(256, -1)
        if self.nonzero is not None:
            table[:] = self.nonzero
            table[0] = 0
            return table
        count = min(self.labels.num_classes, 256)
        table[:count] = np.arange(count)
        for value in (*self.void, self.labels.ignore):
            if value < 256:
                table[value] = self.labels.ignore
        return table

    def explain(self, path, wrong, values):
        """The message for wrong values: file, value, allowed range, likely cause."""
        top = self.labels.num_classes - 1
        shown = ", ".join(str(value) for value in wrong[:8]) + (", ..." if len(wrong) > 8 else "")
        void = ", ".join(str(value) for value in sorted({*self.void, self.labels.ignore}))
        return (
            f"{path} holds the label {shown}; allowed are 0 to {top} and {void} for void. "
            + self._cause(wrong, set(np.unique(values).tolist()))
        )

    def _cause(self, wrong, present):
        top = self.labels.num_classes - 1
        if present <= {0, 255} or present <= {0, 1, 255}:
            return BINARY_HINT
        if max(wrong) == top + 1:
            return (
                f"Likely cause: the classes are counted from 1, or {top + 1} is void "
                f"(pass void=({top + 1},))."
            )
        if len(wrong) > 20:
            return "Likely cause: it is a photograph, or a mask saved as JPEG; masks must be PNG."
        return "Likely cause: num_classes or classes.txt is too short, or the value is void."

    def _from_colors(self, rgb, path):
        codes = joint_code(rgb)
        palette = joint_code(np.array(self.labels.palette))
        order = np.argsort(palette)
        place = np.clip(np.searchsorted(palette[order], codes), 0, len(order) - 1)
        result = order[place]
        known = palette[result] == codes
        result = result.astype(self.labels.dtype)
        void = np.isin(codes, [joint_code(np.array(c)) for c in VOID_COLORS]) & ~known
        result[void] = self.labels.ignore
        if not (known | void).all():
            row, column = np.argwhere(~(known | void))[0]
            grey = (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all()
            if grey:
                return self.convert(rgb[..., 0], path)
            raise LabelError(
                f"{path} holds the colour {tuple(int(v) for v in rgb[row, column])} at row {row}, "
                f"column {column}, which is no class's colour. Likely cause: the colours in "
                "classes.txt (name red green blue) are not the mask's, or the mask was saved as "
                "JPEG or resized with blending."
            )
        return result


BINARY_HINT = (
    "It is a binary mask of 0 and 255, and 255 means void here, so its object would be ignored. "
    "Pass binary=True (on the command line: --binary) to read every non-zero value as class 1."
)
VOID_COLORS = ((224, 224, 192), (255, 255, 255))


def joint_code(rgb):
    """One integer for each RGB triple of an array (..., 3)."""
    rgb = np.asarray(rgb).astype("int64")
    return (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]


def is_binary(values):
    """Whether an index mask holds 0 and 255 alone, both present."""
    present = np.unique(values)
    return len(present) == 2 and present[0] == 0 and present[1] == 255
