"""The pages of the reference: a page for each part of the package, each public name once.

The package is imported, since it loads its names when they are first used; mkdocstrings then reads
the module where a name is defined.
"""

import functools
import importlib
import inspect
from pathlib import Path

# The title of a part, and what it is for, in the order of use.
ROOMS = {
    "models": "Nets",
    "classifiers": "Classifiers",
    "surgery": "Surgery on nets",
    "published": "Published models",
    "checkpoints": "Files of weights",
    "data": "Data",
    "data.scenes": "Drawn scenes",
    "labels": "Labels",
    "tasks": "Tasks",
    "losses": "Losses",
    "metrics": "Metrics",
    "training": "Training",
    "training.recipes": "Named recipes",
    "inference": "Inference",
    "crf": "Dense CRF",
    "visualize": "Pictures",
    "export": "Exports",
    "export.saved_model": "SavedModels",
    "export.serving": "Serving",
    "export.tflite": "TFLite",
    "export.web": "Web pages",
    "layers": "Layers",
    "geometry": "Geometry",
}


def page_names():
    """The names of the pages, the overview first."""
    return ["index", *ROOMS]


def pages():
    """Returns {path: Markdown} of all pages."""
    parts = {room: _page(room, entries) for room, entries in contents().items()}
    made = {f"reference/{room}.md": text for room, text in parts.items()}
    return {"reference/index.md": _overview(), **made}


@functools.cache
def contents():
    """Returns {room: {name: object}}: what each part offers, each object once.

    A name of `fcn_keras` itself stands in the part where it is defined.

    Raises:
        ValueError: if the package is not installed from a wheel, where `export` is inside it, or
            has a public part that has no page.
    """
    package = importlib.import_module("fcn_keras")
    home = Path(package.__file__).parent
    if not (home / "export").is_dir():
        raise ValueError(f"{home} is a checkout: `make docs` reads an installed wheel.")
    if missing := {*package._ROOMS} - ROOMS.keys():
        raise ValueError(f"website/reference.py lists no page for {sorted(missing)}.")
    found, seen = {}, set()
    for room in ROOMS:
        module, entries = importlib.import_module(f"fcn_keras.{room}"), {}
        for name in _public(module):
            value = getattr(module, name)
            if inspect.ismodule(value) or id(value) in seen:
                continue
            seen.add(id(value))
            entries[name] = value
        found[room] = entries
    return found


def defined_at(value):
    """The dotted path of the definition of a function or class."""
    return f"{value.__module__}.{value.__qualname__}"


def _public(module):
    """What a module lists as public, or the classes and functions that it defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    ]


def _shown(room, name, value):
    """The name by which users call something: the short one where `fcn_keras` itself has it."""
    package = importlib.import_module("fcn_keras")
    short = name in package._PUBLIC and getattr(package, name) is value
    return f"fcn_keras.{name}" if short else f"fcn_keras.{room}.{name}"


def _page(room, entries):
    """The page of a part: what it is for, a table of its names, and each of them in full."""
    module = importlib.import_module(f"fcn_keras.{room}")
    documented = {name: value for name, value in entries.items() if callable(value)}
    parts = [f"# {ROOMS[room]}", f"`fcn_keras.{room}`", inspect.getdoc(module)]
    rows = [(name, f"#{defined_at(value)}", value) for name, value in documented.items()]
    parts += [_table("name", rows)] if rows else []
    for name in sorted(entries.keys() - documented.keys()):
        parts.append(f"`fcn_keras.{room}.{name}` is {_described(entries[name])}.")
    for name, value in documented.items():
        heading = _shown(room, name, value)
        options = f"    options:\n      heading: {heading}\n      toc_label: {name}"
        parts.append(f"::: {defined_at(value)}\n{options}")
    return "\n\n".join(parts) + "\n"


def _described(value):
    if isinstance(value, dict):
        return "a dict with the keys " + ", ".join(f"`{key}`" for key in value)
    return f"`{value!r}`"


def _table(head, rows):
    """A table of (name, link, object) with the first sentence of each docstring."""
    lines = [f"| {head} | |", "|---|---|"]
    for name, link, value in rows:
        first = inspect.getdoc(value).partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        lines.append(f"| [`{name}`]({link}) | {first} |")
    return "\n".join(lines)


def _overview():
    """The page with the names of `fcn_keras` itself, and with the parts."""
    package = importlib.import_module("fcn_keras")
    itself = [
        (f"fcn_keras.{name}", f"{room}.md#{defined_at(value)}", value)
        for room, entries in contents().items()
        for name, value in entries.items()
        if _shown(room, name, value) == f"fcn_keras.{name}"
    ]
    rooms = [
        (f"fcn_keras.{room}", f"{room}.md", importlib.import_module(f"fcn_keras.{room}"))
        for room in ROOMS
    ]
    title = "# Reference\n\n" + inspect.getdoc(package).partition("\n\n")[0]
    names = "## Names of `fcn_keras` itself\n\n" + _table("name", itself)
    return "\n\n".join([title, names, "## Parts\n\n" + _table("part", rooms)]) + "\n"
