"""The loss that CONTRIBUTING.md adds works as the page has it."""

import re
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest

from fcn_keras import losses, tasks
from fcn_keras.training import Recipe
from fcn_keras.training.loss import build_loss

pytestmark = pytest.mark.backend
PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()


@pytest.fixture(autouse=True)
def added(monkeypatch):
    """The file and the line of the table of the page."""
    (code,) = re.findall(r"```python\n(\"{3}Margin.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("fcn_keras.losses.margin")
    exec(compile(code, "CONTRIBUTING.md", "exec"), vars(module))
    (line,) = re.findall(r"`BY_NAME = \{\.\.\., (\"margin\": .*?)\}`", PAGE)
    name, (cls, file) = eval(f"{{{line}}}").popitem()
    monkeypatch.setitem(losses.BY_NAME, name, (cls, file))
    monkeypatch.setitem(losses._MODULES, cls, file)
    monkeypatch.setitem(sys.modules, "fcn_keras.losses.margin", module)


def test_it_equals_its_formula_and_leaves_void_out():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (2, 5, 7)).astype("uint8")
    labels[0, 0] = 255
    logits = rng.normal(size=(2, 5, 7, 3)).astype("float32")
    expected = [
        max(0.0, 1.5 - (scores[label] - max(np.delete(scores, label))))
        for label, scores in zip(labels.ravel(), logits.reshape(-1, 3), strict=True)
        if label != 255
    ]
    loss = losses.Margin(margin=1.5)
    np.testing.assert_allclose(float(loss(labels, logits)), np.mean(expected), rtol=1e-5)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(labels, logits)) == float(loss(labels, logits))


def test_a_recipe_takes_its_word():
    recipe = Recipe(loss="margin(margin=2)")
    loss = build_loss(recipe.loss, tasks.Classes(num_classes=3), class_weights=[1.0, 2.0, 3.0])
    assert (loss.margin, loss.class_weights) == (2.0, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="margin has no option 'gamma'"):
        build_loss("margin(gamma=2)", tasks.Classes(num_classes=3))
