"""BSDS500: 500 natural images whose boundaries four to nine annotators drew."""

from pathlib import Path

from fcn_keras.checks import one_of
from fcn_keras.data.augmentation import QUARTERS, Augmentation
from fcn_keras.data.boundaries import TARGETS, BoundaryReader
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images.folder import normal
from fcn_keras.data.layout.files import by_stem, named
from fcn_keras.options import Option
from fcn_keras.tasks import Boundaries

SPLITS = ("train", "val", "test")
HINT = (
    "BSDS500 is a folder with images/train/*.jpg and groundTruth/train/*.mat, likewise val and "
    "test: BSR/BSDS500/data of BSR_bsds500.tgz from "
    "www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html."
)
OPTIONS = {
    "target": Option(
        "What training compares with: mean, the share of annotators who marked a pixel; consensus, "
        "1 from half of them on, else 0; certain, the same without pixels that fewer marked. "
        "Default: mean.",
        kind=str,
        choices=TARGETS,
    ),
}


def splits(root, *, target="mean"):
    """Returns those of train, val and test that are there.

    Raises:
        FileNotFoundError: if there are none.
    """
    images = _folder(root) / "images"
    return [split for split in SPLITS if (images / split).is_dir()]


def load(root, split="train", *, target="mean"):
    """Returns BSDS500's 200 training, 100 validation or 200 test images.

    Args:
        root: The folder with images/ and groundTruth/, or BSDS500/ or BSR/ around it.
        split: "train", "val", "test"; "trainval" is the first two together, on which published
            nets were trained.
        target: "mean", "consensus" or "certain": see `fcn_keras.data.BoundaryReader`. The losses
            take a pixel as boundary from 0.5 on, with "mean" too. Evaluation always compares with
            each annotator.

    Returns:
        A `Dataset` of `fcn_keras.tasks.Boundaries`.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: for an unknown split or `target`.

    Source: Arbelaez, Maire, Fowlkes, Malik (2011), "Contour detection and hierarchical image
    segmentation".
    """
    one_of("target", target, TARGETS)
    folder, parts = _folder(root), ("train", "val") if split == "trainval" else (split,)
    known = splits(root)
    if not {*parts} <= {*known}:
        raise ValueError(f"bsds has no split {split!r} in {folder}; it has {', '.join(known)}.")
    names, images, targets = [], [], []
    for part in parts:
        found = by_stem(folder / "images" / part)
        drawn = (path.stem for path in (folder / "groundTruth" / part).glob("*.mat"))
        stems = sorted({*found, *map(normal, drawn)})
        names += stems
        images += [found.get(stem, folder / "images" / part / f"{stem}.jpg") for stem in stems]
        targets += named(stems, folder / "groundTruth" / part, ".mat")
    return Dataset(
        "bsds", split, Boundaries(), tuple(names), tuple(images), tuple(targets),
        BoundaryReader(target=target), Augmentation(flip=True, color=0.2, rotate=QUARTERS),
        hint=HINT,
    )  # fmt: skip


def _folder(root):
    for inside in ("", "data", "BSDS500/data"):
        folder = Path(root) / inside
        if any((folder / "images" / split).is_dir() for split in SPLITS):
            return folder
    raise FileNotFoundError(
        f"bsds: {Path(root) / 'images/train'} was expected and is not there. {HINT}"
    )
