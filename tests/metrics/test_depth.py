"""The scores of depth against NumPy: of all pixels, by image, in training; Eigen's crop."""

import json

import numpy as np
import pytest

from fcn_keras import metrics, tasks

DEPTH = tasks.Depth()


@pytest.fixture
def maps():
    """Depths (2, 8, 9), missing in each way there is, and predictions."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.5, 9, (2, 8, 9))
    prediction = truth * rng.lognormal(0.05, 0.25, truth.shape)
    truth[0, :5], truth[1, 0, :3] = np.nan, (0, -1, np.inf)
    return truth.astype("float32"), prediction.astype("float32")


def scores(truth, prediction):
    """The nine scores, as their definitions have them."""
    there = np.isfinite(truth) & (truth > 0)
    t, y = truth[there].astype("float64"), prediction[there].astype("float64")
    d = np.log(y) - np.log(t)
    within = [np.mean(np.maximum(y / t, t / y) < 1.25**k) for k in (1, 2, 3)]
    return [
        np.mean(np.abs(y - t) / t), np.mean((y - t) ** 2 / t), np.sqrt(np.mean((y - t) ** 2)),
        np.sqrt(np.mean(d**2)), np.std(d), np.mean(np.abs(np.log10(y) - np.log10(t))), *within,
    ]  # fmt: skip


def test_both_kinds_of_scores_are_the_definitions(maps, tmp_path):
    truth, prediction = maps
    report = metrics.report_for(DEPTH)
    for pair in zip(truth, prediction, strict=True):
        report.update(*pair)
    report.update(np.full((2, 2), np.nan), np.ones((2, 2)))  # an image without depth
    pooled = scores(truth, prediction)
    mean = np.mean([scores(*pair) for pair in zip(truth, prediction, strict=True)], axis=0)
    np.testing.assert_allclose(report.pooled, pooled, rtol=1e-6)
    np.testing.assert_allclose(report.per_image, mean, rtol=1e-6)
    assert not np.allclose(report.pooled, report.per_image, rtol=1e-3)
    np.testing.assert_allclose(metrics.depth_scores(truth, prediction), pooled, rtol=1e-6)
    assert report.num_images == 3 and report.num_pixels == 3 * 9 + 8 * 9 - 3
    kept = json.loads(report.save_json(tmp_path / "report.json").read_text())
    assert kept["pooled"]["delta_2"] == pytest.approx(pooled[7])
    assert kept["per_image"]["root_mean_squared_error"] == pytest.approx(mean[2])
    assert tasks.from_config(kept["task"]) == DEPTH
    line = next(line for line in report.table().splitlines() if "root mean squared error  " in line)
    assert line.split()[-3:] == [f"{pooled[2]:.4f}", f"{mean[2]:.4f}", "m"]


def test_depths_out_of_range_are_left_out_and_predictions_are_brought_into_it():
    report = metrics.report_for(DEPTH, min_depth=1, max_depth=10)
    report.update(np.array([[0.5, 2, 10, 11]]), np.array([[0.5, 0.0, 99, 11]]))
    assert report.num_pixels == 2
    assert report.pooled.absolute_relative_error == pytest.approx((1 - 1 / 2 + 0) / 2)
    assert "depths up to 10 m" in report.table()
    report = metrics.report_for(DEPTH)  # no logarithm of 0
    report.update(np.array([[1.0]]), np.array([[0.0]]))
    assert report.pooled.log10_error == pytest.approx(3)


def test_eigens_crop_counts_its_rows_and_columns_alone():
    report = metrics.report_for(DEPTH, eigen_crop=True)
    truth, prediction = np.ones((480, 640)), np.full((480, 640), 9.0)
    prediction[20:460, 24:616] = 1.1
    report.update(truth, prediction)
    assert report.num_pixels == 440 * 592
    assert report.pooled.absolute_relative_error == pytest.approx(0.1)
    assert "Eigen's crop" in report.table() and report.to_dict()["eigen_crop"]
    with pytest.raises(ValueError, match="crop is for maps of 480x640.*got 425x560.*eigen_crop"):
        report.update(np.ones((425, 560)), np.ones((425, 560)))


def test_what_is_impossible_is_refused():
    for options, message in (
        ({"max_depth": 0}, "`max_depth` must be .*above 0.*got 0"),
        ({"max_depth": 2, "min_depth": 3}, "`max_depth` must be above `min_depth`, 3, got 2"),
        ({"boundary": True}, "'depth' has no option 'boundary'; it has eigen_crop, min_depth"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.report_for(DEPTH, **options)
    with pytest.raises(ValueError, match="'classes' has no option 'eigen_crop'"):
        metrics.report_for(tasks.Classes(num_classes=2), eigen_crop=True)
    report = metrics.report_for(DEPTH)
    with pytest.raises(ValueError, match=r"shape \(H, W\), got \(2, 3, 1\)"):
        report.update(np.ones((2, 3, 1)), np.ones((2, 3, 1)))
    with pytest.raises(ValueError, match="prediction has NaN"):
        report.update(np.ones((2, 3)), np.full((2, 3), np.nan))
    assert np.isnan(report.pooled.delta_1) and "absent" in report.table()


@pytest.mark.backend
def test_in_training_they_are_numpys(maps):
    truth, prediction = maps
    expected = scores(truth, prediction)
    found = {metric.name: metric for metric in metrics.for_task(DEPTH)}
    for pair in zip(truth, np.log(prediction), strict=True):
        for metric in found.values():
            metric.update_state(pair[0][None], pair[1][None, ..., None])
    for name, place in (
        ("absolute_relative_error", 0),
        ("root_mean_squared_error", 2),
        ("threshold_accuracy", 6),
    ):
        assert float(found[name].result()) == pytest.approx(expected[place], rel=1e-5)
        again = type(found[name]).from_config(found[name].get_config())
        again.update_state(truth, np.log(prediction)[..., None])
        assert float(again.result()) == pytest.approx(expected[place], rel=1e-5)
    name, mode = metrics.monitor_for(DEPTH)
    assert found[name]._direction == {"max": "up", "min": "down"}[mode] == "down"
    assert found["threshold_accuracy"]._direction == "up"
