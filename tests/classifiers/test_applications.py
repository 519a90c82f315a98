"""Every classifier of keras.applications: in the table, with its pixels, and as an FCN."""

import gc
import inspect

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras import classifiers
from fcn_keras.keras_internals import all_layers
from fcn_keras.layers import Preprocess

A = keras.applications
FUNCTIONS = [
    name
    for name in dir(A)
    if name[0].isupper() and "include_top" in inspect.signature(getattr(A, name)).parameters
]
LITE = {f"efficientnet_lite{number}" for number in range(5)}
OWN = {"alexnet", "googlenet", "resnet_slim", "vgg_slim", "resnet50_v1_5", "resnet101_v1_5", *LITE}
# A sample outside the sweep: inner scaling and gates, and grids that are not padded.
SAMPLE = ("mobilenet_v3_small", "xception")
REST = [name for name in classifiers.names() if name not in SAMPLE]
NAMES = [*SAMPLE, *(pytest.param(name, marks=pytest.mark.sweep) for name in REST)]


@pytest.fixture(autouse=True)
def one_net_at_a_time():
    """The widest nets fill the memory: what a test built is gone before the next begins."""
    yield
    keras.backend.clear_session()
    gc.collect()


def image(*size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, *size, 3)).astype("float32")


def randomised(model, seed=0):
    """Statistics and scales of every BatchNormalization as training might leave them."""
    rng = np.random.default_rng(seed)
    for layer in all_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            for weight in layer.weights:
                low, high = (-0.1, 0.1) if weight.name in ("beta", "moving_mean") else (0.8, 1.2)
                weight.assign(rng.uniform(low, high, weight.shape))
    return model


def test_every_function_of_keras_is_registered():
    assert {classifiers.get(name).name for name in FUNCTIONS} == {*classifiers.names()} - OWN
    assert len(set(classifiers.names())) == len(classifiers.names())


def test_names_are_words():
    for name in ("efficientnet_v2_b0", "inception_resnet_v2", "resnet50_v2", "nasnet_large",
                 "mobilenet_v3_small", "convnext_xlarge", "densenet121"):  # fmt: skip
        assert name in classifiers.names()
    assert classifiers.get("ConvNeXtXLarge").build is A.ConvNeXtXLarge


@pytest.mark.parametrize("name", [n for n in classifiers.names() if n not in OWN])
def test_preprocessing_is_that_of_keras(name):
    row = classifiers.get(name)
    module = inspect.getmodule(inspect.unwrap(row.build))
    pixels = image(5, 7)
    expected = module.preprocess_input(pixels.copy())
    given = pixels if row.preprocess is None else Preprocess(row.preprocess)(pixels)
    np.testing.assert_allclose(ops.convert_to_numpy(given), expected, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_at_its_own_size_it_answers_as_the_classifier(name):
    row = classifiers.get(name)
    side = row.size if name in REST else 128  # its own size, but in the sample
    classifier = randomised(row.build(weights=None, input_shape=(side, side, 3), classes=7))
    pixels = image(side, side) / 127.5 - 1
    dense = fcn_keras.convolutionalize(classifier)
    expected = ops.convert_to_numpy(classifier(pixels, training=False))
    found = ops.convert_to_numpy(dense(pixels, training=False))
    np.testing.assert_allclose(found[:, 0, 0], expected, atol=1e-4)


@pytest.mark.sweep
@pytest.mark.parametrize("name", [*SAMPLE, *REST])
def test_as_an_fcn_it_takes_any_size_trains_and_is_saved(name, tmp_path):
    model = fcn_keras.fcn8s(3, name, weights=None, score_initializer="he_normal")
    pixels = image(97, 131)
    assert model(pixels).shape == (1, 97, 131, 3)
    assert model(image(1, 1)).shape == (1, 1, 1, 3)
    model.compile("sgd", fcn_keras.losses.CrossEntropy())
    loss = model.train_on_batch(pixels, np.ones((1, 97, 131), "uint8"))
    assert np.isfinite(loss)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    found, expected = (ops.convert_to_numpy(net(pixels, training=False)) for net in (again, model))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


# One of each family. Where branches that meet are centred differently (Xception, NASNet), the
# place depends on the weights. In Xception it is what max pooling on one branch adds around a small
# square, so it gets a large one; in NASNet that sums weigh more than single maps, unless
# BatchNormalization has been measured on images, as in any trained net.
SQUARES = {"xception": 160}
MEASURED = ("nasnet_mobile",)
CENTRED = [
    "mobilenet_v2", "inception_v3", "vgg16", "resnet50", "resnet50_v2", "mobilenet",
    "mobilenet_v3_small", "densenet121", "inception_resnet_v2", "xception",
    "nasnet_mobile", "efficientnet_b0", "efficientnet_v2_b0", "efficientnet_lite0",
    "convnext_tiny",
]  # fmt: skip


def smoothed(model, seed=0):
    """Kernels that are even over the window and random, positive, from channel to channel."""
    rng = np.random.default_rng(seed)
    for layer in all_layers(model):
        for weight in layer.weights:
            kind = weight.path.split("/")[-1]
            if kind.endswith("kernel") and len(weight.shape) == 4:
                by_channel = isinstance(layer, keras.layers.DepthwiseConv2D) or "depth" in kind
                mixed = rng.uniform(0.5, 1.5, weight.shape[2:])
                mixed /= 1 if by_channel else mixed.sum(0, keepdims=True)
                cells = weight.shape[0] * weight.shape[1]
                weight.assign(np.broadcast_to(mixed / cells, weight.shape))
            elif kind == "bias":
                weight.assign(rng.uniform(0, 0.1, weight.shape))


def one_by_one(model, images):
    """A batch of one at a time: a wide net's maps of all at once would fill the memory."""
    return model.predict(images, batch_size=1, verbose=0)


@pytest.mark.sweep
@pytest.mark.parametrize("name", CENTRED)
def test_a_bright_square_comes_out_where_it_is(name):
    """Its centroid in the logits, over shifts of a whole stride, is within half a pixel."""
    side, square = 608, SQUARES.get(name, 48)
    first = (side - square) // 2 - 15
    net = fcn_keras.fcn32s(2, name, weights=None, head_filters=0, batch_norm_momentum=0.0)
    smoothed(net)
    if name in MEASURED:
        blocks = np.random.default_rng(1).uniform(0, 255, (2, 20, 20, 3))
        net(blocks.repeat(16, 1).repeat(16, 2).astype("float32"), training=True)
    images = np.full((9, side, side, 3), 60, "float32")  # the last stays dark
    for number in range(8):
        start = first + 4 * number
        images[number, start : start + square, start : start + square] = 200
    score = net.get_layer("score_fr")
    features = one_by_one(keras.Model(net.input, score.input), images)
    change = features[:-1] - features[-1:]
    passing = np.einsum("nhwc,nhw->c", change, np.abs(change).sum(-1) ** 2)
    kernel = np.stack([passing / np.abs(passing).sum(), 0 * passing], -1)[None, None]
    score.set_weights([kernel, np.zeros(2)])
    logits = one_by_one(net, images)[..., 0]
    response = logits[:-1] - logits[-1:]
    response = np.maximum(response - 0.3 * response.max((1, 2), keepdims=True), 0)
    centres = first + 4 * np.arange(8) + (square - 1) / 2
    places = np.arange(side) - centres[:, None]
    rows = (response.sum(2) * places).sum() / response.sum()
    columns = (response.sum(1) * places).sum() / response.sum()
    assert max(abs(rows), abs(columns)) < 0.5, (rows, columns)
