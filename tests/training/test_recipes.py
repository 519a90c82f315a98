"""Named recipes: the published numbers, what they compile to, and what may be changed."""

import json

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.training import CaffeSGD, Recipe, compile_model, compiling, recipes
from fcn_keras.training.optimizers import factors_by_layer

pytestmark = pytest.mark.backend
PUBLISHED = {  # name: (rate, momentum, weight decay, batch, accumulated, updates, normalization)
    "paper-alexnet": (1e-3, 0.9, 5e-4, 20, 1, None, "mean"),
    "paper-vgg16": (1e-4, 0.9, 5e-4, 20, 1, None, "mean"),
    "paper-googlenet": (5e-5, 0.9, 2e-4, 20, 1, None, "mean"),
    "paper-vgg16-16s": (1e-6, 0.9, 5e-4, 20, 1, None, "mean"),
    "heavy-32s": (1e-10, 0.99, 5e-4, 1, 1, 100_000, "sum"),
    "heavy-16s": (1e-12, 0.99, 5e-4, 1, 1, 100_000, "sum"),
    "heavy-8s": (1e-14, 0.99, 5e-4, 1, 1, 100_000, "sum"),
    "heavy-atonce": (1e-10, 0.99, 5e-4, 1, 1, 300_000, "sum"),
    "light-alexnet": (1e-4, 0.9, 5e-4, 1, 20, 100_000, "mean"),
    "segnet": (1e-3, 0.9, 5e-4, 4, 1, 40_000, "pixels"),
    "segnet-basic": (0.1, 0.9, 5e-4, 12, 1, 10_000, "pixels"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers(name):
    r = recipes.get(name)
    found = (r.learning_rate, r.momentum, r.weight_decay, r.batch_size, r.accumulate, r.steps)
    assert (*found, r.normalization) == PUBLISHED[name]
    assert (r.optimizer, r.schedule, r.warmup, r.bias_rate) == ("caffe_sgd", "constant", 0, 2)
    assert (r.crop, r.augment, r.dropout, r.name) == (None, False, True, name)


@pytest.mark.parametrize("name", recipes.names())
def test_each_compiles_and_survives_json(name, make_net, make_shapes):
    data, given = make_shapes(4), recipes.get(name)
    layers = {"freeze": ("conv2d*",)} if given.freeze else {}
    layers["rates"] = {"conv2d*": 10.0} if given.rates else {}
    recipe = recipes.get(name, **layers).resolved(data)
    again = Recipe.from_config(json.loads(json.dumps(recipe.to_config())))
    assert again.resolved(data) == recipe
    assert Recipe.from_config(json.loads(json.dumps(given.to_config()))) == given
    if not layers.get("freeze"):
        assert compile_model(make_net(), recipe, data).optimizer.built


def test_a_published_recipe_becomes_caffes_solver(make_net, make_shapes):
    data = make_shapes(6)
    model = compile_model(make_net(), recipes.get("light-alexnet"), data)
    optimizer = model.optimizer
    assert isinstance(optimizer, CaffeSGD)
    assert (optimizer.momentum, optimizer.weight_decay, optimizer.bias_rate) == (0.9, 5e-4, 2.0)
    assert optimizer.gradient_accumulation_steps == 20
    assert float(optimizer.learning_rate) == pytest.approx(1e-4)
    heavy = compile_model(make_net(), recipes.get("heavy-8s"), data)
    assert heavy.loss.normalize is False
    assert recipes.get("light-alexnet").resolved(data).epochs == -(-100_000 * 20 // 6)


def test_segnets_loss_and_statistics(make_net, make_shapes):
    """Median-frequency weights, the sum divided by the counted pixels, statistics recomputed."""
    data = make_shapes(12)
    for name in ("segnet", "segnet-basic"):
        recipe = recipes.get(name)
        loss = compile_model(make_net(), recipe, data).loss
        expected = fcn_keras.data.class_weights("median", data)
        np.testing.assert_allclose(loss.class_weights, expected, rtol=1e-6)
        assert loss.normalize == "pixels"
        assert recipe.refresh_batches * recipe.batch_size >= 367  # CamVid's training images
        assert recipe.net.model == name.replace("-", "_")


def test_deconvnets_stages():
    """The released solvers; crops around objects, then all."""
    stages = {"deconvnet-objects": ("background", 20_000), "deconvnet": ("all", 40_000)}
    for name, stage in stages.items():
        r = recipes.get(name)
        each = 9000 if name == "deconvnet-objects" else 10_000
        assert [drop * r.steps for drop in r.drops] == [*range(each, r.steps, each)]
        assert (r.optimizer, r.learning_rate, r.momentum, r.weight_decay) == (
            "caffe_sgd", 0.01, 0.9, 5e-4,
        )  # fmt: skip
        assert (r.batch_size, r.accumulate, r.bias_rate, r.schedule) == (8, 8, 2, "step")
        assert (r.crop, r.object_margin, r.augment["flip"]) == ((224, 224), 1.2, True)
        assert r.refresh_batches == 500
        assert (r.objects, r.steps, r.net.model, r.net.classifier) == (*stage, "deconvnet", "vgg16")
    with pytest.raises(ValueError, match="`object_margin` is for crops around objects"):
        Recipe(object_margin=2)


@pytest.mark.sweep
def test_a_pretrained_classifier_learns_slower_than_what_lies_behind_it():
    recipe = recipes.get("camvid-pretrained", net={"weights": None})
    net = recipe.net(fcn_keras.LabelSet([f"class {number}" for number in range(11)]))
    classifier = keras.applications.MobileNetV2(include_top=False, weights=None)
    own = {layer.name for layer in classifier.layers}
    compile_model(net, recipe, steps_per_epoch=46, class_weights=[1.0] * 11)
    rates = factors_by_layer("rates", recipe.rates, net.trainable_variables)
    for variable, rate in zip(net.trainable_variables, rates, strict=True):
        assert rate == (0.2 if variable.path.split("/")[0] in own else 1.0)
    assert net.count_params() < 5e6


def test_deeplabs_recipes(make_shapes):
    """The published solver: 6,000 steps, a tenth of the rate each 2,000; then poly of 20,000."""
    names = {"deeplab-v1": (20, 6000), "deeplab-v1-poly": (10, 20_000), "deeplab-v2": (10, 20_000)}
    for name, (batch, steps) in names.items():
        r = recipes.get(name)
        numbers = (r.optimizer, r.learning_rate, r.momentum, r.weight_decay, r.bias_rate)
        assert numbers == ("caffe_sgd", 1e-3, 0.9, 5e-4, 2)
        assert (r.batch_size, r.steps, r.crop) == (batch, steps, (321, 321))
        assert r.rates == {"score*": 10}
        net = name.removesuffix("-poly").replace("-", "_")
        assert (r.net.model, r.net.classifier) == (net, "vgg16")
        rate = compiling.learning_rate(r.changed(epochs=100), steps / 100)
        at = [0, steps // 2 - 1, steps - 1]
        progress = np.array(at) / steps
        expected = (1e-3, 1e-4, 1e-5) if batch == 20 else 1e-3 * (1 - progress) ** 0.9
        np.testing.assert_allclose([float(rate(step)) for step in at], expected, rtol=1e-3)
    fc8 = keras.layers.Conv2D(2, 1, name="score_fc8")
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1), fc8])
    loss = compile_model(model, recipes.get("deeplab-v1"), make_shapes(4)).loss
    assert loss.stride == 8


@pytest.mark.parametrize("drops", [(), (0.5, 0.5), (0.6, 0.3), (0, 0.5), (0.5, 1)])
def test_drops_are_ascending_shares(drops):
    with pytest.raises(ValueError, match="`drops` must be ascending shares .* got"):
        Recipe(drops=drops)


def test_fields_can_be_changed():
    recipe = recipes.get("heavy-8s", epochs=3, momentum=0.5)
    assert (recipe.epochs, recipe.steps, recipe.momentum) == (3, None, 0.5)
    assert recipe.learning_rate == 1e-14
    other = recipes.get("paper-vgg16", optimizer="adamw").filled()
    assert (other.learning_rate, other.weight_decay, other.momentum) == (1e-3, 0.01, None)
    with pytest.raises(ValueError, match="no recipe 'heavy-4s'. Known recipes: small-data, "):
        recipes.get("heavy-4s")
    with pytest.raises(TypeError, match="learning_rat"):
        recipes.get("heavy-8s", learning_rat=1)


def test_augmentation_is_changed_not_replaced(make_shapes):
    data = make_shapes(4)
    object.__setattr__(data, "augmentation", fcn_keras.data.Augmentation(flip=False, color=0.1))
    resolved = Recipe(augment={"scale": [0.5, 2]}).resolved(data)
    assert resolved.augment == fcn_keras.data.Augmentation(flip=False, color=0.1, scale=(0.5, 2))
    assert Recipe().resolved(data).augment is True


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"loss": "entropy"}, "`loss` .*'entropy'"),
        ({"normalization": "none"}, "`normalization` .*'none'"),
        ({"momentum": 0.9}, "'adamw' has none to set, got 0.9"),
        ({"momentum": 1.5, "optimizer": "sgd"}, "`momentum` .*1.5"),
        ({"nesterov": True}, "`nesterov` is for sgd, got 'adamw'"),
        ({"ema": 1.0}, "`ema` .*1.0"),
        ({"accumulate": 0}, "`accumulate` .*0"),
        ({"steps": 0.5}, "`steps` .*0.5"),
        ({"rates": {"score*": -2}}, r"`rates\['score\*'\]` .*-2"),
        ({"freeze": "score*"}, r"`freeze` .*'score\*'"),
        ({"augment": {"zoom": 2}}, "`augment` .*zoom"),
        ({"augment": "much"}, "`augment` .*'much'"),
        ({"bias_rate": -1}, "`bias_rate` .*-1"),
    ],
)
def test_impossible_values_are_quoted(fields, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**fields)


def test_compile_needs_nothing_but_a_model(make_net):
    with pytest.warns(UserWarning, match="stays 0.001 instead of 'cosine'"):
        model = compile_model(make_net(), Recipe())
    x, y = np.zeros((2, 8, 8, 3), "uint8"), np.zeros((2, 8, 8), "uint8")
    y[0] = 255
    model.fit(x, y, verbose=0)
    assert np.isfinite(model.get_metrics_result()["loss"])
    scheduled = compile_model(make_net(), Recipe(epochs=4, warmup=0), steps_per_epoch=5).optimizer
    rates = scheduled._learning_rate
    assert float(rates(10)) == pytest.approx(5e-4, rel=1e-5)
    assert float(rates(20)) == pytest.approx(0, abs=1e-9)
    counted = compile_model(make_net(), recipes.get("heavy-8s")).optimizer
    assert float(counted.learning_rate) == pytest.approx(1e-14)


def test_class_weights_by_name_need_the_data(make_net, make_shapes):
    with pytest.raises(ValueError, match="class_weights='enet' are computed from the data"):
        compile_model(make_net(), Recipe(class_weights="enet"))
    data = make_shapes(4)
    model = compile_model(make_net(), Recipe(class_weights="enet"), data)
    expected = fcn_keras.data.class_weights("enet", data)
    np.testing.assert_allclose(model.loss.get_config()["class_weights"], expected, rtol=1e-6)


@pytest.mark.backend("sweep")
def test_the_last_layer_alone():
    model = fcn_keras.fcn16s(3, "vgg_slim", weights=None)
    before = {v.path: keras.ops.convert_to_numpy(v).copy() for v in model.weights}
    recipe = Recipe(freeze="all but scores", learning_rate=0.1, schedule="constant", epochs=1)
    compile_model(model, recipe)
    trained = {v.path for v in model.trainable_variables}
    assert trained == {f"score_{at}/{v}" for at in ("fr", "pool4") for v in ("kernel", "bias")}
    x = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3)).astype("uint8")
    model.fit(x, np.ones((2, 32, 32), "uint8"), verbose=0)
    for variable in model.weights:
        if "seed" in variable.path:
            continue
        same = np.array_equal(keras.ops.convert_to_numpy(variable), before[variable.path])
        assert same == (variable.path not in trained), variable.path


def test_layers_are_frozen_by_name(make_net):
    model = make_net()
    with pytest.raises(ValueError, match=r"`freeze`: no layer's name matches 'fc\*'; there are"):
        compile_model(model, Recipe(freeze=["fc*"]), steps_per_epoch=1)
    with pytest.raises(ValueError, match="leaves nothing to train in 'tiny'"):
        compile_model(model, Recipe(freeze=["*"]), steps_per_epoch=1)
    model = make_net()
    first = next(layer for layer in model.layers if layer.weights)
    compile_model(model, Recipe(freeze=[first.name]), steps_per_epoch=1)
    assert [layer.name for layer in model.layers if layer.weights and not layer.trainable] == [
        first.name
    ]


def test_dropout_is_kept_or_off(make_net):
    for kept in (True, False):
        model = compile_model(make_net(), Recipe(dropout=kept), steps_per_epoch=1)
        drops = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        assert drops == [0.1 if kept else 0.0]


def test_keras_own_optimizer_where_no_layer_differs(make_net, make_shapes):
    data = make_shapes(4)
    recipe = Recipe().resolved(data)
    assert type(compile_model(make_net(), recipe, data).optimizer) is (keras.optimizers.AdamW)
