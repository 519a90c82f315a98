"""The boundary F1 measure against one that compares every pair of pixels."""

import math

import numpy as np
import pytest
from scipy import ndimage

from fcn_keras.metrics import BoundaryF1, boundary_f1

pytestmark = pytest.mark.backend


def contour(labels, void, c):
    """Points of class c beside a pixel that counts and is of another class, one by one."""
    height, width = labels.shape
    points = []
    for y in range(height):
        for x in range(width):
            if labels[y, x] != c or void[y, x]:
                continue
            beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            beside = [p for p in beside if 0 <= p[0] < height and 0 <= p[1] < width]
            if any(labels[p] != c and not void[p] for p in beside):
                points.append((y, x))
    return points


def share_near(points, others, within):
    near = [min(math.dist(p, q) for q in others) < within for p in points]
    return sum(near) / len(near)


def by_hand(truth, prediction, num_classes, tolerance, either=False):
    void = truth == 255
    within = tolerance * math.hypot(*truth.shape)
    values = []
    for c in range(num_classes):
        t, p = contour(truth, void, c), contour(prediction, void, c)
        there = (truth[~void] == c).any() or either and (prediction[~void] == c).any()
        if not there or not t and not p:
            values.append(float("nan"))
        elif not t or not p:
            values.append(0.0)
        else:
            precision, recall = share_near(p, t, within), share_near(t, p, within)
            both = precision + recall
            values.append(2 * precision * recall / both if both else 0.0)
    return values


def maps(seed, shape=(19, 26), num_classes=5, void=0.1):
    """Regions and the same regions moved, class 3 only predicted, with patches of void."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, shape, (7, 2))
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    nearest = ((rows - seeds[:, :1, None]) ** 2 + (columns - seeds[:, 1:, None]) ** 2).argmin(0)
    classes = rng.permutation([0, 1, 2, 0, 1, 2, 0])
    truth = classes[nearest].astype("uint8")
    prediction = np.roll(truth, rng.integers(-2, 3, 2), (0, 1))
    prediction[4:8, 5:9] = 3
    truth[ndimage.uniform_filter(rng.random(shape), 3) < np.quantile(rng.random(99), void)] = 255
    return truth, prediction


@pytest.mark.parametrize("present", ["truth", "either"])
@pytest.mark.parametrize("tolerance", [0.0075, 0.04, 0.07])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_comparison_of_every_pair(seed, tolerance, present):
    truth, prediction = maps(seed)
    values = boundary_f1(truth, prediction, 5, tolerance, present=present)
    expected = by_hand(truth, prediction, 5, tolerance, present == "either")
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert np.isnan(values[3]) == (present == "truth") and np.isnan(values[4])
    assert 0 < np.nanmax(values)


def test_a_square_of_known_contours():
    """A 4x4 square moved by one column: 12 pixels of contour each, 6 of them shared."""
    truth, prediction = np.zeros((30, 40), int), np.zeros((30, 40), int)
    truth[10:14, 10:14] = prediction[10:14, 11:15] = 1
    diagonal = 50
    assert boundary_f1(truth, prediction, 2, 0.9 / diagonal)[1] == 6 / 12
    assert boundary_f1(truth, prediction, 2, 1.1 / diagonal)[1] == 1
    assert boundary_f1(truth, truth, 2, 0.0075).tolist() == [1, 1]


def test_the_tolerance_is_a_share_of_the_diagonal():
    """0.75% of 360x480 are 4.5 pixels: a line off by four pixels is met, by five is not."""
    truth = np.zeros((360, 480), "uint8")
    truth[:, 200:] = 1
    for off, expected in ((4, 1.0), (5, 0.0)):
        prediction = np.zeros_like(truth)
        prediction[:, 200 + off :] = 1
        assert boundary_f1(truth, prediction, 2).tolist() == [expected] * 2


def test_boundaries_with_void_do_not_count():
    truth = np.array([[0, 0, 255, 255, 1, 1]] * 6, "uint8")
    wild = np.array([[0, 0, 1, 0, 1, 1]] * 6, "uint8")  # differs in void alone
    assert np.isnan(boundary_f1(truth, wild, 2)).all()
    wrong = np.array([[0, 1, 1, 0, 1, 1]] * 6, "uint8")  # a boundary where there is none
    assert boundary_f1(truth, wrong, 2).tolist() == [0, 0]
    truth[:] = 255
    assert np.isnan(boundary_f1(truth, wrong, 2)).all()


def test_the_mean_is_over_classes_then_images():
    metric = BoundaryF1(5, tolerance=0.05)
    assert np.isnan(metric.result()) and np.isnan(metric.per_class()).all()
    pairs = [maps(seed) for seed in range(5)]
    pairs.append((np.zeros((19, 26), "uint8"),) * 2)  # no boundary: no image of the mean
    expected = np.array([by_hand(*pair, 5, 0.05) for pair in pairs])
    metric.update_state(*pairs[0])
    metric.update_state(*(np.stack(side) for side in zip(*pairs[1:], strict=True)))
    assert metric.num_images == 5
    assert metric.result() == pytest.approx(np.nanmean(expected[:5], 1).mean())
    np.testing.assert_allclose(metric.per_class()[:3], np.nanmean(expected[:, :3], 0))
    metric.reset_state()
    assert np.isnan(metric.result()) and metric.num_images == 0


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([[0, 7]], [[0, 0]], "1 pixel of the truth outside 0..1 .such as 7"),
        ([[0, 1]], [[0, 7]], "1 pixel of the prediction outside 0..1"),
        ([[0, 1]], [[0, 0.5]], "1 pixel of the prediction outside 0..1 .such as 0.5"),
        ([[0, 1]], [[0, 1, 1]], r"of one size.*\(1, 2\) and .* \(1, 3\)"),
        ([0, 1], [0, 1], r"label maps \(H, W\)"),
    ],
)
def test_maps_that_do_not_fit_are_named(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        boundary_f1(truth, prediction, 2)


def test_a_batch_that_does_not_fit_adds_nothing():
    metric = BoundaryF1(2)
    with pytest.raises(ValueError, match="of one size"):
        metric.update_state(np.zeros((2, 4, 4)), np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match="outside"):
        metric.update_state([[[0, 1]], [[0, 9]]], [[[0, 1]], [[0, 1]]])
    assert metric.num_images == 0


@pytest.mark.parametrize("how", [{"tolerance": 0}, {"tolerance": math.nan}, {"present": "both"}])
def test_wrong_options_are_named(how):
    with pytest.raises(ValueError, match=f"`{next(iter(how))}` must be"):
        BoundaryF1(2, **how)


def test_evaluation_measures_it_on_demand():
    """Images of two sizes; the figures in the table and the JSON are those of `BoundaryF1`."""
    import fcn_keras

    class Oracle:
        labels = fcn_keras.LabelSet(("road", "sky", "tree", "car", "sign"))

        def segment(self, image):
            return image[..., 0]

    pairs = [maps(seed, shape) for seed, shape in enumerate(((19, 26), (30, 40), (30, 40)))]
    images = [(np.repeat(prediction[..., None], 3, -1), truth) for truth, prediction in pairs]
    report = fcn_keras.evaluate(Oracle(), images, boundary=True, progress=False)
    metric = BoundaryF1(5)
    for pair in pairs:
        metric.update_state(*pair)
    assert 0 < metric.result() < 1
    figures = report.to_dict()
    assert figures["boundary_f1"] == pytest.approx(metric.result())
    given = [row["boundary_f1"] for row in figures["classes"]]
    np.testing.assert_allclose(given[:3], metric.per_class()[:3])
    assert given[3:] == [None, None]
    assert f"boundary F1             {metric.result():.4f}   over 3 images" in report.table()
    road = next(line for line in report.table().splitlines() if line.startswith("road"))
    assert road.endswith(f"{metric.per_class()[0]:.4f}")
    plain = fcn_keras.evaluate(Oracle(), images, progress=False)
    assert plain.boundary is None and "boundary" not in plain.table() + str(plain.to_dict())
