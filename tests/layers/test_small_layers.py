"""Padding, cropping, preprocessing and the output layer."""

import keras
import numpy as np
import pytest
from keras import ops
from keras.applications import imagenet_utils

from fcn_keras.labels import LabelSet
from fcn_keras.layers import (
    CropToReference,
    EdgePadding2D,
    Logits,
    MirrorPadding2D,
    PadToMultiple,
    Preprocess,
)
from fcn_keras.tasks import Classes

pytestmark = pytest.mark.backend


@pytest.mark.parametrize("mode", ["tf", "caffe", "torch"])
def test_preprocessing_is_kerass(mode):
    image = np.random.default_rng(0).integers(0, 256, (2, 5, 6, 3)).astype("float32")
    expected = imagenet_utils.preprocess_input(image.copy(), mode=mode)
    np.testing.assert_allclose(Preprocess(mode)(image), expected, atol=1e-4)


def test_preprocessing_refuses_what_its_means_do_not_fit():
    with pytest.raises(ValueError, match="1 channels"):
        Preprocess("caffe")(np.zeros((1, 4, 4, 1), "float32"))
    with pytest.raises(ValueError, match="'bgr'"):
        Preprocess("bgr")


@pytest.mark.parametrize(
    ("size", "minimum", "padded"),
    [((1, 1), 1, (32, 32)), ((32, 64), 1, (32, 64)), ((33, 100), 1, (64, 128)),
     ((5, 97), 75, (96, 128))],
)  # fmt: skip
def test_padding_to_a_multiple(size, minimum, padded):
    x = np.ones((2, *size, 3), "float32")
    y = ops.convert_to_numpy(PadToMultiple(32, minimum)(x))
    assert y.shape == (2, *padded, 3)
    np.testing.assert_array_equal(y[:, : size[0], : size[1]], x)
    assert y.sum() == x.sum()


def test_edges_are_repeated_as_numpy_does():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
    expected = np.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="edge")
    np.testing.assert_array_equal(EdgePadding2D(((2, 1), (0, 3)))(x), expected)


@pytest.mark.parametrize("size", [(1, 2), (3, 7), (20, 5)])
def test_mirrored_margins_are_numpys_also_where_they_are_wider_than_the_map(size):
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    ends = [next(n for n in (4, 12, 20) if n >= side) - side for side in size]
    pads = ((0, 0), (9, 9 + ends[0]), (9, 9 + ends[1]), (0, 0))
    layer, expected = MirrorPadding2D(9, step=8, smallest=4), np.pad(x, pads, mode="reflect")
    np.testing.assert_array_equal(layer(x), expected)
    given = keras.Input((None, None, 3))  # a size that only the image tells
    np.testing.assert_array_equal(keras.Model(given, layer(given)).predict(x, verbose=0), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer.compute_output_shape((None, None, 5, 3))[1] is None


def test_a_mirrored_margin_below_zero_is_refused():
    with pytest.raises(ValueError, match="`margin` must be .* of at least 0, got -1"):
        MirrorPadding2D(-1)
    with pytest.raises(ValueError, match="`step` must be .* of at least 1, got 0"):
        MirrorPadding2D(2, step=0)


def test_cropping_to_a_reference():
    x = np.arange(2 * 9 * 8).reshape(2, 9, 8, 1).astype("float32")
    crop = CropToReference((2, 3))
    np.testing.assert_array_equal(crop([x, np.zeros((2, 4, 5, 3))]), x[:, 2:6, 3:8])
    with pytest.raises(ValueError, match="does not fit"):
        keras.Model([a := keras.Input((6, 6, 1)), b := keras.Input((6, 6, 3))], crop([a, b]))


def test_logits_are_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        layer = Logits(name="score")
        result = layer([ops.ones((1, 8, 8, 2), "bfloat16"), ops.ones((1, 5, 6, 3))])
        again = Logits.from_config(layer.get_config())
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    assert result.shape == (1, 5, 6, 2) and again.compute_dtype == "float32"


def test_logits_of_files_that_keep_labels_alone_have_their_task():
    labels = LabelSet(("background", "egg"))
    config = Logits(name="score").get_config()
    del config["task_config"]
    layer = Logits.from_config({**config, "label_config": labels.to_config()})
    assert layer.task_config == Classes(labels).to_config()
    assert Logits.from_config({**config, "label_config": None}).task_config is None
