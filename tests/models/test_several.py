"""Several outputs over one trunk, several inputs fused late, further channels fused early."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras import fcn8s, fcn32s
from fcn_keras.labels import LabelSet

pytestmark = pytest.mark.usefixtures("tiny_vgg")
CLASSES = {"semantic": 5, "geometric": 3}
INPUTS = {"color": (None, None, 3), "hha": (None, None, 3)}


def image(*size, channels=3, seed=0):
    shape = (1, *size, channels)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


def numpy(x):
    return keras.tree.map_structure(ops.convert_to_numpy, x)


def given_by_name(model, other, suffix=""):
    """Weights of `other`'s layers into `model`'s whose names end in `suffix` besides."""
    for layer in other.layers:
        if layer.weights:
            model.get_layer(f"{layer.name}{suffix}").set_weights(layer.get_weights())


@pytest.mark.parametrize("alignment", ["same", pytest.param("caffe", marks=pytest.mark.sweep)])
def test_each_output_is_what_a_net_of_its_own_gives(alignment):
    options = {"weights": None, "alignment": alignment, "score_initializer": "he_normal"}
    both = fcn8s(CLASSES, "tiny_vgg", **options)
    logits = numpy(both(image(49, 70), training=False))
    assert {name: map_.shape for name, map_ in logits.items()} == {
        "semantic": (1, 49, 70, 5),
        "geometric": (1, 49, 70, 3),
    }
    for output, count in CLASSES.items():
        alone = fcn8s(count, "tiny_vgg", **options)
        for layer in alone.layers:
            if layer.weights:
                name = layer.name + f"_{output}" * layer.name.startswith("score")
                layer.set_weights(both.get_layer(name).get_weights())
        expected = numpy(alone(image(49, 70), training=False))
        np.testing.assert_allclose(logits[output], expected, atol=1e-5)


def test_several_outputs_train_and_are_saved(tmp_path):
    labels = {"geometric": LabelSet(["sky", "vertical", "ground"])}
    model = fcn8s(CLASSES, "tiny_vgg", weights=None, labels=labels)
    losses = {name: fcn_keras.losses.CrossEntropy() for name in CLASSES}
    model.compile("sgd", losses, run_eagerly=True)
    truth = {name: np.ones((1, 33, 40), "uint8") for name in CLASSES}
    losses = [model.train_on_batch(image(33, 40), truth) for _ in range(2)]
    assert losses[1] < losses[0]
    model.save(tmp_path / "both.keras")
    again = keras.models.load_model(tmp_path / "both.keras")
    found, expected = (numpy(net(image(20, 21), training=False)) for net in (again, model))
    for name in CLASSES:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)
    assert fcn_keras.labels_of(again) == {"semantic": None, **labels}


def test_segmenting_with_several_outputs():
    model = fcn8s(CLASSES, "tiny_vgg", weights=None, score_initializer="he_normal")
    pixels = image(30, 41)[0].astype("uint8")
    maps, scores = fcn_keras.segment(model, pixels, return_logits=True)
    for name, count in CLASSES.items():
        assert maps[name].shape == (30, 41) and maps[name].dtype == "uint8"
        assert scores[name].shape == (30, 41, count)
        np.testing.assert_array_equal(maps[name], scores[name].argmax(-1))
        alone = fcn_keras.one_output(model, name)
        np.testing.assert_array_equal(fcn_keras.segment(alone, pixels), maps[name])
    truth = [(pixels, np.zeros((30, 41), "uint8"))]
    with pytest.raises(ValueError, match=r"one_output\(model, 'semantic'\)"):
        fcn_keras.evaluate(model, truth)
    report = fcn_keras.evaluate(fcn_keras.one_output(model, "geometric"), truth)
    assert report.labels.num_classes == 3
    with pytest.raises(ValueError, match="no output 'depth'; it has 'semantic', 'geometric'"):
        fcn_keras.one_output(model, "depth")


@pytest.mark.parametrize(
    "alignment", ["same", pytest.param("caffe", marks=pytest.mark.backend("sweep"))]
)
def test_late_fusion_is_the_mean_of_two_nets(alignment):
    options = {"weights": None, "alignment": alignment, "score_initializer": "he_normal"}
    fused = fcn8s(4, "tiny_vgg", input_shape=INPUTS, **options)
    images = {name: image(49, 70, seed=seed) for seed, name in enumerate(INPUTS)}
    expected = 0
    for name, given in images.items():
        alone = fcn8s(4, "tiny_vgg", **options)
        given_by_name(fused, alone, f"_{name}")
        expected = expected + numpy(alone(given, training=False)) / 2
    found = numpy(fused(images, training=False))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_a_net_of_two_inputs_is_saved_and_segments(tmp_path):
    fused = fcn32s(4, "tiny_vgg", weights=None, input_shape={**INPUTS, "depth": (None, None, 1)})
    fused.save(tmp_path / "fused.keras")
    again = keras.models.load_model(tmp_path / "fused.keras")
    scene = {name: image(40, 50)[0].astype("uint8") for name in INPUTS}
    scene["depth"] = scene["color"][..., :1]
    assert fcn_keras.segment(again, scene).shape == (40, 50)
    truth = np.zeros((40, 50), "uint8")
    assert fcn_keras.evaluate(again, [(scene, truth), (scene, truth)]).num_images == 2
    with pytest.raises(ValueError, match="color, hha, depth; got color"):
        fcn_keras.segment(again, {"color": scene["color"]})
    with pytest.raises(ValueError, match="of one size; got color 40x50, hha 41x50"):
        fcn_keras.segment(again, {**scene, "hha": image(41, 50)[0].astype("uint8")})


def test_further_channels_of_the_classifiers_own_weights():
    colour = fcn_keras.classifiers.vgg_slim(classes=3, input_shape=(64, 64, 3))
    with pytest.raises(ValueError, match=r"widen_input\(classifier, 4\)"):
        fcn8s(2, colour, input_shape=(None, None, 4))
    wide = fcn_keras.surgery.widen_input(colour, 4)
    model = fcn8s(2, wide, input_shape=(None, None, 4), preprocess="caffe")
    assert model(image(40, 40, channels=4)).shape == (1, 40, 40, 2)


def test_a_pretrained_classifier_takes_other_channel_counts(monkeypatch):
    tiny = fcn_keras.classifiers.get("tiny_vgg")

    def as_if_pretrained(row, weights, channels, with_top=False):
        return tiny.build(include_top=False, input_shape=(None, None, channels))

    monkeypatch.setattr(fcn_keras.classifiers.registry.Classifier, "load", as_if_pretrained)
    for channels, seen in ((1, 3), (3, 3), (5, 5)):
        model = fcn8s(2, "mobilenet_v2", input_shape=(None, None, channels))
        assert model(image(33, 40, channels=channels)).shape == (1, 33, 40, 2)
        assert model.get_layer("conv1_1").get_weights()[0].shape[2] == seen


def test_a_grey_image_stands_for_all_colours():
    colour = fcn_keras.classifiers.vgg_slim(classes=3, input_shape=(64, 64, 3))
    options = {"preprocess": "caffe", "score_initializer": "he_normal"}
    grey = fcn8s(2, colour, input_shape=(None, None, 1), **options)
    full = fcn8s(2, colour, **options)
    given_by_name(full, grey)
    pixels = image(40, 40, channels=1)
    expected = numpy(full(np.repeat(pixels, 3, axis=-1), training=False))
    np.testing.assert_allclose(numpy(grey(pixels, training=False)), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.backend("sweep")
def test_per_channel_scales_of_a_skip():
    scale = np.linspace(0.5, 2, 8)
    options = {"weights": None, "score_initializer": "he_normal"}
    scaled = fcn_keras.fcn16s(2, "tiny_vgg", skip_scales=(scale,), **options)
    plain = fcn_keras.fcn16s(2, "tiny_vgg", **options)
    given_by_name(scaled, plain)
    kernel, bias = plain.get_layer("score_pool4").get_weights()
    plain.get_layer("score_pool4").set_weights([kernel * scale[:, None], bias])
    found, expected = (numpy(net(image(40, 40), training=False)) for net in (scaled, plain))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_deepest_stride_can_be_kept_fine():
    coarse = fcn32s(2, "tiny_vgg", weights=None, score_initializer="he_normal")
    fine = fcn8s(2, "tiny_vgg", weights=None, output_stride=8)
    given_by_name(fine, coarse)
    field = fcn_keras.geometry.receptive_field(fine, "score_fr")
    before = fcn_keras.geometry.receptive_field(coarse, "score_fr")
    assert field.stride == (8, 8) and (field.size, field.offset) == (before.size, before.offset)
    maps = [
        numpy(keras.Model(net.input, net.get_layer("score_fr").output)(image(640, 640)))
        for net in (coarse, fine)
    ]
    assert maps[1].shape[1:3] == (80, 80)
    inside = slice(6, -6)
    np.testing.assert_allclose(maps[1][:, ::4, ::4][:, inside, inside], maps[0][:, inside, inside],
                               atol=1e-4)  # fmt: skip
    with pytest.raises(ValueError, match="no FCN-32s"):
        fcn32s(2, "tiny_vgg", weights=None, output_stride=8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": {}}, "empty dict"),
        ({"num_classes": {"a": 1}}, r"num_classes\['a'\]` must be .* at least 2, got 1"),
        ({"num_classes": {"a b": 2}}, "got 'a b'"),
        ({"num_classes": {"a": 2}, "labels": {"b": None}}, r"has values for \['b'\].*has \['a'\]"),
        ({"num_classes": 2, "input_shape": {}}, "empty dict"),
        (
            {"num_classes": 2, "input_shape": {"a": (None, None, 3), "b": (8, 8, 3)}},
            "one height and width",
        ),
        (
            {"num_classes": 2, "input_shape": INPUTS, "preprocess": {"depth": "tf"}},
            r"`preprocess` has values for \['depth'\]",
        ),
    ],
)
def test_requests_that_cannot_be_met(options, message):
    with pytest.raises(ValueError, match=message):
        fcn32s(classifier="tiny_vgg", weights=None, **options)
