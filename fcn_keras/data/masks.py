"""Masks as label maps: index, palette or coloured PNGs and .npy files, checked value by value."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import ImageOps

from fcn_keras.data.headers import index_png
from fcn_keras.data.images import open_image
from fcn_keras.data.npy import is_npy, read_npy
from fcn_keras.labels import VOID_COLOR, LabelSet
from fcn_keras.tasks import Classes


class LabelError(ValueError):
    """A target holds a value that its task does not have, such as a label that is no class.

    The message names the file, the value and the likely cause.

    Example:

    ```python
    try:
        fcn_keras.data.read_mask("parts/masks/0.png", fcn_keras.LabelSet(("belt", "washer")))
    except fcn_keras.data.LabelError as error:
        print(error)
    ```
    """


@dataclass(frozen=True)
class MaskReader:
    """How the mask files of a dataset are read.

    Attributes:
        labels: The dataset's `LabelSet`. Its palette gives the colours of RGB masks.
        void: Further values that stand for void in the files, as `labels.ignore` does. Negative
            ones are those of .npy files.
        values: What the values of index masks mean, as (first, last, label), last included.
            Default: value i is class i.
        void_colors: Colours that stand for void in RGB masks.
        more_colors: Further colours of classes in RGB masks, as (red, green, blue, label).
        palette_is_key: Whether the palette was given for the masks. If so, palette masks and RGB
            masks of grey alone are read by their colours where those are the classes'; otherwise
            by their index.
        refuse_binary: Whether masks of 0 and 255 alone are refused: their 255 is more likely an
            object than void.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("belt", "washer", "nut"))
    reader = fcn_keras.data.MaskReader(labels, void=(254,))
    label_map = reader.read("parts/masks/0.png")
    ```
    """

    labels: LabelSet
    void: tuple[int, ...] = ()
    values: tuple[tuple[int, int, int], ...] | None = None
    void_colors: tuple[tuple[int, int, int], ...] = (VOID_COLOR,)
    palette_is_key: bool = False
    refuse_binary: bool = False
    more_colors: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def task(self):
        """The task of the label maps: `Classes(labels)`."""
        return Classes(self.labels)

    @property
    def declares_255(self):
        """Whether `void` or `values` say what 255 means; otherwise it is void."""
        return 255 in self.void or any(a <= 255 <= b for a, b, _ in self.values or ())

    def read(self, path):
        """Returns a mask file as label map, (H, W) of `labels.dtype`, void as `labels.ignore`.

        Raises:
            FileNotFoundError: if there is no such file.
            LabelError: if it holds values that are neither classes nor void.
            ValueError: if the file cannot be read.
        """
        if is_npy(path):
            return self.convert(read_npy(path), path)
        return self.decode(open_image(path), path)

    def decode(self, image, path):
        """Returns the label map of an opened Pillow image; see `read`."""
        image = ImageOps.exif_transpose(image)
        if image.mode == "P" and self.palette_is_key:
            return self._from_palette(image, path)
        if image.mode in ("RGB", "RGBA"):
            return self._from_colors(np.asarray(image.convert("RGB")), path)
        if image.mode in ("LA", "PA"):
            image = image.getchannel(0)
        if image.mode not in ("1", "L", "P") and not image.mode.startswith("I"):
            raise ValueError(
                f"{path} is an image of mode {image.mode}; masks are index, palette or RGB images."
            )
        values = np.asarray(image)
        if image.mode == "1":
            values = values.astype("uint8")
        elif image.mode == "L" and (header := index_png(path)):
            values = values // header.unit if header.unit > 1 else values
        return self.convert(values, path)

    def convert(self, values, path):
        """Returns the label map that the values of an index mask stand for; see `read`."""
        values = np.asarray(values)
        if values.ndim != 2 or values.dtype.kind not in "uib":
            raise ValueError(
                f"{path}: a label map must be whole numbers (H, W), "
                f"got {values.dtype} {values.shape}."
            )
        values = values.astype("uint8") if values.dtype.kind == "b" else values
        if min(self.void, default=0) < 0 and values.min(initial=0) < 0:
            void = np.flatnonzero(self.table == self.labels.ignore)
            if void.size:
                values = np.where(np.isin(values, self.void) & (values < 0), void[0], values)
        inside = values
        if values.size and (values.min() < 0 or values.max() >= len(self.table)):
            inside = np.clip(values, 0, len(self.table) - 1)
        result = self.table[inside]
        if (result < 0).any() or inside is not values:
            raise LabelError(self._explanation(path, values))
        if self.refuse_binary and values.max(initial=0) == 255:
            if not np.any((values > 0) & (values < 255)):
                raise LabelError(f"{path} holds only the labels 0 and 255. {BINARY_HINT}")
        return result.astype(self.labels.dtype)

    def settled(self, targets, name):
        """Returns the reader of label maps that `convert` returned.

        Raises:
            LabelError: if of two classes there is nothing but 0 and 255, and 255 was not declared:
                the object would be void without a word.
        """
        if not self.declares_255 and self.labels.num_classes <= 2:
            objects = any((target == 1).any() for target in targets)
            void = any((target == 255).any() and (target == 0).any() for target in targets)
            if void and not objects:
                raise LabelError(
                    f"{name}: no label map holds class 1, but some hold 0 and 255, and 255 means "
                    "void, which is left out. If 255 is the object, pass mask == 255 as label "
                    "maps; if it is void, pass reader=MaskReader(labels, void=(255,))."
                )
        return MaskReader(self.labels, (self.labels.ignore,))

    @cached_property
    def table(self):
        """Table from a file's value, 0..65535, to the label; -1 for a wrong value."""
        table = np.full(65536, -1, "int32")
        classes = range(self.labels.num_classes)
        meanings = [(c, c, c) for c in classes] if self.values is None else self.values
        for first, last, label in meanings:
            table[first : last + 1] = label
        for value in (*(void for void in self.void if void >= 0), self.labels.ignore):
            if value in self.void or table[value] < 0:
                table[value] = self.labels.ignore
        return table

    @cached_property
    def colors(self):
        """Table from a colour's `joint_code` to the label; -1 for a colour of no class."""
        table = np.full(1 << 24, -1, "int16" if self.labels.dtype == np.uint8 else "int32")
        table[joint_code(np.array(self.void_colors, "uint8"))] = self.labels.ignore
        codes = joint_code(np.array(self.labels.palette, "uint8"))
        if len(np.unique(codes)) < len(codes):
            raise ValueError("RGB masks need a colour of its own for each class; two are equal.")
        table[codes] = np.arange(self.labels.num_classes)
        for *color, label in self.more_colors:
            table[joint_code(np.array(color, "uint8"))] = label
        return table

    def _from_colors(self, rgb, path):
        grey = (rgb == rgb[..., :1]).all()
        if grey and not self.palette_is_key and (self.table[rgb[..., 0]] >= 0).all():
            return self.convert(rgb[..., 0], path)
        result = self.colors[joint_code(rgb)]
        if not (result < 0).any():
            return result.astype(self.labels.dtype)
        if grey:
            return self.convert(rgb[..., 0], path)
        row, column = np.argwhere(result < 0)[0]
        raise LabelError(
            f"{path} holds the colour {tuple(rgb[row, column].tolist())} at row {row}, column "
            f"{column}, which is no class's; those of the classes are {self._colors_text()}. "
            "Likely cause: a class or colour is missing in classes.txt (name red green blue), or "
            "the mask was saved as JPEG or resized with blending."
        )

    def _from_palette(self, image, path):
        values = np.asarray(image)
        used = np.unique(values)
        palette = np.array(image.getpalette("RGB"), "uint8").reshape(-1, 3)
        if used[-1] < len(palette) and (self.colors[joint_code(palette[used])] >= 0).all():
            return self._from_colors(palette[values], path)
        return self.convert(values, path)

    def _colors_text(self):
        pairs = list(zip(self.labels.names, self.labels.palette, strict=True))
        text = ", ".join(f"{name} {color}" for name, color in pairs[:6])
        return text + (", ..." if len(pairs) > 6 else "")

    def _explanation(self, path, values):
        """The message for wrong values: file, value, allowed range, likely cause."""
        present = np.unique(values).tolist()
        wrong = [v for v in present if not 0 <= v < len(self.table) or self.table[v] < 0]
        shown = ", ".join(str(value) for value in wrong[:8]) + (", ..." if len(wrong) > 8 else "")
        return (
            f"{path} holds the label{'s' * (len(wrong) > 1)} {shown}; allowed are "
            f"{self._allowed_text()}. {self._cause(path, wrong, present)}"
        )

    def _allowed_text(self):
        table = np.append(self.table, -1)
        known = (table >= 0) & (table != self.labels.ignore)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], known])))
        runs = [
            f"{first} to {end - 1}" if end - first > 1 else str(first)
            for first, end in zip(edges[::2], edges[1::2], strict=True)
        ]
        void = " and ".join(str(v) for v in np.flatnonzero(table == self.labels.ignore)[:4])
        return f"{', '.join(runs)} ({self.labels.num_classes} classes) and {void} for void"

    def _cause(self, path, wrong, present):
        count = self.labels.num_classes
        if set(present) <= {0, 1, 255} and 255 in wrong:
            return BINARY_HINT
        if Path(path).suffix.lower() in (".jpg", ".jpeg"):
            return "Likely cause: JPEG changes the values of a mask. Save masks as PNG."
        if len(wrong) > 20:
            return (
                "Likely cause: this is a photograph or a blended picture, not a mask of class "
                "numbers; it may have been saved as JPEG or resized with blending."
            )
        if wrong == [count] and 0 not in present:
            return "Likely cause: the classes are counted from 1 instead of 0."
        if wrong == [count]:
            return (
                f"Likely cause: a class is missing (there are {count} names), the classes are "
                f"counted from 1, or {count} means void (void={count}, folder:DIR,void={count}, or "
                f"a line `void = {count}` in classes.txt)."
            )
        if set(present) == {0, wrong[0]}:
            return (
                f"Likely cause: a binary mask whose object is {wrong[0]}. Pass binary=True, on "
                f"the command line folder:DIR,binary; or write `= {wrong[0]}` after the object's "
                "name in classes.txt."
            )
        return "Likely cause: a class is missing from the names, or the value means void."


BINARY_HINT = (
    "It is a binary mask of 0 and 255; 255 means void by convention, so the object would be "
    "ignored. To read every value but 0 as class 1, pass binary=True, on the command line "
    "folder:DIR,binary; or write `= 0` and `= 255` after the names in classes.txt. If 255 really "
    "is void, declare it: void=255, folder:DIR,void=255, or a line `void = 255` in classes.txt."
)


def read_mask(path, labels, void=()):
    """Reads an index, palette or RGB mask. `MaskReader` has more options.

    Args:
        path: A file that Pillow reads; masks should be PNG.
        labels: A `LabelSet`. RGB masks are read by its palette.
        void: Further values that stand for void in the file. With two classes, a mask of 0 and
            255 alone is refused unless 255 is given here: its 255 is more likely the object.

    Returns:
        Label map (H, W) of `labels.dtype`, void as `labels.ignore`.

    Raises:
        FileNotFoundError: if there is no such file.
        LabelError: if it holds values that are neither classes nor void.
        ValueError: if the file cannot be read.

    Example:

    ```python
    label = fcn_keras.data.read_mask("mask.png", fcn_keras.LabelSet(("background", "egg")))
    ```
    """
    binary = labels.num_classes <= 2 and 255 not in void
    return MaskReader(labels, tuple(void), refuse_binary=binary).read(path)


def joint_code(rgb):
    """Returns one integer for each RGB triple of a uint8 array (..., 3)."""
    rgb = np.asarray(rgb, "uint32")
    return (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
