"""Angles of normals against NumPy: the loss, the metric in training, the report, the picture."""

import json

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import losses, metrics, tasks, visualize
from fcn_keras.losses import CosineDistance

NORMALS = tasks.Normals()


@pytest.fixture
def maps():
    """Unit vectors (2, 5, 6, 3), NaN in one row, and vectors of any length."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2, 5, 6, 3))
    truth /= np.linalg.norm(truth, axis=-1, keepdims=True)
    outputs = (truth + 0.4 * rng.normal(size=truth.shape)) * rng.uniform(0.5, 4, (2, 5, 6, 1))
    truth[:, 0, :, :1] = np.nan
    return truth.astype("float32"), outputs.astype("float32")


def angles(truth, outputs):
    known = ~np.isnan(truth).any(-1)
    t, n = truth[known].astype("float64"), outputs[known].astype("float64")
    return np.degrees(np.arccos((t * n).sum(-1) / np.linalg.norm(n, axis=-1)))


@pytest.mark.backend
def test_loss_and_metric_are_the_formulas(maps):
    expected = angles(*maps)
    loss = losses.for_task(NORMALS)
    value = 1 - np.cos(np.radians(expected)).mean()
    assert float(loss(*maps)) == pytest.approx(value, rel=1e-4)
    for place in ((0, 2, 3, 1), (1, 4, 0, 2)):
        step = np.zeros_like(maps[1])
        step[place] = 1e-2
        shifted = [1 - np.cos(np.radians(angles(maps[0], maps[1] + s * step))) for s in (1, -1)]
        moved = [float(loss(maps[0], maps[1] + s * step)) for s in (1, -1)]
        assert moved[0] - moved[1] == pytest.approx(shifted[0].mean() - shifted[1].mean(), abs=1e-6)
    (metric,) = metrics.for_task(NORMALS)
    metric.update_state(*maps)
    assert float(metric.result()) == pytest.approx(expected.mean(), rel=1e-4)
    assert float(loss(np.full_like(maps[0], np.nan), maps[1])) == 0
    assert float(CosineDistance()(maps[0], np.zeros_like(maps[1]))) == 1
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(*maps)) == float(loss(*maps))


def test_the_report_is_numpys(maps, tmp_path):
    report, expected = metrics.report_for(NORMALS), angles(*maps)
    for truth, output in zip(*maps, strict=True):
        report.update(truth, NORMALS.decode(output))
    assert report.num_pixels == len(expected) == 48
    assert report.mean_angle == pytest.approx(expected.mean(), rel=1e-4)
    low, high = np.sort(expected)[[23, 24]]
    assert low - 0.02 <= report.median_angle <= high + 0.02
    kept = json.loads(report.save_json(tmp_path / "n.json").read_text())
    for name, limit in (("within_11", 11.25), ("within_22", 22.5), ("within_30", 30)):
        assert kept[name] == pytest.approx((expected < limit).mean())
    assert f"{report.mean_angle:.4f} degrees" in report.table()
    with pytest.raises(ValueError, match=r"shape \(H, W, 3\), got \(2, 3\)"):
        report.update(np.ones((2, 3)), np.ones((2, 3)))
    assert np.isnan(metrics.report_for(NORMALS).median_angle)


@pytest.mark.backend
def test_a_net_gives_unit_vectors_and_their_picture(tmp_path):
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(3, 1)(image)
    score = fcn_keras.layers.Logits(task_config=NORMALS.to_config())
    model = keras.Model(image, score([x, image]))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), "uint8")
    found = fcn_keras.segment(model, pixels)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, rtol=1e-4)
    painter = visualize.for_task(NORMALS)
    colors = painter.paint(np.array([[[0, 0, 1.0], [1, 0, 0], [np.nan, 0, 0]]]))
    np.testing.assert_array_equal(colors[0], [[128, 128, 255], [255, 128, 128], [176] * 3])
    path = visualize.save_overlay(pixels, found, NORMALS, tmp_path / "n.png", 1)
    assert path.stat().st_size > 1000
