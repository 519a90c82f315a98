"""A convolution in groups, against one group at a time and against Keras's own."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.layers import GroupedConv2D

pytestmark = pytest.mark.backend

OPTIONS = [
    {"groups": 2, "padding": "same", "activation": "relu"},
    {"groups": 3, "strides": 2, "use_bias": False},
    {"groups": 1},
    {"groups": 2, "dilation_rate": 2, "padding": "same"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_equals_kerass_grouped_convolution(options):
    x = np.random.default_rng(0).normal(size=(2, 9, 11, 6)).astype("float32")
    given = {**options, "bias_initializer": "normal"}
    ours, keras_own = GroupedConv2D(12, 3, **given), keras.layers.Conv2D(12, 3, **given)
    expected = keras_own(x)
    ours.build(x.shape)
    ours.set_weights(keras_own.get_weights())
    np.testing.assert_allclose(ours(x), expected, atol=1e-5)
    assert ours.compute_output_shape(x.shape) == expected.shape


def test_each_group_sees_its_own_channels():
    x = np.random.default_rng(1).normal(size=(1, 5, 6, 4)).astype("float32")
    layer = GroupedConv2D(6, 1, groups=2, use_bias=False)
    result = ops.convert_to_numpy(layer(x))
    kernel = layer.get_weights()[0]
    assert kernel.shape == (1, 1, 2, 6)
    np.testing.assert_allclose(result[..., :3], x[..., :2] @ kernel[0, 0, :, :3], atol=1e-5)
    np.testing.assert_allclose(result[..., 3:], x[..., 2:] @ kernel[0, 0, :, 3:], atol=1e-5)


def test_open_sizes_operations_and_reloading(tmp_path):
    image = keras.Input((None, None, 4))
    layer = GroupedConv2D(8, 3, padding="same", groups=4, name="conv")
    model = keras.Model(image, layer(image))
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    assert isinstance(again.get_layer("conv"), GroupedConv2D)
    for size in ((5, 7), (8, 3)):
        x = np.random.default_rng(2).normal(size=(1, *size, 4)).astype("float32")
        np.testing.assert_allclose(again.predict(x, verbose=0), model(x), atol=1e-6)
    table = fcn_keras.geometry.table(model, (10, 20))
    assert table.flops == 2 * 200 * 9 * 1 * 8 and table.parameters == 9 * 8 + 8
    assert table.rows[-1].fields.size == (3, 3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's graphs")
def test_its_graph_has_no_function_compiled_by_xla():
    import tensorflow as tf

    def compiled(layer):
        signature = tf.TensorSpec((1, None, None, 4))
        graph = tf.function(layer).get_concrete_function(signature).graph.as_graph_def()
        return any(f.attr["_XlaMustCompile"].b for f in graph.library.function)

    options = {"padding": "same", "groups": 2}
    assert not compiled(GroupedConv2D(4, 3, **options))
    assert compiled(keras.layers.Conv2D(4, 3, **options))  # what the layer is there for
