"""The outline of one COCO annotation, in each form in which tools write it."""

import ast

from fcn_keras.data.coco.entries import is_number


class Entry:
    """An entry of the list of annotations.

    Attributes:
        found: The entry, a dict.
        number: Its id, or its place.
    """

    __slots__ = ("_problems", "found", "number")

    def __init__(self, found, place, problems):
        self.found = found
        self.number = found.get("id", f"no. {place + 1} (no id)")
        self._problems = problems

    def count(self, kind):
        """Counts the entry among those of a kind, for a note."""
        self._problems.count(kind, f"annotation {self.number}")

    def error(self, text):
        """Returns a ValueError about the entry: "FILE: annotation 7 " and the text."""
        return self._problems.error(f"annotation {self.number} {text}")

    @property
    def box(self):
        """x, y, width and height of its box, or None if it has none."""
        box = self.found.get("bbox")
        whole = isinstance(box, list) and len(box) == 4 and all(map(is_number, box))
        return box if whole and min(box[2:]) > 0 else None

    @property
    def is_crowd(self):
        """Whether it is an outline of many objects."""
        return self.found.get("iscrowd") in (1, True, "1")


def outline_of(entry):
    """Returns the polygons and run lengths of an annotation.

    Args:
        entry: An `Entry`. What was read though COCO's format is another is counted in it.

    Returns:
        A list: [] if they cover no pixel, or None if there is no outline.

    Raises:
        ValueError: for an outline that means nothing.
    """
    segmentation = entry.found.get("segmentation")
    if not segmentation or segmentation == [entry.box]:
        return None
    if isinstance(segmentation, dict):
        return _run_lengths(segmentation, entry)
    if not isinstance(segmentation, list):
        raise _no_outline(segmentation, entry)
    if is_number(segmentation[0]):
        entry.count("flat")
        segmentation = [segmentation]
    elif len(segmentation) > 2 and all(isinstance(p, list) and len(p) == 2 for p in segmentation):
        entry.count("points")
        segmentation = [segmentation]
    parts = []
    for part in segmentation:
        if isinstance(part, dict) and "counts" in part:
            parts += _run_lengths(part, entry) or []
        elif isinstance(part, list):
            parts += _polygons(part, entry)
        else:
            raise _no_outline(part, entry)
    return parts or (None if entry.box or not any(segmentation) else [])


def box_polygon(box):
    """Returns the polygon of a box, a list of x, y, x, y, ..."""
    left, top, width, height = box
    right, bottom = left + width, top + height
    return [left, top, right, top, right, bottom, left, bottom]


def is_outside(box, parts, size):
    """Returns whether an object of polygons lies outside its image.

    Args:
        box: Its box, which is looked at first, or None.
        parts: Lists of x, y, x, y, ...; for dicts of run lengths the answer is False.
        size: (H, W) of the image, or None: then the answer is False.
    """
    if size is None or any(isinstance(part, dict) for part in parts):
        return False
    if box and not _beyond(box[0], box[1], box[0] + box[2], box[1] + box[3], size):
        return False
    xs, ys = ([v for part in parts for v in part[start::2]] for start in (0, 1))
    return _beyond(min(xs), min(ys), max(xs), max(ys), size)


def _beyond(left, top, right, bottom, size):
    return left >= size[1] or top >= size[0] or right <= 0 or bottom <= 0


def _polygons(corners, entry):
    """A list with a polygon as x, y, x, y, ...; an empty one if it has no area."""
    if len(corners) > 5 and len(corners) % 2 == 0 and {*map(type, corners)} <= {int, float}:
        return [corners]
    if corners and all(isinstance(one, list) for one in corners):
        if all(len(one) != 2 for one in corners):  # one pair of brackets too many
            return [polygon for one in corners for polygon in _polygons(one, entry)]
        corners = [value for point in corners for value in point]
    for value in corners:
        if not is_number(value):
            raise entry.error(f"has {value!r} in a polygon; x and y are numbers.")
    if len(corners) % 2:
        raise entry.error(
            f"has a polygon of {len(corners)} numbers; a polygon is x, y of each corner, an even "
            f"number: {str(corners)[:60]}"
        )
    if len(corners) < 6:
        if corners:
            entry.count("thin")
        return []
    return [corners]


def _run_lengths(segmentation, entry):
    counts, size = segmentation.get("counts"), segmentation.get("size")
    if counts in (None, [], ""):
        return None
    if not isinstance(size, list) or len(size) != 2 or not all(map(is_number, size)):
        raise entry.error("has run lengths without their size [height, width].")
    if isinstance(counts, str) and counts[:2] in ("b'", 'b"'):  # str() of Python's bytes
        return [{"size": size, "counts": ast.literal_eval(counts).decode()}]
    if not isinstance(counts, (list, str)):
        raise _no_outline(counts, entry)
    return [segmentation]


def _no_outline(value, entry):
    return entry.error(
        f"has the segmentation {str(value)[:60]!r}; it is a list of polygons "
        "[[x, y, x, y, ...], ...] or run lengths {'size': [height, width], 'counts': ...}."
    )
