"""More classes: the old logits stay, and the new ones begin where they are told to."""

import itertools

import keras
import numpy as np
import pytest

from fcn_keras import LabelSet, fcn8s, fcn16s, fcn32s, labels_of
from fcn_keras.layers import Logits
from fcn_keras.surgery import expand_classes

L = keras.layers
IMAGE = np.random.default_rng(1).integers(0, 256, (1, 45, 70, 3)).astype("float32")


def thin():
    """A classifier of stride 32, thin and flat enough to build in no time."""
    start = keras.Input((224, 224, 3))
    x = L.Rescaling(1 / 255)(start)
    for number in range(5):
        x = L.Conv2D(4, 3, padding="same", activation="relu", name=f"conv{number}")(x)
        x = L.MaxPooling2D(name=f"pool{number}")(x)
    x = L.Dense(5, activation="relu", name="hidden")(L.Flatten()(x))
    return keras.Model(start, L.Dense(3)(x), name="thin")


def randomized(model, seed=0):
    """Random weights everywhere: biases, and learned upsamplings that mix the classes."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        weights = layer.get_weights()
        if layer.name.startswith("up"):
            layer.set_weights([w + rng.normal(0, 0.02, w.shape) for w in weights])
        elif layer.name.startswith("score_"):
            layer.set_weights([rng.normal(size=w.shape) for w in weights])
    return model


def logits(model, image=IMAGE):
    return keras.ops.convert_to_numpy(model(image))


def check_old(old, new, keep):
    places = [place for place, source in enumerate(keep) if source is not None]
    expected = old[..., [keep[place] for place in places]]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(new[..., places], expected, atol=1e-5 * np.abs(expected).max())


SAMPLE = ((fcn32s, False, "same"), (fcn8s, "all", "caffe"), (fcn8s, False, "torch"))
WHOLE = itertools.product((fcn32s, fcn16s, fcn8s), (False, "all"), ("same", "caffe"))
GRID = [
    *SAMPLE,
    *(pytest.param(*case, marks=pytest.mark.sweep) for case in WHOLE if case not in SAMPLE),
]


@pytest.mark.backend("sweep")
@pytest.mark.parametrize(("build", "learned", "alignment"), GRID)
def test_old_logits_stay_and_new_ones_are_zero(build, learned, alignment):
    model = randomized(build(3, thin(), alignment=alignment, learn_upsampling=learned))
    before = logits(model)
    wider = expand_classes(model, 5)
    assert wider.output_shape == (None, None, None, 5) and wider.name == model.name
    after = logits(wider)
    check_old(before, after, [0, 1, 2, None, None])
    assert not after[..., 3:].any()
    np.testing.assert_array_equal(logits(model), before)


@pytest.mark.parametrize("learned", [False, pytest.param("all", marks=pytest.mark.sweep)])
def test_classes_move_where_keep_says(learned):
    model = randomized(fcn8s(3, thin(), learn_upsampling=learned))
    keep = [None, 2, 0, None, 1]
    check_old(logits(model), logits(expand_classes(model, 5, keep=keep)), keep)


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("learned", [pytest.param(False, marks=pytest.mark.sweep), "all"])
def test_a_class_split_in_two_begins_as_twins(learned):
    model = randomized(fcn8s(3, thin(), learn_upsampling=learned))
    keep = [1, 0, None, 1, 2]
    check_old(logits(model), logits(expand_classes(model, 5, keep=keep)), keep)


@pytest.mark.backend("sweep")
def test_new_classes_are_upsampled_bilinearly_from_their_own_scores():
    """What a new class gives in a net of learned upsampling is what it gives in a fixed one."""
    learned, fixed = (fcn16s(2, thin(), learn_upsampling=how) for how in ("all", False))
    results = []
    for model in (learned, fixed):
        for layer in model.layers:
            if layer.weights and not layer.name.startswith("up"):
                rng = np.random.default_rng(len(layer.name))
                layer.set_weights([rng.normal(size=w.shape) / 4 for w in layer.get_weights()])
    scores = np.random.default_rng(5).normal(size=(1, 1, 5, 2)).astype("float32")
    for model in (learned, fixed):
        wider = expand_classes(model, 4)
        kernel, bias = wider.get_layer("score_fr").get_weights()
        kernel[..., 2:] = scores
        wider.get_layer("score_fr").set_weights([kernel, bias])
        results.append(logits(wider)[..., 2:])
    assert np.abs(results[1]).max() > 0.01
    np.testing.assert_allclose(*results, atol=1e-5 * np.abs(results[1]).max())


def test_the_initializer_fills_new_filters_alone():
    model = randomized(fcn16s(2, thin(), learn_upsampling="all"))
    wider = expand_classes(model, 4, initializer=keras.initializers.Constant(0.25))
    check_old(logits(model), logits(wider), [0, 1, None, None])
    for name in ("score_fr", "score_pool4"):
        kernel, bias = wider.get_layer(name).get_weights()
        assert (kernel[..., 2:] == 0.25).all() and not bias[2:].any()


@pytest.mark.backend("sweep")
def test_it_saves_trains_and_keeps_what_was_frozen(tmp_path):
    model = fcn16s(2, thin(), learn_upsampling=True)
    model.get_layer("conv0").trainable = False
    wider = expand_classes(model, 3, name="wider")
    assert wider.name == "wider" and not wider.get_layer("conv0").trainable
    wider.save(tmp_path / "wider.keras")
    again = keras.models.load_model(tmp_path / "wider.keras")
    np.testing.assert_allclose(logits(again), logits(wider), atol=1e-6)
    again.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    again.train_on_batch(IMAGE, np.full((1, 45, 70), 2))
    assert again.get_layer("score_pool4").get_weights()[1][2] > 0


def test_labels_go_along():
    model = fcn16s(2, thin(), labels=LabelSet(("ground", "road")))
    assert labels_of(expand_classes(model, 3)) is None
    names = ("ground", "road", "sky")
    assert labels_of(expand_classes(model, 3, labels=LabelSet(names))).names == names
    assert labels_of(model).names == ("ground", "road")
    with pytest.raises(ValueError, match="`num_classes` is 4, but the label set has 3"):
        expand_classes(model, 4, labels=LabelSet(names))


def two_outputs(shared=False):
    """Two segmenters over one convolution, with outputs by name, or over one score layer."""
    image = keras.Input((None, None, 3), name="image")
    features = L.Conv2D(4, 3, padding="same", name="features")(image)
    score = L.Conv2D(2, 1, bias_initializer="normal", name="score_one")(features)
    other = score if shared else L.Conv2D(3, 1, bias_initializer="normal", name="o")(features)
    outputs = {
        "one": Logits(name="one")([score, image]),
        "other": Logits(name="other")([other, image]),
    }
    return keras.Model(image, outputs)


@pytest.mark.backend
def test_outputs_are_widened_by_name():
    model = two_outputs()
    before = model(IMAGE)
    wider = expand_classes(model, {"other": 4}, keep={"other": [2, None, 0, 1]})
    after = wider(IMAGE)
    assert set(after) == {"one", "other"}
    np.testing.assert_allclose(after["one"], before["one"], atol=1e-4)
    check_old(*(keras.ops.convert_to_numpy(x["other"]) for x in (before, after)), [2, None, 0, 1])
    both = expand_classes(model, {"one": 3, "other": 5}, labels={"one": LabelSet("abc")})
    assert {k: v.shape[-1] for k, v in both.output.items()} == {"one": 3, "other": 5}
    assert both.get_layer("one").task_config["labels"]["names"] == ["a", "b", "c"]


@pytest.mark.parametrize("learned", [pytest.param(False, marks=pytest.mark.sweep), "all"])
def test_a_net_of_two_streams_and_two_outputs(learned):
    model = fcn16s(
        {"semantic": 3, "geometric": 2},
        thin(),
        input_shape={"color": (None, None, 3), "hha": (None, None, 3)},
        learn_upsampling=learned,
    )
    randomized(model)
    images = {"color": IMAGE, "hha": 255 - IMAGE}
    before = model(images)
    wider = expand_classes(model, {"semantic": 5}, keep={"semantic": [None, 2, 1, 0, None]})
    after = wider(images)
    old, new = (keras.ops.convert_to_numpy(x["semantic"]) for x in (before, after))
    check_old(old, new, [None, 2, 1, 0, None])
    check_old(*(keras.ops.convert_to_numpy(x["geometric"]) for x in (before, after)), [0, 1])


@pytest.mark.parametrize(
    ("num_classes", "options", "message"),
    [
        (5, {}, "outputs one, other.*got 5"),
        ({"third": 5}, {}, "outputs one, other"),
        ({"one": 5}, {"keep": {"other": [0]}}, "`keep` must be a dict"),
        ({"one": 5}, {"keep": [0, 1, None, None, None]}, "`keep` must be a dict"),
    ],
)
def test_outputs_that_are_not_there(num_classes, options, message):
    with pytest.raises(ValueError, match=message):
        expand_classes(two_outputs(), num_classes, **options)


def test_a_score_layer_of_two_outputs_changes_for_both_or_not_at_all():
    model = two_outputs(shared=True)
    assert expand_classes(model, {"one": 3, "other": 3}).output["other"].shape[-1] == 3
    with pytest.raises(ValueError, match="'other'.*something else"):
        expand_classes(model, {"one": 3})
    with pytest.raises(ValueError, match="serves two outputs"):
        expand_classes(model, {"one": 3, "other": 3}, keep={"one": [1, 0, None]})


@pytest.mark.parametrize(
    ("num_classes", "keep", "message"),
    [
        (2, None, "has 3 classes.*got 2"),
        (3.5, None, "whole number"),
        (4, [0, 1, 2], "`keep` must give"),
        (4, [0, 1, None, None], "each of 0 to 2"),
        (4, [0, 1, 2, 3], "each of 0 to 2"),
        ({"score": 4}, None, "only one"),
    ],
)
def test_arguments_that_do_not_fit(num_classes, keep, message):
    image = keras.Input((None, None, 3))
    model = keras.Model(image, Logits()([L.Conv2D(3, 1)(image), image]), name="net")
    with pytest.raises(ValueError, match=message):
        expand_classes(model, num_classes, keep=keep)


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ([L.Conv2D(3, 1), L.Softmax(name="odd")], "'odd'.*Softmax"),
        ([L.Conv2D(3, 1, activation="softmax", name="odd")], "'odd'"),
        ([L.Conv2D(3, 1), L.BatchNormalization(name="odd")], "'odd'"),
        ([L.Conv2D(4, 1), L.Conv2DTranspose(3, 2, strides=2, name="odd")], "'odd'"),
        ([L.Conv2D(6, 1, groups=3), L.Conv2D(3, 1, groups=3, name="odd")], "'odd'"),
    ],
)
def test_what_may_mix_classes_is_refused_by_name(layers, named):
    image = x = keras.Input((None, None, 3))
    for layer in layers:
        x = layer(x)
    with pytest.raises(ValueError, match=named):
        expand_classes(keras.Model(image, x, name="net"), 4)


def test_scores_that_are_read_again_are_refused():
    image = keras.Input((None, None, 3))
    score = L.Conv2D(3, 1, name="score")(image)
    refined = L.Conv2D(3, 3, padding="same", name="refine")(score)
    with pytest.raises(ValueError, match="'refine'"):
        expand_classes(keras.Model(image, L.Add()([score, refined])), 4)


def test_other_models_are_refused():
    start = keras.Input((8,))
    with pytest.raises(ValueError, match="not a map of scores"):
        expand_classes(keras.Model(start, L.Dense(3)(start)), 4)
    with pytest.raises(ValueError, match="no input shape"):
        expand_classes(keras.Sequential([L.Conv2D(3, 1)]), 4)


def test_a_sequential_net_of_dense_scores():
    model = keras.Sequential([keras.Input((None, None, 3)), L.Dense(4), L.Dense(2)])
    check_old(logits(model), logits(expand_classes(model, 3)), [0, 1, None])
