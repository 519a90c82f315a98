"""Counting in NumPy against formulas written out here, and scikit-learn's confusion matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras import metrics

FLOATS = ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou")


def by_hand(truth, prediction, num_classes, ignored=(255,)):
    """The four metrics in plain Python, one class at a time, from the paper's section 5."""
    pairs = [(t, p) for t, p in np.stack([truth, prediction], -1).reshape(-1, 2).tolist()]
    pairs = [(t, p) for t, p in pairs if t not in ignored]
    classes = [c for c in range(num_classes) if c not in ignored]
    right = {c: sum(t == p == c for t, p in pairs) for c in classes}
    true = {c: sum(t == c for t, _ in pairs) for c in classes}
    union = {c: sum(t == c or p == c for t, p in pairs) for c in classes}
    seen = [c for c in classes if union[c]]
    occurs = [c for c in classes if true[c]]
    if not pairs:
        return dict.fromkeys(FLOATS, float("nan"))
    return {
        "pixel_accuracy": sum(right.values()) / len(pairs),
        "mean_accuracy": sum(right[c] / true[c] for c in occurs) / len(occurs),
        "mean_iou": sum(right[c] / union[c] for c in seen) / len(seen),
        "frequency_weighted_iou": sum(true[c] * right[c] / union[c] for c in occurs) / len(pairs),
    }


def maps(kind, seed=0, shape=(2, 30, 40), num_classes=5):
    """Truth with void and prediction: noise, or regions (runs of equal neighbours)."""
    rng = np.random.default_rng(seed)
    truth, prediction = rng.integers(0, num_classes, (2, *shape))
    if kind == "regions":
        truth, prediction = np.sort(truth, axis=-1), np.sort(prediction, axis=-1)
    truth[:, :3] = 255
    return truth, prediction


@pytest.mark.parametrize("kind", ["noise", "regions"])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "int16", "uint32", "float32"])
def test_confusion_matrix_is_scikit_learns(kind, dtype):
    from sklearn.metrics import confusion_matrix

    truth, prediction = maps(kind)
    counted = truth != 255
    expected = confusion_matrix(truth[counted], prediction[counted], labels=range(5))
    result = metrics.confusion_matrix(truth.astype(dtype), prediction.astype(dtype), 5)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, expected)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), num_classes=st.integers(1, 6), size=st.integers(0, 40))
def test_scores_follow_the_formulas(data, num_classes, size):
    labels = st.integers(0, num_classes - 1)
    truth = np.array(data.draw(st.lists(labels | st.just(255), min_size=size, max_size=size)), int)
    prediction = np.array(data.draw(st.lists(labels, min_size=size, max_size=size)), int)
    scores = metrics.scores(metrics.confusion_matrix(truth, prediction, num_classes))
    for name, value in by_hand(truth, prediction, num_classes).items():
        np.testing.assert_allclose(getattr(scores, name), value, rtol=1e-12)


def test_chunks_and_long_runs_add_up():
    rng = np.random.default_rng(1)
    truth = np.concatenate([np.zeros(300_000, "uint8"), rng.integers(0, 3, 300_000, "uint8")])
    prediction = np.roll(truth, 1)
    expected = np.bincount(3 * truth.astype(int) + prediction, minlength=9).reshape(3, 3)
    np.testing.assert_array_equal(metrics.confusion_matrix(truth, prediction, 3), expected)


@pytest.mark.parametrize("num_classes, void", [(300, 65535), (256, 300), (2, 255)])
def test_many_classes_and_a_void_far_away(num_classes, void):
    rng = np.random.default_rng(2)
    truth, prediction = rng.integers(0, num_classes, (2, 5000)).astype("uint16")
    truth[::7] = void
    kept = truth != void
    expected = np.zeros((num_classes, num_classes), int)
    np.add.at(expected, (truth[kept].astype(int), prediction[kept].astype(int)), 1)
    result = metrics.confusion_matrix(truth, prediction, num_classes, void)
    np.testing.assert_array_equal(result, expected)


def test_several_ignored_values():
    truth = np.array([0, 1, 2, 254, 255, 1])
    prediction = np.array([0, 1, 1, 0, 0, 0])
    result = metrics.confusion_matrix(truth, prediction, 3, ignore_class=[255, 254, 2])
    np.testing.assert_array_equal(result, [[1, 0, 0], [1, 1, 0], [0, 0, 0]])


def test_void_hides_any_prediction():
    result = metrics.confusion_matrix([0, 255, 255], [0, 200, -1], 2)
    np.testing.assert_array_equal(result, [[1, 0], [0, 0]])


def test_classes_that_do_not_occur():
    scores = metrics.scores([[4, 0, 2, 0], [0, 3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(scores.iou, [4 / 6, 1, 0, np.nan])
    np.testing.assert_allclose(scores.accuracy, [4 / 6, 1, np.nan, np.nan])
    assert scores.mean_iou == pytest.approx((4 / 6 + 1 + 0) / 3)
    assert scores.mean_accuracy == pytest.approx((4 / 6 + 1) / 2)
    assert scores.num_averaged == 3
    assert scores.num_pixels == 9
    np.testing.assert_allclose(scores.truth_share, [6 / 9, 3 / 9, 0, 0])
    np.testing.assert_allclose(scores.predicted_share, [4 / 9, 3 / 9, 2 / 9, 0])


def test_an_ignored_class_is_no_part_of_the_means():
    truth, prediction = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0])
    confusion = metrics.confusion_matrix(truth, prediction, 3, ignore_class=0)
    scores = metrics.scores(confusion, ignore_class=0)
    assert scores.mean_iou == pytest.approx((1 + 1 / 2) / 2)
    assert np.isnan(scores.iou[0])
    expected = by_hand(truth, prediction, 3, ignored=(0,))
    assert scores.mean_iou == pytest.approx(expected["mean_iou"])


def test_nothing_counted_is_nan_and_null_in_json():
    scores = metrics.scores(metrics.confusion_matrix([255, 255], [0, 1], 2))
    assert all(np.isnan(getattr(scores, name)) for name in FLOATS)
    as_json = scores.to_dict()
    assert as_json["mean_iou"] is None and as_json["iou"] == [None, None]
    assert as_json["confusion"] == [[0, 0], [0, 0]]


def test_counts_past_two_to_the_31():
    scores = metrics.scores(np.array([[2**40, 0], [1, 2**40]]))
    assert scores.num_pixels == 2**41 + 1
    assert scores.iou[0] == 2**40 / (2**40 + 1)


@pytest.mark.parametrize("kind", ["noise", "regions"])
@pytest.mark.parametrize(
    "where, value, words",
    [
        ("truth", 12, ["2 pixels of the truth", "value 12", "0..4", "ignore_class: 255"]),
        ("truth", -1, ["2 pixels of the truth", "value -1"]),
        ("prediction", 5, ["2 pixels of the prediction", "value 5", "num_classes=5"]),
        ("prediction", -3, ["2 pixels of the prediction", "value -3"]),
    ],
)
def test_labels_out_of_range_are_refused(kind, where, value, words):
    truth, prediction = maps(kind)
    {"truth": truth, "prediction": prediction}[where][:, 20, 7] = value
    with pytest.raises(ValueError) as error:
        metrics.confusion_matrix(truth, prediction, 5)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: metrics.confusion_matrix([0.5], [0], 2), "class indices, not logits"),
        (lambda: metrics.confusion_matrix([np.nan], [0], 2), "whole numbers"),
        (lambda: metrics.confusion_matrix(["a"], [0], 2), "dtype"),
        (lambda: metrics.confusion_matrix([[0, 1]], [0, 1], 2), r"shape \(1, 2\)"),
        (lambda: metrics.confusion_matrix([0], [0], 0), "`num_classes`.*got 0"),
        (lambda: metrics.confusion_matrix([0], [0], 2, "void"), "`ignore_class`.*'void'"),
        (lambda: metrics.confusion_matrix([0], [0], 2, [255, -1]), "`ignore_class`"),
        (lambda: metrics.scores([1, 2]), r"square.*\(2,\)"),
        (lambda: metrics.scores([[1, -2], [0, 1]]), "-2"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_of_allowed_classes_the_pixels_with_one_are_counted():
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 3, (2, 4, 5)), rng.normal(size=(2, 4, 5, 3))
    allowed = np.eye(3, dtype="uint8")[labels]
    allowed[0, :2], allowed[1, :2] = [1, 0, 2], 0
    labels[:, :2] = 255
    metric = metrics.ConfusionMatrix(3)
    metric.update_state(allowed, logits.astype("float32"))
    np.testing.assert_array_equal(
        metric.confusion(), metrics.confusion_matrix(labels, logits.argmax(-1), 3)
    )


def test_one_hot_truth_is_named_where_nothing_is_void():
    metric = metrics.MeanIoU(3, ignore_class=None)
    truth = np.eye(3, dtype="float32")[np.zeros((2, 4, 5), int)]
    with pytest.raises(ValueError, match="truth is one-hot: pass label maps"):
        metric.update_state(truth, np.zeros((2, 4, 5, 3), "float32"))
