"""Layers with several outputs, such as a max pooling that also returns its indices."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.geometry import SpatialLayer, receptive_field, taps
from fcn_keras.geometry.field import trace
from fcn_keras.geometry.graph import walk
from fcn_keras.surgery import convolutionalize, dilate, transplant, widen_input
from fcn_keras.surgery.copying import Copier

L = keras.layers


class PoolWithIndices(SpatialLayer, L.Layer):
    """2x2 max pooling; the second output says which cell of its window is the largest."""

    pools = True

    def call(self, x):
        cells = ops.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-1)
        return ops.max(cells, axis=-1), ops.cast(ops.argmax(cells, axis=-1), x.dtype)

    def compute_output_shape(self, shape):
        batch, rows, columns, channels = shape
        half = (batch, *(n and n // 2 for n in (rows, columns)), channels)
        return half, half

    def sampling_rule(self, grids, axis):
        return grids[0].window(2, 2)


def encoder(x, nested):
    x = L.Conv2D(4, 3, padding="same", name="conv1")(x)
    if not nested:
        return PoolWithIndices(name="pool")(x)
    inner = keras.Input(x.shape[1:])
    return keras.Model(inner, PoolWithIndices(name="pool")(inner), name="inner")(x)


def trunk(size=None, nested=False):
    """Both outputs of the pooling reach the deepest map; the indices are an output too."""
    image = keras.Input((size, size, 3))
    pooled, indices = encoder(image, nested)
    x = L.Concatenate(name="both")([L.Conv2D(3, 1, name="conv2")(pooled), indices])
    x = L.Conv2D(5, 3, strides=2, padding="same", name="conv3")(x)
    return keras.Model(image, [L.Conv2D(6, 1, activation="relu", name="conv4")(x), indices])


def classifier():
    net = trunk(16)
    x = L.Flatten()(net.outputs[0])
    return keras.Model(net.input, L.Dense(7, name="top")(x), name="indexed")


def pixels(size=16, channels=3):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (2, size, size, channels)).astype("float32")


@pytest.mark.backend
@pytest.mark.parametrize("nested", [False, True])
def test_a_copy_gives_the_same_outputs(nested):
    net = trunk(nested=nested)
    copier, image = Copier(), keras.Input((None, None, 3))
    outputs = walk(
        net, [image], lambda node, args, kwargs: copier.call(node.operation, args, kwargs)
    )
    copy = keras.Model(image, outputs)
    assert copy.get_layer("pool") is not net.layers[2]
    for found, expected in zip(copy(pixels()), net(pixels()), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert float(ops.max(copy(pixels())[1])) == 3


@pytest.mark.backend
def test_strides_behind_it_are_removed():
    net = trunk()
    dense = dilate(net, 2)
    (coarse, indices), (fine, same) = net(pixels()), dense(pixels())
    assert fine.shape == (2, 8, 8, 6)
    np.testing.assert_allclose(fine[:, ::2, ::2], coarse, atol=1e-5)
    np.testing.assert_allclose(same, indices)
    with pytest.raises(ValueError, match="'pool' .*leads to stride 2, and only strides of conv"):
        dilate(net, 1)


@pytest.mark.backend
def test_the_convolutional_form_gives_the_same_numbers():
    net = classifier()
    dense = convolutionalize(net)
    found = ops.convert_to_numpy(dense(pixels()))
    assert found.shape == (2, 1, 1, 7)
    np.testing.assert_allclose(found[:, 0, 0], net(pixels()), atol=1e-5)
    assert dense(pixels(24)).shape == (2, 3, 3, 7)


def test_each_output_has_the_geometry_of_its_layer():
    net = trunk()
    traced = [t for t in trace(net)[0] if t.operation.name == "pool"]
    assert [t.place for t in traced] == [0, 1]
    assert {t.fields for t in traced} == {receptive_field(net, "pool")}
    assert traced[0].fields.stride == (2, 2) and traced[0].fields.size == (4, 4)
    assert receptive_field(net).size == (8, 8)
    deepest = keras.Model(net.input, net.outputs[0])
    assert [*taps(deepest)] == [2, 4]


def test_the_table_has_a_row_for_each_output():
    table = fcn_keras.geometry.table(trunk(), (16, 16))
    assert [row.name for row in table.rows if row.kind == "PoolWithIndices"] == ["pool", "pool:1"]
    assert table.parameters == trunk().count_params()


def test_weights_are_transplanted_and_the_input_widened():
    source, target = trunk(), trunk()
    assert len(transplant(source, target).copied) == 4
    np.testing.assert_allclose(target(pixels())[0], source(pixels())[0], atol=1e-6)
    assert widen_input(classifier(), 5)(pixels(channels=5)).shape == (2, 7)


def test_a_net_is_built_over_it():
    net = fcn_keras.models.fcn(3, classifier(), stride=2, preprocess="tf")
    assert net(np.zeros((1, 19, 22, 3))).shape == (1, 19, 22, 3)
    assert fcn_keras.geometry.halo(net).stride == (4, 4)
