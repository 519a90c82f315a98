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
        pytest.param("mixed_bfloat16", True, False, marks=pytest.mark.backend("sweep")),
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


def logits_in(model, precision):
    image = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype("uint8")
    return fcn_keras.segment(model, image, return_logits=True, precision=precision)[1]


@pytest.mark.backend("sweep")
def test_a_net_of_float32_predicts_in_16_bits_where_that_is_asked_for(cpu, built):
    """As the same net built for 16 bits; the layers are float32 before and after."""
    cpu(True)
    plain, model = built("float32"), built("mixed_bfloat16")
    model.set_weights(plain.get_weights())
    exact, mixed = logits_in(plain, None), logits_in(plain, "mixed")
    assert mixed.dtype == "float32" and not np.array_equal(mixed, exact)
    scale = np.abs(exact).max()
    np.testing.assert_allclose(mixed, exact, atol=0.02 * scale)
    assert np.abs(mixed - exact).max() < 2 * np.abs(logits_in(model, None) - exact).max()
    np.testing.assert_array_equal(logits_in(plain, None), exact)
    np.testing.assert_array_equal(logits_in(model, "float32"), exact)
    assert {layer.dtype_policy.name for layer in plain.layers} == {"float32"}
    again = fcn_keras.inference.as_segmenter(plain).in_precision("mixed")
    assert again is fcn_keras.inference.as_segmenter(plain).in_precision("mixed")


@pytest.mark.parametrize("where, relus", [("cpu:0", "float32"), ("gpu:0", "bfloat16")])
def test_scaling_the_first_kernels_and_the_logits_stay_float32(
    cpu, built, monkeypatch, where, relus
):
    cpu(True)
    monkeypatch.setattr(precision, "device", lambda: where)
    model = built("float32")
    with precision.suited(model, "mixed_bfloat16"):
        found = {layer.name: layer.compute_dtype for layer in model.layers}
    names = [*found]
    first = next(name for name in names if name.startswith("conv1_1"))
    exact = {*names[: names.index(first) + 1], "score"}
    assert {found[name] for name in exact} == {"float32"}
    assert found["conv3_1"] == found["fc6"] == "bfloat16"
    assert found["conv3_1_relu"] == relus


def test_a_cpu_without_the_instructions_warns_and_predicts_in_float32(cpu, built):
    cpu(False)
    model = built("float32")
    with pytest.warns(UserWarning, match="'mixed' predicts in float32 here, because this CPU"):
        mixed = logits_in(model, "mixed")
    np.testing.assert_array_equal(mixed, logits_in(model, None))


def test_another_precision_or_what_is_no_keras_model_is_refused(built):
    model = built("float32")
    with pytest.raises(ValueError, match="`precision` must be one of None, 'mixed', 'float32', g"):
        fcn_keras.Predictor(model, precision="half")

    class Elsewhere:
        def segment(self, image):
            return image

    with pytest.raises(ValueError, match="for Keras models, and Elsewhere computes as it was made"):
        fcn_keras.segment(Elsewhere(), np.zeros((4, 4, 3), "uint8"), precision="mixed")


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
