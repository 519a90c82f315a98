"""Which precision and which devices a training gets, and what is refused."""

import keras
import pytest

import fcn_keras
from fcn_keras import precision, training
from fcn_keras.training import Recipe, devices, setup
from fcn_keras.training.devices import check_divisible

GPUS = ("gpu:0", "gpu:1", "gpu:2", "cpu:0")


@pytest.mark.parametrize(
    "capabilities, auto, mixed",
    [
        ([(9, 0)], "mixed_bfloat16", "mixed_bfloat16"),
        ([(8, 0), (8, 6)], "mixed_bfloat16", "mixed_bfloat16"),
        ([(8, 0), (7, 5)], "mixed_float16", "mixed_float16"),
        ([(7, 0)], "mixed_float16", "mixed_float16"),
        ([(6, 1)], "float32", "mixed_float16"),
        ([(9, 0), (0, 0)], "float32", "mixed_float16"),
    ],
)
def test_the_least_able_gpu_decides(monkeypatch, capabilities, auto, mixed):
    names = [f"gpu:{n}" for n in range(len(capabilities))]
    table = dict(zip(names, capabilities, strict=True))
    monkeypatch.setattr(precision, "capability", table.get)
    assert precision.policy_for("auto", names) == auto
    assert precision.policy_for("mixed", names) == mixed
    assert precision.policy_for("float32", names) == "float32"


@pytest.mark.parametrize("has, mixed", [(True, "mixed_bfloat16"), (False, "float32")])
def test_a_cpu_multiplies_bfloat16_or_not(monkeypatch, has, mixed):
    monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda: has)
    assert precision.policy_for("auto", ["cpu:0"]) == "float32"
    assert precision.policy_for("mixed", ["cpu:0"]) == mixed
    assert precision.policy_for("mixed_bfloat16", ["cpu:0"]) == "mixed_bfloat16"


def test_precision_without_gpus():
    assert precision.policy_for("auto", ["cpu:0"]) == "float32"
    assert precision.policy_for("auto", ["tpu:0", "tpu:1"]) == "mixed_bfloat16"
    with pytest.raises(ValueError, match="one of 'auto', 'mixed', 'float32', .*, got 'float16'"):
        setup("float16")


@pytest.mark.parametrize(
    "wanted, there, names",
    [
        ("auto", GPUS, ("gpu:0", "gpu:1", "gpu:2")),
        ("auto", ("cpu:0", "cpu:1"), ("cpu:0",)),
        ("cpu", GPUS, ("cpu:0",)),
        (2, GPUS, ("gpu:0", "gpu:1")),
        (2, ("cpu:0", "cpu:1"), ("cpu:0", "cpu:1")),
        (["gpu:0", "gpu:2"], GPUS, ("gpu:0", "gpu:2")),
        ("GPU:2, gpu:0", GPUS, ("gpu:2", "gpu:0")),
    ],
)
def test_devices(wanted, there, names):
    assert devices.chosen(wanted, there) == names


@pytest.mark.parametrize(
    "wanted, message",
    [
        (4, "4 do not exist: there are gpu:0, gpu:1, gpu:2, cpu:0"),
        (0, "0 do not exist"),
        ("tpu", "there is no 'tpu': there are gpu:0"),
        (["gpu:0", "gpu:7"], "there is no 'gpu:7'"),
        (["gpu:0", "gpu:0"], "different ones of one kind, got gpu:0, gpu:0"),
        (["gpu:0", "cpu:0"], "different ones of one kind"),
        ([], "got \\[\\]"),
        (True, "got True"),
    ],
)
def test_devices_that_cannot_be(wanted, message):
    with pytest.raises(ValueError, match=message):
        devices.chosen(wanted, GPUS)


@pytest.mark.backend
def test_the_error_says_how_to_divide_a_cpu():
    alone = ("cpu:0",)
    with pytest.raises(ValueError, match="there are cpu:0 .* a CPU into "):
        devices.chosen(2, alone)


@pytest.mark.backend
def test_the_policy_holds_and_the_record_says_so():
    run = setup("mixed_bfloat16", devices="cpu")
    assert str(run) == "mixed_bfloat16 on cpu:0"
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    with run.scope():
        layer = keras.layers.Dense(2)
    assert layer.compute_dtype == "bfloat16"
    assert layer.variable_dtype == "float32"
    assert setup("float32").precision == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_batches_that_cannot_be_divided():
    check_divisible(Recipe(batch_size=6), 3)
    with pytest.raises(ValueError, match="`batch_size` 5 cannot be .* 2 devices; 4 or 6 can"):
        check_divisible(Recipe(batch_size=5), 2)
    with pytest.raises(ValueError, match="`batch_size` 1 .* 2 devices; 2 can"):
        check_divisible(Recipe(batch_size=1), 2)
    pytest.importorskip("tensorflow")
    with pytest.raises(ValueError, match="normalization='sum' on 2 devices"):
        check_divisible(Recipe(batch_size=2, normalization="sum"), 2)
    check_divisible(Recipe(batch_size=1, normalization="sum"), 1)


def test_the_command_line(command, tmp_path, in_a_hurry, tiny_vgg):
    pytest.importorskip("tensorflow")
    out = tmp_path / "run"
    plain = ("train", "--model", "fcn32s", "--classifier", tiny_vgg, "--epochs", 1)
    plain += ("--crop", "32x32", "--val-data", "none", "--out", out)
    code, output, _ = command(*plain, "--precision", "mixed_bfloat16", "--devices", "cpu")
    assert code == 0
    assert "precision and devices: mixed_bfloat16 on cpu:0" in output
    config = training.RunFolder(out).read_config()
    assert config["model"]["precision"] == "mixed_bfloat16"
    assert config["recipe"]["precision"] == "mixed_bfloat16"
    model = keras.models.load_model(training.RunFolder(out).last)
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}
    assert fcn_keras.labels_of(model) is not None

    code, _, errors = command(*plain, "--overwrite", "--devices", "gpu:9")
    assert code != 0
    assert "there is no 'gpu:9': there are cpu:0" in " ".join(errors.split())
    code, _, errors = command(*plain, "--overwrite", "--precision", "float16")
    assert code != 0
    assert "`precision` must be one of 'auto', 'mixed'" in " ".join(errors.split())
