"""Optical flow by commands: training, evaluation, pairs of frames in, .flo files out."""

import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import data

pytest.importorskip("tensorflow")


@pytest.fixture
def net(tmp_path):
    fcn_keras.flownet_s(filters=(4, 4, 4, 4, 4, 4)).save(tmp_path / "flow.keras")
    return tmp_path / "flow.keras"


def frame(path, size=(40, 30), seed=0):
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), "uint8")
    Image.fromarray(pixels).save(path)
    return path


def test_pairs_of_files_and_of_folders_give_flow_files_and_pictures(command, net, tmp_path):
    a, b = (frame(tmp_path / f"{name}.png", seed=n) for n, name in enumerate("ab"))
    film = [frame(tmp_path / "film" / f"f{n}.png", seed=n) for n in range(3)]
    out = tmp_path / "out"
    code, output, errors = command("predict", net, "--pairs", a, b, film[0].parent, "--out", out)
    assert code == 0, errors
    assert "3 of 3 pairs of frames computed into" in output
    assert sorted(path.name for path in out.iterdir()) == [
        "a_flow.flo", "a_picture.png", "f0_flow.flo", "f0_picture.png", "f1_flow.flo",
        "f1_picture.png",
    ]  # fmt: skip
    flow = data.read_flow(out / "f1_flow.flo")
    both = np.concatenate([np.array(Image.open(path)) for path in film[1:]], -1)
    model = fcn_keras.models.load_model(net)
    np.testing.assert_allclose(flow, fcn_keras.segment(model, both), atol=1e-4)


def test_what_is_no_pair_is_told(command, net, tmp_path):
    a, b = frame(tmp_path / "a.png"), frame(tmp_path / "b.png", (41, 30))
    out = tmp_path / "out"
    code, _, errors = command("predict", net, a, "--out", out)
    assert code == 1 and "a.png: It takes two frames" in errors
    code, _, errors = command("predict", net, a, b, "--out", out)
    assert code == 1 and "one size, got 30x40 and 30x41" in errors


@pytest.mark.training
def test_a_training_on_scenes_is_evaluated(command, in_a_hurry, tmp_path):
    scenes = "scenes:target=flow,count=2"
    words = ("--model", "flownet_s", "--filters", "4,4,4,4,4,4", "--flow-scale", "6")
    code, _, errors = command(
        "train", "--data", scenes, *words, "--epochs", "1", "--batch-size", "2", "--out",
        tmp_path / "run",
    )  # fmt: skip
    assert code == 0, errors
    code, output, errors = command("evaluate", tmp_path / "run", "--data", scenes)
    assert code == 0, errors
    assert "end-point error of zero flow" in output and "outlier rate" in output
