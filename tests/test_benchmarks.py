"""benchmarks/transfer.py: which trainings its rows mean, what is done before, and its table."""

import importlib
import inspect
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fcn_keras

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
WEIGHTS = "weights/mobilenet_v2_imagenet_notop.weights.h5"


@pytest.fixture
def transfer(monkeypatch):
    """The script as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("transfer")
    for name in ("transfer", "transfer_rows", "transfer_table"):
        sys.modules.pop(name, None)


@pytest.fixture
def trained(transfer, tmp_path, monkeypatch):
    """The trainings that the script asks for, none of which is trained: each scores 0.5."""
    asked = []
    for draw in ("draw_comparisons", "draw_fewer_labels"):  # which take longer than all else
        monkeypatch.setattr(transfer.transfer_table, draw, lambda found: None)
    (tmp_path / "data" / "horses").mkdir(parents=True)
    monkeypatch.setattr(transfer, "load", lambda name, root: (None, None))

    def measured(training, name, *others):
        asked.append((name, training.title))
        figures = {"mean_iou": 0.5, "epochs": 3, "batch_size": 8, "seed": 0, "precision": "float32"}
        return {**figures, "seconds": 1.0, "cpu_seconds": 1.0}

    monkeypatch.setattr(transfer, "measured", measured)
    return asked


@pytest.fixture
def arguments(tmp_path):
    """Where the script reads and writes."""
    return ["--root", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--minutes", "1"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["horses:0,3"], ["horses start", "horses scores"]),
        (["camvid:stages", "horses:1"], ["camvid stages", "horses layers"]),
        (["*:start"], ["horses start", "camvid start"]),
        (["horses:labels-*0"], [f"horses labels-{count}" for count in (10, 20, 90, 180)]),
        (["horses:0", "horses:start,1"], ["horses start", "horses layers"]),
    ],
)
def test_rows_are_chosen_by_number_key_and_glob(transfer, words, expected):
    assert [f"{data} {row.key}" for data, row in transfer.chosen_rows(words)] == expected


def test_without_words_every_row_is_chosen_fewer_labels_on_the_horses_only(transfer):
    counted = Counter(data for data, _ in transfer.chosen_rows(None))
    assert counted == {"horses": 13, "camvid": 8}


@pytest.mark.parametrize("word", ["horses:99", "zebras", "camvid:labels-10", "horses:0,x"])
def test_a_word_that_names_no_row_is_refused_with_those_there_are(transfer, word, capsys):
    with pytest.raises(SystemExit) as left:
        transfer.main(["--list", "--rows", word])
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert word in told and "0 start" in told and "horses, camvid" in told


def test_rows_and_trainings_fit_together(transfer):
    """Every training that a row names is declared, every one declared is in a row."""
    named = {key for row in transfer.ROWS for key in row.trainings}
    assert named == set(transfer.TRAININGS)


def test_rows_share_trainings(transfer):
    plan = transfer.planned(transfer.chosen_rows(["horses:start,layers,labels-180"]))
    assert plan == [("horses", key) for key in ("nothing", "imagenet", "scores-only")]


def test_all_trainings_are_possible(transfer):
    options = inspect.signature(fcn_keras.models.fcn).parameters
    for key, training in transfer.TRAININGS.items():
        recipe = transfer.recipe_of(training, "camvid", transfer.Budget(12, seed=4))
        assert recipe.seed == 4 and recipe.epochs >= 1, key
        assert training.net.keys() <= options.keys(), key
        assert all(stage in fcn_keras.models.NETS for stage in training.stages), key


def test_the_epochs_follow_from_the_minutes_alone(transfer):
    budget = transfer.Budget(12, seed=0)
    assert budget.epochs("horses") == 12 * transfer.DATA["horses"].epochs_a_minute
    assert transfer.Budget(0.001, seed=0).epochs("camvid") == 1
    stages = transfer.recipe_of(transfer.TRAININGS["staged"], "horses", budget)
    assert stages.epochs == budget.epochs("horses") / 3


@pytest.mark.parametrize("data", ["horses", "camvid"])
def test_crops_and_whole_images_have_the_same_pixels_and_steps(transfer, data):
    budget = transfer.Budget(12, seed=0)
    whole, crops = (
        transfer.recipe_of(transfer.TRAININGS[key], data, budget) for key in ("imagenet", "crops")
    )
    pixels = [recipe.batch_size * np.prod(recipe.crop) for recipe in (whole, crops)]
    assert pixels[0] == pixels[1]
    assert whole.epochs / whole.batch_size == crops.epochs / crops.batch_size


@pytest.mark.parametrize("count", [10, 20, 45, 90])
def test_fewer_images_are_spread_over_the_data_and_all_shown_equally_often(transfer, count):
    pixels = np.zeros((180, 1, 1, 3), "uint8")
    names = tuple(map(str, range(180)))
    data = fcn_keras.data.Dataset(
        "made", "train", fcn_keras.LabelSet(("a", "b")), names, pixels, pixels[..., 0]
    )
    few = transfer.spread_evenly(data, count)
    shown = Counter(map(int, few.names))
    assert len(few) == 180 and set(shown.values()) == {180 // count}
    assert sorted(shown) == list(range(0, 180, 180 // count))


def test_what_is_done_is_not_trained_again(transfer, trained, arguments, capsys):
    words = [*arguments, "--rows", "horses:start"]
    transfer.main(words)
    assert trained == [("horses", "random weights"), ("horses", "ImageNet, all layers")]
    transfer.main([*arguments, "--rows", "horses:start,layers"])
    assert trained[2:] == [("horses", "score layers only")]
    assert "horses nothing: done before" in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["", '{"mean_iou": 0.', "[1]", '{"loss": 1}'])
def test_a_file_that_a_killed_run_left_broken_is_trained_again(
    transfer, trained, arguments, broken
):
    words = [*arguments, "--rows", "horses:start"]
    transfer.main(words)
    out = Path(arguments[3])
    file = transfer.Budget(1, seed=0).file(out, "horses", "nothing")
    assert json.loads(file.read_text())["mean_iou"] == 0.5
    file.write_text(broken)
    transfer.main(words)
    assert len(trained) == 3 and trained[2] == ("horses", "random weights")
    assert not list(out.glob("*.unfinished"))


def test_another_budget_or_seed_is_another_training(transfer, trained, arguments):
    transfer.main([*arguments, "--rows", "horses:layers"])
    transfer.main([*arguments[:-1], "2", "--rows", "horses:layers"])
    transfer.main([*arguments, "--seed", "1", "--rows", "horses:layers"])
    assert len(trained) == 6


def test_a_data_set_that_is_not_there_is_left_out(transfer, trained, arguments, capsys):
    transfer.main([*arguments, "--rows", "camvid:start"])
    assert trained == []
    assert "camvid nothing: left out, because" in capsys.readouterr().out


def test_the_list_says_what_is_done(transfer, trained, arguments, capsys):
    transfer.main([*arguments, "--rows", "horses:start"])
    capsys.readouterr()
    transfer.main([*arguments, "--list"])
    told = capsys.readouterr().out
    assert " 0 start" in told and "horses 2 of 2 done; camvid 0 of 2 done" in told
    assert "horses 1 of 2 done; camvid 0 of 2 done" in told  # score layers only or all layers
    transfer.main([*arguments, "--list", "--rows", "camvid:start", "horses:labels-180"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines[1::2]] == ["camvid 0 of 2 done", "horses 2 of 2 done"]


def test_the_table_is_made_from_the_files_alone(transfer, arguments, capsys):
    out = Path(arguments[3])
    out.mkdir()
    scores = {"nothing": 0.25, "imagenet": 0.75, "staged": 0.7, "nothing-10": 0.2}
    for key, score in scores.items():
        figures = {"epochs": 16, "batch_size": 8, "seed": 0, "precision": "float32"}
        file = transfer.Budget(1, seed=0).file(out, "horses", key)
        file.write_text(json.dumps({**figures, "mean_iou": score}))
    transfer.main([*arguments, "--table"])
    table = (out / "table.md").read_text()
    assert table in capsys.readouterr().out
    rows = {line.split(" | ")[0].strip("| "): line for line in table.splitlines()}
    start = rows["From nothing or from ImageNet"]
    assert "random weights: 0.250; ImageNet, all layers: **0.750** | not measured |" in start
    assert rows["Score layers only or all layers"].endswith("| not measured | not measured |")
    stages = rows["32s, 16s, 8s in stages or at once"]
    assert "staged: 0.700; at once, skips scaled: not measured; at once" in stages
    assert rows["10"] == "| 10 | 0.200 | not measured |"
    assert rows["20"] == "| 20 | not measured | not measured |"
    assert rows["180"] == "| 180 | 0.250 | 0.750 |"
    assert "horses: 16 epochs" in table
    assert all(Image.open(out / name).width > 500 for name in ("transfer.png", "labels.png"))


def test_without_a_training_there_is_a_table_and_no_picture(transfer, arguments):
    transfer.main([*arguments, "--table"])
    assert [path.name for path in Path(arguments[3]).iterdir()] == ["table.md"]


@pytest.mark.training
@pytest.mark.data
def test_a_row_is_trained(transfer, data_root, tmp_path):
    for needed in ("horses", WEIGHTS):
        if not (data_root / needed).exists():
            pytest.skip(f"{data_root / needed} is not there")
    out = tmp_path / "out"
    words = ["--quick", "--root", str(data_root), "--out", str(out), "--rows", "horses:stages"]
    transfer.main(words)
    found = {path.name: json.loads(path.read_text()) for path in out.glob("*.json")}
    assert len(found) == 3
    staged = found["horses staged quick seed0.json"]
    assert len(staged["loss"]) == 3 and staged["images"] == 16
    assert 0 < staged["mean_iou"] < staged["pixel_accuracy"] <= 1
    assert "at once, skips scaled: " in (out / "table.md").read_text()
