"""Rows of handwritten digits on textured ground: a dataset that is always there, made in seconds.

The digits are scikit-learn's `load_digits`; those of train, val and test are kept apart.
"""

import functools

import numpy as np
from PIL import Image

from fcn_keras.data.dataset import Dataset, as_arrays
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.labels import LabelSet

SPLITS = ("train", "val", "test")
COUNTS = {"train": 600, "val": 60, "test": 100}
SHARES = {"train": (0.0, 0.7), "val": (0.7, 0.8), "test": (0.8, 1.0)}
LABELS = LabelSet(
    ("background", *"0123456789"),
    (
        (0, 0, 0), (230, 25, 75), (60, 180, 75), (255, 225, 25), (0, 130, 200), (245, 130, 48),
        (145, 30, 180), (70, 240, 240), (240, 50, 230), (210, 245, 60), (250, 190, 212),
    ),
)  # fmt: skip


def load(root=None, split="train", *, size=(96, 128), count=None, seed=0):
    """Scenes of handwritten digits in rows, labelled pixel by pixel.

    Args:
        root: Not used; the digits come with scikit-learn.
        split: "train", "val" or "test": no handwritten digit occurs in two of them.
        size: (H, W) of the scenes, at least (48, 48).
        count: Number of scenes; 600, 60 and 100 by default.
        seed: The same seed makes the same scenes.

    Returns:
        A `Dataset` in memory: background and ten digits.

    Raises:
        ValueError: for scenes too small to hold a digit.
    """
    height, width = size
    if min(size) < 48:
        raise ValueError(f"`size` must be at least (48, 48) to hold a digit, got {tuple(size)}.")
    count = COUNTS[split] if count is None else count
    pairs = _scenes(split, height, width, count, seed)
    images, masks = as_arrays(pairs)
    names = tuple(f"{split}_{number:04d}" for number in range(count))
    augmentation = Augmentation(flip=False, scale=(0.8, 1.25), color=0.2)
    return Dataset("digits", split, LABELS, names, images, masks, augmentation=augmentation)


@functools.lru_cache(maxsize=6)
def _scenes(split, height, width, count, seed):
    digits, classes = _handwritten(split)
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    return [_scene(rng, digits, classes, height, width) for _ in range(count)]


def _handwritten(split):
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    first, last = (round(share * len(order)) for share in SHARES[split])
    chosen = order[first:last]
    return bunch.images[chosen] / 16, bunch.target[chosen]


def _scene(rng, digits, classes, height, width):
    """One scene: ground, then rows of digits, each of one ink."""
    ground = _ground(rng, height, width)
    image, label = ground.copy(), np.zeros((height, width), "uint8")
    top = int(rng.integers(2, 10))
    while top + 32 < height:
        tall = int(rng.integers(30, min(49, height - top)))
        left = int(rng.integers(2, 18))
        while left + 24 < width:
            wide = int(tall * rng.uniform(0.75, 1.0))
            if left + wide > width:
                break
            _stamp(rng, image, label, digits, classes, (top, left, tall, wide), ground)
            left += wide + int(rng.integers(0, 14))
        top += tall + int(rng.integers(1, 8))
    noise = rng.normal(0, 4, (height, width, 1))
    return np.clip(np.round(image + noise), 0, 255).astype("uint8"), label


def _stamp(rng, image, label, digits, classes, place, ground):
    top, left, tall, wide = place
    index = int(rng.integers(len(digits)))
    small = Image.fromarray((digits[index] * 255).astype("uint8"))
    ink = np.asarray(small.resize((wide, tall), Image.BICUBIC), "float64")[..., None] / 255
    strength = np.clip((ink - 0.25) / 0.35, 0, 1)
    window = np.s_[top : top + tall, left : left + wide]
    color = _contrasting(rng, ground[window].mean(axis=(0, 1)))
    image[window] = image[window] * (1 - strength) + color * strength
    label[window][strength[..., 0] > 0.5] = classes[index] + 1


def _contrasting(rng, ground):
    """A colour well apart from the ground's."""
    while True:
        color = rng.uniform(0, 255, 3)
        if np.abs(color.mean() - ground.mean()) > 60 and np.abs(color - ground).max() > 80:
            return color


def _ground(rng, height, width):
    """Smooth coloured texture: a few octaves of noise between two colours."""
    field = np.zeros((height, width))
    for cells, weight in ((3, 1.0), (7, 0.6), (24, 0.3)):
        coarse = Image.fromarray(rng.uniform(0, 255, (cells, cells)).astype("uint8"))
        field += weight * np.asarray(coarse.resize((width, height), Image.BICUBIC), "float64")
    field = (field - field.min()) / max(np.ptp(field), 1e-6)
    base = rng.uniform(30, 225, 3)
    other = np.clip(base + rng.uniform(-60, 60, 3), 0, 255)
    return base + (other - base) * field[..., None]
