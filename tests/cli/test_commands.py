"""The command line: what it writes, what it says, and how it refuses."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from fcn_keras import cli, precision
from fcn_keras.cli import demonstration

pytest.importorskip("tensorflow")
DIGITS = ["--data", "digits:count=10"]
FEW = [*DIGITS, "--only", "train_*", "--val-only", "val_000[0-2]", "--epochs", "2"]


NET = ["--model", "fcn16s", "--classifier", "tiny_vgg"]


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory, register_tiny_vgg):
    """The run folder of a short training on a few digits."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    words = [*FEW, *NET, "--batch-size", "4", "--crop", "48x64", "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as left:
        register_tiny_vgg(patch)
        cli.main(["train", *words])
    assert left.value.code == 0
    return out


def test_train_writes_a_run_folder(digits_run):
    names = {path.name for path in digits_run.iterdir()}
    assert {"best.keras", "model.keras", "history.csv", "curves.png", "predictions.png"} <= names
    config = json.loads((digits_run / "config.json").read_text())
    assert config["recipe"]["crop"] == [48, 64]
    assert config["recipe"]["epochs"] == 2
    assert config["options"]["only"] == ["train_*"]
    assert config["data"] == {
        "train": {"name": "digits", "split": "train", "images": 10},
        "val": {"name": "digits", "split": "val", "images": 3},
    }


@pytest.mark.training
def test_resume_needs_nothing_but_the_folder(command, digits_run):
    code, output, _ = command("train", "--resume", "--epochs", "3", "--out", digits_run)
    assert code == 0
    assert "after epoch 2" in output
    assert len((digits_run / "history.csv").read_text().splitlines()) == 4
    assert json.loads((digits_run / "config.json").read_text())["options"]["epochs"] == 3
    code, output, _ = command("train", "--resume", "--out", digits_run)
    assert (code, "Epoch" in output) == (0, False)


def test_resume_keeps_the_options(command, digits_run):
    code, _, errors = command("train", "--resume", "--seed", "5", "--out", digits_run)
    assert code == 1
    assert "with --seed 0; it cannot become 5" in errors


def test_a_run_is_not_replaced_unasked(command, digits_run):
    code, _, errors = command("train", *FEW, "--out", digits_run)
    assert code == 1
    assert "already holds a run" in errors and "--resume" in errors


def test_evaluate_prints_and_writes(command, digits_run, tmp_path):
    figures, picture = tmp_path / "figures.json", tmp_path / "confusion.png"
    words = [*DIGITS, "--only", "val_000[0-2]"]
    code, output, _ = command(
        "evaluate", digits_run, *words, "--json", figures, "--confusion", picture
    )
    assert code == 0
    for text in ("mean IoU", "pixel accuracy", "frequency weighted IoU", "background", "absent"):
        assert text in output
    found = json.loads(figures.read_text())
    rows = (digits_run / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("val_mean_iou")
    best = max(float(row.split(",")[column]) for row in rows[1:])
    assert found["mean_iou"] == pytest.approx(best, abs=1e-5)
    assert Image.open(picture).size[0] > 100


def test_the_precision_of_predictions(command, digits_run, tmp_path, monkeypatch):
    code, _, errors = command("evaluate", digits_run, *DIGITS, "--precision", "half")
    assert code == 1 and "--precision must be one of mixed, float32, got 'half'" in errors
    monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda: False)
    image = tmp_path / "grey.png"
    Image.fromarray(np.full((32, 32, 3), 99, "uint8")).save(image)
    words = ["predict", digits_run, image, "--out", tmp_path, "--tile", "auto"]
    code, output, errors = command(*words, "--precision", "mixed")
    assert code == 0 and "1 of 1 images" in output
    assert "precision='mixed' predicts in float32 here" in errors


def test_predict_does_what_it_can(command, digits_run, tmp_path):
    folder, out = tmp_path / "images", tmp_path / "out"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (33, 45, 3)).astype("uint8")
    Image.fromarray(noise).save(folder / "noise.png")
    (folder / "broken.jpg").write_bytes(b"no image")
    code, output, errors = command("predict", digits_run, folder, "--out", out)
    assert code == 1
    assert "broken.jpg" in errors
    assert "1 of 2 images" in output
    labels = Image.open(out / "noise_labels.png")
    assert labels.mode == "P" and labels.size == (45, 33)
    assert (out / "noise_overlay.png").exists()
    code, _, _ = command("predict", digits_run / "best.keras", folder / "noise.png", "--out", out)
    assert code == 0


def test_export_and_use_the_saved_model(command, digits_run, tmp_path):
    out = tmp_path / "saved"
    assert command("export", digits_run, "--out", out, "--signatures", "serving_default")[0] == 0
    words = [*DIGITS, "--only", "val_0000"]
    tables = [command("evaluate", model, *words)[1] for model in (digits_run, out)]
    same = [[line for line in t.splitlines() if "IoU" in line or "%" in line] for t in tables]
    assert same[0] == same[1]
    code, _, errors = command("export", digits_run, "--out", out, "--version", 1)
    assert code == 1 and "--overwrite" in errors


def test_export_and_use_the_tflite_file(command, digits_run, tmp_path):
    pytest.importorskip("ai_edge_litert")
    out = tmp_path / "digits.tflite"
    code, output, _ = command("export", digits_run, "--out", out, "--size", "128x160")
    assert code == 0 and f"TFLite: {out} (" in output
    words = [*DIGITS, "--only", "val_0000"]
    tables = [command("evaluate", model, *words)[1] for model in (digits_run, out)]
    same = [[line for line in t.splitlines() if "IoU" in line or "%" in line] for t in tables]
    assert same[0] == same[1]


def test_export_refuses_options_of_the_other_format(command, digits_run, tmp_path):
    code, _, errors = command("export", digits_run, "--out", tmp_path / "a", "--quantize", "int8")
    assert code == 1 and "--quantize is an option of --format tflite, not of saved-model" in errors
    code, _, errors = command("export", digits_run, "--out", tmp_path / "a.tflite", "--flip")
    assert code == 1 and "--flip is an option of --format saved-model, not of tflite" in errors


def test_export_says_what_sixteen_bits_cost(command, tmp_path):
    inputs = keras.Input((None, None, 3))
    logits = keras.layers.Conv2D(3, 1, dtype="mixed_bfloat16")(inputs)
    file = tmp_path / "net.keras"
    keras.Model(inputs, logits).save(file)
    words = ["export", file, "--out", tmp_path / "served", "--signatures", "serving_default"]
    _, output, _ = command(*words)
    assert f"SavedModel: {tmp_path / 'served' / '1'}" in output
    assert "computes in mixed_bfloat16" in output and "--precision float32" in output
    _, output, _ = command(*words, "--precision", "float32")
    assert output.strip() == f"SavedModel: {tmp_path / 'served' / '2'}"


@pytest.fixture
def street(tmp_path):
    """A folder of two images of one's own, and their masks."""
    for name in ("images", "masks"):
        (tmp_path / "street" / name).mkdir(parents=True)
    (tmp_path / "street" / "classes.txt").write_text("road\nsky\n")
    for name in ("a", "b"):
        image = np.full((30, 40, 3), 90, "uint8")
        mask = np.repeat([[1], [0]], 15, axis=0).repeat(40, axis=1).astype("uint8")
        Image.fromarray(image).save(tmp_path / "street" / "images" / f"{name}.png")
        Image.fromarray(mask).save(tmp_path / "street" / "masks" / f"{name}.png")
    return tmp_path / "street"


def test_check_data_of_a_good_folder(command, street, tmp_path):
    sheet, figures = tmp_path / "sheet.png", tmp_path / "found.json"
    code, output, _ = command("check-data", f"folder:{street}", "--sheet", sheet, "--json", figures)
    assert code == 0
    assert "road" in output and "50.00%" in output and "nothing is wrong" in output
    assert Image.open(sheet).size[0] > 100
    assert json.loads(figures.read_text())["problems"] == []


def test_check_data_takes_data_as_the_other_commands(command, street, tmp_path):
    words = ["--sheet", tmp_path / "sheet.png"]
    code, output, _ = command("check-data", "--data", f"folder:{street}", *words)
    assert code == 0 and "nothing is wrong" in output
    for wrong in ([], [f"folder:{street}", "--data", "digits"]):
        code, _, errors = command("check-data", *wrong, *words)
        assert code == 1 and "check-data --data NAME[:DIR]" in errors


def test_check_data_names_what_is_wrong(command, street, tmp_path):
    Image.fromarray(np.full((30, 40), 7, "uint8")).save(street / "masks" / "a.png")
    (street / "images" / "b.png").write_bytes(b"no image")
    words = ["--sheet", tmp_path / "sheet.png"]
    code, _, errors = command("check-data", f"folder:{street}", *words)
    assert code == 1
    assert "a.png" in errors and "7" in errors and "b.png" in errors
    assert errors.splitlines()[-1] == "fcn-keras: folder has 2 problems."
    code, _, errors = command("check-data", "folder:nowhere", *words)
    assert code == 1 and "nowhere" in errors


def test_summary_of_a_builder_and_of_a_run(command, digits_run):
    words = ["--model", "fcn32s", "--classifier", "vgg_slim", "--num-classes", "3"]
    code, output, _ = command("summary", *words, "--size", "96x128")
    assert code == 0
    for text in ("score_fr", "GFLOPs", "parameters", "at 96x128"):
        assert text in output
    code, every, _ = command("summary", digits_run, "--size", "96x128", "--every")
    assert code == 0 and "fcn16s at 96x128" in every
    assert len(every.splitlines()) > len(output.splitlines())


@pytest.mark.training
def test_demo_goes_the_whole_way_and_judges_itself(command, tmp_path):
    """Too short a training: everything is made and checked, and the goal missed."""
    out = tmp_path / "demo"
    code, output, errors = command("demo", "--out", out, "--epochs", "1", "--images", "4")
    assert code == 1
    assert "below 0.85" in errors.splitlines()[-1]
    assert "agree on 100" in output or "agree on 99.99" in output
    for name in ("best.keras", "unseen.png", "confusion.png", "test.json", "saved_model"):
        assert (out / name).exists()


def test_the_demo_judges_its_figures(tmp_path, capsys):
    demonstration._conclude(tmp_path, 0.86, 1.0)
    assert "0.8600" in capsys.readouterr().out
    with pytest.raises(ValueError, match="0.8400, below 0.85"):
        demonstration._conclude(tmp_path, 0.84, 1.0)
    with pytest.raises(ValueError, match="99.9800% only"):
        demonstration._conclude(tmp_path, 0.86, 0.9998)
    assert demonstration._agreement([np.eye(4)], [np.zeros((4, 4))]) == 0.75


@pytest.mark.parametrize(
    "words, message",
    [
        (["train"], "Missing option '--out'"),
        (["train", "--crop", "256", "--out", "x"], "--crop takes HEIGHTxWIDTH"),
        (["train", "--crop", "0x9", "--out", "x"], "--crop takes HEIGHTxWIDTH"),
        (["train", "--scale", "2:1", "--out", "x"], "--scale takes LOW:HIGH"),
        (["train", "--class-weights", "big", "--out", "x"], "takes enet, median, none"),
        (["train", *DIGITS, "--class-weights", "1,2", "--out", "x"], "2 values for 11 classes"),
        (["train", "--model", "fcn64s", "--out", "x"], "`model` must be one of 'fcn32s', 'fcn16s'"),
        (["train", "--classifier", "vgg99", "--out", "x"], "no classifier 'vgg99'"),
        (["train", "--weights", "gone.h5", "--out", "x"], "no weights file 'gone.h5'"),
        (["train", "--alignment", "left", "--out", "x"], "'same', 'caffe', 'torch', got 'left'"),
        (
            ["train", "--optimizer", "lion", "--out", "x"],
            "'muon', 'caffe_sgd', got 'lion'",
        ),
        (["train", "--epochs", "0", "--out", "x"], "`epochs` must be a whole number"),
        (["train", "--epochs", "many", "--out", "x"], "Invalid value for '--epochs'"),
        (["train", "--data", "lsun", "--out", "x"], "digits, scenes, camvid"),
        (["train", "--data", "camvid:gone", "--out", "x"], "gone"),
        (["train", "--only", "zebra*", "--out", "x"], "zebra*"),
        (["train", "--init-from", "gone.keras", "--out", "x"], "no model gone.keras"),
        (["train", "--resume", "--out", "nowhere"], "no run in nowhere"),
        (["train", "--resume", "--overwrite", "--out", "x"], "choose one"),
        (["train", "--no-augment", "--flip", "--out", "x"], "--no-augment"),
        (["evaluate", "gone", "--data", "digits"], "no model gone"),
        (["evaluate", "notes.txt", "--data", "digits"], "notes.txt is no model"),
        (["evaluate", "broken.keras", "--data", "digits"], "broken.keras is damaged"),
        (["evaluate", "empty", "--data", "digits"], "no model in empty"),
        (["evaluate", "x", "--data", "digits", "--json", "no/f.json"], "There is no folder no"),
        (["predict", "gone", "a.png", "--out", "x"], "no model gone"),
        (["export", "gone", "--out", "x", "--format", "onnx"], "serving, web, got 'onnx'"),
        (["summary", "--size", "big"], "--size takes HEIGHTxWIDTH"),
        (["trane"], "No such command 'trane'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_input_is_explained_in_one_line(command, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("no model")
    (tmp_path / "broken.keras").write_text("no zip")
    (tmp_path / "empty").mkdir()
    code, _, errors = command(*words)
    assert code == 1
    lines = [line for line in errors.splitlines() if line]
    assert len(lines) == 1 and lines[0].startswith("fcn-keras: ")
    assert message in lines[0]
    assert not (tmp_path / "x").exists()


def test_debug_shows_the_traceback(command):
    code, _, errors = command("train", "--resume", "--out", "nowhere", "--debug")
    assert code == 1
    assert "Traceback" in errors and "FileNotFoundError" in errors


def test_an_interrupted_command_says_so(command, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("fcn_keras.cli.training.load_dataset", interrupt)
    code, _, errors = command("train", "--out", "x")
    assert (code, errors.strip()) == (130, "fcn-keras: stopped")


@pytest.mark.parametrize(
    "name", ["demo", "train", "evaluate", "predict", "export", "check-data", "summary"]
)
def test_every_command_explains_itself(command, name):
    code, output, _ = command(name, "--help")
    assert code == 0
    assert f"fcn-keras {name}" in output and "Example" in output


def test_help_is_quick_and_quiet():
    """Without Keras and TensorFlow, whose import takes seconds."""
    words = [sys.executable, "-X", "importtime", "-m", "fcn_keras", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not {"keras", "tensorflow", "matplotlib", "fcn_keras.layers"} & imported


WRONG = (
    ("evaluate gone --data digits", "There is no model gone"),
    ("train --resume --out gone", "There is no run in gone"),
)


@pytest.mark.processes
@pytest.mark.parametrize(("words", "told"), WRONG, ids=[words for words, _ in WRONG])
def test_the_program_writes_nothing_but_its_own_words(words, told, tmp_path):
    """TensorFlow's notes on the machine stay out of the error output."""
    command = [sys.executable, "-m", "fcn_keras", *words.split()]
    quiet = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=quiet, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(f"fcn-keras: {told}")


def test_without_words_it_explains_itself(command):
    code, output, errors = command()
    assert (code, errors) == (0, "")
    assert "check-data" in output


def test_a_run_folder_names_the_classes_of_a_model_that_does_not(command, tmp_path):
    import keras

    from fcn_keras import LabelSet, export

    image = keras.Input((None, None, 3))
    keras.Model(image, keras.layers.Conv2D(2, 1)(image)).save(tmp_path / "best.keras")
    LabelSet(("sea", "land")).save(tmp_path / "labels.json")
    for path in (tmp_path, tmp_path / "best.keras"):
        assert export.load(path).labels.names == ("sea", "land")


def test_a_label_out_of_range_is_told_in_one_line(command, tmp_path, tiny_vgg):
    for number in range(6):
        for kind, value in (("images", (9, 9, 9)), ("masks", 7 if number == 3 else number % 2)):
            (tmp_path / kind).mkdir(exist_ok=True)
            mode = "RGB" if kind == "images" else "L"
            Image.new(mode, (32, 32), value).save(tmp_path / kind / f"{number}.png")
    (tmp_path / "classes.txt").write_text("sea\nland\n")
    data = ["--data", f"folder:{tmp_path}", "--split", "all", "--val-data", "none"]
    words = [*data, *NET, "--epochs", 1, "--out", tmp_path / "run"]
    code, _, errors = command("train", *words)
    assert code == 1
    assert (
        errors.strip().splitlines()[-1].startswith(f"fcn-keras: {tmp_path / 'masks/3.png'} holds")
    )


def test_evaluate_counts_objects_and_scores_membranes(command, digits_run, tmp_path):
    """The digits are the objects, and their background what divides them."""
    words = ("--data", "digits:count=3", "--split", "test", "--instances", "--min-area", "9")
    code, output, errors = command(
        "evaluate", digits_run, *words, "--membranes", "background", "--json", tmp_path / "a.json"
    )
    assert code == 0, errors
    figures = json.loads((tmp_path / "a.json").read_text())
    assert figures["instances"]["min_area"] == 9 and len(figures["instances"]["classes"]) == 10
    assert figures["membranes"]["class"] == "background"
    assert "of 4 neighbours, of 9 pixels and more" in output
    assert "V-Rand, borders thinned" in output and "missed" in output
    code, output, errors = command("evaluate", digits_run, "--data", "digits", "--min-area", "9")
    assert code and "it goes with instances=True (--instances)" in errors
