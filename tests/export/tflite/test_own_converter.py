"""TFLite's own converter takes an open-size net as it is, and so do TensorFlow's other ways out."""

import numpy as np
import pytest
import tensorflow as tf

import fcn_keras
from fcn_keras.layers import PadToMultiple

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 45, 70, 3)).astype("float32")


@pytest.fixture
def net(tiny_vgg):
    return fcn_keras.fcn8s(3, tiny_vgg, weights=None, score_initializer="he_normal")


def test_the_converter_keeps_the_answer(net):
    from ai_edge_litert.interpreter import Interpreter

    content = tf.lite.TFLiteConverter.from_keras_model(net).convert()
    interpreter = Interpreter(model_content=content)
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, IMAGE.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, IMAGE)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, net(IMAGE), atol=1e-4)


def as_function(net, path):
    return tf.function(net, input_signature=[tf.TensorSpec((None, None, None, 3))])


def as_saved_model(net, path):
    tf.saved_model.save(net, path)
    loaded = tf.saved_model.load(path)
    return lambda x: loaded.signatures["serving_default"](tf.constant(x))["output_0"]


def as_export(net, path):
    net.export(path, verbose=False)
    loaded = tf.saved_model.load(path)
    return lambda x: loaded.serve(tf.constant(x))


@pytest.mark.parametrize(
    "way",
    [
        as_function,
        pytest.param(as_saved_model, marks=pytest.mark.sweep),
        pytest.param(as_export, marks=pytest.mark.sweep),
    ],
)
def test_graphs_of_any_size_keep_the_answer(net, tmp_path, way):
    np.testing.assert_allclose(way(net, tmp_path)(IMAGE), net(IMAGE), atol=1e-4)


def test_padding_of_an_unknown_size_keeps_the_channels():
    layer = PadToMultiple(32)
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 5))])
    def padded(x):
        found = layer(x)
        shapes.append(found.shape[-1])
        return found

    x = np.random.default_rng(0).normal(size=(2, 33, 64, 5)).astype("float32")
    expected = np.pad(x, ((0, 0), (0, 31), (0, 0), (0, 0)))
    np.testing.assert_array_equal(padded(x), expected)
    assert shapes == [5]
    assert padded(x[:0]).shape == (0, 64, 64, 5)
