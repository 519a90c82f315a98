"""A dilated net has, k cells apart, the map of the net it was made from."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras import layers as own
from fcn_keras.geometry import SpatialLayer, receptive_field
from fcn_keras.keras_internals import all_layers
from fcn_keras.surgery import dilate
from fcn_keras.surgery.dilate import rarefied

L = keras.layers
on_every_backend = pytest.mark.backend


def randomized(model, seed=0):
    """Random biases and BatchNormalization statistics, so that padding is not neutral."""
    rng = np.random.default_rng(seed)
    for layer in all_layers(model):
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        elif hasattr(getattr(layer, "bias", None), "assign"):
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
    return model


def image(rows, columns, seed=1, batch=1):
    return np.random.default_rng(seed).normal(size=(batch, rows, columns, 3)).astype("f")


def run(model, x):
    """The model's maps as NumPy arrays; on JAX compiled in one piece, which is sooner done."""
    on_jax = keras.backend.backend() == "jax"
    maps = model.predict(x, verbose=0) if on_jax else model(x)
    return keras.tree.map_structure(np.array, maps)


def net(build, *, size=(None, None), seed=0):
    start = keras.Input((*size, 3))
    return randomized(keras.Model(start, build(start), name="net"), seed)


def relu(x):
    return L.ReLU()(x)


def unpadded(x):
    x = L.Conv2D(6, 5, strides=2, activation="relu")(x)
    x = L.Conv2D(6, 1, padding="same")(x)
    x = L.MaxPooling2D(3, 2)(x)
    x = L.DepthwiseConv2D(3, depth_multiplier=2, activation="relu")(x)
    x = L.AveragePooling2D(2)(x)
    return L.SeparableConv2D(5, 3)(x)


def vgg_like(x):
    for filters in (4, 6, 8):
        x = L.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D(2)(x)
    return own.WindowConv2D(5, 7, padding="same", activation="relu", name="fc6")(x)


def resnet_like(x):
    """Keras's ResNet: explicit padding in front, a strided 1x1 on the shortcut."""
    x = L.Conv2D(8, 7, strides=2)(L.ZeroPadding2D(3)(x))
    x = relu(L.BatchNormalization()(x))
    x = L.MaxPooling2D(3, 2)(L.ZeroPadding2D(1)(x))
    for strides in (2, 1, 2):
        short = L.Conv2D(8, 1, strides=strides)(x)
        main = relu(L.Conv2D(6, 3, strides=strides, padding="same")(x))
        x = relu(L.Add()([short, L.Conv2D(8, 3, padding="same")(main)]))
    return x


def mobilenet_like(x):
    """An asymmetric padding that is just enough for the stride."""
    x = relu(L.Conv2D(8, 3, strides=2, padding="same")(x))
    for window, pad in ((3, (0, 1)), (5, (1, 2)), (3, (0, 1))):
        x = L.ZeroPadding2D((pad, pad))(x)
        x = relu(L.DepthwiseConv2D(window, strides=2, padding="valid")(x))
        x = L.Conv2D(8, 1)(x)
    return x


def inception_like(x):
    x = relu(L.Conv2D(6, 3, strides=2)(x))
    x = relu(L.Conv2D(6, 3, padding="same")(x))
    for _ in range(2):
        inside = [
            L.Conv2D(3, 1)(x),
            L.Conv2D(3, (1, 7), padding="same")(relu(L.Conv2D(2, 1)(x))),
            L.Conv2D(2, 1)(L.AveragePooling2D(3, 1, padding="same")(x)),
        ]
        x = relu(L.Concatenate()(inside))
        x = L.Concatenate()([L.Conv2D(4, 3, strides=2)(x), L.MaxPooling2D(3, 2)(x)])
    return x


def xception_like(x):
    x = relu(L.Conv2D(6, 3, strides=2)(x))
    for _ in range(2):
        short = L.Conv2D(6, 1, strides=2, padding="same")(x)
        main = L.SeparableConv2D(6, 3, padding="same")(relu(x))
        x = L.Add()([short, L.MaxPooling2D(3, 2, padding="same")(main)])
    return L.AveragePooling2D(4, 2, padding="same")(x)


def convnext_like(x):
    x = L.LayerNormalization()(L.Conv2D(8, 4, strides=4)(x))
    for _ in range(2):
        x = L.Add()([x, L.Conv2D(8, 7, padding="same", groups=1)(x)])
        x = L.Conv2D(8, 2, strides=2)(L.LayerNormalization()(x))
    return x


def nasnet_like(x):
    """A path through pixels one further on: padding and cropping in cells of the map."""
    x = relu(L.Conv2D(6, 3, strides=2)(x))
    x = relu(L.SeparableConv2D(6, 3, strides=2, padding="same")(x))
    moved = L.Cropping2D(((1, 0), (1, 0)))(L.ZeroPadding2D(((0, 1), (0, 1)))(x))
    paths = [L.Conv2D(4, 1)(L.AveragePooling2D(1, 2)(path)) for path in (x, moved)]
    return L.SeparableConv2D(6, 5, strides=2, padding="same")(L.Concatenate()(paths))


def alexnet_like(x):
    x = L.Conv2D(8, 11, strides=4, activation="relu")(x)
    x = own.LocalResponseNormalization(2)(own.CeilPooling2D(3, 2)(x))
    x = own.GroupedConv2D(8, 5, padding="same", groups=2, activation="relu")(x)
    x = own.CeilPooling2D(3, 2, mode="average", padding=1)(x)
    return own.CeilPooling2D(3, 2, padding=1)(L.Conv2D(6, 3, padding="same")(x))


def nested(x):
    inner = keras.Input((None, None, 3))
    model = keras.Model(inner, L.Conv2D(4, 3, strides=2, padding="same", name="c")(inner))
    x = relu(model(x))
    return keras.Sequential([L.MaxPooling2D(2), L.Conv2D(5, 3, padding="same")])(x)


def dilated_already(x):
    x = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = own.DilatedPooling2D(3, 2, 2, ((1, 2), (2, 2)), "average")(x)
    return L.Conv2D(6, 3, dilation_rate=2, padding="same")(x)


PADDED = (
    vgg_like, resnet_like, mobilenet_like, convnext_like, nested,
)  # fmt: skip
OTHERS = (
    unpadded, inception_like, xception_like, nasnet_like, alexnet_like, dilated_already,
)  # fmt: skip


def stride_of(model):
    return receptive_field(model).stride[0]


def cases():
    for build in PADDED + OTHERS:
        marks = [on_every_backend] if build is alexnet_like else []
        yield pytest.param(build, marks=marks, id=build.__name__)


@pytest.mark.parametrize("build", cases())
def test_has_the_map_k_cells_apart(build):
    model = net(build)
    stride = stride_of(model)
    cells = (2, 3) if build in PADDED else (6, 7)
    x = image(*(n * stride for n in cells))
    expected = run(model, x)
    for to_stride in (1, stride // 2):
        dense = dilate(model, to_stride)
        k = stride // to_stride
        found = run(dense, x)
        if build in PADDED:
            assert found.shape[1:3] == tuple(k * n for n in expected.shape[1:3])
        assert found[:, ::k, ::k].shape == expected.shape
        np.testing.assert_allclose(found[:, ::k, ::k], expected, atol=1e-5)
        assert receptive_field(dense).stride == (to_stride, to_stride)


@pytest.mark.parametrize("size", [(61, 50), (49, 64)])
def test_without_padding_of_any_size(size):
    model = net(unpadded)
    x = image(*size, batch=2)
    expected = run(model, x)
    field = receptive_field(model).size[0]
    for to_stride in (1, 4):
        found = run(dilate(model, to_stride), x)
        assert found.shape[1:3] == tuple((n - field) // to_stride + 1 for n in size)
        k = 8 // to_stride
        np.testing.assert_allclose(found[:, ::k, ::k], expected, atol=1e-5)


def test_a_sequential_model():
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), L.MaxPooling2D(2), L.Conv2D(4, 3, padding="same")]
    )
    found = run(dilate(model, 1), image(16, 16))
    np.testing.assert_allclose(found[:, ::2, ::2], run(model, image(16, 16)), atol=1e-5)


@pytest.mark.parametrize("build", PADDED[:3] + OTHERS[:1], ids=lambda build: build.__name__)
def test_sees_what_it_saw(build):
    """The receptive field and the place of the first cell stay."""
    model = net(build)
    before, after = receptive_field(model), receptive_field(dilate(model, 4))
    assert after.size == before.size
    assert after.offset == before.offset


def test_a_stride_that_is_removed_in_part():
    model = net(alexnet_like)  # strides 4, 2, 2, 2
    dense = dilate(model, 2)
    first = next(layer for layer in dense.layers if isinstance(layer, L.Conv2D))
    assert first.strides == (2, 2)
    assert {s for layer in dense.layers for s in getattr(layer, "strides", ())} == {1, 2}


def test_mobilenet_v2():
    model = randomized(
        keras.applications.MobileNetV2(
            weights=None, include_top=False, alpha=0.35, input_shape=(None, None, 3)
        )
    )
    x = image(64, 96)
    found = run(dilate(model, 8), x)
    assert found.shape == (1, 8, 12, 1280)
    np.testing.assert_allclose(found[:, ::4, ::4], run(model, x), atol=1e-5)


CONVOLUTION = st.tuples(
    st.just("conv"), st.integers(1, 4), st.sampled_from([1, 2, 4]), st.integers(1, 2)
)
POOLING = st.tuples(
    st.sampled_from(["max", "average"]), st.integers(1, 4), st.sampled_from([1, 2]), st.just(1)
)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(CONVOLUTION | POOLING, st.sampled_from(["same", "valid"])), max_size=4),
    st.sampled_from(["same", "valid", "mixed"]),
)
def test_any_chain(chain, padding):
    def build(x):
        for (kind, window, strides, dilation), own_padding in chain:
            chosen = own_padding if padding == "mixed" else padding
            if kind == "conv":
                dilation = 1 if strides > 1 else dilation
                x = L.Conv2D(3, window, strides, chosen, dilation_rate=dilation, activation="relu")(
                    x
                )
            else:
                pooling = L.MaxPooling2D if kind == "max" else L.AveragePooling2D
                x = pooling(window, strides, chosen)(x)
        return L.Conv2D(2, 2, padding="valid" if padding == "valid" else "same")(x)

    start = keras.Input((None, None, 3))
    stride = stride_of(keras.Model(start, build(start)))
    side = stride * (40 // stride + 4)
    model = net(build, size=(side, side))
    x = image(side, side)
    expected = run(model, x)
    for to_stride in {1, max(stride // 2, 1)}:
        k = stride // to_stride
        found = run(dilate(model, to_stride), x)[:, ::k, ::k]
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_model_given_stays_as_it_is():
    model = net(resnet_like)
    before = [w.copy() for w in model.get_weights()]
    config = model.get_config()
    dense = dilate(model, 8)
    names = {layer.name for layer in model.layers if layer.weights}
    assert names == {layer.name for layer in dense.layers if layer.weights}
    dense.set_weights([w + 1 for w in dense.get_weights()])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.get_config() == config


@on_every_backend
def test_trains_saves_and_loads(tmp_path):
    dense = dilate(net(mobilenet_like), 4)
    x = image(32, 48, batch=2)
    dense.compile("sgd", "mse")
    before = [w.copy() for w in dense.get_weights()]
    dense.train_on_batch(x, np.ones((2, 8, 12, 8), "f"))
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, dense.get_weights(), strict=True))
    dense.save(tmp_path / "dense.keras")
    again = keras.models.load_model(tmp_path / "dense.keras")
    np.testing.assert_allclose(run(again, x), run(dense, x), atol=1e-6)


@on_every_backend
def test_several_outputs_keep_their_structure():
    start = keras.Input((None, None, 3), name="pixels")
    fine = L.Conv2D(4, 3, strides=2, padding="same")(start)
    coarse = L.Conv2D(4, 3, strides=4, padding="same")(fine)
    model = keras.Model(start, {"fine": fine, "coarse": coarse})
    outputs = run(dilate(model, 4), image(16, 24))
    assert outputs["fine"].shape == (1, 8, 12, 4)
    assert outputs["coarse"].shape == (1, 4, 6, 4)
    np.testing.assert_allclose(outputs["fine"], run(model, image(16, 24))["fine"], atol=1e-6)


def test_shared_layers_stay_shared():
    def build(x):
        x = L.Conv2D(4, 3, strides=2, padding="same")(x)
        x = L.MaxPooling2D(2)(x)
        shared = L.Conv2D(4, 3, padding="same", name="shared")
        return shared(relu(shared(x)))

    model = net(build)
    dense = dilate(model, 1)
    assert dense.count_params() == model.count_params()
    np.testing.assert_allclose(
        run(dense, image(16, 16))[:, ::4, ::4], run(model, image(16, 16)), atol=1e-5
    )


def test_layers_without_weights_may_be_called_at_several_strides():
    def build(x):
        pad, pool = L.ZeroPadding2D(((1, 0), (0, 1))), L.MaxPooling2D(2)
        for _ in range(3):
            x = pool(L.Conv2D(3, 2, activation="relu")(pad(x)))
        return x

    model = net(build)
    found = run(dilate(model, 1), image(24, 32))
    assert found.shape[1:3] == (24, 32)
    np.testing.assert_allclose(found[:, ::8, ::8], run(model, image(24, 32)), atol=1e-5)


@on_every_backend
def test_on_a_tensor_of_the_callers():
    """Preprocessing and padding stay in front; fc6 becomes a dilated convolution."""
    pixels = keras.Input((None, None, 3))
    x = own.PadToMultiple(8)(own.Preprocess("tf")(pixels))
    trunk = randomized(keras.Model(pixels, vgg_like(x)))
    mine = keras.Input((None, None, 3), name="image")
    (features,) = rarefied(trunk, [mine], 2)
    dense = keras.Model(mine, features)
    fc6 = dense.get_layer("fc6")
    assert type(fc6) is L.Conv2D and fc6.dilation_rate == (4, 4)
    x = 255 * np.abs(image(29, 42))
    found = run(dense, x)
    assert found.shape[1:3] == (16, 24)
    np.testing.assert_allclose(found[:, ::4, ::4], run(trunk, x), rtol=1e-4, atol=1e-4)


def test_gates_over_the_whole_image_are_kept():
    """Squeeze and excitation: the mean is over the finer map, the rest is as it was."""

    def build(x):
        x = L.Conv2D(4, 3, strides=2, padding="same")(x)
        gate = L.GlobalAveragePooling2D(keepdims=True)(x)
        return L.Multiply()([x, L.Conv2D(4, 1, activation="sigmoid")(gate)])

    model = net(build)
    constant = np.ones((1, 32, 32, 3), "f")
    found, expected = run(dilate(model, 1), constant), run(model, constant)
    assert found.shape == (1, 32, 32, 4)
    np.testing.assert_allclose(found[:, ::2, ::2], expected, atol=0.05)


def _transposed(x):
    x = L.Conv2D(4, 3, strides=4, padding="same")(x)
    x = L.Conv2DTranspose(4, 2, strides=2, name="up")(x)
    return L.Conv2D(4, 3, strides=4, padding="same")(x)


def _reshaped(x):
    x = L.Conv2D(4, 3, strides=2, padding="same")(x)
    return L.Reshape((8, 8, 4), name="again")(x)


def _disagreeing(x):
    uneven = L.Conv2D(2, 3, strides=3, padding="same")(x)
    uneven = L.Conv2D(2, 3, strides=2, padding="same")(uneven)
    even = L.Conv2D(2, 3, strides=2, padding="same")(x)
    even = L.Conv2D(2, 3, strides=3, padding="same")(even)
    return L.Add(name="meeting")([uneven, even])


def _shared_at_two_strides(x):
    shared = L.Conv2D(3, 3, padding="same", name="shared")
    return L.Conv2D(3, 3, strides=2, padding="same")(shared(L.MaxPooling2D(2)(shared(x))))


@pytest.mark.parametrize(
    "build, to_stride, size, message",
    [
        (vgg_like, 3, None, r"to_stride=3 .* \[1, 2, 4, 8\]"),
        (vgg_like, 16, None, "to_stride=16"),
        (vgg_like, 0, None, "to_stride=0"),
        (vgg_like, 2.0, None, "to_stride=2.0"),
        (lambda x: L.Flatten()(vgg_like(x)), 1, 8, "convolutional part"),
        (lambda x: L.GlobalMaxPooling2D()(vgg_like(x)), 1, None, "convolutional part"),
        (_transposed, 2, None, "'up'.*moves or resamples"),
        (_reshaped, 1, 16, "'again'.*reshapes"),
        (_disagreeing, 2, None, "'.*' .*strides"),
        (_shared_at_two_strides, 1, None, "'shared'.*different"),
    ],
)
def test_what_it_refuses(build, to_stride, size, message):
    model = net(build, size=(size, size))
    with pytest.raises(ValueError, match=message):
        dilate(model, to_stride)


def test_a_layer_of_the_users_own():
    class Cells(SpatialLayer, L.Layer):
        def call(self, x):
            return x[:, 1:, 1:]

        def sampling_rule(self, grids, axis):
            return grids[0].shifted(1)

    model = net(lambda x: Cells(name="mine")(L.MaxPooling2D(2)(x)))
    with pytest.raises(ValueError, match="'mine' .*moves or resamples"):
        dilate(model, 1)
