"""The multi-level end-point error against sums over cells in NumPy."""

import keras
import numpy as np
import pytest

from fcn_keras import losses, tasks
from fcn_keras.layers import SideOutputs

pytestmark = pytest.mark.backend
WEIGHTS = (0.005, 0.01, 0.02, 0.08, 0.32)
STRIDES = (4, 8, 16, 32, 64)
SIZE = (45, 70)


def given(seed=0):
    """Truth (2, 45, 70, 2) with unknown pixels, an output, and a map for each level."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(2, *SIZE, 2)).astype("float32") * 10
    truth[0, :12, :30] = np.nan
    truth[1, 20, 20, 1] = np.nan
    output = rng.normal(size=truth.shape).astype("float32")
    cells = [(2, -(-SIZE[0] // s), -(-SIZE[1] // s), 2) for s in STRIDES]
    return truth, output, [rng.normal(size=shape).astype("float32") for shape in cells]


def level_errors(truth, level, stride):
    """The end-point error of each cell of a level whose flow is known anywhere."""
    found = []
    for example, row, column in np.ndindex(level.shape[:3]):
        corner = row * stride, column * stride
        cell = truth[example, corner[0] :, corner[1] :][:stride, :stride].reshape(-1, 2)
        cell = cell[~np.isnan(cell).any(-1)].astype("float64")
        if len(cell):
            found.append(np.linalg.norm(level[example, row, column] - cell.mean(0)))
    return np.array(found)


def stacked(output, levels):
    """The output and its levels as a FlowNet gives them in training."""
    maps = [output]
    for level, stride in zip(levels, STRIDES, strict=True):
        maps.append(level.repeat(stride, 1).repeat(stride, 2)[:, : SIZE[0], : SIZE[1]])
    return np.concatenate(maps, -1)


def test_the_sum_over_levels_is_numpys(value_and_gradient):
    truth, output, levels = given()
    errors = [level_errors(truth, level, s) for level, s in zip(levels, STRIDES, strict=True)]
    total = sum(w * e.sum() for w, e in zip(WEIGHTS, errors, strict=True)) / 20 / 2
    joined = stacked(output, levels)
    found, gradient = value_and_gradient(
        losses.MultiLevelEndPointError(normalize=False), truth, joined
    )
    assert found == pytest.approx(total, rel=1e-5)
    used = np.abs(gradient).sum((0, 1, 2)) > 0
    assert not used[:2].any() and used[2:].all()
    shares = np.array(WEIGHTS) / np.square(STRIDES)
    mean = sum(w * e.mean() for w, e in zip(shares / shares.sum(), errors, strict=True)) / 20
    found, _ = value_and_gradient(losses.MultiLevelEndPointError(), truth, joined)
    assert found == pytest.approx(mean, rel=1e-5)


def test_the_layer_of_levels_joins_them_in_training_alone():
    _, output, levels = given()
    join = SideOutputs(STRIDES)
    np.testing.assert_array_equal(join([output, *levels], training=True), stacked(output, levels))
    np.testing.assert_array_equal(join([output, *levels]), output)


def test_an_output_without_levels_counts_alone():
    truth, output, _ = given()
    error = np.linalg.norm(output.astype("float64") - truth, axis=-1)
    known = ~np.isnan(error)
    loss = losses.MultiLevelEndPointError(scale=5)
    assert float(loss(truth, output)) == pytest.approx(error[known].mean() / 5, rel=1e-5)
    loss = losses.MultiLevelEndPointError(normalize=False)
    total = 0.005 / 16 * error[known].sum() / 20 / 2
    assert float(loss(truth, output)) == pytest.approx(total, rel=1e-5)
    weighted = float(loss(truth, output, np.array([2.0, 0.0])))
    assert weighted == pytest.approx(0.005 / 16 * np.nansum(error[0]) / 20, rel=1e-5)


def test_epsilon_stands_under_the_root():
    truth = np.zeros((1, 4, 4, 2), "float32")
    loss = losses.MultiLevelEndPointError(scale=1, epsilon=0.01)
    assert float(loss(truth, truth)) == pytest.approx(0.1)


def test_the_gradient_is_zero_at_the_truth_and_where_nothing_is_known(value_and_gradient):
    truth, output, _ = given()
    loss = losses.MultiLevelEndPointError()
    value, gradient = value_and_gradient(loss, truth, np.nan_to_num(truth))
    assert value == 0 and not gradient.any()
    value, gradient = value_and_gradient(loss, np.full_like(truth, np.nan), output)
    assert value == 0 and not gradient.any()


def test_what_does_not_fit_is_refused():
    truth, output, levels = given()
    loss = losses.MultiLevelEndPointError()
    with pytest.raises(ValueError, match="2 channels, or 12 with the levels, got 4"):
        loss(truth, np.concatenate([output, output], -1))
    with pytest.raises(ValueError, match=r"weight for each image, \(batch,\), got .*\(2, 45, 70\)"):
        loss(truth, output, np.ones((2, *SIZE)))
    with pytest.raises(ValueError, match="`scale` must be"):
        losses.MultiLevelEndPointError(scale=0)
    with pytest.raises(ValueError, match="`weights` needs a weight above 0"):
        losses.MultiLevelEndPointError(weights=(0, 0))


def test_it_is_the_loss_of_optical_flow_and_is_saved():
    loss = losses.for_task(tasks.Flow())
    assert isinstance(loss, losses.MultiLevelEndPointError)
    loss = losses.MultiLevelEndPointError((0.5, 1), 4, False, 0.01)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert copy.get_config() == loss.get_config()
