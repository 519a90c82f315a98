"""fc6 as matrix products is Keras's convolution."""

import keras
import numpy as np
import pytest

from fcn_keras.layers import WindowConv2D

pytestmark = pytest.mark.backend


@pytest.mark.parametrize("window", [1, 2, 7, (3, 4)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_equals_kerass_convolution(window, padding):
    x = np.random.default_rng(0).normal(size=(2, 9, 8, 5)).astype("float32")
    options = {"padding": padding, "activation": "relu", "bias_initializer": "normal"}
    ours, keras_own = WindowConv2D(6, window, **options), keras.layers.Conv2D(6, window, **options)
    expected = keras_own(x)
    ours.build(x.shape)
    ours.set_weights(keras_own.get_weights())
    np.testing.assert_allclose(ours(x), expected, atol=1e-5)
    assert ours.compute_output_shape(x.shape) == expected.shape


def test_open_sizes_and_reloading(tmp_path):
    image = keras.Input((None, None, 3))
    model = keras.Model(image, WindowConv2D(4, 7, padding="same")(image))
    x = np.random.default_rng(1).normal(size=(1, 3, 11, 3)).astype("float32")
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert model(x).shape == (1, 3, 11, 4)
    np.testing.assert_allclose(model(x), again(x), atol=1e-6)


def test_what_it_does_not_do():
    with pytest.raises(ValueError, match="strides"):
        WindowConv2D(4, 7, strides=2)
