"""`recipes`, `find-lr` and `train --recipe` on the command line."""

import json
import re

import pytest
from PIL import Image

from fcn_keras.cli.recipe_options import make_recipe
from fcn_keras.training import recipes

pytest.importorskip("tensorflow")
DIGITS = ["--data", "digits:count=8", "--batch-size", "4", "--crop", "32x48"]


def test_the_table_and_one_in_full(command):
    code, output, _ = command("recipes")
    assert code == 0
    lines = output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == recipes.names()
    code, output, _ = command("recipes", "heavy-16s")
    assert code == 0
    fields = dict(line.split(None, 1) for line in output.splitlines() if "  " in line)
    assert fields["learning_rate"] == "1e-12" and fields["normalization"] == "sum"
    assert "solver.prototxt" in output
    assert "--model fcn16s --classifier vgg16 --alignment caffe" in output
    _, output, _ = command("recipes", "camvid")
    assert re.search(r"^crop +256x320$", output, re.MULTILINE)
    _, output, _ = command("recipes", "membranes")
    assert re.search(r"^weight_maps +10:5$", output, re.MULTILINE)
    code, _, errors = command("recipes", "heavy-4s")
    assert code == 1 and "no recipe 'heavy-4s'" in errors


def test_options_override_the_recipe(command, tmp_path, tiny_vgg):
    out = tmp_path / "run"
    words = ["--recipe", "paper-vgg16", *DIGITS, "--val-data", "none", "--epochs", "1"]
    net = ["--classifier", "tiny_vgg", "--alignment", "same", "--rate", "score*=3"]
    code, output, errors = command("train", *words, *net, "--ema", "0.5", "--out", out)
    assert code == 0, errors
    assert "recipe paper-vgg16" in output and "fcn32s" in output
    recipe = json.loads((out / "config.json").read_text())["recipe"]
    assert (recipe["epochs"], recipe["crop"], recipe["batch_size"]) == (1, [32, 48], 4)
    assert (recipe["rates"], recipe["ema"]) == ({"score*": 3.0}, 0.5)
    assert (recipe["optimizer"], recipe["learning_rate"]) == ("caffe_sgd", 1e-4)
    assert recipe["augment"] is False
    code, _, errors = command("train", "--resume", "--recipe", "heavy-8s", "--out", out)
    assert code == 1 and "--recipe paper-vgg16; it cannot become heavy-8s" in errors


@pytest.mark.training
def test_a_run_of_a_recipe_is_resumed(command, tmp_path, tiny_vgg):
    out = tmp_path / "run"
    net = ["--classifier", "tiny_vgg", "--alignment", "same", "--val-data", "none"]
    words = ["--recipe", "paper-vgg16", *DIGITS, *net, "--epochs", "1", "--out", out]
    assert command("train", *words)[0] == 0
    code, output, errors = command("train", "--resume", "--epochs", "2", "--out", out)
    assert code == 0 and "after epoch 1" in output, errors


def test_only_what_is_named_counts_beside_a_recipe():
    given = {"recipe": "small-data", "augment": True, "scale": "0.9:1.1", "epochs": 60}
    given |= {"batch_size": 3, "loss": "dice"}
    recipe = make_recipe(given, {"scale", "batch_size"})
    assert recipe.augment == {"scale": (0.9, 1.1), "color": 0.2}
    assert (recipe.epochs, recipe.batch_size, recipe.loss) == (200, 3, None)
    assert make_recipe({**given, "augment": False}, {"augment"}).augment is False
    turned = make_recipe({**given, "rotate": "quarters", "elastic": 8.0}, {"rotate", "elastic"})
    assert (turned.augment["rotate"], turned.augment["elastic"]) == ("quarters", 8.0)
    assert make_recipe({**given, "rotate": "15"}, {"rotate"}).augment["rotate"] == 15.0


def test_the_net_of_a_recipe_gives_way_to_options():
    given = {"recipe": "heavy-16s", "augment": True, "classifier": "alexnet"}
    given |= {"alignment": "same", "decoder_filters": "96,64"}
    net = make_recipe(given, {"classifier", "decoder_filters"}).net
    assert (net.model, net.classifier) == ("fcn16s", "alexnet")
    assert net.options == {"alignment": "caffe", "decoder_filters": (96, 64)}


def test_find_lr_draws_and_suggests(command, tmp_path, tiny_vgg):
    net = ["--model", "fcn32s", "--classifier", tiny_vgg]
    picture = tmp_path / "lr.png"
    code, output, errors = command("find-lr", *DIGITS, *net, "--steps", "6", "--out", picture)
    assert code == 0, errors
    suggested = float(output.partition("suggested learning rate: ")[2].split()[0])
    assert 1e-7 <= suggested <= 0.1
    assert min(Image.open(picture).size) > 100
    assert sorted(tmp_path.iterdir()) == [picture]


@pytest.mark.parametrize(
    "words, message",
    [
        (["train", "--recipe", "best", "--out", "x"], "no recipe 'best'"),
        (["train", *DIGITS, "--rate", "score", "--out", "x"], "--rate takes GLOB=FACTOR"),
        (["train", *DIGITS, "--loss", "hinge", "--out", "x"], "got 'hinge'"),
        (["train", *DIGITS, "--rotate", "eighths", "--out", "x"], "--rotate takes an angle"),
        (["train", *DIGITS, "--elastic", "-1", "--out", "x"], "`elastic` must be a number"),
        (["train", "--decoder-filters", "many", "--out", "x"], "whole numbers with commas between"),
        (["train", "--resume", "--loss", "dice", "--out", "gone"], "no run in gone"),
        (["train", *DIGITS, "--freeze", "fc9", "--out", "x"], "no layer's name matches 'fc9'"),
        (["find-lr", "--out", "gone/lr.png"], "There is no folder gone"),
        (["find-lr", *DIGITS, "--lowest", "2"], "lowest=2.0"),
    ],
)
def test_wrong_words_are_quoted(command, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, errors = command(*words)
    assert code == 1
    assert message in errors and len(errors.strip().splitlines()) == 1
