"""The absolute error against NumPy: NaN left out, finite gradients, weights, saving."""

import keras
import numpy as np
import pytest
from keras import ops

from fcn_keras import losses, tasks
from fcn_keras.losses import AbsoluteError

pytestmark = pytest.mark.backend


@pytest.fixture
def maps():
    """Targets (2, 5, 7, channels), NaN in two rows, and outputs."""

    def make(channels=1):
        rng = np.random.default_rng(channels)
        targets, outputs = rng.normal(size=(2, 2, 5, 7, channels)).astype("float32")
        targets[:, :2, :, :1] = np.nan
        return targets, outputs

    return make


def expected(targets, outputs, squared):
    known = ~np.isnan(targets).any(-1)
    difference = outputs[known].astype("float64") - targets[known]
    return np.mean(difference**2 if squared else np.abs(difference)), known


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("squared", [False, True])
def test_value_and_gradient_are_numpys(maps, squared, channels, value_and_gradient):
    targets, outputs = maps(channels)
    value, gradient = value_and_gradient(AbsoluteError(squared), targets, outputs)
    mean, known = expected(targets, outputs, squared)
    assert value == pytest.approx(mean, rel=1e-6)
    difference = np.where(known[..., None], outputs - np.nan_to_num(targets), 0)
    slope = 2 * difference if squared else np.sign(difference)
    np.testing.assert_allclose(gradient, slope / known.sum() / channels, rtol=1e-5, atol=1e-9)


def test_targets_without_the_axis_of_channels(maps):
    targets, outputs = maps()
    same = float(AbsoluteError()(targets, outputs))
    assert float(AbsoluteError()(targets[..., 0], outputs)) == same


@pytest.mark.parametrize("squared", [False, True])
def test_nothing_known_is_zero_with_gradient_zero(maps, squared, value_and_gradient):
    targets, outputs = maps()
    value, gradient = value_and_gradient(
        AbsoluteError(squared), np.full_like(targets, np.nan), outputs
    )
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


def test_outputs_that_are_not_finite_do_not_matter_where_nothing_is_known(maps, value_and_gradient):
    targets, outputs = maps()
    mean, _ = expected(targets, outputs, False)
    outputs[:, :2] = np.inf
    value, gradient = value_and_gradient(AbsoluteError(), targets, outputs)
    assert value == pytest.approx(mean, rel=1e-6) and np.isfinite(gradient).all()


def test_sample_weights_multiply_and_do_not_divide(maps):
    targets, outputs = maps()
    weighted = AbsoluteError()(targets, outputs, sample_weight=np.array([1.0, 0.0]))
    alone = AbsoluteError()(targets[:1], outputs[:1])
    assert float(weighted) == pytest.approx(float(alone) / 2, rel=1e-6)


def test_float32_under_mixed_precision(maps):
    targets, outputs = maps()
    half = outputs.astype("float16")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        value = AbsoluteError()(targets, ops.convert_to_tensor(half))
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    mean, _ = expected(targets, half.astype("float32"), False)
    assert float(value) == pytest.approx(mean, rel=1e-6)


def test_it_trains_in_fit_and_loads(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(4, 6, 5, 3)).astype("float32")
    targets = (images @ np.array([1.0, -2.0, 0.5], "float32")).astype("float32")
    targets[0, :3] = np.nan
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)])
    model.compile(keras.optimizers.Adam(0.05), AbsoluteError(squared=True))
    history = model.fit(images, targets, epochs=30, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == AbsoluteError(squared=True).get_config()
    mean, _ = expected(targets[..., None], np.asarray(model.predict(images, verbose=0)), True)
    assert loaded.evaluate(images, targets, verbose=0) == pytest.approx(mean, rel=1e-5)


def test_shapes_that_do_not_fit_are_named(maps):
    targets, outputs = maps(3)
    with pytest.raises(ValueError, match=r"targets of shape \(2, 5, 7\) and outputs of shape"):
        AbsoluteError()(targets[..., 0], outputs)
    with pytest.raises(ValueError, match="same shape"):
        AbsoluteError()(targets[:, :4], outputs)


def test_each_task_has_a_default_loss():
    assert {"classes", "regression", "depth"} <= set(tasks.TASKS)
    labels = tasks.Classes(num_classes=300)
    assert losses.for_task(labels).ignore_class == labels.invalid == 65535
    assert isinstance(losses.for_task(labels), losses.CrossEntropy)
    assert isinstance(losses.for_task(tasks.Regression()), AbsoluteError)

    class Unknown(tasks.Task):
        kind = "smell"

    with pytest.raises(ValueError, match="no loss for the task 'smell'; there is for classes"):
        losses.for_task(Unknown())


def test_every_word_is_a_loss():
    for kind, _ in losses.BY_NAME.values():
        assert issubclass(getattr(losses, kind), keras.losses.Loss)
        assert set(getattr(losses, kind).tasks) <= set(tasks.TASKS)
