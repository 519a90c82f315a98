"""The command line on nets that are not ordinary: several outputs or inputs, finer trunks."""

import numpy as np
import pytest
from PIL import Image

import fcn_keras

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def two_outputs(tmp_path_factory, register_tiny_vgg):
    file = tmp_path_factory.mktemp("nets") / "both.keras"
    with pytest.MonkeyPatch.context() as patch:
        register_tiny_vgg(patch)
        fcn_keras.fcn32s({"digits": 11, "ground": 2}, "tiny_vgg", weights=None).save(file)
    return file


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(np.zeros((40, 50, 3), "uint8")).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_one_of_several_outputs_is_named(command, two_outputs, photo, tmp_path):
    code, _, errors = command("predict", two_outputs, photo, "--out", tmp_path / "out")
    assert code == 1 and "has the outputs digits, ground: name one with --output" in errors
    code, _, errors = command(
        "predict", two_outputs, photo, "--out", tmp_path / "out", "--output", "depth"
    )
    assert code == 1 and "no output 'depth'; it has 'digits', 'ground'" in errors
    code, output, _ = command(
        "predict", two_outputs, photo, "--out", tmp_path / "out", "--output", "ground"
    )
    assert code == 0 and "1 of 1 images" in output
    code, output, _ = command(
        "evaluate", two_outputs, "--data", "digits:count=3", "--output", "digits"
    )
    assert code == 0 and "mean IoU" in output
    words = ("--output", "ground", "--signatures", "serving_default")
    code, _, _ = command("export", two_outputs, "--out", tmp_path / "sm", *words)
    assert code == 0
    code, _, errors = command(
        "predict", tmp_path / "sm", photo, "--out", tmp_path / "out", "--output", "ground"
    )
    assert code == 1 and "leave --output" in errors


def test_a_net_of_two_inputs_is_for_python(command, photo, tmp_path, tiny_vgg):
    shapes = {"color": (None, None, 3), "hha": (None, None, 3)}
    net = fcn_keras.fcn32s(2, tiny_vgg, weights=None, input_shape=shapes)
    net.save(tmp_path / "two.keras")
    code, _, errors = command("predict", tmp_path / "two.keras", photo, "--out", tmp_path / "out")
    assert code == 1 and "one input" in errors and "color, hha" in errors


def test_a_finer_trunk(command):
    words = ("summary", "--classifier", "vgg_slim", "--size", "97x131", "--output-stride")
    code, output, _ = command(*words, 8)
    assert code == 0 and "13 conv layers" in output
    assert "receptive field 354, max stride 8" in output
    code, _, errors = command(*words, 7)
    assert code == 1 and "`output_stride`" in errors and "no divisor" in errors
