"""Evaluation and prediction of boundaries."""

import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import data, metrics
from fcn_keras.tasks import Boundaries


class Found:
    """A segmenter that answers the red channel."""

    task = Boundaries()

    def segment(self, image):
        return image[..., 0].astype("float32") / 255


@pytest.fixture
def pair():
    truth = np.zeros((2, 24, 24), "float32")
    truth[0, 8] = truth[1, :, 12] = 1
    images = np.repeat(np.uint8(200 * truth)[..., None], 3, -1)
    return data.Dataset("two", "val", Boundaries(), ("a", "b"), list(images), list(truth))


def test_a_perfect_prediction_has_the_best_scores(pair):
    report = fcn_keras.evaluate(Found(), pair, thresholds=9, progress=False)
    assert report.scores.ods > 0.9 and report.scores.ois == pytest.approx(report.scores.ods)
    assert "9 thresholds" in report.table() and "ODS" in report.table()
    found = report.to_dict()
    assert len(found["thresholds"]) == 9 and found["num_images"] == 2


def test_every_annotator_of_a_dataset_is_compared(monkeypatch, pair):
    drawn = np.zeros((3, 24, 24), bool)
    drawn[:, 8] = True
    monkeypatch.setattr(data.Dataset, "read_annotations", lambda self, index: drawn)
    report = fcn_keras.evaluate(Found(), pair, thresholds=1, progress=False)
    expected = metrics.boundary_scores(
        [metrics.boundary_counts(drawn, Found().segment(image), 1) for image, _ in pair]
    )
    assert report.scores.ods == expected.ods


def test_what_is_not_known_is_not_predicted(pair):
    truth = np.full((24, 24), np.nan, "float32")
    report = metrics.report_for(Boundaries(), thresholds=1)
    report.update(truth, np.ones((24, 24)))
    report.finish()
    assert report.num_pixels == 0 and report.scores.ods == 0


def test_probabilities_are_written_as_grey_png(tmp_path):
    image = np.zeros((20, 30, 3), "uint8")
    image[7, :, 0] = 255
    image[3, :, 0] = 51
    Image.fromarray(image).save(tmp_path / "street.png")
    (result,) = fcn_keras.inference.predict_files(
        Found(), tmp_path / "street.png", tmp_path / "out", progress=False
    )
    assert result.error is None and result.values_path.name == "street_boundaries.png"
    np.testing.assert_array_equal(np.asarray(Image.open(result.values_path)), image[..., 0])
    assert result.picture_path.is_file()
    with pytest.raises(ValueError, match="`png_scale` is for one value a pixel"):
        fcn_keras.inference.predict_files(
            Found(), tmp_path / "street.png", tmp_path / "out", png_scale=1
        )


@pytest.mark.backend("sweep")
def test_the_metric_of_training_is_the_best_f():
    truth = np.zeros((1, 12, 12), "float32")
    truth[0, 4] = 1
    truth[0, 5] = np.nan
    logits = np.full((1, 12, 12, 2), -9.0, "float32")
    logits[0, 5:7, :, 0] = 2  # one row off, one that is not known
    logits[0, 11, :, 0] = -1  # wrong, but weaker
    metric = metrics.BoundaryFMeasure(tolerance=2)
    metric.update_state(truth, logits)
    assert float(metric.result()) == pytest.approx(1)
    metric = metrics.BoundaryFMeasure(tolerance=1)
    metric.update_state(truth, logits)
    assert float(metric.result()) < 0.5
