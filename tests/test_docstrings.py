"""Every public name has an example in its docstring, and the example runs."""

import doctest
import importlib
import inspect
import re
import shutil
import textwrap

import numpy as np
import pytest
from PIL import Image
from public_names import public

BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


PUBLIC = public()
# What builds, trains, exports or loads a whole net takes seconds.
SLOW = re.compile(
    r"\b(fcn(\d+s)?|depth|eigen_fergus)\(|applications|efficientnet|googlenet|resnet|load_model|\.fit\(|train\(|find_lr\(|export_|Server\("
)


def cases():
    """The public names, those with a slow example in the group `docs`."""
    for name, value in PUBLIC.items():
        slow = any(SLOW.search(block) for block in BLOCK.findall(inspect.getdoc(value) or ""))
        yield pytest.param(name, marks=[pytest.mark.docs] if slow else [])


@pytest.fixture(scope="module")
def model():
    import fcn_keras

    labels = fcn_keras.data.load("digits", split="val", count=1).labels
    net = fcn_keras.fcn8s(11, "vgg_slim", weights=None, labels=labels)
    net.compile("adamw", fcn_keras.losses.CrossEntropy())
    return net


@pytest.fixture(scope="module")
def files(tmp_path_factory, model):
    """A folder of images, and of two runs of the model."""
    import fcn_keras

    folder = tmp_path_factory.mktemp("files")
    (folder / "photos").mkdir()
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), "uint8")
    for name in ("street.jpg", "photo.jpg", "photos/a.jpg", "mask.png"):
        Image.fromarray(image if name != "mask.png" else image[..., 0] % 2).save(folder / name)
    (folder / "runs" / "street").mkdir(parents=True)
    model.save(folder / "runs" / "street" / "best.keras")
    run = fcn_keras.training.RunFolder(folder / "runs" / "street")
    run.write_config(
        {
            "recipe": fcn_keras.training.Recipe(crop=(24, 32)).filled().to_config(),
            "data": {"train": {"name": "digits", "split": "train", "images": 3}, "val": None},
            "model": {"name": model.name, "parameters": 1, "precision": "float32", "devices": 1},
        }
    )
    history = "epoch,loss,mean_iou\n1,2.0,0.1\n2,1.0,0.2\n"
    (folder / "runs" / "street" / "history.csv").write_text(history)
    shutil.copytree(folder / "runs" / "street", folder / "runs" / "x")
    return folder


@pytest.fixture(scope="module")
def dataset():
    import fcn_keras

    return fcn_keras.data.load("digits", split="val", count=3)


@pytest.fixture(scope="module")
def batches(dataset):
    return dataset.batches(2)


@pytest.fixture
def namespace(parts, tmp_path, monkeypatch, model, dataset, batches, files, in_a_hurry):
    """What an example takes for granted: a model, a data set, an image, a run, some files."""
    import keras
    import PIL.Image

    import fcn_keras

    monkeypatch.chdir(tmp_path)
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)

    class MyLayerScale(keras.layers.Layer):
        pass

    class MyConv(keras.layers.Layer):
        pass

    return {
        "np": np, "PIL": PIL, "keras": keras, "fcn_keras": fcn_keras, "model": model,
        "dataset": dataset, "labels": dataset.labels, "image": dataset[0][0],
        "batches": batches, "MyLayerScale": MyLayerScale, "MyConv": MyConv,
    }  # fmt: skip


@pytest.mark.parametrize("name", cases())
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
