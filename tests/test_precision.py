"""A model of 16 bits on a CPU that has no instructions for them."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import precision

pytestmark = pytest.mark.backend

ZEN_2 = "processor\t: 0\nflags\t\t: fpu sse2 avx2 fma\n"
ZEN_4 = "processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 fma\n"
SAPPHIRE_RAPIDS = "processor\t: 0\nflags\t\t: fpu avx512f amx_bf16 amx_tile\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\n"


@pytest.fixture
def cpu(monkeypatch):
    """cpu(True) or cpu(False): one that multiplies bfloat16, or does not."""

    def pretend(has):
        monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda: has)
        monkeypatch.setattr(precision, "device", lambda: "cpu:0")

    return pretend


@pytest.mark.parametrize(
    "text, has",
    [(ZEN_2, False), (ZEN_4, True), (SAPPHIRE_RAPIDS, True), (ARM, False), (None, False)],
)
def test_read_from_linux(monkeypatch, tmp_path, text, has):
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(precision, "CPU_INFO", file)
    assert precision.cpu_multiplies_bfloat16.__wrapped__() is has


@pytest.fixture
def built(tiny_vgg):
    return of_policy


def of_policy(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = fcn_keras.fcn16s(3, "tiny_vgg", weights=None)
    finally:
        keras.config.set_dtype_policy("float32")
    random = np.random.default_rng(1)  # the scores' weights are zeros at first
    for layer in model.layers:
        if layer.name.startswith("score"):
            layer.set_weights([random.normal(size=w.shape) for w in layer.get_weights()])
    return model


@pytest.mark.parametrize(
    "policy, has, exact",
    [
        ("mixed_bfloat16", False, True),
        ("mixed_bfloat16", True, False),
        ("mixed_float16", True, True),
    ],
)
def test_predictions_of_float32(cpu, built, policy, has, exact):
    cpu(has)
    image = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype("uint8")
    plain, model = built("float32"), built(policy)
    model.set_weights(plain.get_weights())
    policies = [layer.dtype_policy.name for layer in model.layers]
    assert policy in policies
    _, expected = fcn_keras.Predictor(plain).segment(image, return_logits=True)
    _, scores = fcn_keras.Predictor(model).segment(image, return_logits=True)
    assert np.array_equal(scores, expected) == exact
    np.testing.assert_allclose(scores, expected, atol=0.1 * np.abs(expected).max())
    assert [layer.dtype_policy.name for layer in model.layers] == policies


def test_policies_come_back_after_an_error(cpu, built):
    cpu(False)
    model = built("mixed_bfloat16")
    with pytest.raises(KeyError), precision.suited(model):
        assert {layer.compute_dtype for layer in model.layers} == {"float32"}
        raise KeyError
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}


def test_nothing_changes_on_a_gpu(cpu, built, monkeypatch):
    cpu(False)
    monkeypatch.setattr(precision, "device", lambda: "gpu:0")
    model = built("mixed_float16")
    with precision.suited(model):
        assert "float16" in {layer.compute_dtype for layer in model.layers}
