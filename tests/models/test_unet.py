"""U-Net: sizes, crops and counts of the paper, its arithmetic, any size, nets over classifiers."""

import inspect
import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.models.options import OPTIONS
from fcn_keras.training import Net

L = keras.layers
NARROW = (4, 5, 6)
# JAX compiles every size anew.
SIZES = ((33, 47), (1, 1), (16, 24)) if keras.backend.backend() == "tensorflow" else ((7, 9),)


def image(*size, channels=3):
    return np.random.default_rng(0).uniform(0, 255, (1, *size, channels)).astype("float32")


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def of_the_paper():
    return fcn_keras.unet(2, input_shape=(None, None, 1), context=None)


def weights_of(filters, channels, classes):
    """By the paper's figure 1: 3x3 and 2x2 windows with biases."""

    def twice(given, count):
        return 9 * given * count + count + 9 * count * count + count

    total = 0
    for coarse, count in zip((channels, *filters), filters, strict=False):
        total += twice(coarse, count)
    for coarse, count in zip(filters[1:], filters, strict=False):
        total += 4 * coarse * count + count + twice(2 * count, count)
    return total + filters[0] * classes + classes


def test_the_papers_net_has_its_parameters_sizes_and_crops(of_the_paper):
    assert of_the_paper.count_params() == 31_030_658
    assert weights_of((64, 128, 256, 512, 1024), 1, 2) == 31_030_658
    rows = {row.name: row for row in fcn_keras.geometry.table(of_the_paper, (572, 572)).rows}
    down = [rows[f"conv{level}_2"].shape[0] for level in (1, 2, 3, 4, 5)]
    assert down == [568, 280, 136, 64, 28]
    assert [rows[f"pool{level}"].shape[0] for level in (1, 2, 3, 4)] == [284, 140, 68, 32]
    assert [rows[f"upconv{level}"].shape[0] for level in (4, 3, 2, 1)] == [56, 104, 200, 392]
    assert [rows[f"up{level}_2"].shape[0] for level in (4, 3, 2, 1)] == [52, 100, 196, 388]
    assert rows["score"].shape == (388, 388, 2)
    crops = {n: of_the_paper.get_layer(f"crop{n}").offset for n in (4, 3, 2, 1)}
    assert crops == {4: (4, 4), 3: (16, 16), 2: (40, 40), 1: (88, 88)}
    deepest = rows["conv5_2"].fields.y
    assert (deepest.size, deepest.stride) == (140, 16)
    kinds = (L.Conv2D, L.Conv2DTranspose)
    assert sum(isinstance(layer, kinds) for layer in of_the_paper.layers) == 23
    assert not any(isinstance(layer, L.BatchNormalization) for layer in of_the_paper.layers)


def test_the_figure_of_the_page_is_that_of_the_net(of_the_paper):
    page = (Path(__file__).parents[2] / "docs" / "unet.md").read_text(encoding="utf-8")
    figure = page.split("```text")[1].split("```")[0]
    drawn = {name: int(size) for name, size in re.findall(r"([a-z_]+\d?(?:_\d)?) (\d+)", figure)}
    rows = fcn_keras.geometry.table(of_the_paper, (572, 572)).rows
    left_out = ("preprocess", "drop4", "drop5", "score")
    sizes = {row.name: row.shape[0] for row in rows if row.name not in left_out}
    assert drawn == {"image": 572, **sizes}


def test_the_margin_of_the_mirror_image_makes_388_pixels_572():
    model = fcn_keras.unet(2, filters=(1, 1, 1, 1, 1))
    rows = {row.name: row for row in fcn_keras.geometry.table(model, (388, 380)).rows}
    assert rows["mirror"].shape == (572, 572, 3)
    assert rows["up1_2"].shape == (388, 388, 1) and rows["score"].shape == (388, 380, 2)
    assert rows["score"].fields.offset == (0, 0)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("channels, classes", [(3, 11), (1, 2)])
def test_parameters_of_any_width_and_depth(padding, channels, classes):
    shape = (None, None, channels)
    for filters in ((3, 5), (4, 6, 8, 10)):
        model = fcn_keras.unet(classes, filters=filters, padding=padding, input_shape=shape)
        assert model.count_params() == weights_of(filters, channels, classes)


def test_weights_begin_with_the_papers_deviation_and_dropout_is_at_the_end_of_the_way_down():
    keras.utils.set_random_seed(0)
    model = fcn_keras.unet(2, filters=(16, 24, 32))
    for layer in model.layers:
        if isinstance(layer, (L.Conv2D, L.Conv2DTranspose)) and layer.kernel_size != (1, 1):
            given = layer.input.shape[-1]
            inputs = given if isinstance(layer, L.Conv2DTranspose) else 9 * given
            np.testing.assert_allclose(
                as_numpy(layer.kernel).std(), math.sqrt(2 / inputs), rtol=0.1, err_msg=layer.name
            )
            assert not as_numpy(layer.bias).any()
    names = [layer.name for layer in model.layers]
    drops = {layer.name: layer.rate for layer in model.layers if isinstance(layer, L.Dropout)}
    assert drops == {"drop2": 0.5, "drop3": 0.5}
    assert names[names.index("drop2") - 1] == "conv2_2"
    cropped, _ = model.get_layer("crop2").input
    assert cropped is model.get_layer("drop2").output
    without = fcn_keras.unet(2, filters=NARROW, dropout=0)
    assert not any(isinstance(layer, L.Dropout) for layer in without.layers)


def convolved(x, layer):
    """Without padding, by NumPy."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    kernel, bias = map(as_numpy, (layer.kernel, layer.bias))
    return np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel) + bias, 0)


def up_convolved(x, layer):
    kernel, bias = map(as_numpy, (layer.kernel, layer.bias))
    cells = np.einsum("hwc,ijoc->hiwjo", x, kernel)
    height, two, width, _, count = cells.shape
    return np.maximum(cells.reshape(two * height, two * width, count) + bias, 0)


def by_numpy(model, x, levels):
    """The scores of a bare U-Net, from the paper's figure."""
    x, skips = x / 127.5 - 1, []
    for level in range(1, levels + 1):
        if skips:
            height, width = x.shape[0] // 2, x.shape[1] // 2
            x = x.reshape(height, 2, width, 2, -1).max((1, 3))
        for number in (1, 2):
            x = convolved(x, model.get_layer(f"conv{level}_{number}"))
        skips.append(x)
    skips.pop()
    for level in range(levels - 1, 0, -1):
        x, skip = up_convolved(x, model.get_layer(f"upconv{level}")), skips.pop()
        rows, columns = ((a - b) // 2 for a, b in zip(skip.shape, x.shape, strict=True) if a != b)
        skip = skip[rows : skip.shape[0] - rows, columns : skip.shape[1] - columns]
        x = np.concatenate([x, skip], axis=-1)
        for number in (1, 2):
            x = convolved(x, model.get_layer(f"up{level}_{number}"))
    score = model.get_layer("score_conv")
    return x @ as_numpy(score.kernel)[0, 0] + as_numpy(score.bias)


@pytest.mark.backend
def test_the_arithmetic_is_the_papers_and_context_is_the_mirror_image():
    bare = fcn_keras.unet(2, filters=NARROW, context=None)
    for layer in bare.layers:
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(np.linspace(-0.3, 0.5, layer.bias.shape[0]))
    whole = fcn_keras.unet(2, filters=NARROW)
    whole.set_weights(bare.get_weights())
    x = image(48, 52)  # of which the bare net has 8x12 pixels left
    expected = by_numpy(bare, x[0], 3)
    assert expected.shape == (8, 12, 2) and np.ptp(expected) > 0.1
    np.testing.assert_allclose(bare(x)[0], expected, atol=1e-4)
    core = x[:, 20:28, 20:32]
    around = np.pad(core, ((0, 0), (20, 20), (20, 20), (0, 0)), mode="reflect")
    np.testing.assert_allclose(whole(core)[0], by_numpy(bare, around[0], 3), atol=1e-4)


@pytest.mark.backend
@pytest.mark.parametrize(
    "options",
    [
        {"filters": NARROW, "input_shape": (None, None, 1)},
        {"filters": (4, 5), "padding": "same", "batch_norm": True},
        pytest.param(
            {"classifier": "tiny_vgg", "weights": None}, marks=pytest.mark.backend("sweep")
        ),
    ],
    ids=["valid", "same", "classifier"],
)
def test_any_size_in_exactly_that_size_out(options, tiny_vgg, tmp_path):
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    model = fcn_keras.models.NETS["unet"](3, labels=labels, **options)
    channels = model.input_shape[-1]
    for size in SIZES:
        scores = as_numpy(model(image(*size, channels=channels)))
        assert scores.shape == (1, *size, 3) and scores.dtype == "float32"
        assert np.isfinite(scores).all() and np.ptp(scores) > 0
    assert fcn_keras.task_of(model) == fcn_keras.tasks.Classes(labels)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    x = image(*SIZES[0], channels=channels)
    np.testing.assert_allclose(again(x), model(x), atol=1e-5)


@pytest.mark.backend("sweep")
def test_a_step_of_training_moves_every_layer_also_in_16_bits():
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = fcn_keras.unet(3, filters=(6, 8), input_shape=(None, None, 1))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    before = [as_numpy(weight) for weight in model.trainable_weights]
    model.compile("sgd", fcn_keras.losses.CrossEntropy())
    labels = np.random.default_rng(1).integers(0, 3, (2, 9, 11)).astype("uint8")
    model.fit(np.repeat(image(9, 11, channels=1), 2, 0), labels, verbose=0)
    assert model.output.dtype == "float32"
    moved = [(a != as_numpy(b)).any() for a, b in zip(before, model.trainable_weights, strict=True)]
    assert all(moved)


@pytest.mark.parametrize(
    "classifier, count",
    [
        # one class, as counted for Unet("mobilenetv2") and Unet("vgg16") of segmentation_models
        pytest.param("mobilenet_v2", 8_047_441, marks=pytest.mark.sweep),
        ("vgg16", 23_752_273),
    ],
)
def test_over_a_classifier_it_has_the_parameters_of_segmentation_models(classifier, count):
    task = fcn_keras.tasks.Regression()
    assert fcn_keras.unet(task, classifier, weights=None).count_params() == count


def test_maps_are_concatenated_before_they_are_pooled(tiny_vgg):
    model = fcn_keras.unet(3, tiny_vgg, weights=None, dropout=0.3)
    graph, _ = fcn_keras.geometry.field.trace(model)
    joined = {
        traced.operation.name: traced.parents[1]
        for traced in graph
        if isinstance(traced.operation, L.Concatenate)
    }
    assert list(joined) == [f"concat_up{stride}" for stride in (16, 8, 4, 2)]
    for skip in joined.values():
        assert any(isinstance(child.operation, L.MaxPooling2D) for child in skip.children)
    # VGG ends in a pooling, so that two convolutions follow it; then Dropout
    assert model.get_layer("drop_center").rate == 0.3
    assert model.get_layer("drop_center").input is model.get_layer("center_2_relu").output
    assert model.get_layer("score_conv").kernel_size == (3, 3)


def test_a_pretrained_classifier_keeps_its_weights(tiny_vgg):
    classifier = fcn_keras.classifiers.get(tiny_vgg).load(None)
    model = fcn_keras.unet(3, classifier, preprocess="tf")
    kept = {layer.name: layer for layer in classifier.layers if isinstance(layer, L.Conv2D)}
    assert len(kept) >= 5
    for name, layer in kept.items():
        np.testing.assert_array_equal(model.get_layer(name).kernel, layer.kernel)


def test_the_decoder_filters_are_an_option(tiny_vgg):
    model = fcn_keras.unet(3, tiny_vgg, weights=None, decoder_filters=(9, 8, 7, 6, 5))
    counts = {stride: model.get_layer(f"up{stride}_2").filters for stride in (16, 8, 4, 2, 1)}
    assert counts == {16: 9, 8: 8, 4: 7, 2: 6, 1: 5}
    assert model.get_layer("up16_1").use_bias is False
    plain = fcn_keras.unet(3, tiny_vgg, weights=None, decoder_filters=4, batch_norm=False)
    assert plain.get_layer("up1_2").use_bias and plain.get_layer("up8_1").filters == 4
    with pytest.raises(ValueError, match="each of the 5 levels of the way up, got"):
        fcn_keras.unet(3, tiny_vgg, weights=None, decoder_filters=(9, 8))


def test_several_outputs_share_all_but_the_last_convolution(tiny_vgg):
    tasks = {"a": 2, "b": fcn_keras.tasks.Regression()}
    for options in ({"filters": NARROW}, {"classifier": tiny_vgg, "weights": None}):
        model = fcn_keras.unet(tasks, **options)
        assert {name: out.shape[-1] for name, out in model.output.items()} == {"a": 2, "b": 1}
        scores = [layer.name for layer in model.layers if layer.name.startswith("score_")]
        assert sorted(scores) == ["score_a", "score_b", "score_conv_a", "score_conv_b"]
    with pytest.raises(ValueError, match="unet takes one image, got `input_shape` with x, y"):
        fcn_keras.unet(2, input_shape={"x": (None, None, 3), "y": (None, None, 1)})


@pytest.mark.parametrize(
    "options, words",
    [
        ({"filters": (64,)}, "`filters` needs .* at least two.*got .64,."),
        ({"filters": (8, 0)}, "`filters` must be a whole number of at least 1, got 0"),
        ({"padding": "full"}, "`padding` must be one of 'valid', 'same', got 'full'"),
        ({"context": "zeros"}, "`context` must be one of 'mirror', None, got 'zeros'"),
        ({"dropout": 2}, "`dropout` must be a number from 0 to 1, got 2"),
        ({"decoder_filters": 8}, "`decoder_filters` goes with a classifier"),
        ({"weights": "some.weights.h5"}, "`weights` goes with a classifier"),
        (
            {"classifier": "mobilenet_v2", "padding": "same"},
            "`padding` is for a unet without a classifier; over 'mobilenet_v2' it has classifier, ",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fcn_keras.unet(2, **options)


def test_the_declared_options_are_those_of_the_builder():
    keywords = inspect.signature(fcn_keras.unet).parameters
    assert set(OPTIONS["unet"]) == set(keywords) - {"num_classes"}
    for name, one in OPTIONS["unet"].items():
        if name != "name":
            assert one.default == keywords[name].default, name


def test_the_net_of_a_recipe_has_a_classifier_only_where_one_is_named():
    net = Net("fcn4s", "resnet_slim", options={"decoder_filters": (9, 8)}).changed(model="unet")
    assert (net.classifier, net.weights, net.options) == (None, None, {})
    net = net.changed(filters=(4, 5))
    assert net(3).get_layer("up1_2").filters == 4 and Net.from_config(net.to_config()) == net
    over = net.changed(classifier="vgg_slim", decoder_filters=4)
    assert (over.classifier, over.weights) == ("vgg_slim", "auto")
    assert over.options == {"decoder_filters": 4} and Net.from_config(over.to_config()) == over
    assert over.changed(dropout=0.1).classifier == "vgg_slim"
    assert Net("unet").changed(model="fcn8s").classifier == "vgg_slim"
    for wrong in ({"weights": "imagenet"}, {"decoder_filters": (4, 4)}):
        with pytest.raises(ValueError, match=f"`{[*wrong][0]}` goes with a classifier"):
            net.changed(**wrong)
