"""Rows of handwritten digits on textured ground: a dataset without files, made in seconds.

The digits are those of scikit-learn's `load_digits`; train, val and test have different digits.
"""

import functools

import numpy as np
from PIL import Image

from fcn_keras.checks import whole_number
from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option

SPLITS = ("train", "val", "test")
COUNTS = {"train": 400, "val": 50, "test": 80}
TALL = (48, 58)  # height of a digit in pixels: strokes wide enough for the stride of FCN-8s
BOLD = 0.04  # radius by which strokes are dilated, as a share of the digit's height
SHARES = {"train": (0.0, 0.7), "val": (0.7, 0.8), "test": (0.8, 1.0)}
OPTIONS = {
    "count": Option("Number of scenes. Default: 400, 50 and 80.", kind=int),
    "seed": Option("Seed of the scenes. Default: 0.", kind=int),
}
LABELS = LabelSet(
    ("background", *"0123456789"),
    (
        (0, 0, 0), (230, 25, 75), (60, 180, 75), (255, 225, 25), (0, 130, 200), (245, 130, 48),
        (145, 30, 180), (70, 240, 240), (240, 50, 230), (210, 245, 60), (250, 190, 212),
    ),
)  # fmt: skip


def splits(root=None, **options):
    """Returns all three splits."""
    return list(SPLITS)


def load(root=None, split="train", *, size=(128, 160), count=None, seed=0):
    """Returns scenes of handwritten digits in rows, dark ink on lighter ground.

    Args:
        root: Not used; the digits come with scikit-learn.
        split: "train", "val" or "test"; no handwritten digit occurs in two of them.
        size: (H, W) of the scenes, at least (64, 64).
        count: Number of scenes. Default: 400, 50 and 80.
        seed: Seed of the scenes.

    Returns:
        A `Dataset` in memory with the classes background and ten digits.

    Raises:
        ValueError: for an unknown split, or scenes too small for a digit.
    """
    if split not in SPLITS:
        raise ValueError(f"digits has no split {split!r}; it has {', '.join(SPLITS)}.")
    height, width = size
    if min(size) < 64:
        raise ValueError(f"`size` must be at least (64, 64) for a digit, got {tuple(size)}.")
    count = COUNTS[split] if count is None else count
    whole_number("count", count)
    images, masks = zip(*_scenes(split, height, width, count, seed), strict=True)
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
    """One scene: ground with rows of digits, each in its own colour."""
    ground = _ground(rng, height, width)
    image, label = ground.copy(), np.zeros((height, width), "uint8")
    top = int(rng.integers(0, 8))
    while top + TALL[0] <= height:
        tall = int(rng.integers(TALL[0], min(TALL[1], height - top) + 1))
        left = int(rng.integers(0, 16))
        while True:
            index = int(rng.integers(len(digits)))
            strength = _written(digits[index], tall, rng.uniform(0.75, 1.0))
            if left + strength.shape[1] > width:
                break
            window = np.s_[top : top + tall, left : left + strength.shape[1]]
            color = _ink(rng, ground[window].mean(axis=(0, 1)))
            image[window] += (color - image[window]) * strength[..., None]
            label[window][strength > 0.5] = classes[index] + 1
            left += strength.shape[1] + int(rng.integers(1, 14))
        top += tall + int(rng.integers(0, 8))
    noise = rng.normal(0, 4, (height, width, 1))
    return np.clip(np.round(image + noise), 0, 255).astype("uint8"), label


def _written(digit, tall, aspect):
    """The ink of a bold digit on each pixel, 0..1, (tall, width)."""
    from scipy import ndimage  # takes longer to import than the rest of the package

    cells = Image.fromarray((np.pad(digit, 1) * 255).astype("uint8"))
    size = (round(1.25 * tall * aspect), round(1.25 * tall))
    ink = np.asarray(cells.resize(size, Image.Resampling.BICUBIC)) / 255
    ink = ndimage.grey_dilation(ink, footprint=_disc(round(BOLD * tall)))
    strength = np.clip((ink - 0.15) / 0.3, 0, 1)
    rows, columns = (np.flatnonzero(strength.max(axis=a) > 0.5) for a in (1, 0))
    strength = strength[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    picture = Image.fromarray((255 * strength).astype("uint8"))
    return np.asarray(picture.resize((strength.shape[1], tall), Image.Resampling.BILINEAR)) / 255


def _disc(radius):
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.hypot(rows, columns) <= radius + 0.3


def _ink(rng, ground):
    """A colour whose mean is at least 70 below that of the ground."""
    color = rng.uniform(0, 255, 3)
    return color * min(1, (ground.mean() - 70) / color.mean())


def _ground(rng, height, width):
    """A smooth, light texture: a few octaves of noise between two colours."""
    field = np.zeros((height, width))
    for cells, weight in ((3, 1.0), (7, 0.6), (24, 0.3)):
        coarse = Image.fromarray(rng.uniform(0, 255, (cells, cells)).astype("uint8"))
        smooth = coarse.resize((width, height), Image.Resampling.BICUBIC)
        field += weight * np.asarray(smooth, "float64")
    field = (field - field.min()) / max(np.ptp(field), 1e-6)
    base = rng.uniform(110, 240, 3)
    other = np.clip(base + rng.uniform(-30, 60, 3), 0, 255)
    return base + (other - base) * field[..., None]
