"""LabelSet: the names and colours of the classes of a label map."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_keras.text_files import read_json

VOID_COLOR = (224, 224, 192)


@dataclass(frozen=True)
class LabelSet:
    """The names and colours of classes, and the value of void.

    Attributes:
        names: One name for each class; its index is the number of the class.
        palette: One (red, green, blue) for each class, 0-255; PASCAL VOC's palette by default.
        ignore: The value of void in label maps: 255, or 65535 above 255 classes. It is not a
            class: losses and metrics leave it out.

    Raises:
        ValueError: for repeated names, a palette of another length, or a void value that is a
            class.

    Example:

    ```python
    labels = fcn_keras.LabelSet(("background", "egg"))
    labels.colorize(np.array([[0, 1], [1, 255]], "uint8")).shape    # (2, 2, 3)
    ```
    """

    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...] | None = None
    ignore: int | None = None

    def __post_init__(self):
        names = tuple(str(name) for name in self.names)
        repeated = sorted({name for name in names if names.count(name) > 1})
        if not names or repeated:
            raise ValueError(
                f"Every class needs a name of its own, got {', '.join(repeated) or 'no names'}"
                f"{' several times' if repeated else ''}."
            )
        palette = voc_palette(len(names)) if self.palette is None else self.palette
        palette = tuple(tuple(int(value) for value in color) for color in palette)
        if len(palette) != len(names) or any(len(color) != 3 for color in palette):
            raise ValueError(
                f"The palette needs one (red, green, blue) for each of the {len(names)} classes, "
                f"got {len(palette)} colours."
            )
        ignore = void_value(len(names)) if self.ignore is None else int(self.ignore)
        if 0 <= ignore < len(names):
            raise ValueError(
                f"The void value must be above the classes 0..{len(names) - 1}, got {ignore}, the "
                f"class {names[ignore]!r}."
            )
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "palette", palette)
        object.__setattr__(self, "ignore", ignore)

    @property
    def num_classes(self):
        """Number of classes, void not among them."""
        return len(self.names)

    @property
    def dtype(self):
        """NumPy dtype of label maps: uint8, or uint16 above 255 classes."""
        return np.uint8 if max(self.num_classes - 1, self.ignore) < 256 else np.uint16

    def number_of(self, name):
        """Returns the number of a class.

        Args:
            name: Its name; or its number, an int or a str of digits that is no name.

        Raises:
            ValueError: for a class that is not there; the message lists those that are.

        Example:

        >>> LabelSet(("background", "egg")).number_of("egg")
        1
        """
        if name in self.names:
            return self.names.index(name)
        if str(name).isdecimal() and int(name) < len(self.names):
            return int(name)
        raise ValueError(f"There is no class {name!r}; there are {', '.join(self.names)}.")

    def colorize(self, label_map):
        """Returns a label map in the colours of its classes.

        Args:
            label_map: Integers (H, W): class numbers or the void value.

        Returns:
            uint8 (H, W, 3), RGB. Void is a light grey-green that is in no default palette.

        Raises:
            ValueError: for a value that is neither a class nor void.
        """
        label_map = np.asarray(label_map)
        count = max(self.num_classes, self.ignore + 1, 256)
        colors, known = np.zeros((count, 3), "uint8"), np.zeros(count, bool)
        colors[: self.num_classes] = self.palette
        known[: self.num_classes] = True
        colors[self.ignore], known[self.ignore] = VOID_COLOR, True
        values = label_map if label_map.dtype == np.uint8 else np.clip(label_map, 0, count - 1)
        right = known[values] & (True if values is label_map else values == label_map)
        if not right.all():
            raise ValueError(
                f"The label map holds {label_map[~right][0]}, which is neither one of the "
                f"{self.num_classes} classes nor void ({self.ignore})."
            )
        return np.take(colors, values, axis=0)

    def to_config(self):
        """Returns the label set as a dict of JSON types; `from_config` reads it."""
        return {
            "names": list(self.names),
            "palette": [list(color) for color in self.palette],
            "ignore": self.ignore,
        }

    @classmethod
    def from_config(cls, config):
        """Returns the label set that `to_config` described."""
        return cls(tuple(config["names"]), config.get("palette"), config.get("ignore"))

    def save(self, path):
        """Writes the label set as JSON."""
        Path(path).write_text(json.dumps(self.to_config(), indent=1) + "\n")

    @classmethod
    def load(cls, path):
        """Returns the label set of a file that `save` wrote.

        Raises:
            FileNotFoundError: if it is not there.
            ValueError: for a file of another kind; the message names it.
        """
        config = read_json(path)
        names = config.get("names") if isinstance(config, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(
                f'{path} holds no label set: {{"names": ["road", ...], "palette": ...}} was '
                "expected, as in the labels.json of a run."
            )
        try:
            return cls.from_config(config)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no label set: {error}") from error

    @classmethod
    def numbered(cls, num_classes):
        """Returns a label set of the names "class 0", "class 1", ..."""
        return cls(tuple(f"class {number}" for number in range(num_classes)))


def void_value(num_classes):
    """Returns the void value of label maps of so many classes: 255, or 65535 above 255."""
    return 255 if num_classes <= 255 else 65535


def voc_palette(count):
    """Returns the first `count` colours of PASCAL VOC's palette, each (red, green, blue).

    The lowest three bits of the class number are the highest bits of the three channels, the next
    three bits the next lower ones, and so on, as in VOClabelcolormap of the development kit. The
    palette repeats after 256 classes.
    """
    colors = []
    for number in range(count):
        color = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                color[channel] |= (number >> (3 * bit + channel) & 1) << (7 - bit)
        colors.append(tuple(color))
    return tuple(colors)
