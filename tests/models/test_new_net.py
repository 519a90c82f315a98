"""The net that CONTRIBUTING.md adds works as the page has it."""

import re
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import models
from fcn_keras.models import options

PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()


@pytest.fixture(autouse=True)
def added(monkeypatch):
    """The file, the options and the line in NETS of the page."""
    (builder,) = re.findall(r"```python\n(\"{3}Coarse.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("fcn_keras.models.coarse")
    exec(compile(builder, "CONTRIBUTING.md", "exec"), vars(module))
    (declaration,) = re.findall(r"```python\n(\"{3}The options.*?)```", PAGE, re.DOTALL)
    (line,) = re.findall(r"`(OPTIONS\[\"coarse\"\] = .*?)`", PAGE)
    monkeypatch.setitem(options.OPTIONS, "coarse", {})
    names = dict(vars(options))
    exec(compile(declaration + line, "CONTRIBUTING.md", "exec"), names)
    (home,) = re.findall(r"`_FILES = \{\.\.\., (\"coarse\": \"coarse\")\}`", PAGE)
    monkeypatch.setitem(models._FILES, *eval(f"{{{home}}}").popitem())
    monkeypatch.setitem(sys.modules, "fcn_keras.models.coarse", module)
    monkeypatch.delitem(vars(models), "NETS", raising=False)
    yield
    for name in ("NETS", "coarse"):
        vars(models).pop(name, None)


@pytest.mark.backend("sweep")
def test_it_is_a_net_like_the_others(tmp_path):
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    net = models.NETS["coarse"](3, "vgg_slim", weights=None, labels=labels)
    image = np.random.default_rng(0).uniform(0, 255, (1, 33, 41, 3)).astype("float32")
    assert net(image).shape == (1, 33, 41, 3) and np.ptp(net(image)) > 0
    assert fcn_keras.task_of(net) == fcn_keras.tasks.Classes(labels)
    assert fcn_keras.geometry.halo(net).stride == (32, 32)
    net.save(tmp_path / "coarse.keras")
    again = keras.models.load_model(tmp_path / "coarse.keras")
    np.testing.assert_allclose(again(image), net(image), atol=1e-5)
    two = models.coarse({"a": 2, "b": fcn_keras.tasks.Regression()}, "vgg_slim", weights=None)
    assert {name: output.shape[-1] for name, output in two.output.items()} == {"a": 2, "b": 1}


def test_its_options_are_checked():
    assert options.check_options("coarse", {"width": 4}) == {"width": 4}
    with pytest.raises(ValueError, match="`width` must be .*got 0"):
        options.check_options("coarse", {"width": 0})
    with pytest.raises(
        ValueError, match="'coarse' has no option 'alignment'. It has classifier, we"
    ):
        options.check_options("coarse", {"alignment": "caffe"})
    with pytest.raises(ValueError, match="'fcn8s' has no option 'width'"):
        options.check_options("fcn8s", {"width": 4})


def test_the_commands_take_its_options():
    from fcn_keras.cli.recipe_options import make_net, net_options

    assert net_options()["width"].help == "Filters of the hidden layer."
    given = {"model": "coarse", "classifier": "vgg_slim", "width": 4}
    net = make_net({**given, "weights": "none"}, {*given, "weights"})
    assert net.options == {"width": 4} and net(3).get_layer("hidden").filters == 4
    with pytest.raises(ValueError, match="'fcn8s' has no option 'width'"):
        make_net({**given, "model": "fcn8s"}, {*given})
