"""What the numbers of a list of classes mean: the lines of a file are read together.

A line alone may mean several things: "zone 1" is a name, or a name and a value.
"""

import re
from dataclasses import replace

from fcn_keras.data.classes.lines import Class, checked, class_of_documented_line


def classes_of(rows, reading=None):
    """Returns the classes that the rows of a file describe together.

    Args:
        rows: A list of `Row`.
        reading: "values" if a number beside a name is its value in the masks; None to refuse lines
            that can be read in two ways.

    Returns:
        (classes, notation): a list of `Class`, and the notation in words; "" for a documented one.

    Raises:
        ValueError: for a line that fits no notation, naming it, and for lines with two readings.
    """
    rows = [row if row.values is None else _without_single(row) for row in rows]
    if any(row.values for row in rows):
        rows = [_with_value(row) for row in rows]
    named = [row for row in rows if not row.is_void]
    if named and all(row.whole.lstrip("-").isdecimal() for row in named):
        return _numbers_as_names(rows, named, reading)
    rows = _alike(rows, named)
    named = [row for row in rows if not row.is_void]
    counts = {(len(row.before), len(row.after)) for row in named}
    if len(counts) > 1:
        _refuse_unlike(named)
    count = counts.pop() if counts else (0, 0)
    if count not in LAYOUTS:
        named[0].line.refuse(_NONE)
    single = (count[0] == 1) or (count[1] == 1)
    if single and not all(row.apart for row in named) and reading != "values":
        rows, count = _settled(rows, named, count)
    if 4 in count:
        return _with_four_numbers(rows, count, reading)
    classes = [_class(row, LAYOUTS[count]) for row in rows]
    return classes, _words(rows, classes)


# from the numbers of (before, after) a name to what they are: v value, c colour, x nothing
LAYOUTS = {
    (0, 0): ("", ""), (0, 3): ("", "c"), (0, 1): ("", "v"), (1, 0): ("v", ""), (3, 0): ("c", ""),
    (1, 3): ("v", "c"), (3, 1): ("c", "v"), (0, 4): ("", "?"), (4, 0): ("?", ""),
    (1, 4): ("v", "cx"), (7, 0): ("vcxxx", ""),
}  # fmt: skip
_NONE = (
    "fits no notation of classes: `name`, `name red green blue`, `name = value`, `name: value`, "
    "`value: name`, or a table with a heading such as name,r,g,b. If the numbers belong to the "
    "name, quote it, or pass classes='names' (folder:DIR,classes=names)."
)
_WIDTH = {"v": 1, "c": 3, "x": 1}


def _class(row, layout):
    """The `Class` of a row whose numbers mean what a layout says."""
    if row.is_void and (len(row.before), len(row.after)) != tuple(map(_width, layout)):
        layout = LAYOUTS.get((len(row.before), len(row.after)), ("", ""))
    color, values = row.color, row.values
    for letters, numbers in zip(layout, (row.before, row.after), strict=True):
        place = 0
        for letter in letters:
            part = numbers[place : place + _WIDTH[letter]]
            place += _WIDTH[letter]
            if letter == "c":
                color = part
            elif letter == "v":
                values = part * 2
    return checked(row.line, Class(row.name, color, values, row.is_void))


def _width(letters):
    return sum(_WIDTH[letter] for letter in letters)


def _words(rows, classes):
    """The notation of classes in words, or "" where the lines are of the documented one."""
    for row, entry in zip(rows, classes, strict=True):
        try:
            if class_of_documented_line(row.line)[:3] != entry[:3]:
                break
        except ValueError:
            break
    else:
        return ""
    kinds = {"values in the masks": "values", "colours": "color"}
    used = [
        words for words, kind in kinds.items() if any(getattr(entry, kind) for entry in classes)
    ]
    return " and ".join(["names", *used]) if len(used) < 2 else f"names, {' and '.join(used)}"


def _without_single(row):
    """A row with `= value`: one number more is part of the name."""
    single = len(row.before) == 1 or len(row.after) == 1
    return row.with_one_number_in_its_name() if single and not row.is_void else row


def _with_value(row):
    """A row `name: value`, as `name = value` is, beside others of that kind."""
    numbers = row.before + row.after
    if row.values is not None or not row.apart or len(numbers) != 1:
        return row
    return replace(row, before=(), after=(), values=numbers * 2)


def _alike(rows, named):
    """The rows, with a number in the name of those that alone have one: "ground", "zone 1"."""
    befores = {len(row.before) for row in named}
    afters = {len(row.after) for row in named}

    def fitted(row):
        if row.is_void or row.apart:
            return row
        if len(befores) > 1 and len(row.before) == 1:
            row = row.with_one_number_in_its_name()
        if len(afters) > 1 and (len(row.after) == 1 or (len(row.after) == 4 and 3 in afters)):
            row = row.with_one_number_in_its_name()
        return row

    return [fitted(row) for row in rows]


def _refuse_unlike(named):
    """Raises ValueError for the first row whose numbers differ from those of the row before it."""
    shapes = [(len(row.before), len(row.after)) for row in named]
    for row, shape in zip(named, shapes, strict=True):
        if shape not in LAYOUTS:
            row.line.refuse(_NONE)
    place = next(place for place, shape in enumerate(shapes) if shape != shapes[0])
    fewer = min((place, 0), key=lambda index: sum(shapes[index]))
    other = 0 if fewer == place else place
    what = "value" if sum(shapes[other]) in (1, 4) and sum(shapes[fewer]) in (0, 3) else "colour"
    named[fewer].line.refuse(
        f"has no {what}, but line {named[other].line.number}, {named[other].line.text!r}, has "
        "one; all classes need one, or none."
    )


def _numbers_as_names(rows, named, reading):
    """Lines of one number each: a name such as "7", which may be the value too."""
    numbers = [int(row.whole) for row in named]
    if numbers == list(range(len(named))) or any(row.after or row.values for row in named):
        return [_class(row, LAYOUTS[0, len(row.after)]) for row in rows], ""
    if reading == "values":
        return [
            checked(row.line, Class(row.whole, row.color, (number, number)))
            for row, number in zip(named, numbers, strict=True)
        ], "values in the masks that are the names"
    return _refuse_two_readings(named, numbers)


def _settled(rows, named, count):
    """The rows and the count of their numbers, where blanks alone are beside single numbers.

    The numbers are part of the names where they cannot be values. They are values where they stand
    before the names and count the lines from 0 or 1. Otherwise both is possible.
    """
    first = count[0] == 1
    numbers = [row.before[0] if first else row.after[0] for row in named]
    stems = [row.name for row in named]
    repeated = len(set(stems)) < len(stems)
    in_order = numbers == list(range(len(numbers)))
    if len(set(numbers)) < len(numbers) or repeated and (first or in_order):
        changed = [row if row.is_void else row.with_one_number_in_its_name() for row in rows]
        return changed, (0, count[1] if first else 0)
    enumerated = any(re.match(r"\d+[.)]\s", row.line.text) for row in named)
    from_one = numbers == list(range(1, len(numbers) + 1))
    if first and (in_order or from_one and not enumerated):
        return rows, count
    return _refuse_two_readings(named, numbers)


def _refuse_two_readings(named, numbers):
    """Raises ValueError for lines whose numbers may be values or parts of the names."""
    row = named[0]
    wholes = [r.with_one_number_in_its_name().name for r in named[:2]]
    names = " and ".join(f"{place} is {whole!r}" for place, whole in enumerate(wholes))
    values = " and ".join(
        f"{number} is {r.name!r}" for number, r in zip(numbers[:2], named, strict=False)
    )
    row.line.refuse(
        f"can be read in two ways. If the number belongs to the name, in the masks {names}. If it "
        f"is the class's value, in the masks {values}. Say which: classes='names' or "
        "classes='values', on the command line folder:DIR,classes=names or "
        "folder:DIR,classes=values; or write `name = value` in the file."
    )


def _with_four_numbers(rows, count, reading):
    """The classes of lines with a colour and one number more: a value, opacity or of the name."""
    named = [row for row in rows if not row.is_void]
    if count == (1, 4):
        return [_class(row, LAYOUTS[count]) for row in rows], "names, values and colours"
    first = count[0] == 4
    fours = [row.before if first else row.after for row in named]
    possible = [letters for letters in ("vc", "cv", "cx") if _plausible(fours, letters)]
    if fours[0][3] == 0 and len(possible) > 1:
        possible = [letters for letters in possible if letters != "cx"]
    names = [row.name for row in named]
    blanks = not first and not all(row.apart for row in named)
    if blanks and (len(set(names)) < len(names) or not {"vc", "cv"} & {*possible}):
        if "cx" not in possible:
            rows = [row.with_one_number_in_its_name() for row in rows]
            return [_class(row, LAYOUTS[0, 3]) for row in rows], ""
    if len(possible) != 1:
        named[0].line.refuse(
            "has a colour and one number more, and it does not show which is which: write "
            "`name red green blue = value`."
        )
    if blanks and possible == ["vc"] and reading != "values":
        _refuse_two_readings(named, [four[0] for four in fours])
    layout = (possible[0], "") if first else ("", possible[0])
    return [_class(row, layout) for row in rows], (
        "names, colours and opacity" if possible == ["cx"] else "names, values and colours"
    )


def _plausible(fours, letters):
    """Whether four numbers of each class can be value and colour, colour and value, or RGBA."""
    single = [four[0] if letters[0] == "v" else four[3] for four in fours]
    colors = [four[1:] if letters[0] == "v" else four[:3] for four in fours]
    if len(set(colors)) < len(colors) or max(map(max, colors)) > 255:
        return False
    if letters == "cx":
        return set(single) == {255} or len(single) > 1 and set(single) == {0}
    return sorted(single) in (list(range(len(single))), list(range(1, len(single) + 1)))
