"""End-point error and outlier rate against NumPy, pooled and per image."""

import json

import keras
import numpy as np
import pytest

from fcn_keras import metrics, tasks

pytestmark = pytest.mark.backend


def flows(seed=0, largest=40.0):
    """Targets (2, 6, 5, 2) with other numbers of unknown pixels, and outputs."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-largest, largest, (2, 6, 5, 2)).astype("float32")
    outputs = truth + rng.normal(size=truth.shape).astype("float32") * 3
    truth[0, :2, :, 0] = np.nan
    truth[1, 5, 4] = np.nan
    return truth, outputs


def expected(truth, outputs):
    """(pooled error, its mean over images, pooled outlier rate) of the known pixels."""
    known = ~np.isnan(truth).any(-1)
    error = np.hypot(*np.moveaxis(outputs.astype("float64") - truth, -1, 0))
    length = np.hypot(*np.moveaxis(truth, -1, 0))
    wrong = (error > 3) & (error > 0.05 * length)
    images = [one[valid].mean() for one, valid in zip(error, known, strict=True) if valid.any()]
    return error[known].mean(), np.mean(images), wrong[known].mean()


def test_over_two_batches_they_are_numpys():
    batches = [flows(0), flows(1)]
    found = [*metrics.for_task(tasks.Flow()), metrics.EndPointError(per_image=True)]
    for truth, outputs in batches:
        with_levels = np.concatenate([outputs, np.full((2, 6, 5, 10), 1e4, "float32")], -1)
        for metric, given in zip(found, (outputs, with_levels, outputs), strict=True):
            metric.update_state(truth, given)
    pooled, mean, rate = expected(*(np.concatenate(both) for both in zip(*batches, strict=True)))
    assert 0.1 < rate < 0.9 and abs(pooled - mean) > 1e-3
    assert [metric.name for metric in found[:2]] == ["end_point_error", "outlier_rate"]
    assert float(found[0].result()) == pytest.approx(pooled, rel=1e-5)
    assert float(found[1].result()) == pytest.approx(rate, rel=1e-5)
    assert float(found[2].result()) == pytest.approx(mean, rel=1e-5)
    for metric in found:
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
        assert copy.get_config() == metric.get_config()
        metric.reset_state()
        assert np.isnan(float(metric.result()))


def test_an_image_without_known_flow_is_left_out_of_the_mean_of_images():
    truth, outputs = flows()
    truth[0] = np.nan
    metric = metrics.EndPointError(per_image=True)
    metric.update_state(truth, outputs)
    assert float(metric.result()) == pytest.approx(expected(truth, outputs)[0], rel=1e-5)


def test_an_outlier_is_beyond_both_limits():
    truth = np.array([[[[10.0, 0.0], [100.0, 0.0], [0.0, 0.0], [100.0, 0.0]]]], "float32")
    outputs = truth + np.array([[2.9, 0.0], [4.0, 0.0], [3.1, 0.0], [0.0, 5.1]], "float32")
    metric = metrics.FlowOutlierRate()
    metric.update_state(truth, outputs)
    assert float(metric.result()) == 0.5
    metric = metrics.FlowOutlierRate(pixels=2, share=0.03)
    metric.update_state(truth, outputs)
    assert float(metric.result()) == 1.0


def test_the_report_has_pooled_and_mean_figures_and_the_error_of_zero_flow(tmp_path):
    truth, outputs = flows()
    report = metrics.report_for(tasks.Flow())
    for pair in zip(truth, outputs, strict=True):
        report.update(*pair)
    pooled, mean, rate = expected(truth, outputs)
    assert report.end_point_error == pytest.approx(pooled)
    assert report.end_point_error_per_image == pytest.approx(mean)
    assert report.outlier_rate == pytest.approx(rate)
    zero, _, _ = expected(truth, np.zeros_like(truth))
    assert report.zero_flow_error == pytest.approx(zero)
    centres = np.nanmean(np.where(np.isnan(truth).any(-1)[..., None], np.nan, truth), (1, 2))
    constant = np.broadcast_to(centres[:, None, None], truth.shape)
    assert report.mean_flow_error == pytest.approx(expected(truth, constant)[0])
    assert report.num_pixels == 20 + 29 and report.num_images == 2
    saved = json.loads(report.save_json(tmp_path / "report.json").read_text())
    assert saved["end_point_error"] == pytest.approx(pooled)
    assert saved["task"] == {"kind": "flow"}
    assert f"end-point error               {pooled:.4f} px" in report.table()
    with pytest.raises(ValueError, match=r"shape \(H, W, 2\), got \(6, 5\)"):
        report.update(truth[0, ..., 0], outputs[0, ..., 0])
    nothing = metrics.report_for(tasks.Flow())
    assert "absent" in nothing.table() and nothing.to_dict()["outlier_rate"] is None
