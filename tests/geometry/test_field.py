"""The computed fields against gradients, and against the paper's table."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import fcn_keras
from fcn_keras import geometry
from fcn_keras.geometry import Field, receptive_field

L = keras.layers
SIDE = 48


def positive(layer_class, *args, **kwargs):
    """A linear layer whose weights are all positive, so that no gradient cancels."""
    for name in ("kernel_initializer", "depthwise_initializer", "pointwise_initializer"):
        if name in layer_class.__init__.__code__.co_varnames:
            kwargs[name] = keras.initializers.RandomUniform(0.5, 1.0, seed=1)
    return layer_class(*args, use_bias=False, **kwargs)


def gradient_box(model, cell, side=SIDE):
    """Rows and columns of the image that a cell of the output depends on."""
    image = np.random.default_rng(0).uniform(1, 2, (1, side, side, 1)).astype("float32")

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            x = tf.constant(image)
            tape.watch(x)
            y = ops.sum(model(x)[0, cell[0], cell[1]])
        gradient = tape.gradient(y, x).numpy()
    else:
        import jax

        gradient = jax.grad(lambda x: ops.sum(model(x)[0, cell[0], cell[1]]))(image)
    touched = np.argwhere(np.abs(np.asarray(gradient)[0, ..., 0]) > 0)
    return tuple(zip(touched.min(0).tolist(), touched.max(0).tolist(), strict=True))


def clipped(window, side=SIDE):
    return tuple((max(first, 0), min(last, side - 1)) for first, last in window)


windows = st.tuples(
    st.sampled_from(["conv", "depthwise", "separable", "average"]),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from(["same", "valid"]),
)


def add(x, step):
    kind, size, stride, dilation, padding = step
    size = max(size, stride)  # every pixel is read, so that clipping is exact at the border
    dilation = 1 if stride > 1 else dilation
    if kind == "average":
        return L.AveragePooling2D(size, strides=stride, padding=padding)(x)
    options = {"strides": stride, "padding": padding}
    if kind == "conv":
        return positive(L.Conv2D, 2, size, dilation_rate=dilation, **options)(x)
    if kind == "separable":
        return positive(L.SeparableConv2D, 2, size, dilation_rate=dilation, **options)(x)
    return positive(L.DepthwiseConv2D, size, dilation_rate=dilation, **options)(x)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    steps=st.lists(windows, min_size=1, max_size=3), place=st.floats(0, 1), open_size=st.booleans()
)
def test_field_is_the_box_of_the_gradient(steps, place, open_size):
    image = keras.Input((SIDE, SIDE, 1))
    x = image
    for step in steps:
        x = add(x, step)
    if 0 in x.shape[1:3]:
        return
    model = keras.Model(image, x)
    cell = (int(place * (x.shape[1] - 1)), int((1 - place) * (x.shape[2] - 1)))
    assert gradient_box(model, cell) == clipped(geometry.window(model, cell))


@pytest.mark.parametrize("cell", [(0, 0), (3, 9), (10, 14), (15, 31)])
@pytest.mark.parametrize(
    "upsampling",
    [
        lambda x: positive(L.Conv2DTranspose, 2, 4, strides=2, padding="valid")(x),
        lambda x: positive(L.Conv2DTranspose, 2, 4, strides=2, padding="same")(x),
        lambda x: positive(L.Conv2DTranspose, 2, 5, strides=3, padding="valid")(x),
        lambda x: L.UpSampling2D(2)(x),
        lambda x: L.UpSampling2D(2, interpolation="bilinear")(x),
        lambda x: fcn_keras.layers.BilinearUpsampling2D(2)(x),
        lambda x: fcn_keras.layers.BilinearUpsampling2D(4, 1)(x),
        lambda x: fcn_keras.layers.BilinearUpsampling2D(2, edge="zero")(x),
        lambda x: L.Cropping2D(((1, 0), (2, 1)))(L.UpSampling2D(3)(x)),
        lambda x: L.ZeroPadding2D(((1, 0), (0, 2)))(L.UpSampling2D(2)(x)),
    ],
)
def test_upsampled_cells_see_the_box_of_the_gradient(upsampling, cell):
    image = keras.Input((SIDE, SIDE, 1))
    x = positive(L.Conv2D, 2, 3, strides=2, padding="same")(image)
    x = upsampling(x)
    x = positive(L.Conv2D, 1, 2, padding="valid")(x)
    model = keras.Model(image, x)
    assert gradient_box(model, cell) == clipped(geometry.window(model, cell))


def test_max_pooling_by_the_union_over_random_images():
    image = keras.Input((24, 24, 1))
    x = positive(L.Conv2D, 1, 3, padding="same")(image)
    x = L.MaxPooling2D(3, strides=2, padding="same")(x)
    model = keras.Model(image, L.MaxPooling2D(2)(x))
    seen = np.zeros((24, 24), bool)
    rng = np.random.default_rng(3)
    base = rng.uniform(0, 1, (400, 24, 24, 1)).astype("float32")
    changed = base.copy()
    places = rng.integers(0, 24, (400, 2))
    changed[np.arange(400), places[:, 0], places[:, 1]] += 5
    cell = (2, 3)
    before, after = (
        ops.convert_to_numpy(model(a))[:, cell[0], cell[1], 0] for a in (base, changed)
    )
    for place in places[before != after]:
        seen[tuple(place)] = True
    rows, columns = geometry.window(model, cell)
    touched = np.argwhere(seen)
    inside = np.zeros_like(seen)
    inside[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True
    assert not (seen & ~inside).any()
    assert (seen & inside).sum() > 0.9 * len({tuple(p) for p in places if inside[tuple(p)]})
    assert touched.min() >= min(rows[0], columns[0])


@pytest.mark.backend
def test_merges_take_the_union():
    image = keras.Input((None, None, 1))
    small = positive(L.Conv2D, 2, 3, padding="same")(image)
    large = positive(L.Conv2D, 2, 7, padding="same")(image)
    for merge in (L.Add(), L.Concatenate(), L.Multiply(), L.Maximum()):
        field = receptive_field(keras.Model(image, merge([small, large])))
        assert field.y == Field(7, 1, 0)


def test_branches_of_different_stride_name_the_layer():
    image = keras.Input((32, 32, 1))
    one = L.Conv2D(2, 3, strides=2, padding="same")(image)
    two = L.MaxPooling2D(4)(image)
    two = L.ZeroPadding2D(((4, 4), (4, 4)))(two)
    with pytest.raises(ValueError, match="'meeting'.*2 and 4"):
        receptive_field(keras.Model(image, L.Add(name="meeting")([one, two])))


@pytest.mark.backend
def test_global_pooling_is_unbounded_and_a_gate_keeps_the_place():
    image = keras.Input((None, None, 3))
    x = L.Conv2D(4, 3, strides=2, padding="same", name="local")(image)
    gate = L.GlobalAveragePooling2D(name="gap")(x)
    gate = L.Reshape((1, 1, 4))(gate)
    gate = L.Conv2D(4, 1, activation="sigmoid")(gate)
    model = keras.Model(image, L.Multiply(name="gated")([x, gate]))
    assert receptive_field(model, "gap").size == (np.inf, np.inf)
    assert receptive_field(model, "gap").stride == (None, None)
    assert receptive_field(model, "gated") == (Field(np.inf, 2, 1), Field(np.inf, 2, 1))
    assert receptive_field(model, "local").size == (3, 3)


def test_unknown_layers_are_named_and_can_be_told():
    class Mine(L.Layer):
        def call(self, x):
            return x

    image = keras.Input((8, 8, 1))
    model = keras.Model(image, L.Conv2D(1, 3)(Mine(name="mine")(image)))
    with pytest.raises(ValueError, match="'mine'.*register_rule"):
        receptive_field(model)
    geometry.register_rule(Mine)
    assert receptive_field(model).size == (3, 3)


def test_unknown_names_list_the_known():
    image = keras.Input((8, 8, 1))
    model = keras.Model(image, L.Conv2D(1, 3, name="only")(image))
    with pytest.raises(ValueError, match="'other'.*only"):
        receptive_field(model, "other")


def test_subclassed_models_are_refused():
    class Mine(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="not a functional"):
        receptive_field(Mine(name="mine"))


@pytest.mark.backend
def test_nested_models_and_sequentials():
    inner = keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(4, 3), L.MaxPooling2D(2)])
    image = keras.Input((None, None, 3))
    model = keras.Model(image, L.Conv2D(2, 3)(inner(L.Conv2D(3, 5)(image))))
    flat = keras.Sequential(
        [keras.Input((None, None, 3)), L.Conv2D(3, 5), L.Conv2D(4, 3), L.MaxPooling2D(2),
         L.Conv2D(2, 3)]
    )  # fmt: skip
    assert receptive_field(model) == receptive_field(flat)
    assert receptive_field(flat).y == Field(12, 2, 5.5)


def test_rows_and_columns_may_differ():
    image = keras.Input((None, None, 1))
    x = L.Conv2D(1, (3, 5), strides=(1, 2), padding="valid")(image)
    field = receptive_field(keras.Model(image, x))
    assert field.y == Field(3, 1, 1) and field.x == Field(5, 2, 2)
    assert (field.size, field.stride, field.offset) == ((3, 5), (1, 2), (1, 2))


@pytest.mark.parametrize(
    "layer",
    [L.GroupNormalization(2), L.LayerNormalization(axis=[1, 2, 3]), L.Softmax(axis=1),
     L.UnitNormalization(axis=[1, 2])],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_statistics_over_the_image_see_all_of_it(layer):
    start = keras.Input((16, 16, 1))
    x = layer(L.Conv2D(2, 3, strides=2, padding="same")(start))
    field = receptive_field(keras.Model(start, x))
    assert field.size == (np.inf, np.inf) and field.stride == (2, 2)


def test_statistics_over_channels_see_no_further():
    start = keras.Input((16, 16, 1))
    x = L.Conv2D(2, 3, padding="same")(start)
    x = L.Softmax()(L.UnitNormalization()(L.LayerNormalization()(x)))
    assert receptive_field(keras.Model(start, x)).size == (3, 3)
