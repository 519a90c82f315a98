"""A classifier and its convolutional cast give the same numbers."""

import hashlib

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras import convolutionalize
from fcn_keras.keras_internals import all_layers

L = keras.layers


def randomized(model, seed=0):
    """Random BatchNormalization statistics and biases, so that each of them counts."""
    rng = np.random.default_rng(seed)
    for layer in all_layers(model):
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        elif hasattr(layer, "bias") and layer.bias is not None:
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    return model


def image(side, channels=3, seed=1, batch=2):
    return np.random.default_rng(seed).uniform(-1, 1, (batch, side, side, channels)).astype("f")


def flatten_net(extra=lambda x: x, end=None, side=20, name="small"):
    start = keras.Input((side, side, 3))
    x = L.Conv2D(6, 3, activation="relu", name="c1")(start)
    x = L.MaxPooling2D(2, name="p1")(x)
    x = L.Conv2D(8, 3, activation="relu", name="c2")(x)
    x = L.Flatten(name="flatten")(x)
    x = extra(x)
    x = L.Dense(5, activation=end, name="classes")(x)
    return randomized(keras.Model(start, x, name=name))


def hidden(x):
    x = L.Dropout(0.5)(x)
    x = L.Dense(12, name="h1")(x)
    x = L.BatchNormalization(name="h1_bn")(x)
    return L.Activation("relu", name="h1_relu")(x)


CASES = {
    "flatten": lambda: flatten_net(),
    "softmax": lambda: flatten_net(end="softmax"),
    "hidden": lambda: flatten_net(hidden),
    "folded batch norm": lambda: flatten_net(lambda x: L.BatchNormalization(name="flat_bn")(x)),
    "separate softmax": lambda: _with_softmax_layer(),
    "shared and merged": lambda: flatten_net(_merged),
    "global average": lambda: _pooled(L.GlobalAveragePooling2D()),
    "global max": lambda: _pooled(L.GlobalMaxPooling2D()),
    "kept dimensions": lambda: _pooled(L.GlobalAveragePooling2D(keepdims=True)),
}


def _merged(x):
    x = L.Dense(8, name="d1")(x)
    shared = L.Dense(8, name="shared")
    return L.Concatenate()([L.Add()([x, shared(x)]), shared(shared(x))])


def _with_softmax_layer():
    net = flatten_net()
    return keras.Model(net.inputs, L.Softmax(name="softmax")(net.output), name="softmaxed")


def _pooled(pooling):
    start = keras.Input((24, 24, 3))
    x = L.Conv2D(6, 3, strides=2, name="c1")(start)
    x = L.BatchNormalization()(x)
    x = L.ReLU()(x)
    x = pooling(x)
    if len(x.shape) == 4:
        x = L.Conv2D(4, 1, name="head")(x)
        x = L.Reshape((4,))(x)
    x = L.Dropout(0.2)(x)
    x = L.Dense(4, activation="softmax", name="classes")(x)
    return randomized(keras.Model(start, x, name="pooled"))


@pytest.mark.backend
@pytest.mark.parametrize("case", [
    "flatten", "global max", *(
        pytest.param(case, marks=pytest.mark.backend("sweep"))
        for case in CASES if case not in ("flatten", "global max")
    ),
])  # fmt: skip
def test_native_size_gives_the_classifiers_numbers(case):
    classifier = CASES[case]()
    side = classifier.input_shape[1]
    dense = convolutionalize(classifier)
    assert dense.input_shape == (None, None, None, 3)
    x = image(side)
    result = ops.convert_to_numpy(dense(x))
    assert result.shape[1:3] == (1, 1)
    np.testing.assert_allclose(result[:, 0, 0], ops.convert_to_numpy(classifier(x)), atol=1e-5)


@pytest.mark.parametrize("case", ["hidden", "global average", "global max"])
def test_without_padding_each_cell_is_the_classifier_on_its_crop(case):
    classifier = CASES[case]()
    side = classifier.input_shape[1]
    x = image(side + 9, batch=1)
    heat = ops.convert_to_numpy(convolutionalize(classifier)(x))
    assert min(heat.shape[1:3]) >= 5
    for row, column in ((0, 0), (1, 3), (4, 4)):
        crop = x[:, 2 * row : 2 * row + side, 2 * column : 2 * column + side]
        expected = ops.convert_to_numpy(classifier(crop))[0]
        np.testing.assert_allclose(heat[0, row, column], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("MobileNetV2", 96),
        pytest.param("ResNet50", 64, marks=pytest.mark.sweep),
        pytest.param("DenseNet121", 64, marks=pytest.mark.sweep),
    ],
)
def test_keras_classifiers(name, side):
    build = getattr(keras.applications, name)
    classifier = randomized(build(weights=None, input_shape=(side, side, 3), classes=7))
    x = image(side, batch=1)
    expected = ops.convert_to_numpy(classifier(x))
    result = ops.convert_to_numpy(convolutionalize(classifier)(x))
    np.testing.assert_allclose(result[:, 0, 0], expected, atol=1e-5)


def test_vgg_slim_and_logits():
    classifier = randomized(fcn_keras.classifiers.vgg_slim(classes=7, input_shape=(64, 64, 3)))
    x = image(64, batch=1)
    scores = ops.convert_to_numpy(convolutionalize(classifier, logits=True)(x))[:, 0, 0]
    expected = ops.convert_to_numpy(classifier(x))
    np.testing.assert_allclose(ops.convert_to_numpy(ops.softmax(scores)), expected, atol=1e-5)


def test_logits_drop_a_softmax_layer():
    classifier = _with_softmax_layer()
    x = image(20)
    scores = ops.convert_to_numpy(convolutionalize(classifier, logits=True)(x))[:, 0, 0]
    before = keras.Model(classifier.inputs, classifier.get_layer("classes").output)
    np.testing.assert_allclose(scores, ops.convert_to_numpy(before(x)), atol=1e-5)


def test_nested_models():
    base = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(64, 64, 3), alpha=0.35
    )
    start = keras.Input((64, 64, 3))
    x = base(L.Rescaling(1 / 127.5, -1)(start))
    x = L.Dense(3)(L.GlobalAveragePooling2D()(x))
    classifier = randomized(keras.Model(start, x, name="nested"))
    sequential = keras.Sequential(
        [keras.Input((64, 64, 3)), base, L.Flatten(), L.Dense(3)], name="sequential"
    )
    for net in (classifier, sequential):
        x = image(64)
        result = ops.convert_to_numpy(convolutionalize(net)(x))[:, 0, 0]
        np.testing.assert_allclose(result, ops.convert_to_numpy(net(x)), atol=1e-5)


def fingerprint(model):
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(ops.convert_to_numpy(weight).tobytes())
    digest.update(repr(model.get_config()).encode())
    return digest.hexdigest()


def test_the_classifier_given_is_never_changed():
    classifier = CASES["hidden"]()
    before = fingerprint(classifier)
    dense = convolutionalize(classifier, batch_norm_momentum=0.5, logits=True)
    dense.compile("sgd", "mse")
    dense.train_on_batch(image(20), np.zeros((2, 1, 1, 5)))
    fcn = fcn_keras.fcn32s(3, _strided(), batch_norm_momentum=0.5)
    assert fcn.count_params()
    assert fingerprint(classifier) == before
    assert {
        layer.momentum for layer in classifier.layers if isinstance(layer, L.BatchNormalization)
    } == {0.99}
    assert {
        layer.momentum for layer in dense.layers if isinstance(layer, L.BatchNormalization)
    } == {0.5}


def _strided():
    start = keras.Input((64, 64, 3))
    x = L.Rescaling(1 / 255)(start)
    for filters in (4, 4, 4, 8, 8):
        x = L.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(start, L.Dense(2)(L.GlobalAveragePooling2D()(x)), name="strided")


def test_open_size_needs_a_window():
    start = keras.Input((None, None, 3))
    x = L.GlobalAveragePooling2D()(L.Conv2D(4, 3, strides=2, padding="same", name="map")(start))
    classifier = keras.Model(start, L.Dense(2)(x), name="open")
    with pytest.raises(ValueError, match=r"window=\(rows, columns\)"):
        convolutionalize(classifier)
    x = image(16)
    result = ops.convert_to_numpy(convolutionalize(classifier, window=8)(x))[:, 0, 0]
    np.testing.assert_allclose(result, ops.convert_to_numpy(classifier(x)), atol=1e-5)


class Strange(L.Layer):
    def call(self, x):
        return ops.sort(x, axis=-1)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (lambda x: Strange(name="odd")(x), "'odd'.*"),
        (lambda x: L.Reshape((8, -1), name="folded")(x), "'folded'"),
    ],
)
def test_what_cannot_be_cast_is_named(extra, message):
    start = keras.Input((20, 20, 3))
    x = extra(L.Flatten()(L.Conv2D(8, 3)(start)))
    classifier = keras.Model(start, L.Dense(2)(L.Flatten()(x)))
    with pytest.raises(ValueError, match=message):
        convolutionalize(classifier)


def test_a_window_that_contradicts_the_weights():
    with pytest.raises(ValueError, match="flattens a map of \\(7, 7\\)"):
        convolutionalize(flatten_net(), window=5)


def test_a_net_without_top_is_told_so():
    start = keras.Input((20, 20, 3))
    with pytest.raises(ValueError, match="include_top=True"):
        convolutionalize(keras.Model(start, L.Conv2D(2, 3)(start)))


def test_an_adapted_normalization_is_copied_whole():
    """Keras derives what it computes with from the weights, once: a copy must do so too."""
    rng = np.random.default_rng(3)
    start = keras.Input((8, 8, 3))
    normalization = L.Normalization()
    normalization.adapt(rng.normal(100, 50, (20, 8, 8, 3)).astype("float32"))
    x = L.Conv2D(4, 3, padding="same")(normalization(start))
    classifier = keras.Model(start, L.Dense(3)(L.GlobalAveragePooling2D()(x)))
    pixels = rng.uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    expected = ops.convert_to_numpy(classifier(pixels))
    found = ops.convert_to_numpy(convolutionalize(classifier)(pixels))
    np.testing.assert_allclose(found[:, 0, 0], expected, atol=1e-5)


def test_two_inputs_are_told_so():
    first, second = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    x = L.GlobalAveragePooling2D()(L.Add()([first, second]))
    with pytest.raises(ValueError, match="has 2 inputs; a classifier with one is needed"):
        convolutionalize(keras.Model([first, second], L.Dense(2)(x)))


def test_the_pooling_keeps_the_classifiers_precision():
    start = keras.Input((8, 8, 3))
    x = L.GlobalAveragePooling2D()(L.Conv2D(4, 3)(start))
    classifier = keras.Model(start, L.Dense(3)(x))
    pixels = image(8)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        dense = convolutionalize(classifier)
    finally:
        keras.config.set_dtype_policy("float32")
    expected = ops.convert_to_numpy(classifier(pixels))
    found = ops.convert_to_numpy(dense(pixels))
    np.testing.assert_allclose(found[:, 0, 0], expected, atol=1e-5)
