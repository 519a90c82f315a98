"""DeconvNet from the command line: its two stages, measured beside another net, exported."""

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras

pytest.importorskip("tensorflow")


@pytest.mark.training
def test_both_stages_an_ensemble_and_an_export(command, tiny_vgg, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (45, 61, 3), "uint8")).save(photo)
    few = ("--classifier", tiny_vgg, "--data", "digits:count=4", "--batch-size", "2")
    few += ("--steps", "2", "--accumulate", "1", "--crop", "64x64", "--refresh-batch-norm", "2")
    first, second = tmp_path / "first", tmp_path / "second"
    code, output, errors = command("train", "--recipe", "deconvnet-objects", *few, "--out", first)
    assert code == 0, errors
    assert "crops around objects, 1.2 times their boxes; other objects in them are" in output
    words = ("--recipe", "deconvnet", *few, "--init-from", first, "--out", second)
    code, output, errors = command("train", *words)
    assert code == 0 and "deconvnet from deconvnet: " in output and "new: none" in output, errors
    code, output, errors = command("evaluate", second, "--with", first, "--data", "digits:count=2")
    assert code == 0 and "mean IoU" in output, errors
    found = {}
    for more in ((), ("--flip",), ("--tile", "64")):
        out = tmp_path / f"out{len(found)}"
        code, output, errors = command("predict", second, photo, "--out", out, *more)
        assert code == 0, errors
        found[more] = np.array(Image.open(out / "photo_labels.png"))
        assert found[more].shape == (45, 61)
    assert (found[("--tile", "64")] == found[()]).mean() > 0.999
    code, _, errors = command("export", second, "--out", tmp_path / "sm")
    assert code == 0, errors
    code, _, errors = command("predict", tmp_path / "sm", photo, "--out", tmp_path / "served")
    assert code == 0, errors
    served = np.array(Image.open(tmp_path / "served" / "photo_labels.png"))
    assert (served == found[()]).mean() > 0.999


@pytest.mark.training
def test_a_narrow_deconvnet_learns_digits():
    """Eight scenes in eighty steps, from random weights; a constant answer has 0.08."""
    scenes = list(fcn_keras.data.load("digits", split="train", count=8))
    images = np.stack([image[:64, :96] for image, _ in scenes])
    labels = np.stack([label[:64, :96] for _, label in scenes])
    model = fcn_keras.deconvnet(11, "vgg_slim", weights=None)
    model.compile(keras.optimizers.Adam(3e-3), fcn_keras.losses.CrossEntropy())
    model.fit(images, labels, batch_size=8, epochs=80, verbose=0)
    pairs = list(zip(images, labels, strict=True))
    report = fcn_keras.evaluate(model, pairs, progress=False)
    assert report.scores.mean_iou > 0.5  # 0.70


def test_the_recipes_and_options_are_listed(command):
    code, output, _ = command("recipes", "deconvnet-objects")
    assert code == 0 and "objects" in output and output.rstrip().endswith("--classifier vgg16")
    code, _, errors = command("train", "--objects", "one", "--out", "runs/x")
    assert code == 1 and "--objects takes all, background, void or none; got 'one'" in errors
    code, _, errors = command("summary", "--model", "segnet", "--head-filters", "8")
    assert code == 1 and "'segnet' has no option 'head_filters'" in errors
