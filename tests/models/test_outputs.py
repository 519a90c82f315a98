"""The task of each output: asked for in the builder, kept in the model, read again."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import fcn16s, fcn32s, tasks
from fcn_keras.models import outputs

DISTANCE = tasks.Regression("distance", unit="px")
L = keras.layers
pytestmark = pytest.mark.usefixtures("tiny_vgg")


def own_model(channels):
    """A model of a user's, which declares no task."""
    image = keras.Input((None, None, 3))
    return keras.Model(image, L.Conv2D(channels, 1)(image), name="own")


@pytest.mark.backend("sweep")
def test_a_regression_net_has_the_channels_of_its_task(tmp_path):
    model = fcn16s(DISTANCE, "tiny_vgg", weights=None, score_initializer="he_normal")
    assert model.output_shape == (None, None, None, 1)
    model.save(tmp_path / "distance.keras")
    again = keras.models.load_model(tmp_path / "distance.keras")
    assert fcn_keras.task_of(again) == DISTANCE
    assert fcn_keras.labels_of(again) is None
    image = np.random.default_rng(0).uniform(0, 255, (1, 40, 50, 3)).astype("float32")
    np.testing.assert_allclose(again(image), model(image), atol=1e-5)


def test_outputs_of_different_tasks_over_one_trunk():
    labels = fcn_keras.LabelSet(("ground", "sky"))
    wanted = {"semantic": tasks.Classes(labels), "distance": DISTANCE, "parts": 5}
    model = fcn32s(wanted, "tiny_vgg", weights=None)
    assert {name: tensor.shape[-1] for name, tensor in model.output.items()} == {
        "semantic": 2,
        "distance": 1,
        "parts": 5,
    }
    expected = {**wanted, "parts": tasks.Classes(num_classes=5)}
    assert fcn_keras.task_of(model) == outputs.output_tasks(model) == expected
    assert fcn_keras.labels_of(model) == {"semantic": labels, "distance": None, "parts": None}
    alone = fcn_keras.one_output(model, "distance")
    assert fcn_keras.task_of(alone) == DISTANCE
    outputs.set_task(model, {"parts": tasks.Regression("normal", channels=5)})
    assert outputs.output_tasks(model)["parts"].name == "normal"


def test_numbers_of_classes_and_labels_become_classes():
    labels = fcn_keras.LabelSet(("ground", "sky"))
    assert fcn_keras.task_of(fcn32s(2, "tiny_vgg", weights=None)) == tasks.Classes(num_classes=2)
    model = fcn32s(2, "tiny_vgg", weights=None, labels=labels)
    assert fcn_keras.task_of(model) == tasks.Classes(labels)
    other = fcn_keras.LabelSet(("a", "b"))
    outputs.set_labels(model, other)
    assert fcn_keras.labels_of(model) == other


def test_a_model_without_a_task_is_taken_as_classes():
    assert outputs.output_tasks(own_model(4)) == {None: tasks.Classes(num_classes=4)}
    assert fcn_keras.labels_of(own_model(4)) is None
    with pytest.raises(ValueError, match="1 channel.*no task.*tasks.Regression"):
        outputs.output_tasks(own_model(1))
    with pytest.raises(ValueError, match="no Logits layer"):
        outputs.set_labels(own_model(2), fcn_keras.LabelSet(("a", "b")))


def test_a_model_of_ones_own_keeps_a_task_in_a_logits_layer():
    image = keras.Input((None, None, 3))
    score = fcn_keras.layers.Logits(task_config=DISTANCE.to_config())
    model = keras.Model(image, score([L.Conv2D(1, 1)(image), image]))
    assert fcn_keras.task_of(model) == DISTANCE


def test_what_is_behind_the_output_layer_does_not_hide_the_task():
    labels = fcn_keras.LabelSet(("a", "b"))
    net = fcn32s(2, "tiny_vgg", weights=None, labels=labels)
    assert fcn_keras.task_of(fcn_keras.crf_rnn(net)) == tasks.Classes(labels)
    fewer = keras.Model(net.input, L.Conv2D(3, 1)(net.output))
    assert fcn_keras.task_of(fewer) == tasks.Classes(num_classes=3)


@pytest.mark.parametrize(
    ("num_classes", "labels", "message"),
    [
        (1, None, "at least 2, got 1.*tasks.Regression"),
        ({"depth": 1}, None, r"num_classes\['depth'\].*got 1.*tasks.Regression"),
        (DISTANCE, fcn_keras.LabelSet(("a", "b")), "task brings its own"),
        (3, fcn_keras.LabelSet(("a", "b")), "`num_classes` is 3.* has 2"),
    ],
)
def test_outputs_that_cannot_be_built(num_classes, labels, message):
    with pytest.raises(ValueError, match=message):
        fcn32s(num_classes, "tiny_vgg", weights=None, labels=labels)


def test_a_task_of_other_channels_is_refused():
    model = fcn32s(2, "tiny_vgg", weights=None)
    with pytest.raises(ValueError, match="1 channels, but 'fcn32s' has 2"):
        outputs.set_task(model, DISTANCE)
    with pytest.raises(ValueError, match="no output 'depth'; it has one without a name"):
        outputs.set_task(model, {"depth": DISTANCE})
