"""resnet_slim: its size counted by hand, its strides, its top, and what an FCN makes of it."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.classifiers import resnet_slim


def test_parameters_by_hand():
    """Kernels, and four numbers a filter of BatchNormalization."""

    def convolved(inputs, filters, window=3):
        return window**2 * inputs * filters + 4 * filters

    basic = 2 * convolved(64, 64) + 2 * 2 * convolved(128, 128)
    deep = convolved(160, 80, 1) + convolved(80, 80) + convolved(80, 160, 1)
    down = sum(convolved(*pair) for pair in ((3, 32), (32, 64), (64, 128), (128, 160)))
    assert resnet_slim(include_top=False).count_params() == basic + 6 * deep + down
    assert resnet_slim(classes=10).count_params() == basic + 6 * deep + down + 160 * 10 + 10


def test_the_top_and_a_file_of_weights(tmp_path):
    keras.utils.set_random_seed(0)
    net = resnet_slim(classes=4, input_shape=(40, 56, 3))
    image = np.random.default_rng(0).uniform(-1, 1, (2, 40, 56, 3)).astype("float32")
    found = keras.ops.convert_to_numpy(net(image))
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    net.save_weights(tmp_path / "net.weights.h5")
    again = resnet_slim(classes=4, input_shape=(40, 56, 3), weights=tmp_path / "net.weights.h5")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(image)), found)
    with pytest.raises(ValueError, match="no ImageNet weights"):
        resnet_slim(weights="imagenet")


@pytest.mark.sweep
def test_as_an_fcn():
    net = fcn_keras.fcn4s(11, "resnet_slim", weights=None, decoder_filters=(96, 64))
    assert net.count_params() == 1_612_203
    fields = fcn_keras.geometry.receptive_fields(fcn_keras.classifiers.resnet_slim(False))
    assert fields["block4_6_out"].y.stride == 16
    # 1 + 2 * (1 + 2 + 2 * 4 + 4 + 4 * 8 + 8 + 14 * 16): strides times steps, twice a side
    assert fields["block4_6_out"].y.size == 1 + 2 * (1 + 2 + 2 * 4 + 4 + 4 * 8 + 8 + 14 * 16)
    with pytest.raises(ValueError, match="deepest stride is 16, so there is no FCN-32s"):
        fcn_keras.fcn32s(11, "resnet_slim", weights=None)


def test_odd_sizes_keep_their_size():
    net = fcn_keras.fcn8s(3, "resnet_slim", weights=None)
    assert net(np.zeros((1, 45, 61, 3), "float32")).shape == (1, 45, 61, 3)
