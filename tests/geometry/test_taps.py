"""Taps by the graph: the paper's poolings, the last tensors that every path passes."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import geometry
from fcn_keras.keras_internals import operation_of

L = keras.layers


def layer_names(model):
    return {stride: operation_of(tensor).name for stride, tensor in geometry.taps(model).items()}


@pytest.mark.backend
def test_vgg_taps_are_its_poolings():
    model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(None, None, 3))
    assert layer_names(model) == {2**i: f"block{i}_pool" for i in range(1, 6)}


def test_resnet_taps_are_the_ends_of_its_stages():
    model = keras.applications.ResNet50(weights=None, include_top=False)
    assert layer_names(model) == {
        2: "conv1_relu",
        4: "conv2_block3_out",
        8: "conv3_block4_out",
        16: "conv4_block6_out",
        32: "conv5_block3_out",
    }


def test_mobilenet_taps_are_never_paddings():
    model = keras.applications.MobileNetV2(weights=None, input_shape=(224, 224, 3))
    assert layer_names(model) == {
        2: "block_1_expand_relu",
        4: "block_3_expand_relu",
        8: "block_6_expand_relu",
        16: "block_13_expand_relu",
        32: "out_relu",
    }


@pytest.mark.parametrize(
    ("builder", "offset"), [("VGG16", 15.5), ("ResNet50", 0), ("MobileNetV2", 31)]
)
def test_centres_of_the_first_cell_at_stride_32(builder, offset):
    build = getattr(keras.applications, builder)
    model = build(weights=None, include_top=False, input_shape=(None, None, 3))
    assert geometry.receptive_field(model).offset == (offset, offset)


def test_without_a_common_tensor_the_last_merge_is_taken():
    image = keras.Input((32, 32, 3))
    a = L.Conv2D(4, 3, strides=2, padding="same", name="a")(image)
    b = L.Conv2D(4, 3, strides=2, padding="same", name="b")(image)
    merged = L.Add(name="merged")([a, b])
    bypass = L.Conv2D(4, 3, strides=2, padding="same")(b)
    deep = L.Conv2D(4, 3, strides=2, padding="same")(merged)
    model = keras.Model(image, L.Add(name="end")([deep, bypass]))
    assert layer_names(model) == {2: "merged", 4: "end"}


def test_taps_sample_where_the_geometry_says():
    model = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3))
    for stride, tensor in geometry.taps(model).items():
        assert tensor.shape[1:3] == (64 // stride, 64 // stride)
    assert np.all(np.diff(list(geometry.taps(model))) > 0)


def test_a_chain_whose_poolings_also_give_indices_is_a_chain():
    """Its taps are the poolings, as VGG's, although a second output leaves each of them."""
    x = image = keras.Input((None, None, 3))
    for name in ("pool1", "pool2"):
        x = L.Conv2D(4, 3, padding="same")(x)
        x, _ = fcn_keras.layers.MaxPooling2DWithIndices(name=name)(x)
        x = L.ReLU()(x)
    assert layer_names(keras.Model(image, x)) == {2: "pool1", 4: "pool2"}
