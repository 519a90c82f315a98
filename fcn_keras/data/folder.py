"""Your own images: a folder of images with masks and classes.txt, or with a map of values each."""

from pathlib import Path

from fcn_keras.checks import one_of
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.classes.lines import READINGS
from fcn_keras.data.classes.reading import (
    OWN,
    TOOLS,
    class_list_of,
    instances_reader,
    labels_and_reader,
)
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images import reader as image_reader
from fcn_keras.data.images.npy import is_npy, npy_header
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.data.images.survey import decided_reader
from fcn_keras.data.layout.files import require
from fcn_keras.data.layout.folders import find_pairs, images_alone, no_images, split_folders
from fcn_keras.data.layout.lists import names_in, pairs_in, refuse_twice, relative_name
from fcn_keras.data.layout.splitting import held_out
from fcn_keras.data.normals import NormalsReader
from fcn_keras.data.values import DepthReader, ValueReader
from fcn_keras.data.weak.annotated import FORMS
from fcn_keras.data.weak.finding import annotated
from fcn_keras.options import Option
from fcn_keras.tasks import Depth, Regression

HINT = (
    "A dataset folder has images/ (photographs), masks/ (one PNG of the same name and size for "
    "each) and classes.txt (one class per line, in the order of the masks' values; for masks in "
    "colour `name red green blue`)."
)
DEPTH_HINT = (
    "A dataset folder for depth has images/ and depth/ (for each image one 16-bit PNG, .npy or "
    ".pfm file of the same name and size; 0 and NaN stand for no depth)."
)
VALUES_HINT = (
    "A dataset folder for regression has images/ and targets/ (for each image one .npy file or "
    "16-bit PNG of the same name and size)."
)
OPTIONS = {
    "binary": Option("Every value of the masks but 0 (in colour: black) is class 1.", kind=bool),
    "threshold": Option(
        "Masks of two classes: values of N and more are class 1. It admits greys and JPEG.",
        metavar="N",
        kind=float,
    ),
    "instances": Option(
        "The masks number the objects: each value but 0, or each colour, is one object.", kind=bool
    ),
    "separate": Option(
        "Width in pixels of the background that is drawn between objects that touch. It implies "
        "instances.",
        kind=int,
    ),
    "void": Option("A value of the files that means void, or no value.", kind=int, repeatable=True),
    "images": Option("Folder of images in DIR. Default: images.", kind=str),
    "masks": Option(
        "Folder of masks or targets in DIR. Default: masks, targets or depth.", kind=str
    ),
    "pattern": Option(
        "Name of the mask of the image {name}, such as {name}_mask; or IMAGE:MASK, such as "
        "{name}_sat:{name}_mask. Default: found where the names differ.",
        kind=str,
    ),
    "regression": Option(
        "The targets are values of this name, not classes.",
        metavar="[NAME]",
        parse=lambda text: text or "value",
    ),
    "depth": Option(
        "The targets are depths in metres, or in the unit given: a net learns their logarithm. 0 "
        "is no depth; 16-bit PNGs in millimetres need scale=0.001.",
        kind=bool,
    ),
    "normals": Option(
        "The targets are the surface normals of the depths, for a camera of this focal length in "
        "pixels.",
        metavar="PIXELS",
        kind=float,
    ),
    "unit": Option("Unit of the values, such as m.", kind=str),
    "scale": Option("Units of the values for one unit of the files.", kind=float),
    "classes": Option(
        "What a number beside a name in classes.txt is: part of the name (names), or the class's "
        "value in the masks (values).",
        kind=str,
        choices=READINGS,
    ),
    "weak": Option(
        "Weak labels in place of masks: tags of tags.csv (file,classes,sizes), boxes (VOC, YOLO, "
        "COCO), points or scribbles (label maps, labelme).",
        kind=str,
        choices=FORMS,
    ),
    "resize": Option(
        "What is brought to the size of the other where an image and its mask have different "
        "sizes of the same proportions: images.",
        kind=str,
        choices=("images",),
    ),
    **image_reader.OPTIONS,
}


def splits(root, **options):
    """Returns splits that together hold every image.

    These are train and val; or the lists and "all"; or the splits that are folders of the images.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    root = require(root, "folder", HINT)
    lists = _lists(root)
    found = [split for split in ("train", "val", "test", "trainval") if split in lists]
    try:
        folders = split_folders(_pairs(root, **options).names)
    except (OSError, ValueError):
        return found or ["train", "val"]
    if found:
        return [*found, "all"]
    return [s for s in ("train", "val", "test") if s in folders or _is_part(s, folders)]


def _is_part(split, folders):
    """Whether train or val is a part of the other, or of all images."""
    return split != "test" and ("train" in folders or not folders)


def load(
    root,
    split="train",
    *,
    images="images",
    masks=None,
    pattern=None,
    binary=False,
    threshold=None,
    instances=False,
    separate=0,
    void=(),
    regression=None,
    depth=False,
    normals=None,
    unit=None,
    scale=1.0,
    classes=None,
    resize=None,
    weak=None,
    bits=None,
    alpha=None,
    page=None,
):
    """Returns images and masks of your own, or images and maps of values.

    classes.txt has one class per line: `name`, or `name red green blue` with its colour in RGB and
    palette masks. In index masks a class has the number of its line, counted from 0, unless lines
    end in `= value` or `= first-last`. A line named `void` is no class: it describes the pixels
    that are left out (`void = 11`, `void 0 0 0`). 255 is always void unless a class has it. `#`
    begins a comment. The notations of tools are read too, and their files where there is no
    classes.txt (labelmap.txt, labels.txt, ...); `notes` says how.

    With `regression` there are no classes. The targets are float maps: .npy files, (H, W) or
    (H, W, C) with NaN for pixels without a value, PNGs of one channel with 16 bits, PFM or TIFF.
    With `depth` they are depths, and the task is `fcn_keras.tasks.Depth`.

    Args:
        root: The dataset's folder.
        split: Name of a list: train.txt, val.txt, ... have one name per line, or the paths of an
            image and its mask. With only one of train.txt and val.txt, the other is the rest.
            Without lists, folders train, val and test of the images are the splits; without these,
            a fifth of the images, chosen by a hash of their names, is "val". Names in test.txt are
            in neither. "all" is every image.
        images: Name of the folder of images. Its subfolders are searched where it has no image
            itself.
        masks: Name of the folder of masks, or of targets. Default: "masks"; with `regression`
            "targets", with `depth` "depth". It may be the folder of images.
        pattern: Name of the mask of the image {name}, such as "{name}_mask"; or names of both, such
            as "{name}_sat:{name}_mask". Other files are left out. None: equal names, or one pattern
            that gives each image a mask.
        binary: Whether every value of the masks but 0 is class 1: in images with a palette or in
            colour, everything that is not black. Without a classes.txt the two classes are then
            called background and object.
        threshold: For masks of two classes with greys, or stored with loss such as JPEG: values of
            so much and more are class 1, usually 128. Of a colour the largest channel counts.
            classes.txt may be missing, as with `binary`.
        instances: Whether the masks number the objects: each value but 0, or each colour, is one
            object. Its class is 1, or the one whose numbers classes.txt gives (`egg = 1-200`).
            Weight maps then tell touching objects apart.
        separate: Width in pixels of the background that is drawn between objects that touch, so
            that a net learns to keep them apart; 0 for none. It implies `instances`.
        void: A further value of the files that means void, or several; with `regression` or
            `depth` a value of the files that means no value.
        regression: Name of the values, such as "distance", or True for "value".
        depth: Whether the targets are depths; 0, NaN and infinite numbers mean no depth.
        normals: Focal length of the camera in pixels: the targets are then the surface normals of
            the depths (see `fcn_keras.data.NormalsReader`). It goes with `depth`.
        unit: Unit of the values, such as "m", which is that of depths by default.
        scale: Units of the values for one unit of the files: 0.001 for PNGs in millimetres and
            values in metres.
        classes: What a number beside a name in classes.txt is: "names" if it is part of the name
            ("zone 1"), "values" if it is the class's value in the masks. Default: lines that can
            mean both are refused.
        weak: Weak labels that there are in place of masks. "tags": tags.csv, a line
            `file,classes,sizes` for each image. "boxes": for each image an XML file as VOC's or a
            text file as YOLO's in the folder boxes, or boxes.json as COCO's for all. "points",
            "scribbles": in a folder of that name for each image a label map that is void but for
            them, or a JSON file of labelme with points and lines. `masks` gives another name. The
            first class is the background.
        resize: "images" if images are brought to the size of their masks, where both have the same
            proportions. Default: different sizes are refused.
        bits, alpha, page: How images are read that can be understood in several ways; see
            `fcn_keras.data.ImageReader`.

    Returns:
        A `Dataset`; with `weak` an `AnnotatedDataset`.

    Raises:
        FileNotFoundError: for missing folders and lists; the message says what was expected where.
        ValueError: for a classes.txt with a line that means nothing, an unknown split, or
            options that exclude each other.
    """
    _check_together(regression, depth, normals, unit, scale)
    values = bool(regression or depth)
    where = {"images": images, "masks": masks, "pattern": pattern, "weak": weak}
    where.update(regression=regression, depth=depth)
    _, hint = _targets(regression, depth)
    root = require(root, "folder", hint)
    names, paths, targets, notes, every = _examples(root, split, where)
    void = (void,) if isinstance(void, int) else tuple(void)
    _check_choices(classes=classes, resize=resize, weak=weak)
    if values:
        what = "depth" if depth else "regression"
        _refuse_for_values(
            what, binary=binary, threshold=threshold, instances=instances, separate=separate
        )
        reader = _value_reader(targets, regression, unit, scale, void)
        if normals is not None:
            reader = NormalsReader(normals, reader)
        task = reader.task
    else:
        numbered = bool(instances or separate)
        two = binary or numbered or threshold is not None
        found, of_classes = class_list_of(root, two, hint, classes)
        notes = (*notes, *of_classes)
        if numbered:
            task, reader = instances_reader(found, void, threshold, separate)
        else:
            task, reader = labels_and_reader(found, void, binary, threshold)
    augmentation = Augmentation(flip=True, scale=(0.75, 1.5), color=0.2)
    hint = hint if values else ""
    read, told = decided_reader(ImageReader(bits, alpha, page), every)
    dataset = Dataset(
        "folder", split, task, names, paths, targets, reader, augmentation, read,
        hint=hint, resize_images=resize == "images", notes=(*notes, *told),
    )  # fmt: skip
    return annotated(root, weak, masks, dataset) if weak else dataset


def _check_together(regression, depth, normals, unit, scale):
    """Raises ValueError for options that exclude each other or need another one."""
    if regression and depth:
        raise ValueError("regression and depth exclude each other.")
    if normals is not None and not depth:
        raise ValueError(f"normals={normals:g} are made of depths: it goes with depth.")
    if (unit or scale != 1) and not (regression or depth):
        raise ValueError("unit and scale go with regression=NAME, or with depth.")


def _check_choices(**given):
    """Raises ValueError for a value that is none of an option's choices."""
    for option, value in given.items():
        if value is not None:
            one_of(option, value, OPTIONS[option].choices)


def _targets(regression, depth):
    """Returns the default name of the folder of targets, and what belongs where."""
    if depth:
        return "depth", DEPTH_HINT
    return ("targets", VALUES_HINT) if regression else ("masks", HINT)


def _refuse_for_values(what, **given):
    """Raises ValueError for options of masks that were given beside `what`."""
    for name, value in given.items():
        if value not in (None, False, 0):
            text = f"{value:g}" if name == "threshold" else value
            raise ValueError(f"{name}={text} is for classes; it does not go with {what}.")


def _value_reader(targets, regression, unit, scale, void):
    """The reader of values of the name `regression`, or of depth where that is None."""
    if not regression:
        return DepthReader(Depth("m" if unit is None else unit), scale, void)
    name = "value" if regression is True else regression
    return ValueReader(Regression(name, _channels(targets), unit or ""), scale, void)


def _channels(targets):
    """The number of values per pixel, from the first .npy file that can be read; 1 for images."""
    headers = (npy_header(path) for path in targets if is_npy(path))
    shape = next((header[0] for header in headers if header), ())
    return shape[2] if len(shape) == 3 else 1


def _lists(root):
    texts = Path(root).glob("*.txt")
    return {path.stem: path for path in texts if path.name not in (OWN, *TOOLS)}


def _pairs(
    root, images="images", masks=None, pattern=None, regression=None, depth=False, weak=None, **_
):
    """The `Pairs` of all images."""
    if weak:
        return images_alone(root, images, HINT)
    default, hint = _targets(regression, depth)
    return find_pairs(root, images, masks, default, pattern, hint)


def _examples(root, split, where):
    """The names of a split, paths of its images and masks, notes, and paths of all images."""
    lists = _lists(root)
    if split in lists:
        folders = [root / name for name in (where["images"], where["masks"] or "masks")]
        if not where["weak"] and (listed := pairs_in(lists[split], root, folders)):
            names = [relative_name(image, folders[0]) for image, _ in listed]
            refuse_twice(lists[split], names)
            wanted = [lists[name] for name in ("train", "val", "test", split) if name in lists]
            others = [pairs_in(path, root, folders) or () for path in wanted]
            every = [image for pairs in others for image, _ in pairs]
            return tuple(names), *map(tuple, zip(*listed, strict=True)), (), every
    pairs = _pairs(root, **where)
    names, notes = _names(root, split, pairs, lists)
    paths, targets = zip(*map(pairs.of, names), strict=True)
    every = [pairs.of(name)[0] for name in pairs.names]
    return tuple(names), paths, targets, (*pairs.notes, *notes), every


def _names(root, split, pairs, lists):
    """The names of a split, and notes."""
    names = pairs.names

    def listed(split):
        return names_in(lists[split], set(names), pairs.mask_names)

    if split in lists:
        return listed(split), ()
    if not names:
        raise ValueError(no_images(pairs.folders[0]))
    if split == "all":
        return names, ()
    if not lists.keys() & {"train", "val", "test"} and (folders := split_folders(names)):
        return _in_folders(split, folders, pairs)
    other = {"train": "val", "val": "train"}.get(split)
    if other is None:
        known = ", ".join([*splits(root), "all"])
        raise ValueError(
            f"folder has no split {split!r}: {root / split}.txt is not there ({known})."
        )
    tested = set(listed("test")) if "test" in lists else set()
    names = [name for name in names if name not in tested]
    if other in lists:
        chosen = set(listed(other))
        kept = [name for name in names if name not in chosen]
    else:
        kept = _share(names, split)
    if not kept:
        raise ValueError(f"folder: of {len(names)} image(s) none is left for {split!r}.")
    return kept, ()


def _in_folders(split, folders, pairs):
    """The names of a split where the images have folders train, val or test."""
    told = ", ".join(sorted({name.partition("/")[0] for name in pairs.names}))
    note = f"The folders {told} of the images are the splits."
    rest = split in ("train", "val") and "train" in folders and "val" not in folders
    if rest:
        kept = _share(folders["train"], split)
        note += " There is no folder val: it is a fifth of train."
    else:
        kept = folders.get(split)
    if not kept:
        raise ValueError(
            f"folder has no split {split!r}: the images are in the folders {told} (all)."
        )
    return kept, (note,)


def _share(names, split):
    """The fifth of the names that is val, or the others."""
    chosen = held_out(names)
    return [name for name in names if (name in chosen) == (split == "val")]
