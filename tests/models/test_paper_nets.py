"""AlexNet and GoogLeNet as the paper casts them: kernels, crops and fields."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras import fcn8s, fcn16s, fcn32s
from fcn_keras.geometry import receptive_field

L = keras.layers


def thin_alexnet():
    """AlexNet's windows and strides with few filters."""
    C = fcn_keras.layers.CeilPooling2D
    image = keras.Input((227, 227, 3))
    x = L.Conv2D(4, 11, strides=4, activation="relu", name="conv1")(image)
    x = C(3, 2, name="pool1")(x)
    x = L.Conv2D(6, 5, padding="same", activation="relu", name="conv2")(x)
    x = C(3, 2, name="pool2")(x)
    x = L.Conv2D(6, 3, padding="same", activation="relu", name="conv5")(x)
    x = C(3, 2, name="pool5")(x)
    x = L.Dense(8, activation="relu", name="fc6")(L.Flatten()(x))
    x = L.Dense(8, activation="relu", name="fc7")(x)
    return keras.Model(image, L.Dense(5, name="fc8")(x), name="thin_alexnet")


def image(*size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, *size, 3)).astype("float32")


def caffe(build, **options):
    return build(3, thin_alexnet(), alignment="caffe", preprocess="caffe", **options)


@pytest.mark.backend
def test_the_crop_and_the_kernel_of_voc_fcn_alexnet():
    net = caffe(fcn32s, learn_upsampling="all")
    assert net.get_layer("score").offset == (18, 18)
    assert net.get_layer("upscore32").kernel_size == (63, 63)
    assert net.get_layer("conv1").padding == "valid"
    fixed = caffe(fcn32s)
    assert fixed.get_layer("score").offset == (18, 18)
    assert receptive_field(fixed, "upscore32") == receptive_field(net, "upscore32")


@pytest.mark.parametrize(("build", "size"), [
    (fcn8s, (97, 131)),
    *(pytest.param(build, size, marks=pytest.mark.sweep) for build, size in (
        (fcn16s, (97, 131)), (fcn32s, (97, 131)),
        (fcn8s, (64, 33)), (fcn16s, (64, 33)), (fcn32s, (64, 33)),
    )),
])  # fmt: skip
def test_fixed_upsampling_is_the_transposed_convolution_begun_as_bilinear(build, size):
    learned = caffe(build, learn_upsampling="all", score_initializer="he_normal")
    fixed = caffe(build)
    for layer in fixed.layers:
        if layer.weights:
            layer.set_weights(learned.get_layer(layer.name).get_weights())
    found, expected = (ops.convert_to_numpy(net(image(*size))) for net in (fixed, learned))
    assert found.shape == (1, *size, 3)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_maps_that_no_crop_aligns_are_refused():
    inputs = keras.Input((64, 64, 3))
    x = L.Conv2D(4, 3, padding="same")(inputs)
    x = L.Add()([x, L.Conv2D(4, 2, padding="same")(x)])  # centred between 0 and 0.5
    x = L.MaxPooling2D(2)(L.MaxPooling2D(2)(x))
    x = L.MaxPooling2D(2)(L.MaxPooling2D(2)(x))
    x = L.Dense(2)(L.Flatten()(x))
    with pytest.raises(ValueError, match="shifted by 0.75 of a cell.*alignment='same'"):
        fcn16s(2, keras.Model(inputs, x), alignment="caffe", preprocess="tf")


def test_a_window_too_small_for_the_padding_is_refused():
    small = fcn_keras.classifiers.vgg_slim(classes=2, input_shape=(64, 64, 3))  # an fc6 of 2x2
    with pytest.raises(ValueError, match="does not fit.*"):
        fcn16s(3, small, alignment="caffe", preprocess="tf")


@pytest.mark.parametrize(("alignment", "size", "offset"), [
    pytest.param("same", 715, 30, marks=pytest.mark.sweep), ("caffe", 907, 29),
])  # fmt: skip
def test_googlenet_with_and_without_its_average_pooling(alignment, size, offset):
    net = fcn32s(2, "googlenet", weights=None, alignment=alignment)
    field = receptive_field(net, "score_fr")
    assert (field.size, field.stride) == ((size, size), (32, 32))
    assert field.offset == (offset, offset)
    assert net(image(33, 40)).shape == (1, 33, 40, 2)
