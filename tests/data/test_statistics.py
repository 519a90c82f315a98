"""Class weights: by their formulas on hand-made maps, and on CamVid's training images."""

import math

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data import Dataset, camvid
from fcn_keras.labels import LabelSet

pytestmark = pytest.mark.backend

MASKS = (
    [[0, 0, 0, 1], [0, 0, 1, 1]],  # a 5, b 3
    [[0, 0, 2, 255], [0, 0, 255, 255]],  # a 4, c 1, void 3
    [[255] * 4, [255, 255, 2, 2]],  # c 2, void 6
)


def made(masks=MASKS, labels=("a", "b", "c")):
    masks = tuple(np.array(mask, "uint8") for mask in masks)
    images = tuple(np.zeros((*mask.shape, 3), "uint8") for mask in masks)
    names = tuple(map(str, range(len(masks))))
    return Dataset("made", "train", LabelSet(labels), names, images, masks)


def test_totals_with_and_without_void():
    pixels, totals = data.class_pixels(made())
    assert (pixels.tolist(), totals.tolist()) == ([9, 3, 3], [8 + 5, 8, 5 + 2])
    pixels, totals = data.class_pixels(made(), void=True)
    assert (pixels.tolist(), totals.tolist()) == ([9, 3, 3], [16, 8, 16])
    assert totals.dtype == np.int64


def test_median_weights_by_the_formula():
    """Frequencies 9/16, 3/8 and 3/16, hence median 3/8."""
    weights = data.class_weights("median", made())
    np.testing.assert_allclose(weights, [2 / 3, 1, 2], rtol=1e-6)
    assert weights.dtype == np.float32


def test_enet_weights_and_their_square_roots():
    """Of the 15 pixels that are not void 9 are a, 3 are b and 3 are c."""
    weights = data.class_weights("enet", made())
    expected = [1 / math.log(1.02 + pixels / 15) for pixels in (9, 3, 3)]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    np.testing.assert_allclose(data.class_weights("sqrt-enet", made()) ** 2, weights, rtol=1e-6)


def test_a_class_that_does_not_occur_is_not_in_the_median():
    """Frequencies 9/16 and 3/8 of a and b in the first two images: median 15/32."""
    weights = data.class_weights("median", made(MASKS[:1] + ([[0, 0, 0, 0], [255] * 4],)))
    np.testing.assert_allclose(weights, [15 / 32 / (9 / 16), 15 / 32 / (3 / 8), 1], rtol=1e-6)


@pytest.mark.parametrize("choice", ["median", "enet"])
def test_nothing_but_void_is_named(choice):
    with pytest.raises(ValueError, match=r"made \(train\) holds nothing but void"):
        data.class_weights(choice, made(([[255, 255]],)))


def test_segnets_list_is_for_camvid_alone():
    streets = made(labels=camvid.LABELS.names)
    weights = data.class_weights("segnet-camvid", streets)
    assert weights.shape == (11,) and weights.dtype == np.float32
    assert dict(zip(camvid.LABELS.names, weights.tolist(), strict=True))["SignSymbol"] == (
        pytest.approx(9.6446)
    )
    with pytest.raises(ValueError, match="made has a, b, c"):
        data.class_weights("segnet-camvid", made())


def test_an_unknown_name_is_answered_with_the_known():
    with pytest.raises(
        ValueError, match="'enet', 'sqrt-enet', 'median', 'segnet-camvid'.*got 'mean'"
    ):
        data.class_weights("mean", made())


@pytest.mark.data
def test_median_weights_of_camvids_training_images(data_root):
    if not (data_root / "camvid" / "train").is_dir():
        pytest.skip(f"no CamVid in {data_root}")
    train = data.load("camvid", data_root / "camvid", split="train")
    assert len(train) == 367
    expected = [
        0.2793, 0.2017, 4.7865, 0.1490, 1.0000, 0.4217, 3.8467, 1.9736, 0.7889, 6.3747, 8.8587,
    ]  # fmt: skip
    np.testing.assert_allclose(data.class_weights("median", train), expected, atol=5.1e-5)
