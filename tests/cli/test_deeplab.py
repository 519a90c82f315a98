"""DeepLabs from the command line: described, trained, run with a published CRF, exported."""

import keras
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow")
FEW = ("--data", "digits:count=4", "--steps", "2", "--batch-size", "2", "--crop", "41x41")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (45, 61, 3), "uint8")).save(path)
    return path


def labels_in(folder):
    with Image.open(folder / "photo_labels.png") as found:
        assert found.size == (61, 45)
        return np.array(found)


def test_summary_and_options_that_a_deeplab_does_not_have(command, tiny_vgg):
    words = ("summary", "--classifier", tiny_vgg, "--size", "33x41", "--model")
    code, output, errors = command(*words, "deeplab_v2", "--head-filters", "8")
    assert code == 0 and "fc6_4" in output, errors
    code, output, errors = command(*words, "deeplab_v3_plus", "--aspp-filters", "8")
    assert code == 0 and "aspp_project" in output, errors
    code, _, errors = command(*words, "deeplab_v1", "--aspp-rates", "6,12")
    assert code == 1 and "'deeplab_v1' has no option 'aspp_rates'" in errors
    code, _, errors = command(*words, "deeplab_v3", "--aspp-rates", "0,12")
    assert code == 1 and "`aspp_rates` must be a whole number of at least 1, got 0" in errors


@pytest.mark.training
def test_v1_by_its_recipe_and_then_its_scales(command, tiny_vgg, photo, tmp_path):
    run, more = tmp_path / "run", tmp_path / "msc"
    words = ("train", "--recipe", "deeplab-v1", "--classifier", tiny_vgg, "--head-filters", "8")
    code, output, errors = command(*words, *FEW, "--out", run)
    assert code == 0, errors
    assert "score*" in output and "step" in output
    frozen = ("--freeze", "conv*", "--freeze", "fc?", "--freeze", "score_fc8")
    start = ("--multi-scale", "--init-from", run, *frozen)
    code, _, errors = command(*words, *FEW, *start, "--out", more)
    assert code == 0, errors
    before, after = (keras.models.load_model(folder / "best.keras") for folder in (run, more))
    for name in ("fc6", "score_fc8"):
        kernels = (net.get_layer(name).kernel for net in (before, after))
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, kernels))
    out = tmp_path / "out"
    words = ("predict", more, photo, "--out", out, "--tile", "32")
    code, _, errors = command(*words, "--crf", "deeplab-msc-largefov")
    assert code == 0, errors
    labels_in(out)


@pytest.mark.training
@pytest.mark.parametrize("net", ["deeplab_v2", "deeplab_v3", "deeplab_v3_plus"])
def test_later_nets_from_training_to_export(net, command, photo, tmp_path):
    run = tmp_path / "run"
    own = () if net == "deeplab_v2" else ("--aspp-filters", "8")
    words = ("train", "--model", net, "--classifier", "resnet_slim", *own)
    code, _, errors = command(*words, *FEW, "--out", run)
    assert code == 0, errors
    code, output, errors = command("evaluate", run, "--data", "digits:count=2")
    assert code == 0 and "mean IoU" in output, errors
    for number, more in enumerate(((), ("--flip",))):
        code, _, errors = command("predict", run, photo, "--out", tmp_path / f"{number}", *more)
        assert code == 0, errors
    whole = labels_in(tmp_path / "0")
    tiled = tmp_path / "tiled"
    code, _, errors = command("predict", run, photo, "--out", tiled, "--tile", "32")
    if net == "deeplab_v2":
        assert code == 0 and (labels_in(tiled) == whole).mean() > 0.999, errors
    else:
        assert code == 1 and "'aspp_mean'" in errors and "depends on the whole image" in errors
    code, _, errors = command("export", run, "--out", tmp_path / "sm")
    assert code == 0, errors
    code, _, errors = command("predict", tmp_path / "sm", photo, "--out", tmp_path / "served")
    assert code == 0, errors
    assert (labels_in(tmp_path / "served") == whole).mean() > 0.999
