"""The classes of a COCO file: its categories, and what tools put among them."""

from fcn_keras.data.coco.entries import key_of
from fcn_keras.labels import LabelSet

BACKGROUND = ("background", "_background_", "__background__")
VOID = ("void", "__ignore__")


def classes_of(content, problems):
    """Returns the classes of a COCO file.

    Class 0 is background, then come the categories in the order of their ids. A category that is
    called background is class 0, one that is called void is void. Two categories of one name and
    one supercategory are one class. Roboflow's first category, the name of the project, is left
    out if nothing has it.

    Args:
        content: What `read_json` returned.
        problems: A `fcn_keras.data.coco.entries.Problems`.

    Returns:
        (labels, label_of, notes): the `LabelSet`; {id: label}; list of sentences.

    Raises:
        ValueError: for a category without a name or id, or an id of two categories.
    """
    named = _named(content["categories"], problems)
    used = {key_of(found.get("category_id")) for found in content["annotations"]}
    notes, file = [], problems.shown
    root = _project(named, used)
    if root is not None:
        notes.append(
            f"{file}: the category {named.pop(root)[0]!r} (id {root}) only groups the others, as "
            "Roboflow writes it; it is no class."
        )
    names, special, notes_of_names = _class_names(named, file)
    ordered = list(dict.fromkeys(names.values()))
    labels = LabelSet(("background", *ordered))
    label_of = {key: labels.names.index(name) for key, name in names.items()}
    label_of |= {key: labels.ignore if void else 0 for key, void in special.items()}
    return labels, label_of, notes + notes_of_names


def numbered_like(labels, label_of, other, problems):
    """Returns the classes of a file with the numbers that they have in another file.

    Args:
        labels: The `LabelSet` of the file.
        label_of: {id: label}.
        other: The categories of the other file, a list of dicts.
        problems: The `Problems` of the other file.

    Returns:
        (labels, label_of, notes). They are the same where the file has classes that the other has
        not.
    """
    wanted, _, _ = classes_of({"categories": other, "annotations": []}, problems)
    if labels.names == wanted.names or not {*labels.names} <= {*wanted.names}:
        return labels, label_of, []
    moved = {n: wanted.names.index(name) for n, name in enumerate(labels.names)}
    moved[labels.ignore] = wanted.ignore
    note = f"The categories are numbered as in {problems.shown}; they were matched by their names."
    return wanted, {key: moved[label] for key, label in label_of.items()}, [note]


def _named(categories, problems):
    """{id: (name, supercategory)} in the order of the ids."""
    found = {}
    for place, category in enumerate(categories):
        if category.get("id") is None:
            raise problems.error(f"entry {place} of 'categories' has no id: {category}.")
        key, name = key_of(category["id"]), category.get("name")
        if name is None or not str(name).strip():
            raise problems.error(f"category {key!r} has no name; every class needs one.")
        entry = (str(name).strip(), str(category.get("supercategory") or "").strip())
        if found.setdefault(key, entry) != entry:
            raise problems.error(
                f"two categories have the id {key!r}: {found[key][0]!r} and {entry[0]!r}, so that "
                "it cannot be said which one an annotation means."
            )
    if not found:
        raise problems.error("the list 'categories' is empty, so there is no class.")
    return dict(sorted(found.items(), key=lambda item: (isinstance(item[0], str), item[0])))


def _project(named, used):
    """The id of Roboflow's category of the whole project, if nothing has it, or None."""
    first = next(iter(named))
    name, above = named[first]
    others = [entry for key, entry in named.items() if key != first]
    grouped = bool(others) and all(group == name for _, group in others)
    return first if grouped and above in ("", "none") and first not in used else None


def _class_names(named, file):
    """({id: class name}, {id: whether it is void, else background}, notes)."""
    names, special, notes, groups = {}, {}, [], {}
    for key, (name, group) in named.items():
        if name.lower() in BACKGROUND or name.lower() in VOID:
            special[key] = name.lower() in VOID
            meaning = "void" if special[key] else "class 0, which is background"
            notes.append(f"{file}: the category {name!r} (id {key}) was read as {meaning}.")
        else:
            groups.setdefault(name, {}).setdefault(group, []).append(key)
    for name, found in groups.items():
        for group, keys in found.items():
            apart = len(found) > 1
            for key in keys:
                names[key] = f"{group}/{name}" if apart and group else name
            if len(keys) > 1:
                ids = " and ".join(map(str, keys))
                notes.append(f"{file}: the categories {ids} are both named {name!r}: one class.")
        if len(found) > 1:
            both = ", ".join(dict.fromkeys(names[k] for keys in found.values() for k in keys))
            notes.append(f"{file}: {len(found)} categories are named {name!r}; they became {both}.")
    return {key: names[key] for key in named if key in names}, special, notes
