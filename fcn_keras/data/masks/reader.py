"""Masks as label maps: index, palette or coloured images and .npy files, checked value by value.

How a file is stored is looked at first (`mask_storage`), then what its values are.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fcn_keras.checks import positive
from fcn_keras.data.images.npy import is_npy, read_npy
from fcn_keras.data.masks import causes as mask_causes
from fcn_keras.data.masks.black_and_white import (
    DARK,
    black_or_not,
    by_threshold,
    require_hard_edges,
    shown_levels,
)
from fcn_keras.data.masks.causes import BINARY_HINT
from fcn_keras.data.masks.label_error import LabelError
from fcn_keras.data.masks.palettes import require_numbers, require_same_order
from fcn_keras.data.masks.storage import StoredMask, read_stored
from fcn_keras.labels import VOID_COLOR, LabelSet
from fcn_keras.tasks import Classes


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
        binary: Whether black is class 0 and everything else class 1. Black is judged by the
            colour that is shown, not by the index of a palette. Masks whose edges are blended
            greys are refused.
        threshold: The value from which on a pixel is class 1, for masks of two classes with greys
            or stored with loss, such as JPEG. Of a colour the largest channel counts.

    Raises:
        ValueError: for `binary` or `threshold` with another number of classes than two.

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
    binary: bool = False
    threshold: float | None = None

    def __post_init__(self):
        count = self.labels.num_classes
        if (self.binary or self.threshold is not None) and count != 2:
            option = "binary=True" if self.binary else f"threshold={self.threshold:g}"
            raise ValueError(f"{option} needs two classes; there are {count}.")
        if self.threshold is not None:
            positive("threshold", self.threshold)

    @property
    def task(self):
        """The task of the label maps: `Classes(labels)`."""
        return Classes(self.labels)

    @property
    def declares_255(self):
        """Whether it is said what 255 means; otherwise it is void."""
        if self.binary or self.threshold is not None:
            return True
        return 255 in self.void or any(a <= 255 <= b for a, b, _ in self.values or ())

    def read(self, path):
        """Returns a mask file as label map, (H, W) of `labels.dtype`, void as `labels.ignore`.

        Raises:
            FileNotFoundError: if there is no such file.
            LabelError: if it holds values that are neither classes nor void.
            ValueError: if the file cannot be read.
        """
        return self._understood(path)[0]

    def note(self, path):
        """Returns a sentence on how a file was understood where it could be doubted, or None."""
        doubtful = self.binary or self.reads_black_and_white
        return self._understood(path)[1] if doubtful else None

    def _understood(self, path):
        """The label map of a file, and a sentence or None; see `read` and `note`."""
        stored = StoredMask.of_array(read_npy(path), path) if is_npy(path) else read_stored(path)
        if self.threshold is not None:
            return by_threshold(stored, self.threshold).astype(self.labels.dtype), None
        if stored.lossy:
            raise LabelError(mask_causes.lossy_mask(stored, self.labels))
        stored = stored.with_whole_numbers(self.labels.num_classes)
        if self.binary and not self._has_class_colors(stored):
            return self._black_and_white(stored)
        if self.reads_black_and_white and stored.is_black_and_white:
            note = (
                "grey masks of 0 and 255 were read by the colours black and white of the classes."
            )
            label = self.colors[np.where(stored.values, 0xFFFFFF, 0)]
            return label.astype(self.labels.dtype), note
        return self._classes(stored), None

    def _has_class_colors(self, stored):
        """Whether a mask has only colours that were given for the classes."""
        if not self.palette_is_key:
            return False
        if stored.palette is None:
            return stored.rgb is not None and bool((self.colors[joint_code(stored.rgb)] >= 0).all())
        used = np.unique(stored.values)
        known = used[-1] < len(stored.palette) if used.size else True
        return bool(known and (self.colors[joint_code(stored.palette[used])] >= 0).all())

    def _black_and_white(self, stored):
        """The label map of a binary mask, and a sentence on how it was understood or None."""
        numbers, note = black_or_not(stored)
        if numbers.max(initial=0) > 65535:
            numbers = np.minimum(numbers, 65535)
        label = self.convert(numbers, stored.path)
        if stored.rgb is not None:
            label[self.colors[joint_code(stored.rgb)] == self.labels.ignore] = self.labels.ignore
        void = label == self.labels.ignore
        levels = shown_levels(stored)
        require_hard_edges(levels, stored.path, void)
        if note is None and stored.colors is None and levels.max(initial=0) == 255:
            if ((levels > 0) & (levels < 255) & ~void).any():
                note = "masks hold more values than 0 and 255; with binary these are class 1 too."
        return label, note

    def _classes(self, stored):
        """The label map of a mask of class numbers or of the classes' colours."""
        path = stored.path
        if stored.rgb is not None:
            label = self._from_colors(stored)
        elif stored.palette is not None and self._has_class_colors(stored):
            label = self.colors[joint_code(stored.palette)][stored.values]
            label = label.astype(self.labels.dtype)
        elif stored.palette is not None:
            if self.palette_is_key:
                require_same_order(stored, self._color_labels(), self.table)
            else:
                require_numbers(stored, self.table, self.labels.num_classes)
            label = self.convert(stored.values, path)
        elif stored.white_is_zero:
            raise LabelError(mask_causes.white_is_zero(path))
        elif stored.white == 1 and self.palette_is_key and self._knows_black_and_white:
            label = self.colors[np.where(stored.values, 0xFFFFFF, 0)].astype(self.labels.dtype)
        else:
            label = self.convert(stored.values, path)
            if self.counts_greys:
                require_hard_edges(shown_levels(stored), path, label == self.labels.ignore)
        self._require_visible(stored, label)
        return label

    @cached_property
    def counts_greys(self):
        """Whether all values but 0 are class 1, in masks of two classes or given as `1-255`."""
        if self.labels.num_classes != 2 or self.threshold is not None:
            return False
        return self.binary or bool(self.table[0] == 0 and (self.table[1:DARK] == 1).all())

    @cached_property
    def reads_black_and_white(self):
        """Whether grey masks of 0 and 255 are read by the colours of two classes, and not as void.

        The colours must be black and white, and nothing may say what 255 means.
        """
        two = self.labels.num_classes == 2 and not self.declares_255
        return two and self.palette_is_key and self._knows_black_and_white

    @property
    def _knows_black_and_white(self):
        """Whether black and white are colours that were given for the classes."""
        return {self.colors[0], self.colors[0xFFFFFF]} <= set(range(self.labels.num_classes))

    def _require_visible(self, stored, label):
        """Refuses transparent pixels of another class than the first."""
        if stored.alpha is None or not stored.alpha_is_channel:
            return
        hidden = np.unique(label[stored.alpha == 0])
        hidden = hidden[(hidden > 0) & (hidden != self.labels.ignore)]
        if len(hidden):
            name = self.labels.names[hidden[0]]
            raise LabelError(mask_causes.transparent_class(stored.path, name))

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
            text = mask_causes.wrong_values(path, values, self.table, self.labels)
            raise LabelError(text)
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
        meanings = self.values or [(c, c, c) for c in classes]
        if self.binary:
            meanings = ((0, 0, 0), (1, 65535, 1))
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

    def _from_colors(self, stored):
        rgb, path = stored.rgb, stored.path
        grey = (rgb == rgb[..., :1]).all()
        if grey and not self.palette_is_key and (self.table[rgb[..., 0]] >= 0).all():
            return self.convert(rgb[..., 0], path)
        result = self.colors[joint_code(rgb)]
        if not (result < 0).any():
            return result.astype(self.labels.dtype)
        if grey:
            return self.convert(rgb[..., 0], path)
        row, column = np.argwhere(result < 0)[0]
        text = (
            f"{path} holds the colour {tuple(rgb[row, column].tolist())} at row {row}, column "
            f"{column}, which is no class's; those of the classes are {self._colors_text()}. "
        )
        if stored.alpha is not None and stored.alpha[row, column] == 0:
            text += "The pixel is transparent: save the masks without an alpha channel. "
        text += (
            "Likely cause: a class or colour is missing in classes.txt (name red green blue), or "
            "the mask was saved as JPEG or resized with blending."
        )
        raise LabelError(text + self._two_classes_hint())

    def _two_classes_hint(self):
        """A sentence about the option for masks of two classes in other colours, or ""."""
        if self.labels.num_classes != 2:
            return ""
        if not self.palette_is_key:
            return (
                " Where black is the background and every other colour the object, pass "
                "binary=True (on the command line folder:DIR,binary)."
            )
        dark, bright = map(max, self.labels.palette)
        if not dark < 128 <= bright:
            return ""
        return (
            " Edges of blended colours are read with threshold=128 (on the command line "
            f"folder:DIR,threshold=128): what is brighter is {self.labels.names[1]!r}."
        )

    def _color_labels(self):
        """{(red, green, blue): label} of all colours of classes and of void."""
        found = {color: self.labels.ignore for color in self.void_colors}
        found |= {color: number for number, color in enumerate(self.labels.palette)}
        return found | {tuple(color): label for *color, label in self.more_colors}

    def _colors_text(self):
        pairs = list(zip(self.labels.names, self.labels.palette, strict=True))
        text = ", ".join(f"{name} {color}" for name, color in pairs[:6])
        return text + (", ..." if len(pairs) > 6 else "")


def read_mask(path, labels, void=(), *, threshold=None):
    """Reads an index, palette or RGB mask. `MaskReader` has more options.

    Args:
        path: A file that Pillow reads without loss, such as PNG, or a .npy file.
        labels: A `LabelSet`. RGB masks are read by its palette.
        void: Further values that stand for void in the file. With two classes, a mask of 0 and
            255 alone is refused unless 255 is given here: its 255 is more likely the object.
        threshold: For masks of two classes with greys, or stored with loss such as JPEG: values of
            so much and more are class 1.

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
    return MaskReader(labels, tuple(void), refuse_binary=binary, threshold=threshold).read(path)


def joint_code(rgb):
    """Returns one integer for each RGB triple of a uint8 array (..., 3)."""
    rgb = np.asarray(rgb, "uint32")
    return (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
