"""U-Net from the command line: described, refused, trained, run, exported."""

import keras
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow")


def test_summary_of_both_kinds_and_options_that_only_one_has(command, tiny_vgg):
    code, output, errors = command("summary", "--model", "unet", "--size", "36x48")
    assert code == 0 and "19 conv layers" in output and "receptive field 140" in output, errors
    words = ("summary", "--model", "unet", "--classifier")
    code, output, errors = command(*words, tiny_vgg, "--size", "36x48")
    assert code == 0 and "max stride 32" in output, errors
    code, _, errors = command(*words, "vgg16", "--padding", "same")
    assert code == 1 and "`padding` is for a unet without a classifier; over 'vgg16'" in errors
    code, _, errors = command("summary", "--model", "unet", "--decoder-filters", "8")
    assert code == 1 and "`decoder_filters` goes with a classifier" in errors
    code, _, errors = command("summary", "--model", "fcn8s", "--filters", "8,16")
    assert code == 1 and "'fcn8s' has no option 'filters'" in errors


def test_words_of_a_net_are_those_that_make_it():
    from fcn_keras.cli.recipe_options import net_words
    from fcn_keras.training import Net

    net = Net("unet", options={"filters": (8, 16), "padding": "same", "batch_norm": False})
    expected = ["--model", "unet", "--filters", "8,16", "--padding", "same", "--no-batch-norm"]
    assert net_words(net) == expected


@pytest.mark.training
def test_a_unet_from_training_to_export(command, tmp_path):
    run, photo = tmp_path / "run", tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (45, 61, 3), "uint8")).save(photo)
    few = ("--data", "digits:count=4", "--steps", "2", "--batch-size", "2")
    net = ("--model", "unet", "--filters", "4,6,8")
    code, output, errors = command("train", *net, *few, "--out", run)
    assert code == 0, errors
    model = keras.models.load_model(run / "best.keras")
    assert model.get_layer("mirror").margin == 20
    code, output, errors = command("evaluate", run, "--data", "digits:count=2")
    assert code == 0 and "mean IoU" in output, errors
    for number, more in enumerate((("--flip",), ("--tile", 32), ())):
        out = tmp_path / f"out{number}"
        code, output, errors = command("predict", run, photo, "--out", out, *more)
        assert code == 0, errors
        with Image.open(out / "photo_labels.png") as found:
            assert found.size == (61, 45)
    tiled, whole = (np.array(Image.open(tmp_path / f"out{n}" / "photo_labels.png")) for n in (1, 2))
    assert (tiled == whole).mean() > 0.999
    code, _, errors = command("export", run, "--out", tmp_path / "sm")
    assert code == 0, errors
    code, _, errors = command("predict", tmp_path / "sm", photo, "--out", tmp_path / "served")
    assert code == 0, errors
    served = np.array(Image.open(tmp_path / "served" / "photo_labels.png"))
    assert (served == whole).mean() > 0.999
