"""Tiled scores are the whole image's, for nets of every kind, sizes and tiles."""

import gc

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fcn_keras
from fcn_keras import classifiers
from fcn_keras.inference.tiling import segment_tiled
from fcn_keras.keras_internals import all_layers
from fcn_keras.layers import CeilPooling2D

L = keras.layers
CLASSES = 4


def loud(model, seed=0):
    """The model with weights that leave no cell without effect, scores of up to about 10."""
    rng = np.random.default_rng(seed)
    for layer in all_layers(model):
        for weight in layer.weights if isinstance(layer, L.BatchNormalization) else ():
            low, high = (-0.2, 0.2) if weight.name in ("beta", "moving_mean") else (0.8, 1.2)
            weight.assign(rng.uniform(low, high, weight.shape))
        if getattr(layer, "bias", None) is not None and hasattr(layer, "kernel"):
            layer.bias.assign(rng.uniform(-0.2, 0.2, layer.bias.shape))
    scoring = [layer for layer in model.layers if layer.name.startswith("score_")]
    image = rng.integers(0, 256, (1, 96, 96, 3)).astype("float32")
    most = float(keras.ops.max(keras.ops.abs(model(image))))
    for layer in scoring:
        if isinstance(layer, L.Conv2D):
            layer.kernel.assign(layer.kernel * (10 / most))
            layer.bias.assign(layer.bias * (10 / most))
    return model


def net(classifier, build=fcn_keras.fcn8s, **options):
    options = {"score_initializer": "glorot_uniform", "weights": None, **options}
    return loud(build(CLASSES, classifier, **options))


def pixels(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), "uint8")


def check(model, image, tile, **options):
    """The tiled answer against the whole one: scores to 1e-4, labels where they are clear."""
    labels, scores = fcn_keras.segment(model, image, return_logits=True)
    tiled, found = segment_tiled(
        model, image, tile=tile, return_logits=True, progress=False, **options
    )
    np.testing.assert_allclose(found, scores, rtol=0, atol=1e-4 * max(1, np.abs(scores).max() / 10))
    best = np.sort(scores, axis=-1)
    clear = best[..., -1] - best[..., -2] > 2e-4
    np.testing.assert_array_equal(tiled[clear], labels[clear])
    assert tiled.dtype == labels.dtype and clear.mean() > 0.9
    return np.abs(found - scores).max()


def small_classifier(middle):
    """A classifier of stride 8 whose middle is given; its field stays below 100 pixels."""
    image = keras.Input((64, 64, 3))
    x = L.Rescaling(1 / 127.5, -1)(image)
    x = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = middle(x)
    x = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    return keras.Model(image, L.Dense(5)(L.GlobalAveragePooling2D()(x)))


def _pooled(x):
    x = L.MaxPooling2D(2)(L.Conv2D(6, 3, padding="same", use_bias=True)(x))
    return L.AveragePooling2D(2)(x)


def _strided(x):
    for _ in range(2):
        x = L.DepthwiseConv2D(5, strides=2, padding="same", activation="relu")(x)
    return x


def _unpadded(x):
    x = L.Conv2D(6, 3, activation="relu")(x)
    x = L.SeparableConv2D(6, 3, padding="same", dilation_rate=2)(x)
    return L.MaxPooling2D(3, 2, padding="same")(L.MaxPooling2D(3, 2, padding="same")(x))


def _rounded_up(x):
    x = CeilPooling2D(3, 2, mode="average")(L.ZeroPadding2D(1)(x))
    return CeilPooling2D(3, 2)(L.Conv2D(6, 3, padding="same")(x))


MIDDLES = {"pooled": _pooled, "strided": _strided, "unpadded": _unpadded, "ceil": _rounded_up}
DECODERS = {
    "scores": {},
    "features": {"decoder_filters": 5},
    "learned": {"learn_upsampling": "all"},
    "dilated": {"output_stride": 4},
}
PAIRS = (
    ("pooled", "dilated"), ("strided", "features"), ("unpadded", "learned"), ("ceil", "scores")
)  # fmt: skip
BUILT = {}


def small(middle, decoder):
    if (middle, decoder) not in BUILT:
        build = fcn_keras.fcn2s if decoder == "dilated" else fcn_keras.fcn4s
        classifier = small_classifier(MIDDLES[middle])
        BUILT[middle, decoder] = net(classifier, build, **DECODERS[decoder])
    return BUILT[middle, decoder]


ANY = given(
    kind=st.sampled_from(PAIRS),
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    tile=st.integers(1, 64),
    seed=st.integers(0, 9),
)


@settings(deadline=None, max_examples=4)
@ANY
def test_small_nets_at_any_size_and_tile(kind, size, tile, seed):
    check(small(*kind), pixels(*size, seed), tile)


@pytest.mark.sweep
@settings(deadline=None, max_examples=40)
@ANY
def test_small_nets_at_many_sizes_and_tiles(kind, size, tile, seed):
    check(small(*kind), pixels(*size, seed), tile)


def test_vgg_in_caffes_alignment(tiny_vgg):
    check(net(tiny_vgg, alignment="caffe"), pixels(470, 24), 128)


@pytest.mark.sweep
@pytest.mark.usefixtures("tiny_vgg")
@settings(deadline=None, max_examples=10)
@given(
    alignment=st.sampled_from(["same", "caffe"]),
    long=st.integers(450, 620),
    short=st.integers(1, 40),
    tile=st.integers(32, 256),
    upright=st.booleans(),
)
def test_vgg_in_both_alignments(alignment, long, short, tile, upright):
    if alignment not in BUILT:
        BUILT[alignment] = net("tiny_vgg", alignment=alignment)
    size = (long, short) if upright else (short, long)
    check(BUILT[alignment], pixels(*size), tile)


def test_pooling_indices_at_any_size():
    """A max unpooling looks where its pooling looked, also in a tile."""
    given = keras.Input((None, None, 3))
    x = given
    for filters in (5, 6, 7):
        x = L.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D(2)(x)
    model = loud(fcn_keras.segnet(CLASSES, keras.Model(given, x), preprocess="tf"))
    assert fcn_keras.geometry.halo(model).stride == (8, 8)
    for size, tile in (((131, 45), 32), ((37, 150), 24), ((9, 5), 8)):
        check(model, pixels(*size), tile)
    with pytest.raises(AssertionError):
        check(model, pixels(131, 45), 32, halo=0)


@pytest.mark.sweep
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_mirrored_classifier_with_its_fully_connected_layers_is_exact(padding):
    x = given = keras.Input((12, 12, 3))
    for filters in (5, 6):
        x = L.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D(2)(x)
    x = L.Flatten()(x)
    for units in (8, 8, 5):
        x = L.Dense(units)(x)
    options = {"preprocess": "tf", "head_padding": padding}
    model = loud(fcn_keras.deconvnet(CLASSES, keras.Model(given, x), **options))
    assert fcn_keras.geometry.halo(model).stride == (4, 4)
    for size, tile in (((131, 45), 32), ((9, 5), 8)):
        check(model, pixels(*size), tile)
    with pytest.raises(AssertionError):
        check(model, pixels(131, 45), 32, halo=0)


@pytest.mark.sweep
@pytest.mark.parametrize("multi_scale", [False, True])
@pytest.mark.parametrize("variant", ["largefov", "plain"])
def test_deeplab_is_exact(variant, multi_scale):
    """Poolings that round up, holes, and branches on the cells of the deepest map."""
    x = given = keras.Input((None, None, 3))
    for filters in (4, 5, 6, 7):
        x = L.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D(2)(x)
    options = {"variant": variant, "multi_scale": multi_scale, "head_filters": 8}
    model = loud(fcn_keras.deeplab_v1(CLASSES, keras.Model(given, x), preprocess="tf", **options))
    assert fcn_keras.geometry.halo(model).stride == (8, 8)
    for size, tile in (((450, 45), 32), ((9, 5), 8)):
        check(model, pixels(*size), tile)
    with pytest.raises(AssertionError):
        check(model, pixels(450, 45), 32, halo=0)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_unets_at_any_size(padding):
    """The mirror image at the border is that of the whole image, in a tile too."""
    model = loud(fcn_keras.unet(CLASSES, filters=(4, 5, 6), padding=padding))
    assert fcn_keras.geometry.halo(model).stride == (4, 4)
    for size, tile in (((131, 45), 32), ((37, 150), 24), ((9, 5), 8)):
        check(model, pixels(*size), tile)
    with pytest.raises(AssertionError):
        check(model, pixels(131, 45), 32, halo=0)


def test_a_stride_less_of_halo_is_not_enough():
    model, image = small("pooled", "scores"), pixels(200, 24)
    exact = fcn_keras.geometry.halo(model)
    least = exact.before[0] - exact.stride[0]
    assert least >= 0
    with pytest.raises(AssertionError):
        check(model, image, 32, halo=least)
    check(model, image, 32, halo=exact.before[0])


@pytest.mark.backend("sweep")
def test_tiles_without_halo_differ():
    model, image = small("pooled", "scores"), pixels(130, 130)
    whole = fcn_keras.segment(model, image, return_logits=True)[1]
    naive = segment_tiled(model, image, tile=32, halo=0, return_logits=True, progress=False)[1]
    assert np.abs(naive - whole).max() > 0.1


def test_float_images_and_other_channels():
    image = np.random.default_rng(0).uniform(0, 255, (150, 90, 3)).astype("float32")
    image[:70] /= 300  # windows of which are on no scale of 0-1, only dark
    check(small("strided", "scores"), image, 16)
    grey = net(small_classifier(_pooled), fcn_keras.fcn4s)
    check(grey, image[..., 0].astype("uint8"), 16)


def test_a_net_that_does_not_pad_the_image_itself():
    """Its cells lie elsewhere at odd sizes, so that windows have to be odd too."""
    image = keras.Input((None, None, 3))
    x = L.Conv2D(5, 3, strides=2, padding="same")(L.Rescaling(1 / 64)(image))
    x = fcn_keras.layers.BilinearUpsampling2D(2)(L.Conv2D(5, 3, padding="same")(x))
    model = keras.Model(image, fcn_keras.layers.CropToReference()([x, image]))
    for size in ((100, 81), (81, 100)):
        check(model, pixels(*size), 8)


LITE = [n for n in classifiers.names() if n.startswith("efficientnet_lite")]
GATED = [
    n
    for n in classifiers.names()
    if n.startswith(("efficientnet", "mobilenet_v3")) and n not in LITE
]
REST = [
    name
    for name in classifiers.names()
    if not name.startswith(("vgg", "alexnet", "googlenet")) and name not in GATED
]


@pytest.fixture
def one_net_at_a_time():
    """The widest nets fill the memory: what a test built is gone before the next begins."""
    yield
    keras.backend.clear_session()
    gc.collect()


def strip(model, axis, thin=25):
    """A thin image that has three windows along one axis, of a size that no stride divides."""
    halo = fcn_keras.geometry.halo(model)
    size = [thin, thin]
    size[axis] = halo.before[axis] + halo.after[axis] + 2 * halo.stride[axis] + 5
    return pixels(*size)


@pytest.mark.sweep
@pytest.mark.parametrize("classifier", ["vgg16", "vgg19", "alexnet", "googlenet", *REST])
def test_every_bounded_classifier(classifier, one_net_at_a_time):
    model = net(classifier)
    for axis in (0, 1):
        check(model, strip(model, axis), 32)


@pytest.mark.sweep
@pytest.mark.parametrize("classifier", ["vgg16", "alexnet", "googlenet"])
def test_the_published_alignment(classifier, one_net_at_a_time):
    model = net(classifier, alignment="caffe")
    for axis in (0, 1):  # googlenet averages over 7 cells, which a thinner image has not
        check(model, strip(model, axis, thin=77), 32)


@pytest.mark.sweep
@pytest.mark.parametrize("classifier", GATED)
def test_every_gated_classifier_says_so(classifier, one_net_at_a_time):
    model = fcn_keras.fcn32s(2, classifier, weights=None)
    with pytest.raises(ValueError, match="no exact halo.*depends on the whole image.*halo='blend'"):
        segment_tiled(model, pixels(100, 40), tile=32)
