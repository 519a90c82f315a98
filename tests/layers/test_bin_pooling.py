"""BinPooling2D: PyTorch's bins by the formula, any size, its geometry."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.layers import BinPooling2D, ResizeToReference


def by_formula(x, bins):
    """Bin i: cells from floor(i n / k) up to ceil((i + 1) n / k), averaged one by one."""
    rows, columns, channels = x.shape
    found = np.zeros((bins, bins, channels))
    for i in range(bins):
        for j in range(bins):
            part = x[
                math.floor(i * rows / bins) : math.ceil((i + 1) * rows / bins),
                math.floor(j * columns / bins) : math.ceil((j + 1) * columns / bins),
            ]
            found[i, j] = part.mean((0, 1))
    return found


@pytest.mark.backend
@pytest.mark.parametrize("bins", [1, 3, 6])
def test_bins_are_those_of_the_formula(bins):
    x = np.random.default_rng(0).normal(size=(2, 7, 4, 3)).astype("float32")  # fewer than 6 too
    found = ops.convert_to_numpy(BinPooling2D(bins)(x))
    for one, image in zip(found, x, strict=True):
        np.testing.assert_allclose(one, by_formula(image, bins), atol=1e-6)


def test_the_size_may_be_open_and_every_bin_depends_on_the_whole_image():
    image = keras.Input((None, None, 3))
    bins = BinPooling2D(2)(image)
    assert bins.shape == (None, 2, 2, 3)
    net = keras.Model(image, ResizeToReference()([bins, image]))
    assert net(np.zeros((1, 9, 5, 3), "float32")).shape == (1, 9, 5, 3)
    field = fcn_keras.geometry.receptive_field(net)
    assert field.stride == (1, 1) and field.offset == (0, 0)
    assert field.size == (math.inf, math.inf)
    with pytest.raises(ValueError, match="`bins` must be a whole number of at least 1, got 0"):
        BinPooling2D(0)
