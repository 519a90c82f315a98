"""HED: its places, its training with all outputs, and files of it."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.tasks import Boundaries


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return fcn_keras.hed("vgg_slim", weights=None)


def crops(model):
    return [layer.offset[0] for layer in model.layers if layer.name.startswith("crop_dsn")]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("alignment", "offsets"), [("caffe", [34, 35, 36, 38, 42]), ("same", [0] * 5)]
)
def test_over_vgg16_it_is_the_published_net(alignment, offsets):
    model = fcn_keras.hed(weights=None, alignment=alignment)
    assert model.count_params() == 14_716_171
    assert crops(model) == offsets
    assert model.output_shape == (None, None, None, 6)
    fuse = model.get_layer("score_fuse")
    np.testing.assert_allclose(fuse.kernel, 0.2)


def test_the_crops_of_a_narrow_vgg_are_computed(tiny_vgg):
    assert crops(fcn_keras.hed("tiny_vgg", weights=None, alignment="caffe"))[:3] == [34, 35, 36]


@pytest.mark.backend("sweep")
def test_each_output_is_of_the_image_size_and_has_its_task(small):
    assert fcn_keras.task_of(small).side_outputs == 5
    for size in ((1, 1), (33, 46)):
        assert small(np.zeros((1, *size, 3), "float32")).shape == (1, *size, 6)
    image = np.random.default_rng(0).integers(0, 255, (33, 46, 3), "uint8")
    found = fcn_keras.segment(small, image)
    assert found.dtype == "float32" and found.shape == (33, 46)
    logits = keras.ops.convert_to_numpy(small(image[None].astype("float32")))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits[0, ..., 0])), atol=1e-5)


def test_the_outputs_are_the_fusion_and_the_side_outputs(small):
    draw = np.random.default_rng(0)
    for layer in small.layers:
        if layer.name.startswith("score_dsn"):
            kernel, bias = layer.get_weights()
            layer.set_weights([draw.normal(size=kernel.shape), bias + 1])
    logits = keras.ops.convert_to_numpy(small(draw.uniform(0, 255, (1, 40, 40, 3))))
    kernel, bias = small.get_layer("score_fuse").get_weights()
    fused = logits[..., 1:] @ kernel[0, 0, :, 0] + bias[0]
    np.testing.assert_allclose(logits[..., 0], fused, atol=1e-4)


@pytest.mark.parametrize("alignment", ["same", "caffe"])
def test_side_outputs_lie_on_the_pixels(tiny_vgg, alignment):
    model = fcn_keras.hed("tiny_vgg", weights=None, alignment=alignment)
    for number in range(1, 6):
        side = keras.Model(model.input, model.get_layer(f"crop_dsn{number}").output)
        field = fcn_keras.geometry.receptive_field(side)
        assert (field.stride, field.offset) == ((1, 1), (0, 0)), number


@pytest.mark.backend("sweep")
def test_a_step_of_training_changes_every_side_output(tmp_path, tiny_vgg):
    model = fcn_keras.hed("tiny_vgg", weights=None)
    recipe = fcn_keras.training.Recipe(optimizer="sgd", learning_rate=0.1, schedule="constant")
    fcn_keras.training.compile_model(model, recipe, steps_per_epoch=1)
    images = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype("float32")
    target = np.zeros((1, 32, 32), "float32")
    target[0, 16] = 0.7
    model.fit(images, target, verbose=0)
    for number in range(1, 6):
        kernel, bias = model.get_layer(f"score_dsn{number}").get_weights()
        assert kernel.any() and bias.any(), number
    model.save(tmp_path / "hed.keras")
    again = fcn_keras.models.load_model(tmp_path / "hed.keras")
    np.testing.assert_allclose(again(images), model(images), atol=1e-4)
    assert fcn_keras.task_of(again).side_outputs == 5


@pytest.mark.sweep
@pytest.mark.parametrize("classifier", ["resnet50", "mobilenet_v2", "efficientnet_lite0"])
def test_it_takes_other_classifiers(classifier):
    model = fcn_keras.hed(classifier, weights=None)
    sides = fcn_keras.task_of(model).side_outputs
    assert sides == 5
    assert model(np.zeros((1, 50, 70, 3), "float32")).shape == (1, 50, 70, 6)


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"task": 3}, "'hed' is made for boundaries, got 3 classes"),
        ({"task": fcn_keras.tasks.Depth()}, "made for boundaries, got depth"),
        ({"alignment": "torch"}, "`alignment` must be"),
        ({"labels": fcn_keras.LabelSet(("a", "b"))}, "which boundaries have not"),
    ],
)
def test_what_it_cannot_be_is_refused(options, fragment):
    with pytest.raises(ValueError, match=fragment):
        fcn_keras.hed("vgg_slim", weights=None, **options)


def test_a_task_without_side_outputs_fits_its_data():
    assert Boundaries(5).fits(Boundaries()) and Boundaries(5) == Boundaries()
    assert not Boundaries().fits(fcn_keras.tasks.Regression())
    probabilities = np.array([[0.2, 0.9]])
    encoded = Boundaries(2).encode(probabilities)
    assert encoded.shape == (1, 2, 3)
    np.testing.assert_allclose(Boundaries(2).decode(encoded), probabilities)


def test_merged_is_the_mean_of_all_outputs():
    logits = np.random.default_rng(0).normal(size=(4, 5, 3))
    task = fcn_keras.tasks.from_config(Boundaries(2, merged=True).to_config())
    expected = (1 / (1 + np.exp(-logits))).mean(-1)
    np.testing.assert_allclose(task.decode(logits), expected)
    model = fcn_keras.hed("vgg_slim", weights=None, merged=True)
    assert fcn_keras.task_of(model).merged


def test_the_recipe_has_a_rate_for_each_layer():
    def trained(rates):
        keras.utils.set_random_seed(0)
        x = image = keras.Input((None, None, 3))
        for name in ("block1_conv1", "block5_conv1"):
            x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name=name)(x)
        model = fcn_keras.hed(keras.Model(image, x), weights=None, preprocess="tf")
        for number in (1, 2):
            model.get_layer(f"score_dsn{number}").kernel.assign(np.full((1, 1, 4, 1), 0.1))
        before = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
        changes = {"accumulate": 1, "schedule": "constant", "learning_rate": 1.0, **rates}
        recipe = fcn_keras.training.recipes.get("hed", **changes)
        fcn_keras.training.compile_model(model, recipe, steps_per_epoch=1)
        assert not model.loss.normalize
        draw = np.random.default_rng(0)
        target = (draw.random((1, 16, 16)) < 0.2).astype("float32")
        model.fit(draw.uniform(0, 255, (1, 16, 16, 3)).astype("float32"), target, verbose=0)
        return {
            name: [
                new - old
                for new, old in zip(model.get_layer(name).get_weights(), olds, strict=True)
            ]
            for name, olds in before.items()
        }

    plain, own = trained({"rates": {}}), trained({})
    for name, rate in (
        ("block1_conv1", 1), ("block5_conv1", 100), ("score_dsn1", 0.01), ("score_fuse", 0.001)
    ):  # fmt: skip
        largest = max(abs(change).max() for change in plain[name])
        for one, other in zip(plain[name], own[name], strict=True):
            np.testing.assert_allclose(other, rate * one, rtol=0.02, atol=0.02 * rate * largest)


@pytest.mark.sweep
def test_boundaries_share_a_trunk_with_classes(tiny_vgg):
    tasks = {"classes": 3, "edges": Boundaries()}
    model = fcn_keras.fcn32s(tasks, "tiny_vgg", weights=None)
    recipe = fcn_keras.training.Recipe(optimizer="sgd", learning_rate=0.1, schedule="constant")
    fcn_keras.training.compile_model(model, recipe, steps_per_epoch=1)
    targets = {
        "classes": np.zeros((1, 32, 32), "uint8"),
        "edges": np.eye(32, dtype="float32")[None],
    }
    history = model.fit(np.ones((1, 32, 32, 3), "float32"), targets, verbose=0)
    assert "edges_boundary_f" in history.history
