"""Local response normalization against TensorFlow's and against its formula."""

import keras
import numpy as np
import pytest
from keras import ops

from fcn_keras.layers import LocalResponseNormalization

pytestmark = pytest.mark.backend

CASES = [
    {"depth_radius": 2, "alpha": 2e-5, "beta": 0.75},
    {"depth_radius": 5, "bias": 2.0, "alpha": 1e-4, "beta": 0.5},
    {"depth_radius": 1, "bias": 0.5, "alpha": 0.3, "beta": 1.3},
    {"depth_radius": 9, "alpha": 0.01, "beta": 0.75},
    {"depth_radius": 0, "alpha": 0.5, "beta": 1.0},
]


def values(*shape, spread=50, seed=0):
    return np.random.default_rng(seed).normal(0, spread, shape).astype("float32")


def by_formula(x, depth_radius=5, bias=1.0, alpha=1.0, beta=0.5):
    x, result = x.astype("float64"), np.empty(x.shape)
    for c in range(x.shape[-1]):
        near = x[..., max(0, c - depth_radius) : c + depth_radius + 1]
        result[..., c] = x[..., c] / (bias + alpha * (near**2).sum(-1)) ** beta
    return result


@pytest.mark.parametrize("options", [{}, *CASES])
def test_is_its_formula(options):
    x = values(2, 3, 4, 12)
    found = LocalResponseNormalization(**options)(x)
    np.testing.assert_allclose(found, by_formula(x, **options), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares with tf.nn")
@pytest.mark.parametrize("options", [{}, *CASES])
def test_is_tensorflows(options):
    import tensorflow as tf

    x = values(2, 5, 6, 16, seed=1)
    expected = tf.nn.local_response_normalization(x, **options)
    found = LocalResponseNormalization(**options)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_squares_do_not_overflow_under_mixed_precision(policy):
    layer = LocalResponseNormalization(2, alpha=2e-5, beta=0.75, dtype=policy)
    half = policy.removeprefix("mixed_")
    x = ops.cast(values(1, 3, 3, 8, spread=2000), half)  # squares beyond float16's 65504
    found = layer(x)
    assert keras.backend.standardize_dtype(found.dtype) == half
    expected = by_formula(ops.convert_to_numpy(ops.cast(x, "float32")), 2, alpha=2e-5, beta=0.75)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(found, "float32")), expected, rtol=0.01
    )


def test_open_sizes_saving_and_geometry(tmp_path):
    import fcn_keras

    image = keras.Input((None, None, 6))
    model = keras.Model(image, LocalResponseNormalization(2, alpha=0.1, beta=0.75)(image))
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    x = values(1, 4, 7, 6)
    np.testing.assert_allclose(again(x), by_formula(x, 2, alpha=0.1, beta=0.75), rtol=1e-5)
    assert fcn_keras.geometry.receptive_field(again).size == (1, 1)


@pytest.mark.parametrize("radius", [-1, 1.5])
def test_other_windows_are_refused(radius):
    with pytest.raises(ValueError, match=f"{radius}"):
        LocalResponseNormalization(radius)
