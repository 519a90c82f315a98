"""Pooling with holes against a loop over its windows, and against Keras where it has none."""

import itertools

import keras
import numpy as np
import pytest

from fcn_keras.geometry import receptive_field
from fcn_keras.layers import DilatedPooling2D

pytestmark = pytest.mark.backend


def by_loop(x, size, strides, dilation, padding, mode):
    """Each window's cells are gathered one by one; those outside the map do not exist."""
    (top, bottom), (left, right) = padding
    _, rows, columns, _ = x.shape
    reach = [(n - 1) * d for n, d in zip(size, dilation, strict=True)]
    starts_y = range(-top, rows + bottom - reach[0], strides[0])
    starts_x = range(-left, columns + right - reach[1], strides[1])
    out = np.empty((len(x), len(starts_y), len(starts_x), x.shape[-1]), "f")
    for (i, y), (j, z) in itertools.product(enumerate(starts_y), enumerate(starts_x)):
        seen = [
            x[:, y + a * dilation[0], z + b * dilation[1]]
            for a, b in itertools.product(range(size[0]), range(size[1]))
            if 0 <= y + a * dilation[0] < rows and 0 <= z + b * dilation[1] < columns
        ]
        out[:, i, j] = np.max(seen, axis=0) if mode == "max" else np.mean(seen, axis=0)
    return out


@pytest.mark.parametrize("mode", ["max", "average"])
@pytest.mark.parametrize(
    "size, strides, dilation, padding",
    [
        ((2, 2), (1, 1), (1, 1), ((0, 0), (0, 0))),
        ((3, 3), (1, 1), (1, 1), ((0, 2), (1, 1))),
        ((3, 3), (1, 1), (4, 4), ((0, 0), (0, 0))),
        ((3, 2), (1, 1), (2, 3), ((2, 2), (0, 3))),
        ((2, 3), (2, 3), (2, 1), ((1, 0), (0, 1))),
        ((1, 1), (1, 1), (5, 5), ((0, 0), (0, 0))),
    ],
)
def test_equals_the_loop(size, strides, dilation, padding, mode):
    x = np.random.default_rng(0).normal(-3, 1, (2, 9, 12, 3)).astype("f")
    layer = DilatedPooling2D(size, strides, dilation, padding, mode)
    expected = by_loop(x, size, strides, dilation, padding, mode)
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == expected.shape


@pytest.mark.parametrize("mode", ["max", "average"])
@pytest.mark.parametrize("padding", [0, ((1, 1), (1, 1))])
def test_equals_kerass_pooling_on_each_phase(mode, padding):
    """Holes of 3 cells: nine interleaved maps, each pooled by Keras."""
    x = np.random.default_rng(1).normal(size=(1, 15, 18, 4)).astype("f")
    name = "same" if padding else "valid"
    pooling = keras.layers.MaxPooling2D if mode == "max" else keras.layers.AveragePooling2D
    holes = ((3, 3), (3, 3)) if padding else 0
    got = np.array(DilatedPooling2D(3, dilation_rate=3, padding=holes, mode=mode)(x))
    for a, b in itertools.product(range(3), range(3)):
        phase = pooling(3, strides=1, padding=name)(x[:, a::3, b::3])
        np.testing.assert_allclose(got[:, a::3, b::3], phase, atol=1e-6)


def test_open_sizes_geometry_and_reloading(tmp_path):
    image = keras.Input((None, None, 3))
    layer = DilatedPooling2D(3, dilation_rate=2, padding=((0, 4), (2, 2)), name="pool")
    model = keras.Model(image, layer(image))
    assert model.output_shape == (None, None, None, 3)
    field = receptive_field(model)
    assert (field.size, field.stride, field.offset) == ((5, 5), (1, 1), (2, 0))
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    x = np.random.default_rng(2).normal(size=(1, 6, 7, 3)).astype("f")
    assert model(x).shape == (1, 6, 7, 3)
    np.testing.assert_array_equal(model(x), again(x))


def test_what_it_refuses():
    with pytest.raises(ValueError, match="`mode` must be one of"):
        DilatedPooling2D(2, mode="median")
    with pytest.raises(ValueError, match="at least 1"):
        DilatedPooling2D(2, dilation_rate=0)
    with pytest.raises(ValueError, match="padding"):
        DilatedPooling2D(3, padding=((3, 0), (0, 0)))
    with pytest.raises(ValueError, match="9x9 cells do not fit"):
        DilatedPooling2D(3, dilation_rate=4)(np.zeros((1, 8, 8, 1), "f"))
