"""ResizeToReference: the formula of half pixels, for any ratio."""

import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.layers import ResizeToReference

pytestmark = pytest.mark.backend


def weights(cells, pixels):
    """The matrix (pixels, cells) of linear interpolation: pixel p reads (p + 0.5) h / H - 0.5."""
    matrix = np.zeros((pixels, cells))
    for pixel in range(pixels):
        place = min(max((pixel + 0.5) * cells / pixels - 0.5, 0), cells - 1)
        low = int(place)
        high = min(low + 1, cells - 1)
        matrix[pixel, low] += 1 - (place - low)
        matrix[pixel, high] += place - low
    return matrix


@pytest.mark.parametrize(
    ("cells", "pixels"), [((5, 7), (37, 50)), ((1, 2), (3, 16)), ((4, 4), (4, 4))]
)
def test_by_half_pixels(cells, pixels):
    x = np.random.default_rng(0).normal(size=(2, *cells, 3)).astype("float32")
    found = ResizeToReference()([x, np.zeros((2, *pixels, 1), "float32")])
    rows, columns = (weights(n, m) for n, m in zip(cells, pixels, strict=True))
    expected = np.einsum("rh,bhwc,vw->brvc", rows, x, columns)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


def test_the_place_of_its_cells():
    """A map of offset 0 at stride 8 is placed as if it began at 3.5: pixel p shows p - 3.5."""
    import keras

    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 1, strides=8)(image)
    field = fcn_keras.geometry.receptive_field(keras.Model(image, ResizeToReference()([x, image])))
    assert field.stride == (1, 1) and field.offset == (-3.5, -3.5)
    assert field.size == (float("inf"),) * 2
