"""Errors of values: the Keras metrics and the report against NumPy."""

import json

import keras
import numpy as np
import pytest

from fcn_keras import metrics, tasks
from fcn_keras.labels import LabelSet

pytestmark = pytest.mark.backend
DISTANCE = tasks.Regression("distance", unit="px")


def maps(seed=0, channels=1):
    """Targets (2, 6, 5, channels), NaN in one row of each, and outputs."""
    rng = np.random.default_rng(seed)
    targets, outputs = rng.normal(size=(2, 2, 6, 5, channels)).astype("float32")
    targets[:, 0, :, :1] = np.nan
    return targets, outputs


def errors(targets, outputs):
    """Mean absolute and root mean squared error of the known pixels."""
    known = ~np.isnan(targets).any(-1)
    difference = outputs[known].astype("float64") - targets[known]
    return np.abs(difference).mean(), np.sqrt((difference**2).mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_over_two_batches_they_are_numpys(channels):
    found = metrics.for_task(tasks.Regression(channels=channels))
    pairs = [maps(seed, channels) for seed in (0, 1)]
    for pair in pairs:
        for metric in found:
            metric.update_state(*pair)
    expected = errors(*(np.concatenate(both) for both in zip(*pairs, strict=True)))
    for metric, value in zip(found, expected, strict=True):
        assert float(metric.result()) == pytest.approx(value, rel=1e-5)
        metric.reset_state()
        assert np.isnan(float(metric.result()))


def test_weights_are_those_of_the_mean():
    targets, outputs = maps()
    metric = metrics.MeanAbsoluteError()
    metric.update_state(targets, outputs, sample_weight=np.array([1.0, 0.0]))
    assert float(metric.result()) == pytest.approx(errors(targets[:1], outputs[:1])[0], rel=1e-5)
    weights = np.random.default_rng(2).uniform(size=targets.shape[:3])
    metric.reset_state()
    metric.update_state(targets[..., 0], outputs, sample_weight=weights)
    known = ~np.isnan(targets[..., 0])
    difference = np.abs(outputs - targets)[..., 0][known]
    expected = np.average(difference, weights=weights[known])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_in_evaluate_and_after_loading(tmp_path):
    targets, _ = maps()
    images = np.random.default_rng(3).uniform(size=(2, 6, 5, 3)).astype("float32")
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)])
    model.compile("sgd", "mse", metrics=metrics.for_task(DISTANCE))
    model.save(tmp_path / "model.keras")
    expected = errors(targets, keras.ops.convert_to_numpy(model(images)))
    for compiled in (model, keras.models.load_model(tmp_path / "model.keras")):
        found = compiled.evaluate(images, targets, batch_size=1, verbose=0, return_dict=True)
        assert found["mean_absolute_error"] == pytest.approx(expected[0], rel=1e-5)
        assert found["root_mean_squared_error"] == pytest.approx(expected[1], rel=1e-5)


def test_the_best_epoch_is_chosen_by_a_metric_that_exists():
    for task in (DISTANCE, tasks.Classes(num_classes=3)):
        name, mode = metrics.monitor_for(task)
        (metric,) = [metric for metric in metrics.for_task(task) if metric.name == name]
        assert metric._direction == {"max": "up", "min": "down"}[mode]


def test_four_metrics_of_classes_know_the_void_value():
    task = tasks.Classes(LabelSet(("a", "b"), ignore=7))
    found = metrics.for_task(task)
    assert [metric.ignore_class for metric in found] == [7] * 4
    assert "mean_iou" in [metric.name for metric in found]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_report_is_numpys(channels, tmp_path):
    task = tasks.Regression("flow", channels, unit="px")
    report = metrics.report_for(task)
    targets, outputs = maps(channels=channels)
    for target, output in zip(targets, outputs, strict=True):
        report.update(task.decode(target), task.decode(output))
    absolute, squared = errors(targets, outputs)
    known = ~np.isnan(targets).any(-1)
    difference = outputs[known] - targets[known]
    assert report.num_images == 2 and report.num_pixels == known.sum() == 50
    kept = json.loads(report.save_json(tmp_path / "report.json").read_text())
    for name, value in (
        ("mean_absolute_error", absolute),
        ("root_mean_squared_error", squared),
        ("mean_error", difference.mean()),
        ("largest_error", np.abs(difference).max()),
        ("truth_mean", targets[known].mean()),
        ("truth_deviation", targets[known].std()),
    ):
        assert kept[name] == getattr(report, name) == pytest.approx(value, rel=1e-5)
    assert tasks.from_config(kept["task"]) == task
    assert report.scores_so_far() == {"mean_absolute_error": report.mean_absolute_error}
    rows = {line.strip().rpartition("  ")[0].strip(): line for line in report.table().splitlines()}
    assert rows["mean absolute error"].endswith(f" {absolute:.4f} px")
    assert rows["root mean squared error"].endswith(f" {squared:.4f} px")


def test_a_report_of_nothing():
    report = metrics.report_for(DISTANCE)
    report.update(np.full((2, 3), np.nan), np.zeros((2, 3)))
    assert np.isnan(report.mean_absolute_error) and report.num_pixels == 0
    assert "absent" in report.table() and report.to_dict()["largest_error"] is None


def test_what_does_not_fit_a_report():
    report = metrics.report_for(DISTANCE)
    with pytest.raises(ValueError, match=r"prediction has shape \(2, 3\), the truth \(2, 4\)"):
        report.update(np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"shape \(H, W\), got \(2, 4, 1\)"):
        report.update(np.zeros((2, 4, 1)), np.zeros((2, 4, 1)))
    assert report.num_images == 0
    with pytest.raises(ValueError, match="'regression' has no option 'boundary'"):
        metrics.report_for(DISTANCE, boundary=True)


def test_the_report_of_classes_names_and_numbers_them():
    report = metrics.report_for(tasks.Classes(num_classes=3), boundary=True)
    report.update(np.array([[0, 1, 1, 255]]), np.array([[0, 1, 0, 2]]))
    assert report.scores.pixel_accuracy == pytest.approx(2 / 3)
    assert report.scores_so_far()["mean_iou"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert "class 1" in report.table() and "boundary F1" in report.table()
