"""A line of a list of classes: a name with a colour, a value, both or neither, in any order."""

import itertools
import re
from dataclasses import dataclass, replace
from typing import NamedTuple

VOID = ("void", "__ignore__")
READINGS = ("names", "values")
MOST = 65535

_COLOR = re.compile(r"(?:rgb)?[(\[{]\s*(\d+)\s*[,;\s]\s*(\d+)\s*[,;\s]\s*(\d+)\s*[)\]}]", re.I)
_HEX = re.compile(r"(?:(?<=[\s,;:|=\t])|^)(?:#|0x)([0-9a-f]{6}|[0-9a-f]{3})(?=$|[\s,;:|\t])", re.I)
_VALUE = re.compile(r"\s*(?:->|=>|→|=)\s*(-?\d+)(?:\s*-\s*(\d+))?$")
_VALUE_FIRST = re.compile(r"(-?\d+)(?:\s*-\s*(\d+))?\s*(?:->|=>|→|=)\s*(?=\S)")
_NUMBERS_AFTER_SIGN = re.compile(r"(?:->|=>|→|=)[\s\d.,;-]*$")
_QUOTED = re.compile(
    r"(?P<before>[-\d\s,;:|]*)(?P<quote>[\"'])(?P<name>.+?)(?P=quote)(?P<after>.*)"
)
_SIGNS = (",", ";", ":", "|")
_SEPARATOR = re.compile(r"(\s*[,;:|]\s*|\s*\t\s*|\s+)")
_WIDE = str.maketrans({"，": ",", "：": ":", "；": ";", "＝": "=", "\u3000": " "})
_TODAY = re.compile(
    r"(?P<name>.+?)(?:[\s,]+(?P<red>\d+)[\s,]+(?P<green>\d+)[\s,]+(?P<blue>\d+))?"
    r"(?:\s*=\s*(?P<first>\d+)(?:\s*-\s*(?P<last>\d+))?)?"
)


class Class(NamedTuple):
    """One class of a list: a name, and the class's colour or values in the masks."""

    name: str
    color: tuple[int, int, int] | None = None
    values: tuple[int, int] | None = None
    void: bool = False

    @property
    def is_void(self):
        """Whether this is no class but describes void."""
        return self.void or self.name.lower() == "void"


class Line(NamedTuple):
    """One line of a file that is neither empty nor a comment."""

    path: object
    number: int
    text: str

    def refuse(self, why):
        """Raises ValueError: the file, the number of the line, the line, and why."""
        raise ValueError(f"{self.path}, line {self.number}: {self.text!r} {why}")


@dataclass(frozen=True)
class Row:
    """The parts of a line.

    Attributes:
        line: The `Line`.
        name: The name without numbers.
        before: The numbers before the name.
        after: The numbers after it.
        color: A colour that is written as one (#804080 or (128, 64, 128)), or None.
        values: (first, last) after a `=`, or None.
        apart: Whether a sign such as : or , is between the name and the numbers, not blanks alone.
        whole: The name with the numbers.
    """

    line: Line
    name: str
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    color: tuple[int, int, int] | None = None
    values: tuple[int, int] | None = None
    apart: bool = False
    whole: str = ""

    @property
    def is_void(self):
        """Whether the line describes void."""
        return self.name.lower() in VOID

    def with_one_number_in_its_name(self):
        """Returns the row whose number next to the name belongs to the name: "zone 1"."""
        if self.after[1:] and len(self.after) == 4:
            return replace(self, name=f"{self.name} {self.after[0]}", after=self.after[1:])
        kept = self.after if self.before else ()
        name = f"{self.before[0]} {self.name}" if self.before else self.whole
        return replace(self, name=name, before=(), after=kept)


def class_of_documented_line(line):
    """Returns the `Class` of `name`, `name red green blue` or either with `= value`.

    Raises:
        ValueError: for numbers out of range.
    """
    parts = _TODAY.fullmatch(line.text).groupdict()
    color = tuple(int(parts[c]) for c in ("red", "green", "blue")) if parts["red"] else None
    first, last = parts["first"], parts["last"] or parts["first"]
    values = (int(first), int(last)) if first else None
    return checked(line, Class(parts["name"].strip(), color, values))


def checked(line, entry):
    """Returns a `Class` whose numbers are in range.

    Raises:
        ValueError: naming the line.
    """
    if entry.values is not None:
        first, last = entry.values
        negative = first < 0 and entry.is_void and first == last
        if not negative and not 0 <= first <= last <= MOST:
            line.refuse(
                "is not `name`, `name red green blue` (0 to 255) or `name = value` "
                f"(0 to {MOST}): {first if first == last else f'{first}-{last}'} is no value of a "
                "mask."
            )
    if entry.color is not None and not 0 <= min(entry.color) <= max(entry.color) <= 255:
        line.refuse(
            "is not `name`, `name red green blue` (0 to 255) or `name = value`: the colour "
            f"{entry.color} is out of range."
        )
    return entry


def without_comment(text, hexes):
    """Returns a line up to its comment.

    Args:
        text: The line.
        hexes: Whether # begins a colour where three or six hexadecimal digits follow.
    """
    start = 0
    while (place := text.find("#", start)) >= 0:
        if not (hexes and _HEX.match(text, place)):
            return text[:place].strip()
        start = place + 1
    return text.strip()


def colors_in_hex(texts):
    """Returns whether every line that is more than a comment has a colour such as #804080."""
    texts = [text for text in texts if without_comment(text, True)]
    if texts and re.search(r"colou?r|rgb|hex", texts[0], re.I):
        texts = texts[1:]
    return bool(texts) and all(_HEX.search(text) for text in texts)


def parsed(line):
    """Returns the `Row` of a line.

    Raises:
        ValueError: for a line that has no name, or numbers that mean nothing.
    """
    text, color, values = line.text.translate(_WIDE), None, None
    if found := _COLOR.search(text) or _HEX.search(text):
        color = _color(found)
        left, right = text[: found.start()], text[found.end() :].lstrip()
        between = ", " if left.rstrip()[-1:] in _SIGNS or right[:1] in _SIGNS else " "
        text = f"{left.rstrip(' ,;:|=')}{between}{right.lstrip(' ,;:|')}"
    text = text.strip().strip(",;").strip()
    if found := _VALUE.search(text):
        values = int(found[1]), int(found[2] or found[1])
        text = text[: found.start()].rstrip(" ,;:")
    elif found := _VALUE_FIRST.match(text):
        values = int(found[1]), int(found[2] or found[1])
        text = text[found.end() :]
    elif _NUMBERS_AFTER_SIGN.search(text):
        line.refuse(
            "has no single value after its sign: write `name = value` or `name = first-last`; a "
            "colour is `name red green blue`."
        )
    if found := _QUOTED.fullmatch(text):
        before, after = _numbers(found["before"]), _numbers(found["after"])
        if before is None or after is None:
            line.refuse(f"has more than numbers beside the name {found['name']!r}.")
        name = found["name"].strip()
        return Row(line, name, before, after, color, values, True, name)
    return _in_words(line, text, color, values)


def _color(found):
    if found.re is _COLOR:
        return tuple(int(number) for number in found.groups())
    digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    return tuple(bytes.fromhex(digits))


def _numbers(text):
    """The whole numbers of a text of numbers and separators; None if it holds anything else."""
    words = [word for word in re.split(r"[\s,;:|]+", text) if word]
    if not all(re.fullmatch(r"-?\d+", word) for word in words):
        return None
    return tuple(map(int, words))


def _in_words(line, text, color, values):
    """The `Row` of a line without quotes: numbers, a name, numbers."""
    parts = _SEPARATOR.split(text)
    words, gaps = parts[::2], parts[1::2]
    enumerated = re.fullmatch(r"(\d+)[.)]", words[0]) if len(words) > 1 else None
    if enumerated:
        words[0] = enumerated[1]
    whole = [re.fullmatch(r"-?\d+", word) is not None for word in words]
    if all(whole) and words[0]:
        return _of_numbers_alone(line, text, words, color, values)
    first = whole.index(False) if False in whole else 0
    last = len(words) - whole[::-1].index(False)
    if len(words) - last in (2, 4) and not _parts(gaps[last - 1]) and all(map(_parts, gaps[last:])):
        last += 1  # "zone 1,255,0,0": commas end the name
    around = gaps[first - 1 : first] + gaps[last - 1 : last]
    apart = any(map(_parts, around))
    name = "".join(itertools.chain(*itertools.zip_longest(words[first:last], gaps[first : last - 1],
                                                          fillvalue="")))  # fmt: skip
    span = re.fullmatch(r"(\d+)-(\d+)", words[last - 1])
    if span and values is None and last - first > 1 and gaps[last - 2].strip() in (":", ",", ";"):
        values = int(span[1]), int(span[2])
        name = "".join(parts[2 * first : 2 * last - 3])
    if not name.strip():
        line.refuse("has no name.")
    before, after = (tuple(map(int, part)) for part in (words[:first], words[last:]))
    kept = text if not enumerated else text[len(enumerated[0]) :].strip()
    return Row(line, name.strip(), before, after, color, values, apart, kept)


def _parts(gap):
    """Whether a gap holds a sign or a tab, not blanks alone."""
    return bool(gap.strip()) or "\t" in gap


def _of_numbers_alone(line, text, words, color, values):
    """The `Row` of a line whose name is a number: "7", "7 255 0 0"."""
    if len(words) in (1, 4):
        return Row(line, words[0], (), tuple(map(int, words[1:])), color, values, False, text)
    return line.refuse("has numbers but no name.")
