"""Losses of log depth against NumPy's formulas, and their gradients against differences."""

import keras
import numpy as np
import pytest

from fcn_keras import losses, tasks
from fcn_keras.losses import AbsoluteError, BerHu, ScaleInvariantLog
from fcn_keras.training.loss import build_loss

pytestmark = pytest.mark.backend


@pytest.fixture
def maps():
    """Depths (2, 4, 6), some of them missing in each way there is, and log depths."""
    rng = np.random.default_rng(0)
    depths = rng.uniform(0.5, 9, (2, 4, 6)).astype("float32")
    depths[0, :, :2], depths[1, 1, 1], depths[1, 2, 2], depths[1, 3, 3] = np.nan, 0, -1, np.inf
    return depths, rng.normal(1, 0.7, (2, 4, 6, 1)).astype("float32")


def known(depths):
    return np.isfinite(depths) & (depths > 0)


def scale_invariant(depths, outputs, scale, gradients):
    """The formula, image by image and pair by pair."""
    found = []
    for depth, output in zip(depths, outputs[..., 0].astype("float64"), strict=True):
        there = known(depth)
        if not there.any():
            continue
        d = np.full(depth.shape, np.nan)
        d[there] = output[there] - np.log(depth[there])
        value = np.nanmean(d**2) - scale * np.nanmean(d) ** 2
        for axis in (0, 1):
            value += gradients * np.nanmean(np.diff(d, axis=axis) ** 2)
        found.append(value)
    return np.mean(found)


def berhu(error, share):
    size, limit = np.abs(error), share * np.abs(error).max()
    return np.mean(np.where(size <= limit, size, (error**2 + limit**2) / (2 * limit)))


def differences(loss, depths, outputs, places):
    """The gradient at some places, by central differences."""
    found = []
    for place in places:
        step = np.zeros_like(outputs)
        step[place] = 1e-2
        up, down = (float(loss(depths, outputs + sign * step)) for sign in (1, -1))
        found.append((up - down) / 2e-2)
    return found


@pytest.mark.parametrize("scale, gradients", [(0.5, 1.0), (0.5, 0.0), (0.85, 0.3)])
def test_the_scale_invariant_loss_is_the_formula(maps, scale, gradients, value_and_gradient):
    loss = ScaleInvariantLog(scale, gradients)
    value, gradient = value_and_gradient(loss, *maps)
    assert value == pytest.approx(scale_invariant(*maps, scale, gradients), rel=1e-5)
    places = [(0, 1, 3, 0), (0, 3, 2, 0), (1, 1, 2, 0), (1, 0, 0, 0)]
    found = differences(loss, *maps, places)
    np.testing.assert_allclose([gradient[place] for place in places], found, rtol=2e-2, atol=1e-4)
    assert np.isfinite(gradient).all() and not gradient[~known(maps[0])].any()


def test_a_common_factor_costs_nothing_where_all_of_it_is_forgiven(maps):
    depths, _ = maps
    outputs = np.log(3 * np.where(known(depths), depths, 1))[..., None].astype("float32")
    assert float(ScaleInvariantLog(1.0)(depths, outputs)) == pytest.approx(0, abs=1e-6)
    assert float(ScaleInvariantLog(0.5)(depths, outputs)) == pytest.approx(np.log(3) ** 2 / 2)


def test_an_image_without_depth_does_not_count(maps, value_and_gradient):
    depths, outputs = maps
    depths[1] = np.nan
    value, gradient = value_and_gradient(ScaleInvariantLog(), depths, outputs)
    assert value == pytest.approx(scale_invariant(depths, outputs, 0.5, 1), rel=1e-5)
    assert not gradient[1].any()
    value, gradient = value_and_gradient(ScaleInvariantLog(), np.full_like(depths, 0), outputs)
    assert value == 0 and not gradient.any()


@pytest.mark.parametrize("space", ["depth", "log_depth", "values"])
def test_berhu_and_the_absolute_error_are_the_formulas(maps, space, value_and_gradient):
    depths, outputs = maps
    if space == "values":
        depths = np.where(known(depths), depths, np.nan)
    there = known(depths)
    truth, output = depths[there].astype("float64"), outputs[..., 0][there].astype("float64")
    error = {
        "depth": np.exp(output) - truth, "log_depth": output - np.log(truth),
        "values": output - truth,
    }[space]  # fmt: skip
    value, gradient = value_and_gradient(BerHu(space=space), depths, outputs)
    assert value == pytest.approx(berhu(error, 0.2), rel=1e-5)
    slope = np.where(np.abs(error) <= (c := 0.2 * np.abs(error).max()), np.sign(error), error / c)
    slope = slope * (np.exp(output) if space == "depth" else 1) / len(error)
    np.testing.assert_allclose(gradient[..., 0][there], slope, rtol=1e-4)
    assert not gradient[..., 0][~there].any()
    value, gradient = value_and_gradient(AbsoluteError(space=space), depths, outputs)
    assert value == pytest.approx(np.abs(error).mean(), rel=1e-5)


def test_berhu_of_no_error_is_zero(value_and_gradient):
    same = np.ones((1, 2, 3, 1), "float32")
    value, gradient = value_and_gradient(BerHu(), same, same)
    assert value == 0 and np.isfinite(gradient).all()


def test_they_are_stored(maps):
    for loss in (ScaleInvariantLog(0.85, 0.5), BerHu(0.3, "depth"), AbsoluteError(space="depth")):
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert again.get_config() == loss.get_config()
        assert float(again(*maps)) == float(loss(*maps))


def test_words_mean_them_for_depth():
    task = tasks.Depth()
    assert build_loss(None, task).get_config()["gradients"] == 1
    assert build_loss("berhu", task).space == build_loss("absolute_error", task).space == "depth"
    assert build_loss("berhu(space='log_depth', share=0.1)", task).space == "log_depth"
    assert build_loss("berhu", tasks.Regression()).space == "values"
    both = build_loss("scale_invariant_log(scale=0.85) + 0.1 * berhu", task)
    assert [loss.name for loss in both.losses] == ["scale_invariant_log", "berhu"]
    with pytest.raises(ValueError, match="'scale_invariant_log' is not for the task 'regression'"):
        build_loss("scale_invariant_log", tasks.Regression())
    with pytest.raises(ValueError, match="'dice' is not for the task 'depth', whose losses are"):
        build_loss("dice", task)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: BerHu(share=0), "`share` must be .*above 0.*got 0"),
        (lambda: BerHu(space="inverse"), "`space` must be .*got 'inverse'"),
        (lambda: ScaleInvariantLog(scale=1.5), "`scale` must be a number from 0 to 1, got 1.5"),
        (lambda: ScaleInvariantLog(gradients=-1), "`gradients` must be .*got -1"),
        (
            lambda: ScaleInvariantLog()(np.ones((1, 2, 3, 2)), np.ones((1, 2, 3, 2))),
            r"log depths \(batch, height, width, 1\), got outputs of shape \(1, 2, 3, 2\)",
        ),
    ],
)
def test_what_is_impossible_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_depth_has_its_own_loss():
    assert isinstance(losses.for_task(tasks.Depth()), ScaleInvariantLog)
