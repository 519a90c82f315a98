"""Further image channels for a pretrained net: the old ones answered as before."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.layers import Preprocess
from fcn_keras.surgery import widen_input

pytestmark = pytest.mark.backend
L = keras.layers


def classifier(*scaling):
    """Padding, scaling and a strided convolution on the image, and a shortcut behind."""
    image = keras.Input((16, 16, 3), name="pixels")
    x = image
    for layer in scaling:
        x = layer(x)
    x = L.ZeroPadding2D(1)(x)
    x = L.Conv2D(3, 3, strides=2, name="first")(x)
    x = L.Add()([x, L.Conv2D(3, 3, padding="same")(x)])
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(image, L.Dense(2)(x), name="classifier")


def images(channels):
    return np.random.default_rng(0).uniform(0, 255, (2, 16, 16, channels)).astype("float32")


SCALINGS = {
    "none": lambda: (),
    "one scale": lambda: (L.Rescaling(1 / 127.5, offset=-1),),
    "a scale a channel": lambda: (L.Rescaling([0.1, 0.2, 0.3], offset=[1, 2, 3]),),
    "normalization": lambda: (L.Normalization(mean=[1.0, 2, 3], variance=[4.0, 5, 6]),),
    "preprocess": lambda: (Preprocess("caffe"),),
}


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_channel_without_weight_changes_nothing(scaling):
    narrow = classifier(*SCALINGS[scaling]())
    wide = widen_input(narrow, 5)
    assert wide.input_shape == (None, 16, 16, 5)
    kernel, bias = wide.get_layer("first").get_weights()
    old, _ = narrow.get_layer("first").get_weights()
    np.testing.assert_array_equal(kernel[:, :, :3], old)
    for further in (3, 4):
        np.testing.assert_allclose(kernel[:, :, further], old.mean(2), rtol=1e-6)
    kernel[:, :, 3:] = 0
    wide.get_layer("first").set_weights([kernel, bias])
    expected = ops.convert_to_numpy(narrow(images(5)[..., :3]))
    np.testing.assert_allclose(ops.convert_to_numpy(wide(images(5))), expected, rtol=2e-5)


def test_further_channels_are_scaled_as_the_average_colour():
    pixels = images(4)
    layer = L.Normalization(mean=[1.0, 2, 6], variance=[4.0, 5, 9])
    wide = widen_input(classifier(layer), 4)
    scaled = keras.Model(wide.input, wide.layers[1].output)(pixels)
    expected = (pixels - np.array([1, 2, 6, 3])) / np.sqrt([4, 5, 9, 6])
    np.testing.assert_allclose(ops.convert_to_numpy(scaled), expected, rtol=1e-4, atol=1e-4)
    caffe = ops.convert_to_numpy(Preprocess("caffe")(pixels))
    np.testing.assert_allclose(caffe[..., :3], Preprocess("caffe")(pixels[..., :3]))
    average = np.mean((103.939, 116.779, 123.68))
    np.testing.assert_allclose(caffe[..., 3], pixels[..., 3] - average, atol=1e-4)


def test_the_classifier_of_a_family_with_its_scaling_inside():
    narrow = fcn_keras.classifiers.vgg_slim(classes=3, input_shape=(32, 32, 3))
    wide = widen_input(narrow, 4)
    assert wide.count_params() - narrow.count_params() == 3 * 3 * 24


def test_what_cannot_be_widened():
    with pytest.raises(ValueError, match="widened to more, not to 3"):
        widen_input(classifier(), 3)
    image = keras.Input((16, 16, 3))
    x = L.SeparableConv2D(4, 3, name="separable")(image)
    net = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(x)))
    with pytest.raises(ValueError, match="'separable'.*takes the image"):
        widen_input(net, 4)


def test_own_means():
    pixels = images(4)
    given = ops.convert_to_numpy(Preprocess("caffe", mean=(1, 2, 3, 4))(pixels))
    np.testing.assert_allclose(given, pixels[..., [2, 1, 0, 3]] - [1, 2, 3, 4], rtol=1e-5)
    given = ops.convert_to_numpy(Preprocess("mean", mean=(1, 2, 3, 4))(pixels))
    np.testing.assert_allclose(given, pixels - [1, 2, 3, 4], rtol=1e-5)
    again = Preprocess.from_config(Preprocess("mean", mean=(1, 2)).get_config())
    assert again.mean == (1.0, 2.0)
    with pytest.raises(ValueError, match="got 2 for 4 channels"):
        Preprocess("mean", mean=(1, 2))(pixels)
    for bad in ({"mode": "mean"}, {"mode": "tf", "mean": (1, 2, 3)}):
        with pytest.raises(ValueError, match="`mean` is needed"):
            Preprocess(**bad)
