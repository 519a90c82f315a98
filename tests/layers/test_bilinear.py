"""Upsampling against NumPy's interp, Keras's resize, and the transposed convolution."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from fcn_keras.layers import BilinearInitializer, BilinearUpsampling2D, EdgePadding2D
from fcn_keras.layers.bilinear import bilinear_placement


def random_map(rows=5, columns=7, channels=3, seed=0):
    return np.random.default_rng(seed).normal(size=(2, rows, columns, channels)).astype("float32")


def interpolated(x, factor, offsets):
    """NumPy's linear interpolation, edges repeated: output p reads the map at (p - d) / f."""
    for axis, offset in zip((1, 2), offsets, strict=True):
        n = x.shape[axis]
        places = (np.arange(n * factor) - offset) / factor
        x = np.apply_along_axis(lambda v, p=places, n=n: np.interp(p, np.arange(n), v), axis, x)
    return x


def transposed(x, factor, offsets):
    """Edge padding, Conv2DTranspose with the initializer, cropping."""
    pads, sizes, crops = zip(*(bilinear_placement(factor, d) for d in offsets), strict=True)
    channels = x.shape[-1]
    x = EdgePadding2D(pads)(x)
    x = keras.layers.Conv2DTranspose(
        channels, sizes, strides=factor, use_bias=False,
        kernel_initializer=BilinearInitializer(factor, offsets),
    )(x)  # fmt: skip
    return keras.layers.Cropping2D(crops)(x)


@pytest.mark.backend
@pytest.mark.parametrize("factor", [
    2, 32, *(pytest.param(factor, marks=pytest.mark.backend("sweep")) for factor in (1, 3, 4, 8)),
])  # fmt: skip
def test_centred_upsampling_is_keras_resize(factor):
    x = random_map()
    expected = ops.image.resize(x, (5 * factor, 7 * factor), interpolation="bilinear")
    for result in (BilinearUpsampling2D(factor)(x), transposed(x, factor, [(factor - 1) / 2] * 2)):
        np.testing.assert_allclose(result, expected, atol=1e-5)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    factor=st.integers(1, 9),
    offsets=st.tuples(*[st.floats(-20, 20) | st.integers(-20, 20)] * 2),
    rows=st.integers(1, 6),
)
def test_any_phase_is_numpys_interp(factor, offsets, rows):
    x = random_map(rows)
    expected = interpolated(x, factor, offsets)
    np.testing.assert_allclose(BilinearUpsampling2D(factor, offsets)(x), expected, atol=2e-5)
    np.testing.assert_allclose(transposed(x, factor, offsets), expected, atol=2e-5)


@pytest.mark.backend
@pytest.mark.parametrize("factor", [
    2, 8, pytest.param(32, marks=pytest.mark.backend("sweep")),
])  # fmt: skip
@pytest.mark.parametrize("odd", [False, True])
def test_zero_edges_are_the_published_transposed_convolution(factor, odd):
    x = random_map()
    size, centre = (2 * factor - 1, factor - 1) if odd else (2 * factor, None)
    layer = keras.layers.Conv2DTranspose(
        3, size, strides=factor, use_bias=False,
        kernel_initializer=BilinearInitializer(factor, 0 if odd else None),
    )  # fmt: skip
    result = BilinearUpsampling2D(factor, centre, edge="zero")(x)
    assert result.shape == (2, 6 * factor - odd, 8 * factor - odd, 3)
    np.testing.assert_allclose(result, layer(x), atol=1e-5)


@pytest.mark.backend
def test_a_constant_stays_constant_to_the_border():
    for offset in (None, 0, 31, 15.5, 7.25):
        result = ops.convert_to_numpy(BilinearUpsampling2D(32, offset)(np.full((1, 2, 3, 1), 4.0)))
        np.testing.assert_allclose(result, 4.0, rtol=1e-6)


def test_the_kernel_is_diagonal_and_sums_to_one_per_phase():
    kernel = ops.convert_to_numpy(BilinearInitializer(4)((8, 8, 3, 3)))
    assert np.count_nonzero(kernel[:, :, ~np.eye(3, dtype=bool)]) == 0
    phases = kernel[..., 0, 0].reshape(2, 4, 2, 4).sum(axis=(0, 2))
    np.testing.assert_allclose(phases, 1, atol=1e-6)


def test_unequal_channels_are_refused():
    with pytest.raises(ValueError, match="from 3 to 5"):
        BilinearInitializer(2)((4, 4, 5, 3))


@pytest.mark.parametrize("bad", [{"factor": 0}, {"factor": 1.5}, {"factor": 2, "edge": "wrap"},
                                 {"factor": 2, "edge": "zero", "offset": 0.5}])  # fmt: skip
def test_bad_arguments(bad):
    with pytest.raises(ValueError, match="factor|edge"):
        BilinearUpsampling2D(**bad)


@pytest.mark.backend
def test_layers_come_back_from_their_config():
    for layer in (BilinearUpsampling2D(4, (1, 2.5)), BilinearUpsampling2D(2, edge="zero")):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        x = random_map()
        np.testing.assert_array_equal(layer(x), again(x))
