"""What dense_crf does not accept, and what it says then."""

import numpy as np
import pytest

from fcn_keras.crf import dense_crf

SCORES = np.zeros((4, 5, 3), np.float32)
IMAGE = np.full((4, 5, 3), 90, np.uint8)


def changed(array, value, at=(1, 2, 0)):
    array = array.astype(np.float64)
    array[at] = value
    return array


@pytest.mark.parametrize(
    "scores, message",
    [
        (SCORES[0], r"\(H, W, classes\) or .*shape \(5, 3\)"),
        (SCORES[:0], r"shape \(0, 5, 3\)"),
        (SCORES.astype(bool), "type bool"),
        (SCORES[..., :1], r"one class.*from_logits=False"),
        (changed(SCORES, np.nan), "finite.*nan"),
        (changed(SCORES, np.inf), "finite.*inf"),
        (changed(SCORES, -np.inf), "finite.*-inf"),
    ],
)
def test_scores(scores, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        dense_crf(scores, IMAGE)


@pytest.mark.parametrize(
    "scores, message",
    [
        (SCORES, r"sum of 0\.0"),
        (changed(SCORES + 1 / 3, 0.34), r"sum of 1\.00"),
        (changed(changed(SCORES + 1 / 3, -1 / 3), 1, (1, 2, 1)), r"got -0\.33"),
        (changed(SCORES + 1 / 3, np.nan), "sum of nan"),
    ],
)
def test_probabilities(scores, message):
    with pytest.raises(ValueError, match=f"(?s){message}.*divide by the sums"):
        dense_crf(scores, IMAGE, from_logits=False)


@pytest.mark.parametrize(
    "image, message",
    [
        (IMAGE[:3], r"need an RGB image of shape \(4, 5, 3\).*shape \(3, 5, 3\)"),
        (IMAGE[..., 0], "repeat the channel"),
        (IMAGE[None], r"shape \(1, 4, 5, 3\)"),
        (IMAGE / 255, "looks like 0-1: multiply it by 255"),
        (IMAGE - 100.0, "-10.0 to -10.0"),
        (IMAGE * 3.0, "270.0 to 270.0"),
        (IMAGE.astype(np.uint16) * 256, "23040"),
        (changed(IMAGE, np.nan), "finite"),
        (IMAGE > 100, "type bool"),
    ],
)
def test_images(image, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        dense_crf(SCORES, image)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": -1}, "`steps` must be a whole number of at least 0, got -1"),
        ({"steps": 2.5}, "got 2.5"),
        ({"steps": True}, "got True"),
        ({"spatial_weight": -1}, "`spatial_weight` must be a number of at least 0"),
        ({"bilateral_weight": np.nan}, "`bilateral_weight` .* got .*nan"),
        ({"spatial_width": 0}, "`spatial_width` must be a number above 0"),
        ({"bilateral_width": -3}, "`bilateral_width` must be a number above 0"),
        ({"color_width": 0}, "`color_width` must be a number above 0"),
        ({"threads": 0}, "`threads` must be a whole number of at least 1"),
        ({"compatibility": np.eye(4)}, r"finite numbers \(3, 3\).*shape \(4, 4\)"),
        ({"compatibility": np.full((3, 3), np.nan)}, "finite numbers"),
        (
            {"compatibility": [[0, 1, 1], [1, 0, 5], [1, 1, 0]]},
            r"symmetric, got 5.0 at \(1, 2\) and 1.0 at \(2, 1\)",
        ),
    ],
)
def test_options(options, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        dense_crf(SCORES, IMAGE, **options)
