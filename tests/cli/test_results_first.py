"""What a command found out is written before what may fail; `~` and suffixes mean what they say."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from fcn_keras import cli, visualize

pytest.importorskip("tensorflow")
NAMES = ("地面", "叶子")


@pytest.fixture
def root(tmp_path):
    """Two images of two classes with Chinese names, each with a mask."""
    rng = np.random.default_rng(0)
    for kind, channels in (("images", (3,)), ("masks", ())):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for number in range(2):
            values = rng.integers(0, 2 if kind == "masks" else 256, (32, 40, *channels), "uint8")
            Image.fromarray(values).save(tmp_path / "data" / kind / f"{number}.png")
    text = "\n".join(NAMES)
    (tmp_path / "data" / "classes.txt").write_text(text, encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture
def western(monkeypatch):
    """Runs the program with the output of code page 1252: `(exit code, output)`."""

    def run(*words):
        output = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as left:
            patch.setattr(sys, "stdout", output)
            cli.main([str(word) for word in words])
        output.flush()
        return left.value.code, output.buffer.getvalue().decode("cp1252")

    return run


def test_class_names_that_the_terminal_lacks(western, root, tmp_path):
    import fcn_keras

    model = fcn_keras.fcn32s(2, "vgg_slim", weights=None, labels=fcn_keras.LabelSet(NAMES))
    model.save(tmp_path / "net.keras")
    code, output = western(
        "evaluate", tmp_path / "net.keras", "--data", f"folder:{root}", "--split", "all",
        "--json", tmp_path / "found.json",
    )  # fmt: skip
    assert code == 0 and "\\u5730\\u9762" in output and "mean IoU" in output
    assert NAMES[0] in (tmp_path / "found.json").read_text(encoding="utf-8")


def test_check_data_prints_them_escaped_and_writes_them_whole(western, root, tmp_path):
    words = ("--sheet", tmp_path / "sheet.png", "--json", tmp_path / "found.json")
    code, output = western("check-data", f"folder:{root}", *words)
    assert code == 0 and "\\u53f6\\u5b50" in output and "nothing is wrong" in output
    assert NAMES[1] in (tmp_path / "found.json").read_text(encoding="utf-8")


def refuse(*given, **more):
    raise PermissionError("[Errno 13] Permission denied: 'contact_sheet.png'")


@pytest.mark.parametrize("sound", [True, False])
def test_problems_are_reported_though_the_picture_fails(
    command, root, tmp_path, monkeypatch, sound
):
    if not sound:
        (root / "masks" / "1.png").unlink()
    monkeypatch.setattr(visualize, "contact_sheet", refuse)
    report = tmp_path / "found.json"
    code, output, errors = command(
        "check-data", f"folder:{root}", "--sheet", tmp_path / "s.png", "--json", report
    )
    assert "note: the contact sheet could not be drawn: [Errno 13]" in output
    assert code == (0 if sound else 1)
    assert ("nothing is wrong" in output) == sound and ("1.png has no mask" in errors) != sound
    assert len(json.loads(report.read_text())["problems"]) == (0 if sound else 1)


def test_a_confusion_matrix_that_fails_is_a_note(command, root, tmp_path, monkeypatch):
    import keras

    net = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    net.save(tmp_path / "net.keras")
    monkeypatch.setattr(visualize, "confusion_matrix", refuse)
    figures = tmp_path / "f.json"
    code, output, _ = command(
        "evaluate", tmp_path / "net.keras", "--data", f"folder:{root}", "--split", "all",
        "--json", figures, "--confusion", tmp_path / "c.png",
    )  # fmt: skip
    assert code == 0 and "mean IoU" in output and figures.exists()
    assert "note: the confusion matrix could not be drawn" in output


def test_problems_are_printed_though_the_figures_cannot_be_written(command, root, monkeypatch):
    (root / "masks" / "1.png").unlink()
    monkeypatch.setattr("pathlib.Path.write_text", refuse)
    words = "--json", root / "f.json", "--sheet", root / "sheet.png"
    code, output, errors = command("check-data", f"folder:{root}", *words)
    assert code == 1 and NAMES[0] in output
    assert "1.png has no mask" in errors and "Permission denied" in errors


def test_predict_into_a_file(command, tmp_path):
    (tmp_path / "out").write_text("")
    code, _, errors = command("predict", "net.keras", "a.png", "--out", tmp_path / "out")
    assert code == 1 and "out is a file" in errors


@pytest.mark.parametrize("words", [
    ("check-data", "digits", "--json", "{}/none/a.json"),
    ("check-data", "digits", "--sheet", "{}/none/a.png"),
    ("check-data", "digits", "--sheet", "{}/a.doc"),
    ("check-data", "digits", "--json", "{}"),
    ("evaluate", "net.keras", "--data", "digits", "--json", "{}/none/a.json"),
    ("evaluate", "net.keras", "--data", "digits", "--confusion", "{}/a.txt"),
    ("tune-crf", "net.keras", "--data", "digits", "--out", "{}/none/crf.json"),
    ("tune-crf", "net.keras", "--data", "digits", "--picture", "{}/a.csv"),
    ("find-lr", "--out", "{}/none/lr.png"),
])  # fmt: skip
def test_what_cannot_be_written_is_refused_before_the_run(command, tmp_path, monkeypatch, words):
    for module in ("check", "evaluate", "tune_crf", "find_lr"):
        commands = sys.modules[f"fcn_keras.cli.{module}"]
        monkeypatch.setattr(commands, "load_library", lambda: pytest.fail("loaded the library"))
    code, _, errors = command(*(word.format(tmp_path) for word in words))
    assert code == 1 and any(text in errors for text in ("no folder", "a folder;", "A picture is"))


@pytest.mark.parametrize(("name", "said"), [
    ("net.onnx", "not written"), ("net.h5", "Keras already"), ("net.pb", "saved_model.pb"),
    ("net.pt", "not written"), ("net.mlmodel", "not written"), ("model.json", "--format web"),
    ("net.ONNX", "not written"), ("net.lite", ".tflite"), ("net.zip", "no archive"),
])  # fmt: skip
def test_a_file_of_a_format_that_is_not_written(command, tmp_path, name, said):
    code, _, errors = command("export", tmp_path / "net.keras", "--out", tmp_path / name)
    assert code == 1 and said in errors and "saved-model (a folder" in errors
    assert not (tmp_path / name).exists()


def test_the_home_folder_where_the_shell_leaves_it(command, root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    code, output, _ = command(
        "check-data", "folder:~/data", "--sheet=~/sheet.png", "--json", "~/found.json"
    )
    assert code == 0 and (tmp_path / "sheet.png").exists() and (tmp_path / "found.json").exists()


def test_an_option_of_a_dataset_with_another_spelling(command, root):
    code, _, errors = command("check-data", f"folder:{root},Binary")
    assert code == 1 and "no option 'Binary'" in errors and "Is binary meant?" in errors
