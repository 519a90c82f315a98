"""Decoders from the command line: described, refused, trained, run, exported."""

import keras
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow")


def test_summary_and_options_that_do_not_fit(command, tiny_vgg):
    words = ("summary", "--model", "segmenter", "--classifier", tiny_vgg, "--size", "36x48")
    code, output, errors = command(*words, "--decoder", "linknet")
    assert code == 0 and "max stride 32" in output and "receptive field" in output, errors
    words = ("summary", "--model", "segmenter", "--decoder")
    code, _, errors = command(*words, "unet+")
    assert code == 1 and "`decoder` must be one of 'unet', 'unet++'" in errors
    code, _, errors = command(*words, "fpn", "--variant", "7x7")
    assert code == 1 and "'segmenter' has no option 'variant'" in errors
    code, _, errors = command(*words, "pan", "--classifier", tiny_vgg, "--decoder-filters", "4,5")
    assert code == 1 and "of PAN must be one, got (4, 5)" in errors


def test_words_of_a_net_are_those_that_make_it():
    from fcn_keras.cli.recipe_options import net_words
    from fcn_keras.training import Net

    net = Net("segmenter", "vgg_slim", options={"decoder": "fpn", "decoder_filters": (8, 4)})
    words = ["--model", "segmenter", "--classifier", "vgg_slim", "--decoder", "fpn"]
    assert net_words(net) == [*words, "--decoder-filters", "8,4"]


@pytest.mark.training
@pytest.mark.parametrize("decoder", ["linknet", "pspnet"])
def test_a_segmenter_from_training_to_export(decoder, command, tmp_path):
    run, photo = tmp_path / "run", tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (45, 61, 3), "uint8")).save(photo)
    few = ("--data", "digits:count=4", "--steps", "2", "--batch-size", "2")
    net = ("--model", "segmenter", "--decoder", decoder, "--decoder-filters", "8")
    code, _, errors = command("train", *net, *few, "--out", run)
    assert code == 0, errors
    assert keras.models.load_model(run / "best.keras").get_layer("score_conv")
    code, output, errors = command("evaluate", run, "--data", "digits:count=2")
    assert code == 0 and "mean IoU" in output, errors
    code, _, errors = command("predict", run, photo, "--out", tmp_path / "whole")
    assert code == 0, errors
    whole = np.array(Image.open(tmp_path / "whole" / "photo_labels.png"))
    assert whole.shape == (45, 61)
    code, _, errors = command("predict", run, photo, "--out", tmp_path / "tiled", "--tile", 32)
    if decoder == "linknet":
        assert code == 0, errors
        tiled = np.array(Image.open(tmp_path / "tiled" / "photo_labels.png"))
        assert (tiled == whole).mean() > 0.999
    else:
        assert code == 1 and "depends on the whole image" in errors
    code, _, errors = command("export", run, "--out", tmp_path / "sm")
    assert code == 0, errors
    code, _, errors = command("predict", tmp_path / "sm", photo, "--out", tmp_path / "served")
    assert code == 0, errors
    served = np.array(Image.open(tmp_path / "served" / "photo_labels.png"))
    assert (served == whole).mean() > 0.999
