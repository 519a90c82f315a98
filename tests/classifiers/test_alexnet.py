"""AlexNet against the published numbers and against a forward pass in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.classifiers import alexnet
from fcn_keras.keras_internals import operation_of


def pixels(*size, seed=0):
    return np.random.default_rng(seed).normal(0, 60, (1, *size, 3)).astype("float32")


@pytest.fixture(scope="module")
def small():
    """The net with its top for images of 67x83 and five classes, biases not zero."""
    model = alexnet(input_shape=(67, 83, 3), classes=5)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "bias":
            weight.assign(rng.normal(0, 1, weight.shape))
    return model


def test_parameters_names_and_maps_are_the_published():
    model = alexnet(include_top=False, input_shape=(227, 227, 3))
    top = 9216 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 1000 + 1000
    assert model.count_params() + top == 60_965_224
    sizes = {layer.name: layer.output.shape[1:] for layer in model.layers[1:]}
    assert sizes == {
        "conv1": (55, 55, 96), "pool1": (27, 27, 96), "norm1": (27, 27, 96),
        "conv2": (27, 27, 256), "pool2": (13, 13, 256), "norm2": (13, 13, 256),
        "conv3": (13, 13, 384), "conv4": (13, 13, 384), "conv5": (13, 13, 256),
        "pool5": (6, 6, 256),
    }  # fmt: skip


def test_its_top_is_the_published(small):
    behind = [layer.name for layer in small.layers[11:]]
    assert behind == ["flatten", "fc6", "drop6", "fc7", "drop7", "fc8"]
    assert [small.get_layer(name).units for name in ("fc6", "fc7")] == [4096, 4096]
    assert {small.get_layer(name).rate for name in ("drop6", "drop7")} == {0.5}


@pytest.mark.backend("sweep")
def test_the_forward_pass_is_numpys(small, by_numpy):
    weights = {layer.name: layer.get_weights() for layer in small.layers}
    x = start = pixels(67, 83)
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv1"], stride=4))
    x = by_numpy.local_response(by_numpy.pooling(x, 3, 2))
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv2"], pad=2, groups=2))
    x = by_numpy.local_response(by_numpy.pooling(x, 3, 2))
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv3"], pad=1))
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv4"], pad=1, groups=2))
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv5"], pad=1, groups=2))
    x = by_numpy.pooling(x, 3, 2)
    trunk = keras.Model(small.input, small.get_layer("pool5").output)
    found = ops.convert_to_numpy(trunk(start))
    assert found.shape == (1, 1, 2, 256)
    np.testing.assert_allclose(found, x, rtol=1e-3, atol=1e-4 * np.abs(x).max())
    x = x.reshape(1, -1)
    for name in ("fc6", "fc7"):
        x = by_numpy.relu(x @ weights[name][0] + weights[name][1])
    x = x @ weights["fc8"][0] + weights["fc8"][1]
    logits = keras.Model(small.input, small.get_layer("drop7").output)(start)
    logits = ops.convert_to_numpy(logits) @ weights["fc8"][0] + weights["fc8"][1]
    np.testing.assert_allclose(logits, x, atol=1e-4 * np.abs(x).max())
    np.testing.assert_allclose(small(start), by_numpy.softmax(logits), atol=1e-3)


def test_a_file_of_the_whole_net_fills_its_trunk(small, tmp_path):
    small.save_weights(tmp_path / "net.weights.h5")
    trunk = alexnet(include_top=False, weights=tmp_path / "net.weights.h5")
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5"):
        for found, expected in zip(
            trunk.get_layer(name).get_weights(), small.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
    trunk.save_weights(tmp_path / "trunk.weights.h5")
    with pytest.raises(ValueError, match="fc6"):
        alexnet(input_shape=(67, 83, 3), weights=tmp_path / "trunk.weights.h5")


def test_the_smallest_size_is_as_registered():
    row = fcn_keras.classifiers.get("AlexNet")
    side = row.smallest
    trunk = row.build(include_top=False)
    assert trunk(pixels(side, side)).shape == (1, 1, 1, 256)
    with pytest.raises(ValueError, match="pool5"):
        trunk(pixels(side - 1, side))


def test_it_becomes_convolutional_with_the_same_answer(small):
    dense = fcn_keras.convolutionalize(small)
    x = pixels(67, 83, seed=1)
    expected = ops.convert_to_numpy(small(x))
    found = ops.convert_to_numpy(dense(x))
    assert found.shape == (1, 1, 1, 5)
    np.testing.assert_allclose(found[:, 0, 0], expected, atol=1e-4)
    assert dense(pixels(131, 83 + 32)).shape == (1, 3, 2, 5)


def test_its_taps_are_its_poolings():
    taps = fcn_keras.geometry.taps(alexnet(include_top=False))
    names = {stride: operation_of(tensor).name for stride, tensor in taps.items()}
    assert names == {4: "conv1", 8: "pool1", 16: "pool2", 32: "pool5"}


def test_imagenet_weights_are_refused():
    with pytest.raises(ValueError, match="ImageNet"):
        alexnet(weights="imagenet")
