"""A new net, as CONTRIBUTING.md describes it: a builder, its options, and its line in NETS."""

from typing import Annotated, TypedDict, Unpack

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import models
from fcn_keras.models.alignment import SameAlignment, Tap
from fcn_keras.models.backbone import load_backbone
from fcn_keras.models.inputs import assembled, open_streams
from fcn_keras.models.options import CLASSIFIER, OPTIONS
from fcn_keras.models.outputs import tasks_wanted
from fcn_keras.options import Option, declared

L = keras.layers


class ToyOptions(TypedDict, total=False):
    width: Annotated[int, Option("Filters of the hidden layer.", default=8, least=1)]
    smooth: Annotated[bool, Option("Smooths the scores.", default=False)]
    labels: Annotated[fcn_keras.LabelSet, Option("Class names.", python_only=True)]
    weights: Annotated[str, Option("Weights of the classifier.", python_only=True)]


def toy(num_classes, classifier="vgg_slim", **options: Unpack[ToyOptions]):
    """The deepest map of a classifier, a hidden layer, and one upsampling."""
    (task,) = tasks_wanted(num_classes, options.get("labels")).values()
    (stream,) = open_streams((None, None, 3))
    weights = options.get("weights")
    backbone = load_backbone(stream, classifier, weights, SameAlignment, head_filters=0)
    deepest = backbone.deepest
    x = L.Conv2D(options.get("width", 8), 1, activation="relu", name="hidden")(deepest.tensor)
    x = L.Conv2D(task.channels, 1, name="toy_score")(x)
    if options.get("smooth"):
        x = L.AveragePooling2D(3, 1, padding="same", name="smooth")(x)
    align = SameAlignment([stream.image], backbone.nested)
    pixels = Tap(stream.image, 1, (0, 0))
    fine = align.upsampled(deepest.with_tensor(x), pixels, False, "upsampled")
    score = fcn_keras.layers.Logits(task_config=task.to_config(), name="score")
    return assembled([stream], {None: score([fine.tensor, stream.image])}, "toy")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(models.NETS, "toy", toy)
    monkeypatch.setitem(OPTIONS, "toy", {"classifier": CLASSIFIER, **declared(ToyOptions)})


@pytest.mark.backend
def test_it_is_a_net_like_the_others(tmp_path):
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    net = models.NETS["toy"](3, "vgg_slim", labels=labels, smooth=True)
    image = np.random.default_rng(0).uniform(0, 255, (1, 33, 41, 3)).astype("float32")
    assert net(image).shape == (1, 33, 41, 3)
    assert fcn_keras.task_of(net) == fcn_keras.tasks.Classes(labels)
    assert fcn_keras.geometry.halo(net).stride == (32, 32)
    net.save(tmp_path / "toy.keras")
    again = keras.models.load_model(tmp_path / "toy.keras")
    np.testing.assert_allclose(again(image), net(image), atol=1e-5)


def test_its_options_are_checked():
    checked = models.options.check_options("toy", {"width": 4, "smooth": True})
    assert checked == {"width": 4, "smooth": True}
    with pytest.raises(ValueError, match="`width` must be .*got 0"):
        models.options.check_options("toy", {"width": 0})
    with pytest.raises(ValueError, match="'toy' has no option 'alignment'. It has classifier, wid"):
        models.options.check_options("toy", {"alignment": "caffe"})
    with pytest.raises(ValueError, match="'fcn8s' has no option 'width'"):
        models.options.check_options("fcn8s", {"width": 4})
