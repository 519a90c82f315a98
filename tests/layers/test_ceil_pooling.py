"""Pooling that rounds up, against Caffe's loops written out."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.keras_internals import operation_of
from fcn_keras.layers import CeilPooling2D

pytestmark = pytest.mark.backend

WINDOWS = [(3, 2, 0), (3, 2, 1), (5, 3, 0), *(
    pytest.param(case, marks=pytest.mark.backend("sweep"))
    for case in ((2, 2, 0), (3, 1, 1), (5, 2, 2), (4, 1, 2), (1, 1, 0))
)]  # fmt: skip

# JAX compiles every size anew.
SIZES = range(1, 21) if keras.backend.backend() == "tensorflow" else (1, 2, 9, 12)


def cells(size, window, stride, pad):
    """Caffe's pooled_height."""
    count = math.ceil((size + 2 * pad - window) / stride) + 1
    if pad and (count - 1) * stride >= size + pad:
        count -= 1
    return count


def by_loops(x, mode, windows, strides, pads):
    """Caffe's forward pass, one window at a time."""
    height, width = x.shape[1:3]
    tall, wide = (
        cells(*case) for case in zip((height, width), windows, strides, pads, strict=True)
    )
    result = np.zeros((x.shape[0], tall, wide, x.shape[3]))
    for row in range(tall):
        for column in range(wide):
            top, left = row * strides[0] - pads[0], column * strides[1] - pads[1]
            bottom = min(top + windows[0], height + pads[0])
            right = min(left + windows[1], width + pads[1])
            counted = (bottom - top) * (right - left)
            seen = x[:, max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
            if mode == "max":
                result[:, row, column] = seen.max((1, 2))
            else:
                result[:, row, column] = seen.sum((1, 2)) / counted
    return result


@pytest.mark.parametrize("mode", ["max", "average"])
@pytest.mark.parametrize("case", WINDOWS)
def test_every_size_is_caffes(mode, case):
    layer = CeilPooling2D(*case[:2], mode=mode, padding=case[2])
    window, stride, pad = ((n, n) for n in case)
    rng = np.random.default_rng(0)
    for size in SIZES:
        other = 7 * size % 20 + 1
        if min(cells(size, *case), cells(other, *case)) < 1:
            with pytest.raises(ValueError, match="too small"):
                layer(np.ones((1, size, other, 2), "float32"))
            continue
        x = rng.normal(-3, 1, (2, size, other, 2)).astype("float32")
        expected = by_loops(x, mode, window, stride, pad)
        assert layer.compute_output_shape(x.shape) == expected.shape
        np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["max", "average"])
def test_rows_and_columns_may_differ(mode):
    layer = CeilPooling2D((3, 4), (2, 3), mode=mode, padding=(1, 0))
    x = np.random.default_rng(1).normal(size=(1, 12, 15, 3)).astype("float32")
    expected = by_loops(x, mode, (3, 4), (2, 3), (1, 0))
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["max", "average"])
def test_open_sizes_are_saved_and_run(mode, tmp_path):
    image = keras.Input((None, None, 2))
    model = keras.Model(image, CeilPooling2D(3, 2, mode, 1)(image))
    assert model.output_shape == (None, None, None, 2)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    for size in ((7, 10), (8, 5)):
        x = np.random.default_rng(2).normal(size=(3, *size, 2)).astype("float32")
        found = again.predict(x, verbose=0)
        np.testing.assert_allclose(found, by_loops(x, mode, (3, 3), (2, 2), (1, 1)), atol=1e-5)


@pytest.mark.parametrize("mode", ["max", "average"])
def test_gradients_reach_what_was_pooled(mode):
    """A step of gradient descent on the image, whose gradient is known from differences."""
    start = np.random.default_rng(3).permutation(36).reshape(1, 6, 6, 1).astype("float32")
    pooling = CeilPooling2D(3, 2, mode)

    class Image(keras.layers.Layer):
        def build(self, shape):
            self.pixels = self.add_weight(shape=start.shape, name="pixels")

        def call(self, x):
            return pooling(self.pixels) + 0 * x

    place = keras.Input((3, 3, 1), batch_size=1)
    layer = Image()
    net = keras.Model(place, layer(place))
    layer.pixels.assign(start)
    net.compile(keras.optimizers.SGD(1.0), lambda truth, found: ops.sum(found))
    net.train_on_batch(np.zeros((1, 3, 3, 1)), np.zeros((1, 3, 3, 1)))
    gradient = start - ops.convert_to_numpy(layer.pixels)

    def total(x):
        return by_loops(x, mode, (3, 3), (2, 2), (0, 0)).sum()

    expected = np.zeros_like(start)
    for row in range(6):
        for column in range(6):
            step = np.zeros_like(start)
            step[0, row, column, 0] = 0.25
            expected[0, row, column, 0] = (total(start + step) - total(start - step)) / 0.5
    np.testing.assert_allclose(gradient, expected, atol=1e-4)


def test_its_geometry_is_that_of_its_windows():
    image = keras.Input((None, None, 3))
    x = CeilPooling2D(3, 2, name="first")(image)
    model = keras.Model(image, CeilPooling2D(5, 3, padding=1, mode="average", name="second")(x))
    fields = fcn_keras.geometry.receptive_fields(model)
    assert (fields["first"].y.size, fields["first"].y.stride, fields["first"].y.offset) == (3, 2, 1)
    assert fields["second"].size == (11, 11) and fields["second"].stride == (6, 6)
    assert fields["second"].offset == (3, 3)  # -1 + (5 - 1) / 2 cells of 2 pixels, from pixel 1


def test_on_a_chain_it_is_the_tap():
    image = keras.Input((None, None, 3))
    x = CeilPooling2D(3, 2, name="pool")(keras.layers.Conv2D(4, 3, padding="same")(image))
    model = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(x))
    (tap,) = fcn_keras.geometry.taps(model).values()
    assert operation_of(tap).name == "pool"


@pytest.mark.parametrize("arguments", [(2, 3), (3, 2, "max", 2), (3, 0), (2, 2, "max", -1)])
def test_windows_that_could_miss_the_map_are_refused(arguments):
    with pytest.raises(ValueError, match="stride"):
        CeilPooling2D(*arguments)


def test_other_modes_are_refused():
    with pytest.raises(ValueError, match="'median'"):
        CeilPooling2D(3, 2, "median")
