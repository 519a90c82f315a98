"""Every public name has an example in its docstring, and the example runs."""

import doctest
import importlib
import inspect
import re
import textwrap

import numpy as np
import pytest
from PIL import Image

ROOMS = (
    "", "classifiers", "crf", "data", "export", "export.serving", "export.tflite", "export.web",
    "geometry", "inference", "labels", "layers", "losses", "metrics", "models", "published",
    "surgery", "training", "visualize",
)  # fmt: skip
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def public():
    """{qualified name: object} of what the rooms offer, each object once."""
    found, seen = {}, set()
    for room in ROOMS:
        module = importlib.import_module(".".join(filter(None, ("fcn_keras", room))))
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if callable(value) and id(value) not in seen:
                seen.add(id(value))
                found[f"{module.__name__}.{name}"] = value
    return found


PUBLIC = public()


@pytest.fixture(scope="module")
def model():
    import fcn_keras

    labels = fcn_keras.data.load("digits", split="val", count=1).labels
    net = fcn_keras.fcn8s(11, "vgg_slim", weights=None, labels=labels)
    net.compile("adamw", fcn_keras.losses.CrossEntropy())
    return net


@pytest.fixture
def namespace(parts, tmp_path, monkeypatch, model, in_a_hurry):
    """What an example takes for granted: a model, a data set, an image, a run, some files."""
    import keras
    import PIL.Image

    import fcn_keras

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    image = rng.integers(0, 256, (70, 90, 3), "uint8")
    for name in ("street.jpg", "photo.jpg", "photos/a.jpg", "mask.png"):
        Image.fromarray(image if name != "mask.png" else image[..., 0] % 2).save(tmp_path / name)
    for run in ("street", "x"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        model.save(tmp_path / "runs" / run / "best.keras")
        history = "epoch,loss,mean_iou\n1,2.0,0.1\n2,1.0,0.2\n"
        (tmp_path / "runs" / run / "history.csv").write_text(history)
    dataset = fcn_keras.data.load("digits", split="val", count=3)

    class MyLayerScale(keras.layers.Layer):
        pass

    class MyConv(keras.layers.Layer):
        pass

    return {
        "np": np, "PIL": PIL, "keras": keras, "fcn_keras": fcn_keras, "model": model,
        "dataset": dataset, "labels": dataset.labels, "image": dataset[0][0],
        "batches": dataset.batches(2), "MyLayerScale": MyLayerScale, "MyConv": MyConv,
    }  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_the_example_runs(name, namespace):
    text = inspect.getdoc(PUBLIC[name]) or ""
    blocks = BLOCK.findall(text)
    tests = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert blocks or tests.examples, f"{name} has no example"
    for block in blocks:
        exec(compile(textwrap.dedent(block), name, "exec"), namespace)
    module = importlib.import_module(PUBLIC[name].__module__)
    tests.globs = {**namespace, **vars(module)}
    told = []
    doctest.DocTestRunner(verbose=False).run(tests, out=told.append)
    assert not told, "".join(told)
