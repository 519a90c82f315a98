"""Where the images and masks of a user's folder are, and which of its subfolders are splits."""

import itertools
from pathlib import Path

from fcn_keras.data.images.folder import scan
from fcn_keras.data.images.formats import is_left_over, why_not
from fcn_keras.data.layout.files import require
from fcn_keras.data.layout.pairing import SAME, AmbiguousError, Pairs, pair

SPLIT_OF = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
IMAGES = "images"
BEGINNING = 4096  # bytes of a JSON file that are looked at


def find_pairs(root, images, masks, default, pattern, hint):
    """Returns the `Pairs` of a user's folder.

    Images and masks are in folders of the root, in folders of its subfolders train, val and test,
    or together in one folder.

    Args:
        root: The dataset's folder.
        images, masks: Names of their folders; masks may be None.
        default: Name of the folder of masks where it is None.
        pattern: Text of a `fcn_keras.data.layout.patterns.Pattern`, or None.
        hint: What belongs where, for messages.

    Raises:
        FileNotFoundError: if the folders are not there.
        ValueError: for names that cannot be paired; see `fcn_keras.data.layout.pairing.pair`.
    """
    if not Path(root).is_dir():
        raise FileNotFoundError(f"folder: {root} is a file; a folder was expected. {hint}")
    places = _parts(root, images), _parts(root, masks or default)
    if all(places):
        photos = scan(places[0])
        if _same(*places):
            return pair(photos, photos, pattern)
        nested = True if any("/" in name for name in photos.files) else None
        return _labelled(photos, scan(places[1], nested), pattern)
    alone = _one_folder(root, images, masks, places)
    if alone is not None:
        try:
            return pair(alone, alone, pattern)
        except AmbiguousError:
            raise
        except ValueError:
            if pattern is not None:
                raise
    name = (masks or default) if places[0] else images
    told = _annotations_there(root) or _folders_there(root)
    return require(Path(root) / name, "folder", hint + told)


def images_alone(root, images, hint):
    """Returns the images of a user's folder as `Pairs` without masks.

    Args:
        root: The dataset's folder.
        images: Name of the folder of images.
        hint: What belongs where, for messages.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    places = _parts(root, images)
    if not places:
        require(Path(root) / images, "folder", hint + _folders_there(root))
    found = scan(places)
    return Pairs(found.single(), {}, (found, found), SAME, tuple(found.notes))


def split_folders(names):
    """Returns {split: names} where the first folder of every name is that of a split, else {}."""
    found = {}
    for name in names:
        split = SPLIT_OF.get(name.partition("/")[0].lower()) if "/" in name else None
        if split is None:
            return {}
        found.setdefault(split, []).append(name)
    return found


def no_images(folder):
    """Returns the message for a folder without images; it says what the files there are."""
    others = [
        path for part in folder.parts.values() for path in sorted(part.rglob("*"))
        if path.is_file() and not is_left_over(path)
    ]  # fmt: skip
    if not others:
        return f"folder: there are no images in {folder}: it is empty."
    return (
        f"folder: there are no images in {folder}, but {len(others)} other files, such as "
        f"{others[0].name} ({why_not(others[0])})."
    )


def _parts(root, name):
    """{prefix of the names: folder} of the root's folder of a name, or of those in its splits."""
    if (Path(root) / name).is_dir():
        return {"": Path(root) / name}
    return {
        f"{split}/": Path(root) / split / name
        for split in SPLIT_OF
        if (Path(root) / split / name).is_dir()
    }


def _same(first, second):
    return {p.resolve() for p in first.values()} == {p.resolve() for p in second.values()}


def _one_folder(root, images, masks, places):
    """The `ImageFolder` of images and masks together, where there may be one."""
    if masks is not None or places[1]:
        return None
    if places[0]:
        return scan(places[0])
    if images != IMAGES:
        return None
    splits = {f"{name}/": Path(root) / name for name in SPLIT_OF if (Path(root) / name).is_dir()}
    found = scan({"": Path(root)}, nested=False)
    return scan(splits) if splits and not found.files else found


def _labelled(images, masks, pattern):
    """The `Pairs` without images of a test of which nobody has masks."""
    for name in dict.fromkeys(name.partition("/")[0] for name in images.files if "/" in name):
        prefix = f"{name}/"
        has_masks = any(mask.startswith(prefix) for mask in masks.files)
        if SPLIT_OF.get(name.lower()) == "test" and not has_masks:
            kept = images.without(prefix)
            if kept.files:
                images = kept
                images.notes.append(
                    f"The images of {name} have no masks and were left out: {masks} has no {name}."
                )
    return pair(images, masks, pattern)


def _annotations_there(root):
    """A sentence about a tool's annotations, where the folder holds those instead of masks."""
    root = Path(root)
    if (root / "annotations.xml").is_file():
        return f" {root} has CVAT's annotations.xml, which is read as cvat:{root}."
    if (root / "meta.json").is_file() and next(root.glob("*/ann/*.json"), None):
        return f" {root} has a project of Supervisely, which is read as supervisely:{root}."
    if (root / "SegmentationClass").is_dir() and (root / "ImageSets").is_dir():
        return f" {root} has the layout of VOC, which is read as voc:{root}."
    for file in itertools.chain(root.glob("*.json"), root.glob("*/*.json")):
        with open(file, "rb") as opened:
            begins = opened.read(BEGINNING)
        if b'"shapes"' in begins or b'"imageData"' in begins:
            return f" {root} has labelme's JSON files, which are read as labelme:{root}."
        if begins.lstrip().startswith(b"[") and b'"annotations"' in begins:
            return f" {root} has Label Studio's JSON, which is read as label-studio:{root}."
        break
    return ""


def _folders_there(root):
    found = sorted(p.name for p in Path(root).iterdir() if p.is_dir() and not is_left_over(p))
    if not found:
        return ""
    shown = ", ".join(found[:6]) + (", ..." if len(found) > 6 else "")
    return f" {root} has the folders {shown}; images=NAME and masks=NAME name others."
