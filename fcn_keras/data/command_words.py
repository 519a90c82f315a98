"""Datasets as words of a command: NAME, NAME:DIR or NAME:DIR,OPTION,OPTION=VALUE."""

import contextlib
import difflib
import os
import re
from pathlib import Path

from fcn_keras.checks import number, one_of
from fcn_keras.data import tfds
from fcn_keras.data.registry import BOUNDARIES, DATASETS, check_arguments, names, needs_folder

_TFDS = re.compile(r"(?P<name>\w+(?:/\w+)?(?::\d+\.\d+\.\d+)?)(?::(?P<root>.+))?")
LIKE = 0.6


def parse(text):
    """Returns the arguments of `load` for NAME, NAME:DIR or NAME:DIR,OPTION,... of a command.

    An option is a word or word=value: voc:DIR,year=2007; folder:DIR,binary,void=11,void=12;
    digits:count=50. TensorFlow Datasets are tfds:NAME or tfds:NAME:DIR. boundaries: in
    front of all this takes the boundaries between the classes: boundaries:camvid:CamVid. `~` at the
    beginning of a path is the home folder.

    Args:
        text: Such as "digits", "camvid:CamVid" or "folder:eggs,binary".

    Returns:
        `(name, root, options)`: str, str or None, dict.

    Raises:
        ValueError: for an unknown name, a dataset of files without DIR, an unknown option, or an
            impossible value of one.

    Example:

    ```python
    name, root, options = fcn_keras.data.parse("folder:parts,void=254")
    data = fcn_keras.data.load(name, root, split="train", **options)
    ```
    """
    name, _, rest = text.partition(":")
    if name == BOUNDARIES and rest:
        name, root, options = parse(rest)
        return f"{BOUNDARIES}:{name}", root, options
    if name not in (*DATASETS, "tfds"):
        first, comma, words = name.partition(",")
        near = _near(name, (*DATASETS, "tfds"))
        if comma and first in DATASETS and not needs_folder(DATASETS[first]):
            near = f"{first}:{words}"
        raise ValueError(
            f"--data is NAME or NAME:DIR with NAME one of {', '.join(names())}; got {text!r}."
            + (f" Is {near} meant?" if near else "")
        )
    known = tfds.OPTIONS if name == "tfds" else DATASETS[name].OPTIONS
    alone = name != "tfds" and not needs_folder(DATASETS[name])
    root, words = _divided(name, rest, known, alone)
    options = {}
    for word in words:
        key, _, given = word.partition("=")
        value = _value(known[key], word, given)
        if known[key].repeatable:
            value = (*options.get(key, ()), value)
        elif key in options:
            raise ValueError(f"--data {text}: the option {key} is given twice.")
        options[key] = value
    if name == "tfds":
        if not (found := _TFDS.fullmatch(root)):
            raise ValueError(f"--data takes tfds:NAME or tfds:NAME:DIR, got {text!r}.")
        where = found["root"] and os.path.expanduser(found["root"])
        return f"tfds:{found['name']}", where, options
    check_arguments(name, root or None, {})
    return name, root or None, options


def _divided(name, text, known, alone):
    """The folder and the words of the options that follow it.

    A comma may belong to the folder: it does where the folder of that name is there.
    """
    root, words = text, []
    while "," in root or alone:
        before, _, word = root.rpartition(",")
        key = word.partition("=")[0].strip()
        if key not in known or (_is_there(root) and not _is_there(before)):
            break
        root, words = before, [word.strip(), *words]
    folder = os.path.expanduser(root)
    if not _is_there(root) and (root if alone else "," in root):
        _refuse_unknown(name, root, known, alone)
    return folder, words


def _is_there(path):
    return bool(path) and Path(path).expanduser().exists()


def _refuse_unknown(name, root, known, alone):
    """Raises ValueError if a word after the folder is meant as an option that does not exist."""
    parts = root.split(",")
    first = 0 if alone else 1
    begun = [n for n in range(1, len(parts)) if _is_there(",".join(parts[:n]))]
    for place in range(begun[-1] if begun else first, len(parts)):
        word = parts[place].strip()
        if word.partition("=")[0] in known:
            continue
        near = _near(word.partition("=")[0], known)
        if begun or alone or name == "tfds" or (near and not set(word) & set("/\\")):
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise ValueError(
                f"{name} has no option {word!r} (in --data {name}:{root}); {has}."
                + (f" Is {near} meant?" if near else "")
            )


def _near(word, known):
    """The name that a word is most like, or None."""
    folded = word.strip().lower().replace("-", "_")
    return next(iter(difflib.get_close_matches(folded, [*known], n=1, cutoff=LIKE)), None)


def _value(option, word, text):
    """The value of the text of an option."""
    if option.parse is not None:
        return option.parse(text)
    if option.kind is bool and text.lower() in ("", "true", "false"):
        return text.lower() != "false"
    if option.kind is int and text.removeprefix("-").isdecimal():
        return int(text)
    key = word.partition("=")[0]
    if option.kind is float:
        with contextlib.suppress(ValueError):
            return number(key, float(text))
    if option.kind is str and text:
        return one_of(key, text, option.choices) if option.choices else os.path.expanduser(text)
    wanted = {
        bool: f"has no value: write {key}", int: "needs =N", float: "needs =NUMBER",
        str: "needs =NAME",
    }  # fmt: skip
    raise ValueError(f"The option {word!r} of --data {wanted[option.kind]}.")
