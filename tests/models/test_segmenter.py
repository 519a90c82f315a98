"""segmenter: counts of segmentation_models.pytorch, wiring, any size, exact places, refusals."""

import inspect
import zlib

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.models.decoders import DECODERS
from fcn_keras.models.options import OPTIONS
from fcn_keras.training import Net

L = keras.layers
NAMES = tuple(DECODERS)
WHOLE_IMAGE = ("pspnet", "pan", "upernet")
NARROW = {"unet": 5, "unet++": 5, "linknet": 5, "fpn": (6, 4), "pspnet": 6, "pan": 4, "upernet": 6}
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
SIZES = ((33, 47), (1, 1)) if ON_TENSORFLOW else ((7, 9),)  # JAX compiles each anew


def stages(filters=(4, 5, 6, 8, 9), window=3):
    """A classifier of five strided convolutions, called stage1 to stage5."""
    x = given = keras.Input((None, None, 3))
    for number, count in enumerate(filters, start=1):
        name = f"stage{number}"
        x = L.Conv2D(count, window, 2, "same", activation="relu", name=name)(x)
    return keras.Model(given, x, name="mine")


def small(decoder, **options):
    options = {"preprocess": "tf", "decoder_filters": NARROW[decoder], **options}
    classifier = options.pop("classifier", None) or stages()
    return fcn_keras.segmenter(3, classifier, decoder, **options)


def image(*size):
    return np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("decoder", NAMES)
def test_any_size_in_exactly_that_size_out(decoder, tmp_path):
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    model = small(decoder, labels=labels)
    for size in SIZES:
        scores = array(model(image(*size)))
        assert scores.shape == (1, *size, 3) and scores.dtype == "float32"
        assert np.isfinite(scores).all()
    assert fcn_keras.task_of(model) == fcn_keras.tasks.Classes(labels)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    x = image(*SIZES[0])
    np.testing.assert_allclose(again(x), model(x), atol=1e-5)


# Learned parameters of decoder and head for one class, over maps of 64, 64, 128, 256 and 512
# channels: sum(p.numel()) of `decoder` and `segmentation_head` of segmentation_models_pytorch
# 0.6.0's models over "resnet34".
COUNTS = {
    "unet": 3_151_697,
    "unet++": 4_793_937,
    "linknet": 487_265,
    "fpn": 1_870_721,
    "pspnet": 153_313,
    "pan": 191_144,
    "upernet": 8_315_009,
}


@pytest.mark.parametrize("decoder", NAMES)
def test_it_has_the_parameters_of_segmentation_models_pytorch(decoder):
    classifier = stages((64, 64, 128, 256, 512), window=1)
    one = fcn_keras.tasks.Regression()
    model = fcn_keras.segmenter(one, classifier, decoder, preprocess="tf")
    learned = sum(
        int(np.prod(weight.shape))
        for layer in model.layers
        if not layer.name.startswith("stage")
        for weight in layer.trainable_weights
    )
    assert learned == COUNTS[decoder]


# Four projections of the features in the middle of a map that is the same everywhere, with the
# weights of `drawn`, by the decoders of segmentation_models_pytorch 0.6.0 in PyTorch, their
# BatchNormalization with Keras's epsilon of 1e-3.
FEATURES = {
    "unet": (-0.23694, 0.61893, 0.32998, -0.14838),
    "unet++": (-0.10767, 0.25805, 0.14403, -0.09745),
    "linknet": (1.21151, 0.15869, 0.41494, 0.40548),
    "fpn": (22.27458, 28.44699, 31.54695, 25.37261),
    "pspnet": (1.12580, 1.14322, 1.30494, -0.46301),
    "pan": (14.53275, 12.75926, 13.98537, 3.49257),
    "upernet": (1.92204, 1.58730, 2.94433, -0.15188),
}
WIDTHS = {"unet": (16, 14, 12, 10, 8), "unet++": (16, 14, 12, 10, 8), "fpn": (16, 64)}


def drawn(name, *shape):
    return np.random.default_rng(zlib.crc32(name.encode())).uniform(-0.6, 1, shape)


def fill(layer):
    """Weights that leave a map the same everywhere: the middle of a window alone."""
    *window, given, made = layer.kernel.shape
    kernel = np.zeros(layer.kernel.shape)
    if isinstance(layer, L.Conv2DTranspose):
        kernel[:] = drawn(layer.name, made, given).T / given**0.5 / 4
    elif layer.name.startswith("stage"):
        made = np.abs(drawn(layer.name, made))
    else:
        middle = drawn(layer.name, given, made) / given**0.5
        kernel[window[0] // 2, window[1] // 2] = middle
    bias = made if isinstance(made, np.ndarray) else drawn(f"{layer.name}b", made)
    layer.set_weights([kernel, bias][: len(layer.weights)])


@pytest.mark.parametrize("decoder", NAMES)
def test_features_are_those_of_segmentation_models_pytorch(decoder):
    classifier = stages((8, 12, 16, 20, 24), window=1)
    options = {"decoder_filters": WIDTHS.get(decoder, 16), "preprocess": "tf"}
    model = fcn_keras.segmenter(3, classifier, decoder, **options)
    for layer in model.layers:
        if isinstance(layer, (L.Conv2D, L.Conv2DTranspose)):
            fill(layer)
    features = keras.Model(model.input, model.get_layer("score_conv").input)
    found = array(features(np.zeros((1, 256, 256, 3), "float32")))[0]
    middle = found[found.shape[0] // 2, found.shape[1] // 2]
    seen = drawn("seen", 4, len(middle)) @ middle
    np.testing.assert_allclose(seen, FEATURES[decoder], rtol=3e-4, atol=2e-4)


@pytest.mark.parametrize("decoder", NAMES)
def test_logits_lie_on_the_pixels_and_tiles_are_exact_or_refused(decoder):
    options = {"decoder_normalization": "batch"} if decoder == "fpn" else {}
    model, picture = small(decoder, **options), image(150, 70)[0].astype("uint8")
    field = fcn_keras.geometry.receptive_field(model)
    assert field.stride == (1, 1)
    if decoder != "linknet":  # whose learned upsampling has no place of its own
        assert field.offset == (0, 0)
    assert field.size == (np.inf, np.inf) or decoder not in WHOLE_IMAGE
    tiled = {"tile": 32, "progress": False}
    if decoder in WHOLE_IMAGE:
        with pytest.raises(ValueError, match="depends on the whole image"):
            fcn_keras.inference.segment_tiled(model, picture, **tiled)
        return
    tiled["return_logits"] = True
    logits = fcn_keras.inference.segment_tiled(model, picture, **tiled)[1]
    whole = array(model(picture[None].astype("float32")))[0]
    np.testing.assert_allclose(logits, whole, atol=1e-4 * np.abs(whole).max())


@pytest.mark.parametrize("decoder", ["unet++", "linknet", "upernet", "pan"])
def test_maps_of_unpadded_convolutions_meet(decoder):
    """Their sizes are no multiples of each other, and their first cells lie inside the image."""
    x = given = keras.Input((None, None, 3))
    for number, count in enumerate((4, 5, 6), start=1):
        x = L.Conv2D(count, 5, 1, "valid", name=f"unpadded{number}")(x)
        x = L.Conv2D(count, 3, 2, "valid", activation="relu", name=f"stage{number}")(x)
    options = {"output_stride": 8, "classifier": keras.Model(given, x)}
    model = small(decoder, **options)
    field = fcn_keras.geometry.receptive_field(model, size=(90, 77))
    assert field.stride == (1, 1)
    assert model(image(90, 77)).shape == (1, 90, 77, 3)
    for stride, last in ((4, "unpadded3"), (2, "unpadded2")) if decoder == "linknet" else ():
        learned, own = (
            fcn_keras.geometry.receptive_field(model, name, size=(90, 77)).offset
            for name in (f"upsample{stride}_fit", last)
        )
        assert np.abs(np.subtract(learned, own)).max() <= stride  # half a cell each time


def test_a_pooled_classifier_gives_its_maps_before_the_poolings(tiny_vgg):
    model = small("unet++", classifier=tiny_vgg, weights=None)
    joined = {x.name: x for x in model.layers if isinstance(x, L.Concatenate)}
    rows = [len(joined[f"concat_up16_{n}"].input) for n in (1,)]
    rows += [len(joined[f"concat_up2_{n}"].input) for n in (1, 2, 3, 4)]
    assert rows == [2, 2, 3, 4, 5]  # each node beside all earlier ones of its level
    assert model.get_layer("center_2").filters == 8  # VGG ends in a pooling
    widths = [model.get_layer(f"up8_{n}_2").filters for n in (1, 2)]
    assert widths == [8, 5]  # those of the map, and the decoder's
    last = small("pspnet", classifier=tiny_vgg, weights=None)
    names = [layer.name for layer in last.layers]
    assert "conv4_1" in names and "conv5_1" not in names and "pool4" not in names


def test_the_classifier_ends_where_depth_and_output_stride_say():
    def deepest(**options):
        model = small("pspnet", **options)
        return fcn_keras.geometry.receptive_field(model, "pyramid_concat").stride[0], model

    assert deepest()[0] == 8
    assert deepest(encoder_depth=4)[0] == 16
    stride, model = deepest(output_stride=8)  # all of the classifier, dilated
    assert stride == 8 and model.get_layer("stage5").dilation_rate == (2, 2)
    model = small("pan")
    levels = [model.get_layer(f"gated{n}") for n in (1, 2, 3)]
    strides = [fcn_keras.geometry.receptive_field(model, x.name).stride[0] for x in levels]
    assert strides == [16, 8, 4]  # the map of stride 16 too, beside the dilated one
    model = small("fpn", encoder_depth=4)
    assert not [x for x in model.layers if x.name == "stage5"]


@pytest.mark.parametrize(
    "decoder",
    [name if name == "pspnet" else pytest.param(name, marks=pytest.mark.sweep) for name in NAMES],
)
def test_a_step_of_training_moves_every_layer_also_in_16_bits(decoder):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = small(decoder, dropout=0, classifier=stages((8, 16, 32, 16, 32)))
    model.compile("sgd", fcn_keras.losses.CrossEntropy())
    before = {weight.path: array(weight) for weight in model.trainable_weights}
    labels = np.random.default_rng(1).integers(0, 3, (2, 64, 64)).astype("uint8")
    x = np.random.default_rng(2).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    model.fit(x, labels, verbose=0)
    assert model.output.dtype == "float32"
    after = {weight.path: array(weight) for weight in model.trainable_weights}
    still = [path for path in before if (before[path] == after[path]).all()]
    if decoder == "pan":  # biases in front of a normalization; a pyramid of one channel, silent
        still = [path for path in still if "bias" not in path and "attention_" not in path]
    assert still == []


def test_outputs_share_all_but_the_last_convolution_and_weights_go_on():
    tasks = {"a": 2, "b": fcn_keras.tasks.Regression()}
    two = fcn_keras.segmenter(tasks, stages(), "linknet", preprocess="tf")
    assert {name: out.shape[-1] for name, out in two.output.items()} == {"a": 2, "b": 1}
    scores = [layer.name for layer in two.layers if layer.name.startswith("score")]
    assert sorted(scores) == ["score_a", "score_b", "score_conv_a", "score_conv_b"]
    first = small("linknet")
    second = small("linknet", init_from=first)
    for mine, other in zip(second.weights, first.weights, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"decoder": "deeplab"}, "`decoder` must be one of 'unet', .*, got 'deeplab'"),
        ({"decoder_filters": (4, 5, 6)}, "of FPN must be those of the pyramid and .* 2 numbers"),
        ({"decoder": "pan", "decoder_filters": (4, 5)}, "of PAN must be one, got .4, 5."),
        ({"decoder": "unet", "decoder_filters": (4, 5)}, "each of the 5 levels of the way up"),
        ({"decoder_filters": 0}, "`decoder_filters` must be a whole number of at least 1, got 0"),
        ({"encoder_depth": 6}, "'mine' has no map of stride 64, .* 16, 32: encoder_depth 1, 2"),
        ({"output_stride": 12}, "`output_stride`: .* one of"),
        (
            {"decoder_normalization": "layer"},
            "`decoder_normalization` must be one of 'batch', ",
        ),
        ({"dropout": 2}, "`dropout` must be a number from 0 to 1, got 2"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fcn_keras.segmenter(3, stages(), **{"preprocess": "tf", **options})


def test_the_declared_options_are_those_of_the_builder():
    keywords = inspect.signature(fcn_keras.segmenter).parameters
    assert set(OPTIONS["segmenter"]) == set(keywords) - {"num_classes"}
    for name, one in OPTIONS["segmenter"].items():
        if name != "name":
            assert one.default == keywords[name].default, name
    assert OPTIONS["segmenter"]["decoder"].choices == NAMES
    net = Net("segmenter", "vgg_slim", options={"decoder": "linknet", "encoder_depth": 3})
    assert Net.from_config(net.to_config()) == net and net(3).name == "segmenter"
