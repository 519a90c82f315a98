"""Objects that were found, against a comparison of every pair of objects, and by hand."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from fcn_keras.metrics import InstanceMetric, instance_scores


def objects_of(labels, label, connectivity):
    """The objects of a class as sets of pixels, grown from pixel to pixel."""
    left = {tuple(p) for p in np.argwhere(labels == label)}
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)] * (connectivity == 8)
    while left:
        waiting, found = [left.pop()], set()
        while waiting:
            y, x = waiting.pop()
            found.add((y, x))
            beside = {(y + a, x + b) for a, b in steps} & left
            left -= beside
            waiting += beside
        yield found


def by_hand(truth, prediction, label, connectivity=4, min_area=1, thresholds=(0.5, 0.75)):
    """The figures of one class from every pair of objects, void cut off."""
    void = {tuple(p) for p in np.argwhere(truth == 255)}
    true = [o for o in objects_of(truth, label, connectivity) if len(o) >= min_area]
    predicted = []
    for one in objects_of(prediction, label, connectivity):
        if 2 * len(one & void) <= len(one) and len(one - void) >= min_area:
            predicted.append(one - void)
    iou = {
        (i, j): len(a & b) / len(a | b)
        for (i, a), (j, b) in itertools.product(enumerate(true), enumerate(predicted))
    }
    found = [value for value in iou.values() if value > 0.5]
    matched = [sum(value > t for value in iou.values()) for t in thresholds]
    best = [max((iou[i, j] for j in range(len(predicted))), default=0) for i in range(len(true))]
    pixels = [set().union(*maps) for maps in (true, predicted)]
    total = len(true) + len(predicted)
    return {
        "true": len(true),
        "predicted": len(predicted),
        "found": len(found),
        "missed": len(true) - len(found),
        "extra": len(predicted) - len(found),
        "matched": matched,
        "dice": 2 * len(pixels[0] & pixels[1]) / sum(map(len, pixels)),
        "object_iou": np.mean(best),
        "average_precision": [m / (total - m) for m in matched],
        "recognition_quality": len(found) / (total / 2),
        "panoptic_quality": sum(found) / (total / 2),
    }


def maps(seed, shape=(24, 31)):
    """Blobs of two classes, the same moved by a pixel and with some changed, patches of void."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(shape, "uint8")
    for label in (1, 2):
        dots = rng.random(shape) < 0.015
        truth[ndimage.binary_dilation(dots, iterations=2)] = label
    prediction = np.roll(truth, rng.integers(0, 2), 1)
    prediction[:, :6] = 0
    prediction[rng.random(shape) < 0.02] = 1
    truth[ndimage.binary_dilation(rng.random(shape) < 0.006, iterations=2)] = 255
    return truth, prediction


@pytest.mark.parametrize("connectivity,min_area", [(4, 1), (8, 1), (4, 5)])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_comparison_of_every_pair(seed, connectivity, min_area):
    truth, prediction = maps(seed)
    options = {"connectivity": connectivity, "min_area": min_area, "thresholds": (0.5, 0.75)}
    scores = instance_scores(truth, prediction, 3, **options)
    assert scores.classes == (1, 2) and scores.found.any() and scores.missed.any()
    for place, label in enumerate(scores.classes):
        expected = by_hand(truth, prediction, label, **options)
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(scores, name)[place], value, err_msg=name)


def test_four_cells_of_known_fate():
    """One exact, one half of it, one missed, two that are one in the prediction."""
    truth = np.zeros((10, 40), int)
    truth[2:8, 2:8] = truth[2:8, 12:18] = truth[2:8, 20:24] = 1
    truth[2:8, 30:34] = truth[2:8, 35:39] = 1
    prediction = np.zeros_like(truth)
    prediction[2:8, 2:8] = prediction[2:8, 12:16] = prediction[2:8, 30:39] = 1
    scores = instance_scores(truth, prediction, 2)
    assert (scores.true[0], scores.predicted[0], scores.found[0]) == (5, 3, 2)
    assert (scores.missed[0], scores.extra[0]) == (3, 1)
    # IoU 1, 2/3, 0, and 4/9 twice
    assert scores.object_iou[0] == pytest.approx((1 + 2 / 3 + 0 + 4 / 9 + 4 / 9) / 5)
    assert scores.segmentation_quality[0] == pytest.approx((1 + 2 / 3) / 2)
    assert scores.recognition_quality[0] == pytest.approx(2 * 2 / 8)
    expected = [2 / 6] * 4 + [1 / 7] * 6  # 2/3 is above 0.5 to 0.65
    np.testing.assert_allclose(scores.average_precision[0], expected)
    assert scores.mean_average_precision[0] == pytest.approx(np.mean(expected))
    common, total = 36 + 24 + 48, (36 + 36 + 24 + 24 + 24) + (36 + 24 + 54)
    assert scores.dice[0] == pytest.approx(2 * common / total)


def test_instance_masks_divide_what_touches():
    truth = np.array([[1, 1, 1, 1, 2, 2, 0]])
    numbers = np.array([[7, 7, 300, 300, 5, 5, 0]])
    scores = instance_scores(truth, truth, 3)
    assert scores.true.tolist() == [1, 1]
    scores = instance_scores(truth, truth, 3, true_instances=numbers)
    assert scores.true.tolist() == [2, 1] and scores.predicted.tolist() == [1, 1]
    assert scores.found.tolist() == [0, 1]  # half of the pixels is not more than half
    scores = instance_scores(truth, truth, 3, true_instances=numbers, predicted_instances=numbers)
    assert scores.found.tolist() == [2, 1] and scores.panoptic_quality.tolist() == [1, 1]


def test_an_instance_is_of_the_class_of_most_of_its_pixels():
    truth = np.array([[1, 1, 2, 255, 255, 255, 255]])
    numbers = np.array([[4, 4, 4, 4, 4, 4, 9]])  # 9 is in void alone
    scores = instance_scores(truth, np.array([[1, 1, 1, 0, 0, 0, 2]]), 3, true_instances=numbers)
    assert scores.true.tolist() == [1, 0] and scores.object_iou[0] == 1
    assert scores.predicted.tolist() == [1, 0]


def test_a_prediction_that_is_mostly_void_does_not_count():
    truth = np.array([[0, 0, 255, 255, 255, 0]])
    for prediction, count in (([[0, 1, 1, 1, 0, 0]], 0), ([[1, 1, 1, 1, 0, 0]], 1)):
        assert instance_scores(truth, np.array(prediction), 2).predicted[0] == count


def test_images_are_added_up():
    pairs = [maps(seed) for seed in range(3)]
    metric = InstanceMetric(3)
    for pair in pairs:
        metric.update_state(*pair)
    found, one_by_one = metric.result(), [instance_scores(*pair, 3) for pair in pairs]
    for name in ("true", "predicted", "found", "matched"):
        total = sum(getattr(one, name) for one in one_by_one)
        np.testing.assert_array_equal(getattr(found, name), total)
    quality = sum(one.panoptic_quality * (one.true + one.predicted) for one in one_by_one)
    np.testing.assert_allclose(found.panoptic_quality, quality / (found.true + found.predicted))
    metric.reset_state()
    assert np.isnan(metric.result().panoptic_quality).all() and not metric.result().true.any()


def test_a_class_without_objects_has_no_value():
    truth = np.zeros((4, 4), int)
    scores = instance_scores(truth, truth, 3, classes=(2,))
    assert scores.true.tolist() == [0] and np.isnan(scores.mean_average_precision).all()
    only_predicted = instance_scores(truth, truth + 2, 3, classes=(2,))
    assert only_predicted.panoptic_quality[0] == 0 and only_predicted.dice[0] == 0
    assert np.isnan(only_predicted.object_iou[0])


def test_wrong_arguments_are_refused():
    truth = np.zeros((2, 3), int)
    for options, message in (
        ({"connectivity": 6}, "`connectivity` must be one of 4, 8, got 6"),
        ({"min_area": 0}, "`min_area` must be a whole number of at least 1, got 0"),
        ({"thresholds": (0.4,)}, "`thresholds` must be a number of at least 0.5, got"),
        ({"thresholds": (0.5, 1)}, "must be below 1, got 1"),
        ({"classes": (2,)}, "`classes` must be a whole number from 0 to 1, got"),
        ({"true_instances": truth[:1]}, r"`true_instances` .* shape \(2, 3\); got int64 \(1, 3\)"),
        ({"predicted_instances": truth - 1}, "`predicted_instances` must be whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            instance_scores(truth, truth, 2, **options)
    with pytest.raises(ValueError, match="truth of shape"):
        instance_scores(truth, truth[:1], 2)
    with pytest.raises(ValueError, match="such as 5"):
        instance_scores(truth, truth + 5, 2)
