"""Reading a JSON file in COCO's format, and saying what another file is."""

import contextlib
import json
import mmap
import os
import re

import numpy as np

LISTS = ("images", "annotations", "categories")
_CATEGORIES = re.compile(rb'"categories"\s*:\s*(?=\[)')
_LONGEST = 2**21  # bytes of a list of categories


class Problems:
    """What was decided for the user while a file was read, counted; and the words of its errors.

    Attributes:
        file: Path of the file.
        shown: What notes call it: its path from the data set's folder.
    """

    def __init__(self, file, root):
        self.file = file
        inside = file.is_relative_to(root)
        self.shown = file.relative_to(root).as_posix() if inside else file.name
        self._found = {}

    def count(self, kind, name):
        """Counts something of a kind, which `name` has."""
        self._found.setdefault(kind, []).append(name)

    def number(self, kind):
        """Returns how often a kind was counted."""
        return len(self._found.get(kind, ()))

    def note(self, kind, one, many):
        """Returns a list with the sentence about a kind, or an empty one.

        Args:
            kind: As it was counted.
            one: What goes on after "annotation 7 ".
            many: What goes on after "12 annotations (the first is annotation 7) ".
        """
        names = self._found.get(kind, [])
        if not names:
            return []
        what = names[0].split()[0]
        lead = names[0] if len(names) == 1 else f"{len(names)} {what}s (the first: {names[0]})"
        return [f"{self.shown}: {lead} {one if len(names) == 1 else many}"]

    def error(self, text):
        """Returns a ValueError whose message begins with the file."""
        return ValueError(f"{self.file}: {text}")


def read_json(file, hint):
    """Returns the content of a file in COCO's format, a dict of the lists `LISTS`.

    Raises:
        ValueError: for a file that is no JSON, or in another format, which the message names.
    """
    try:
        content = json.loads(file.read_bytes())
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is no UTF-8 text ({error}); save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{file} is not a COCO annotation file: it is no whole JSON file ({error}); it may be "
            "empty or cut off. Export or download it again."
        ) from error
    if name := _other_format(content):
        raise ValueError(f"{file} is not a COCO annotation file but {name}")
    missing = [key for key in LISTS if not isinstance(content.get(key), list)]
    if missing:
        raise ValueError(
            f"{file} is not a COCO annotation file: it has no list {missing[0]!r} (the others are "
            f"images, annotations and categories). {hint}"
        )
    for key in LISTS:
        for place, entry in enumerate(content[key]):
            if not isinstance(entry, dict):
                raise ValueError(f"{file}: entry {place} of {key!r} is {entry!r}, not an object.")
    return content


def categories_in(file):
    """Returns the list of categories of a COCO file without reading the rest; None if unsure."""
    with open(file, "rb") as opened:
        if not os.path.getsize(file):
            return None
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for found in _CATEGORIES.finditer(content):
                text = content[found.end() : found.end() + _LONGEST].decode("utf-8", "replace")
                with contextlib.suppress(json.JSONDecodeError):
                    entries, _ = json.JSONDecoder().raw_decode(text)
                    if all(isinstance(one, dict) and "name" in one for one in entries):
                        return entries
    return None


def _other_format(content):
    """What a JSON file is that is not in COCO's format, with what to do; "" if unknown."""
    if isinstance(content, list):
        return _other_list(content)
    if not isinstance(content, dict):
        return f"one {type(content).__name__}."
    found = content.get("annotations")
    annotations = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    first = annotations[0] if annotations else {}
    if "segments_info" in first:
        return (
            "COCO's panoptic format, whose masks are PNG files. Take instances_*.json, or convert "
            "the PNGs to masks of class numbers and read them as folder:DIR."
        )
    if annotations and all("caption" in a and "category_id" not in a for a in annotations[:100]):
        return "a file of captions, without objects. Take instances_*.json."
    if "images" in content and "annotations" not in content:
        return (
            "a list of images without annotations (as COCO's test set has), so nothing can be "
            "trained or measured on it."
        )
    if "shapes" in content and "imagePath" in content:
        return "labelme's own format, one file an image. It is read as labelme:DIR."
    if "_via_img_metadata" in content or _is_via(content):
        return "VIA's own format. In VIA, choose Annotation > Export Annotations (COCO format)."
    if content.get("type") == "FeatureCollection":
        return "GeoJSON. Convert its geometries to pixels first."
    return ""


def _other_list(content):
    first = content[0] if content and isinstance(content[0], dict) else {}
    if "image_id" in first and "score" in first:
        return "a list of results, which a net predicted. Take the file of annotations."
    if "data" in first or "completed_by" in first:
        return "Label Studio's own format. It is read as label-studio:DIR."
    return "a JSON list; COCO's format is an object with images, annotations and categories."


def _is_via(content):
    entries = list(content.values())[:3]
    return bool(entries) and all(isinstance(e, dict) and "regions" in e for e in entries)


def key_of(number):
    """Returns an id in the form in which ids are compared: "12" and 12.0 are 12."""
    if isinstance(number, str) and number.strip().isdecimal():
        return int(number)
    if isinstance(number, float) and number.is_integer():
        return int(number)
    return number if isinstance(number, (int, str)) else repr(number)


def is_number(value):
    """Returns whether a JSON value is a number, not true or false."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
