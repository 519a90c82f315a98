"""The dataset of scenes: one kind of truth as the target."""

import functools

import numpy as np

from fcn_keras.checks import number, one_of, whole_number
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.scenes.drawing import draw
from fcn_keras.data.scenes.layers import CLASSES
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option
from fcn_keras.tasks import Boundaries, Classes, Depth, Flow

SPLITS = ("train", "val", "test")
COUNTS = {"train": 200, "val": 30, "test": 50}
LABELS = LabelSet(CLASSES)
TASKS = {
    "classes": Classes(LABELS),
    "boundaries": Boundaries(),
    "depth": Depth(),
    "flow": Flow(),
}
AUGMENTATIONS = {  # scaling would contradict the haze, and thin lines
    "classes": Augmentation(flip=True, scale=(0.8, 1.25), color=0.2),
    "boundaries": Augmentation(flip=True, color=0.2),
    "depth": Augmentation(flip=True, color=0.1),
    "flow": Augmentation(flip=True, color=0.2),
}
OPTIONS = {
    "target": Option(
        "The truth to learn: classes, boundaries, depth, or flow from two frames. Default: "
        "classes.",
        kind=str,
        choices=tuple(TASKS),
    ),
    "count": Option("Number of scenes. Default: 200, 30 and 50.", kind=int),
    "seed": Option("Seed of the scenes. Default: 0.", kind=int),
    "motion": Option("Largest shift between the frames, in pixels. Default: 6.", kind=float),
}


def splits(root=None, **options):
    """Returns all three splits."""
    return list(SPLITS)


def load(
    root=None, split="train", *, target="classes", size=(96, 128), count=None, seed=0, motion=6.0
):
    """Returns drawn scenes of textured shapes, with exact truth.

    Args:
        root: Not used; the scenes are drawn.
        split: "train", "val" or "test", which have different scenes.
        target: "classes" (background, ellipse, rectangle, triangle, blob), "boundaries" of objects,
            "depth" in metres, or "flow" from the first frame to the second in pixels. For "flow" an
            image has six channels: the first frame, then the second.
        size: (H, W) of the scenes, at least (32, 32).
        count: Number of scenes. Default: 200, 30 and 50.
        seed: Seed of the scenes.
        motion: Largest shift of the background and of an object against it, in pixels.

    Returns:
        A `Dataset` in memory. `draw([seed, i, n])` with i = 0, 1, 2 for train, val, test is the
        whole `Scene` of example n.

    Raises:
        ValueError: for an unknown split or target, or an impossible size, count or motion.
    """
    if split not in SPLITS:
        raise ValueError(f"scenes has no split {split!r}; it has {', '.join(SPLITS)}.")
    one_of("target", target, tuple(TASKS))
    count = whole_number("count", COUNTS[split] if count is None else count)
    scenes = _scenes(split, tuple(size), count, seed, number("motion", motion))
    images = [scene.frames[0] for scene in scenes]
    if target == "flow":
        images = [np.concatenate(list(scene.frames), -1) for scene in scenes]
    field = "labels" if target == "classes" else target
    targets = [getattr(scene, field) for scene in scenes]
    if target == "boundaries":
        targets = [boundaries.astype("float32") for boundaries in targets]
    names = tuple(f"{split}_{index:04d}" for index in range(count))
    return Dataset(
        "scenes", split, TASKS[target], names, images, targets, augmentation=AUGMENTATIONS[target]
    )


@functools.lru_cache(maxsize=6)
def _scenes(split, size, count, seed, motion):
    place = SPLITS.index(split)
    return [draw([seed, place, index], size, motion) for index in range(count)]
