"""Max pooling with indices and max unpooling, against Caffe's loops written out."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.layers import MaxPooling2DWithIndices, MaxUnpooling2D

pytestmark = pytest.mark.backend

# JAX compiles every size anew.
SIZES = range(1, 12) if keras.backend.backend() == "tensorflow" else (1, 4, 7)


def caffe_pooling(x, rows=2, columns=2):
    """Caffe's forward pass: maxima, and flat indices y * width + x within a channel."""
    batch, height, width, channels = x.shape
    shape = (batch, -(-height // rows), -(-width // columns), channels)
    maxima, mask = np.full(shape, -np.inf, "float32"), np.full(shape, -1)
    for place in np.ndindex(*shape):
        n, i, j, c = place
        for y in range(i * rows, min(i * rows + rows, height)):
            for z in range(j * columns, min(j * columns + columns, width)):
                if x[n, y, z, c] > maxima[place]:
                    maxima[place], mask[place] = x[n, y, z, c], y * width + z
    return maxima, mask


def caffe_unpooling(x, mask, height, width):
    """Caffe's Upsample layer: each value at its flat index of a map of zeros."""
    result = np.zeros((x.shape[0], height * width, x.shape[3]), "float32")
    for n, i, j, c in np.ndindex(*x.shape):
        result[n, mask[n, i, j, c], c] = x[n, i, j, c]
    return result.reshape(x.shape[0], height, width, x.shape[3])


def by_comparison(x, pooled, values):
    """The wrong way: values at every cell that equals its window's maximum."""
    height, width = x.shape[1:3]
    repeated, placed = (
        np.repeat(np.repeat(m, 2, 1), 2, 2)[:, :height, :width] for m in (pooled, values)
    )
    return np.where(x == repeated, placed, 0)


def with_ties(size, seed=0):
    """A map after ReLU: about half zeros, whole windows of them, and many equal values."""
    rng = np.random.default_rng(seed)
    return np.maximum(rng.integers(-4, 4, size), 0).astype("float32")


def test_every_size_is_caffes_with_ties_and_windows_of_zeros():
    pool, unpool = MaxPooling2DWithIndices(), MaxUnpooling2D()
    for size in SIZES:
        x = with_ties((2, size, 7 * size % 12 + 1, 3), size)
        expected, mask = caffe_pooling(x)
        maxima, indices = map(ops.convert_to_numpy, pool(x))
        np.testing.assert_array_equal(maxima, expected)
        rows, columns = np.indices(maxima.shape)[1:3]
        flat = (2 * rows + indices // 2) * x.shape[2] + 2 * columns + indices % 2
        np.testing.assert_array_equal(flat, mask)
        values = np.random.default_rng(1).normal(size=maxima.shape).astype("float32")
        unpooled = unpool([values, indices, x])
        np.testing.assert_array_equal(unpooled, caffe_unpooling(values, mask, *x.shape[1:3]))


def test_a_mask_made_by_comparing_values_is_another():
    x = with_ties((1, 10, 11, 4))
    maxima, indices = map(ops.convert_to_numpy, MaxPooling2DWithIndices()(x))
    values = np.ones_like(maxima)
    unpooled = ops.convert_to_numpy(MaxUnpooling2D()([values, indices, x]))
    assert (unpooled != 0).sum() == maxima.size
    assert (by_comparison(x, maxima, values) != 0).sum() > 1.5 * maxima.size


@pytest.mark.parametrize("window", [(3, 2), (1, 3), (3, 3)])
def test_other_windows(window):
    x = with_ties((1, 8, 10, 2))
    expected, mask = caffe_pooling(x, *window)
    maxima, indices = MaxPooling2DWithIndices(window)(x)
    np.testing.assert_array_equal(maxima, expected)
    unpooled = MaxUnpooling2D(window)([maxima, indices, x])
    np.testing.assert_array_equal(unpooled, caffe_unpooling(expected, mask, 8, 10))


def test_the_sizes_of_segnet_on_camvid_and_back():
    x = keras.Input((45, 60, 2))
    maxima, indices = MaxPooling2DWithIndices()(x)
    again, _ = MaxPooling2DWithIndices()(maxima)
    assert [maxima.shape[1:3], again.shape[1:3]] == [(23, 30), (12, 15)]
    assert indices.dtype == "int32"
    assert MaxUnpooling2D()([maxima, indices, x]).shape == (None, 45, 60, 2)
    assert MaxUnpooling2D()([maxima, indices]).shape == (None, 46, 60, 2)


def scalar(x, weights):
    """A smooth function of what is unpooled, so that gradients pass pooling and unpooling."""
    maxima, indices = MaxPooling2DWithIndices()(x)
    return ops.sum(MaxUnpooling2D()([ops.sin(maxima), indices, x]) * weights)


def gradient(x, weights):
    if keras.backend.backend() == "jax":
        import jax

        return np.array(jax.grad(scalar)(ops.array(x), weights))
    import tensorflow as tf

    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        value = scalar(variable, weights)
    return tape.gradient(value, variable).numpy()


def test_gradients_are_the_differences_of_values():
    rng = np.random.default_rng(2)
    x = rng.permutation(70).reshape(1, 5, 7, 2).astype("float32") / 20  # no two are near
    weights = rng.normal(size=x.shape).astype("float32")
    found, step = gradient(x, weights), 1e-2
    for place in np.ndindex(*x.shape):
        change = np.zeros_like(x)
        change[place] = step
        values = [float(scalar(x + sign * change, weights)) for sign in (1, -1)]
        assert found[place] == pytest.approx((values[0] - values[1]) / (2 * step), abs=2e-3)


def test_of_tied_cells_only_the_first_has_a_gradient():
    found = gradient(np.zeros((1, 5, 5, 1), "float32"), np.ones((1, 5, 5, 1), "float32"))
    expected = np.zeros((5, 5))
    expected[::2, ::2] = 1
    np.testing.assert_array_equal(found[0, :, :, 0], expected)


def round_trip():
    """A net of open size: two poolings, and the way back."""
    image = keras.Input((None, None, 2))
    one, first = MaxPooling2DWithIndices(name="pool1")(image)
    two, second = MaxPooling2DWithIndices(name="pool2")(one)
    x = MaxUnpooling2D(name="unpool2")([two, second, one])
    x = MaxUnpooling2D(name="unpool1")([x, first, image])
    return keras.Model(image, x)


def test_open_sizes_in_a_compiled_net_and_in_a_file(tmp_path):
    model = round_trip()
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    for size in ((9, 6), (7, 5)):
        x = np.random.default_rng(0).normal(size=(2, *size, 2)).astype("float32")
        one, first = caffe_pooling(x)
        two, second = caffe_pooling(one)
        expected = caffe_unpooling(caffe_unpooling(two, second, *one.shape[1:3]), first, *size)
        np.testing.assert_array_equal(again.predict(x, verbose=0), expected)


def test_half_precision_is_kept():
    maxima, indices = MaxPooling2DWithIndices(dtype="mixed_bfloat16")(np.ones((1, 3, 3, 1)))
    unpooled = MaxUnpooling2D(dtype="mixed_bfloat16")([maxima, indices])
    dtypes = [keras.backend.standardize_dtype(one.dtype) for one in (maxima, indices, unpooled)]
    assert dtypes == ["bfloat16", "int32", "bfloat16"]


def test_geometry_a_max_unpooling_looks_where_its_pooling_looked():
    model = round_trip()
    fields = fcn_keras.geometry.receptive_fields(model)
    assert fields["pool2"].stride == (4, 4) and fields["pool2"].offset == (1.5, 1.5)
    assert fields["unpool1"].stride == (1, 1) and fields["unpool1"].offset == (0, 0)
    window = fcn_keras.geometry.window(model, (5, 10), "unpool1")
    assert window == ((4, 7), (8, 11))
    assert fcn_keras.geometry.taps(model)[4].shape == (None, None, None, 2)
    halo = fcn_keras.geometry.halo(model)
    assert halo.before == (0, 0) and halo.stride == (4, 4)


def test_the_summary_has_both_outputs_at_their_sizes():
    rows = {row.name: row for row in fcn_keras.geometry.table(round_trip(), (45, 30)).rows}
    assert rows["pool2"].shape == rows["pool2:1"].shape == (12, 8, 2)
    assert rows["unpool2"].shape == (23, 15, 2) and rows["unpool1"].shape == (45, 30, 2)


def test_maps_that_do_not_belong_together_are_refused():
    x = keras.Input((45, 60, 2))
    one, first = MaxPooling2DWithIndices()(x)
    two, second = MaxPooling2DWithIndices()(one)
    unpool = MaxUnpooling2D(name="unpool")
    with pytest.raises(ValueError, match=r"unpool: map and indices must have one shape.*12, 15"):
        unpool([two, first, x])
    with pytest.raises(ValueError, match=r"\(45, 60\) pooled by \(2, 2\) has \(23, 30\) cells"):
        unpool([two, second, x])
    with pytest.raises(ValueError, match="at least 1, got 0"):
        MaxPooling2DWithIndices(0)
    image = keras.Input((None, None, 2))
    one, first = MaxPooling2DWithIndices()(image)
    two, second = MaxPooling2DWithIndices()(one)
    for inputs in ([two, first, image], [two, second, image]):
        model = keras.Model(image, MaxUnpooling2D(name="mixed")(inputs))
        with pytest.raises(ValueError, match="The unpooling 'mixed' by 2 takes a map and indices"):
            fcn_keras.geometry.receptive_field(model)
