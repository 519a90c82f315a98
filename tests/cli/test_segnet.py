"""SegNet from the command line: trained, measured, run with samples, exported."""

import keras
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow")


@pytest.mark.training
def test_a_bayesian_segnet_from_training_to_export(command, tiny_vgg, tmp_path):
    run, photo = tmp_path / "run", tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (45, 61, 3), "uint8")).save(photo)
    words = ("--recipe", "segnet", "--classifier", tiny_vgg, "--bayesian", "--batch-size", "2")
    few = ("--data", "digits:count=4", "--steps", "2", "--refresh-batch-norm", "2")
    code, output, errors = command("train", *words, *few, "--out", run)
    assert code == 0, errors
    assert "cross_entropy, summed and divided by the number of pixels" in output
    model = keras.models.load_model(run / "best.keras")
    variance = keras.ops.convert_to_numpy(model.get_layer("conv1_1_bn").moving_variance)
    assert (np.abs(variance - 1) > 1e-3).any()  # recomputed
    code, output, errors = command("evaluate", run, "--data", "digits:count=2")
    assert code == 0 and "mean IoU" in output, errors
    for number, more in enumerate((("--samples", 3), ("--flip",), ("--tile", 32), ())):
        out = tmp_path / f"out{number}"
        code, output, errors = command("predict", run, photo, "--out", out, *more)
        assert code == 0, errors
        with Image.open(out / "photo_labels.png") as found:
            assert found.size == (61, 45)
    tiled, whole = (np.array(Image.open(tmp_path / f"out{n}" / "photo_labels.png")) for n in (2, 3))
    assert (tiled == whole).mean() > 0.999
    code, _, errors = command("export", run, "--out", tmp_path / "sm")
    assert code == 0, errors
    code, _, errors = command("predict", tmp_path / "sm", photo, "--out", tmp_path / "served")
    assert code == 0, errors
    served = np.array(Image.open(tmp_path / "served" / "photo_labels.png"))
    assert (served == whole).mean() > 0.999


def test_a_net_without_a_classifier_takes_none(command):
    code, output, _ = command("summary", "--model", "segnet_basic", "--size", "36x48")
    assert code == 0 and "9 conv layers" in output and "receptive field 106" in output
    code, _, errors = command("summary", "--model", "segnet_basic", "--classifier", "vgg16")
    assert code == 1 and "'segnet_basic' has no option 'classifier'" in errors
    code, _, errors = command("summary", "--model", "fcn8s", "--bayesian")
    assert code == 1 and "'fcn8s' has no option 'bayesian'" in errors
    code, output, _ = command("recipes", "segnet-basic")
    assert code == 0 and output.rstrip().endswith("--model segnet_basic")
