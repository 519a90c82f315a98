"""Weights go where the names and shapes agree, or can be cast; or nowhere."""

import keras
import numpy as np
import pytest

from fcn_keras import convolutionalize, fcn16s, fcn32s
from fcn_keras.layers import WindowConv2D
from fcn_keras.surgery import transplant

L = keras.layers


def net(filters=3, extra=False, name="net"):
    start = keras.Input((8, 8, 1))
    x = L.Conv2D(filters, 3, name="shared")(start)
    if extra:
        x = L.Conv2D(2, 1, name="new")(x)
    return keras.Model(start, x, name=name)


def classifier(names=("fc6", "fc7", "fc8")):
    """6x5 pixels, a 3x2 map that is flattened, three Dense layers with random biases."""
    start = keras.Input((6, 5, 2))
    x = L.Conv2D(4, 4, name="conv1", bias_initializer="normal")(start)
    x = L.Flatten()(x)
    for name, units, activation in zip(names, (7, 6, 3), ("relu", "relu", None), strict=True):
        x = L.Dense(units, activation, bias_initializer="normal", name=name)(x)
    return keras.Model(start, x, name="classifier")


def dense_net(names=("fc6", "fc7", "fc8"), convolution=L.Conv2D):
    """The fully convolutional net of `classifier`, written out by hand."""
    start = keras.Input((None, None, 2))
    x = L.Conv2D(4, 4, name="conv1")(start)
    x = convolution(7, (3, 2), activation="relu", name=names[0])(x)
    x = L.Conv2D(6, 1, activation="relu", name=names[1])(x)
    return keras.Model(start, L.Conv2D(3, 1, name=names[2])(x), name="dense_net")


def alone(layer, shape, name="net"):
    start = keras.Input(shape)
    return keras.Model(start, layer(start), name=name)


def same_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.backend
def test_shared_layers_are_copied_and_the_rest_reported():
    source, target = net(), net(extra=True)
    kept = target.get_layer("new").get_weights()
    done = transplant(source, target)
    assert done.copied == ("shared",) and done.fresh == ("new",) and done.unused == ()
    assert done.cast == done.dropped == ()
    same_weights(source.get_layer("shared"), target.get_layer("shared"))
    for a, b in zip(kept, target.get_layer("new").get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert str(done) == "1 layer transplanted; new: new."
    assert transplant(target, source).unused == ("new",)


def test_other_shapes_copy_nothing():
    source, target = net(4), net(3)
    before = target.get_weights()
    with pytest.raises(ValueError, match="'shared'.*num_classes"):
        transplant(source, target)
    for a, b in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_misfit_at_the_end_leaves_the_beginning_untouched():
    source, target = classifier(), dense_net()
    target = keras.Model(
        target.input, L.Conv2D(9, 1, name="fc8")(target.get_layer("fc7").output), name="other"
    )
    before = target.get_weights()
    with pytest.raises(ValueError, match="'fc8'"):
        transplant(source, target)
    for a, b in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    done = transplant(source, target, strict=False)
    assert done.dropped == done.fresh == ("fc8",)
    assert done.copied == ("conv1",) and done.cast == ("fc6", "fc7")
    np.testing.assert_array_equal(before[-2], target.get_weights()[-2])


def test_nothing_shared():
    start = keras.Input((8, 8, 1))
    other = keras.Model(start, L.Conv2D(2, 3, name="else")(start))
    with pytest.raises(ValueError, match="share no layer"):
        transplant(net(), other)
    with pytest.raises(ValueError, match="share no layer"):
        transplant(net(4), net(3), strict=False)


@pytest.mark.backend
@pytest.mark.parametrize("convolution", [L.Conv2D, WindowConv2D])
def test_dense_becomes_a_convolution_and_comes_back(convolution):
    source, target = classifier(), dense_net(convolution=convolution)
    x = numbers((2, 6, 5, 2))
    done = transplant(source, target)
    assert done.copied == ("conv1",) and done.cast == ("fc6", "fc7", "fc8") and not done.fresh
    expected = keras.ops.convert_to_numpy(source(x))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(target(x))[:, 0, 0], expected, atol=1e-5, rtol=1e-5
    )
    back = classifier()
    assert transplant(target, back).cast == ("fc6", "fc7", "fc8")
    same_weights(source, back)


@pytest.mark.backend
def test_it_agrees_with_convolutionalize():
    source = classifier()
    wanted, target = convolutionalize(source), dense_net()
    transplant(source, target)
    x = numbers((1, 11, 9, 2))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(target(x)),
        keras.ops.convert_to_numpy(wanted(x)),
        atol=1e-5,
        rtol=1e-5,
    )


def test_names_say_what_goes_where():
    source, target = classifier(("dense_1", "dense_2", "fc6")), dense_net()
    names = {"dense_1": "fc6", "dense_2": "fc7", "fc6": None}
    done = transplant(source, target, names=names)
    assert done.cast == ("fc6", "fc7") and done.fresh == ("fc8",) and done.unused == ("fc6",)
    np.testing.assert_array_equal(
        source.get_layer("dense_1").get_weights()[0].ravel(),
        target.get_layer("fc6").get_weights()[0].ravel(),
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"fc9": "fc6"}, "'classifier' has no layer 'fc9'.*conv1, fc6"),
        ({"fc6": "fc9"}, "'dense_net' has no layer 'fc9'"),
        ({"fc6": "fc6", "fc7": "fc6"}, "two layers"),
    ],
)
def test_names_that_are_not_there(names, message):
    with pytest.raises(ValueError, match=message):
        transplant(classifier(), dense_net(), names=names)


def test_biases_must_agree_for_a_cast():
    start = keras.Input((1, 1, 4))
    target = keras.Model(start, L.Conv2D(3, 1, use_bias=False, name="fc")(start))
    with pytest.raises(ValueError, match="'fc'"):
        transplant(alone(L.Dense(3, name="fc"), (4,)), target)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (L.Conv2D(4, 3, use_bias=False), L.Conv2DTranspose(4, 3, use_bias=False)),
        (L.Conv2D(1, 3, use_bias=False), L.DepthwiseConv2D(3, use_bias=False)),
    ],
)
def test_kernels_of_one_shape_and_another_kind_are_not_mixed_up(one, other):
    one.name = other.name = "same"
    nets = [alone(layer, (8, 8, 4)) for layer in (one, other)]
    assert one.kernel.shape == other.kernel.shape
    with pytest.raises(ValueError, match="another kind of kernel"):
        transplant(*nets)


def test_a_grouped_convolution_is_no_dense():
    grouped = L.Conv2D(4, 1, groups=2, name="fc")
    with pytest.raises(ValueError, match="'fc'"):
        transplant(alone(L.Dense(4, name="fc"), (2,)), alone(grouped, (1, 1, 4)))


def test_layers_of_nested_models_count():
    source = classifier()
    start = keras.Input((12, 10, 2))
    inner = dense_net(("fc6", "fc7", "fc8"))
    target = keras.Model(start, L.Conv2D(2, 1, name="score")(inner(start)), name="outer")
    done = transplant(source, target)
    assert done.copied == ("conv1",) and done.cast == ("fc6", "fc7", "fc8")
    assert done.fresh == ("score",)
    np.testing.assert_array_equal(
        inner.get_layer("fc6").get_weights()[1], source.get_layer("fc6").get_weights()[1]
    )


def test_layers_of_one_name_are_told_apart_by_their_path():
    def twins():
        start = keras.Input((6, 5, 2))
        towers = []
        for name in ("left", "right"):
            inner = keras.Input((6, 5, 2))
            layer = L.Conv2D(3, 3, kernel_initializer="normal", name="conv")
            towers.append(keras.Model(inner, layer(inner), name=name))
        return keras.Model(start, L.Add()([tower(start) for tower in towers]), name="twins")

    source, target = twins(), twins()
    assert transplant(source, target).copied == ("left/conv", "right/conv")
    same_weights(source, target)
    crossed = twins()
    transplant(source, crossed, names={"left/conv": "right/conv", "right/conv": "left/conv"})
    same_weights(source.get_layer("left"), crossed.get_layer("right"))


@pytest.mark.sweep
def test_a_learned_upsampling_of_another_stride_is_dropped():
    coarse = fcn32s(3, "vgg_slim", weights=None, learn_upsampling="all")
    fine = fcn16s(3, "vgg_slim", weights=None, learn_upsampling="all")
    done = transplant(coarse, fine)
    assert done.dropped == ("upscore32",)
    assert done.fresh == ("upscore2", "score_pool4", "upscore16") and not done.unused
    assert str(done).endswith("; dropped: upscore32; new: upscore2, score_pool4, upscore16.")
    line = next(line for line in done.table().splitlines() if "upscore32" in line)
    assert line.split() == ["dropped", "upscore32", "-", "64x64x3x3"]


def test_a_learned_upsampling_of_another_size_under_the_same_name_is_dropped():
    def upsampling(classes, size):
        layer = L.Conv2DTranspose(classes, size, strides=4, use_bias=False, name="upscore")
        score = L.Conv2D(classes, 1, name="score")
        return alone(keras.Sequential([score, layer]), (8, 8, 2))

    source, target = upsampling(3, 8), upsampling(3, 7)
    kept = target.get_weights()[-1]
    done = transplant(source, target)
    assert done.copied == ("score",) and done.dropped == done.fresh == ("upscore",)
    np.testing.assert_array_equal(kept, target.get_weights()[-1])
    with pytest.raises(ValueError, match="'score'"):
        transplant(source, upsampling(4, 8))


def test_the_table_has_a_line_for_every_layer():
    done = transplant(classifier(), dense_net())
    lines = done.table().splitlines()
    assert lines[0].split() == ["action", "source", "target", "weights"]
    assert [line.split()[0] for line in lines[1:-1]] == ["copied", "cast", "cast", "cast"]
    assert lines[2].split()[3:] == ["24x7,", "7", "->", "3x2x4x7,", "7"]
    assert lines[-1] == str(done) == "4 layers transplanted; cast: fc6, fc7, fc8; new: none."


@pytest.mark.backend
def test_an_adapted_normalization_goes_along():
    def normalized(values):
        start = keras.Input((4, 4, 3))
        layer = L.Normalization(name="normalization")
        if values is None:
            layer.build((None, 4, 4, 3))
        else:
            layer.adapt(values)
        return keras.Model(start, layer(start))

    values = np.random.default_rng(0).normal(9, 4, (30, 4, 4, 3)).astype("float32")
    source, target = normalized(values), normalized(None)
    transplant(source, target)
    np.testing.assert_allclose(target(values[:2]), source(values[:2]), atol=1e-5)
