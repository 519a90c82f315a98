"""Lets the tests of this folder import `references`; the images they look at."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(Path(__file__).parent))

from references import Case  # noqa: E402

HEIGHT, WIDTH = 30, 40


@pytest.fixture(scope="session")
def synthetic():
    """Three images of four classes: cells of a colour each, clouded and noisy."""
    return [_clouded(np.random.default_rng(seed)) for seed in range(3)]


@pytest.fixture(scope="session")
def photographs(data_root):
    """Of four images the crop most mixed in its twelve classes."""
    if not (data_root / "camvid" / "valannot").is_dir():
        pytest.skip(f"no CamVid: {data_root / 'camvid' / 'valannot'} does not exist")
    rng = np.random.default_rng(0)
    masks = sorted((data_root / "camvid" / "valannot").glob("*.png"))
    found = []
    for path in masks[:: len(masks) // 4][:4]:
        mask = np.array(Image.open(path))
        crop = max(_crops(mask.shape), key=lambda crop, mask=mask: _entropy(mask[crop]))
        image = np.array(Image.open(data_root / "camvid" / "val" / path.name).convert("RGB"))
        found.append(Case(image[crop], scores(mask[crop], 12, 1, rng)))
    return found


def scores(labels, num_classes, noise, rng):
    """Logits as of a net that is right by and large: the labels blurred, with noise."""
    blurred = gaussian_filter(np.eye(num_classes)[labels], (3, 3, 0))
    return 6 * blurred + noise * rng.normal(size=blurred.shape)


def _clouded(rng):
    seeds = rng.uniform(0, (HEIGHT, WIDTH), (8, 2))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    cells = ((rows - seeds[:, :1, None]) ** 2 + (columns - seeds[:, 1:, None]) ** 2).argmin(0)
    clouds = sum(
        height * gaussian_filter(rng.normal(size=(HEIGHT, WIDTH, 3)), (width, width, 0))
        for width, height in ((8, 24), (3, 6), (1, 1), (0.3, 0.3))
    )
    fading = np.linspace(0.2, 1.5, WIDTH)[:, None]
    image = 128 + 25 * rng.normal(size=(8, 3))[cells] + 25 * fading * clouds
    return Case(image.clip(0, 255).astype(np.uint8), scores(cells % 4, 4, 2, rng))


def _crops(shape):
    for top in range(0, shape[0] - HEIGHT + 1, HEIGHT):
        for left in range(0, shape[1] - WIDTH + 1, WIDTH):
            yield slice(top, top + HEIGHT), slice(left, left + WIDTH)


def _entropy(labels):
    shares = np.bincount(labels.ravel()) / labels.size
    return -(shares * np.log(np.maximum(shares, 1e-9))).sum()
