"""V-Rand and V-Info against all pairs of pixels, scikit-learn, a watershed pixel by pixel."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn import metrics as sklearn_metrics

from fcn_keras.metrics import PartitionMetric, information_score, rand_score, thin_borders


def flooded(regions):
    """The watershed one pixel after the other: by distance, then by row, then by column."""
    height, width = regions.shape
    rows, columns = np.nonzero(regions)
    border = []
    for y, x in np.argwhere(regions == 0):
        border.append((np.min(abs(rows - y) + abs(columns - x)), y, x))
    labels = regions.copy()
    for _, y, x in sorted(border):
        beside = [(y - 1, x), (y, x - 1), (y, x + 1), (y + 1, x)]
        beside = {int(labels[p]) for p in beside if 0 <= p[0] < height and 0 <= p[1] < width} - {0}
        labels[y, x] = beside.pop() if len(beside) == 1 else 0
    return labels


def regions_of(seed, shape=(17, 23), share=0.04, wide=True):
    """Some blobs, or dots, with wide borders."""
    dots = np.random.default_rng(seed).random(shape) < share
    return ndimage.label(ndimage.binary_dilation(dots) if wide else dots)[0]


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_borders_are_thinned_as_pixel_by_pixel(seed, wide):
    regions = regions_of(seed, wide=wide)
    thin = thin_borders(regions)
    np.testing.assert_array_equal(thin, flooded(regions))
    np.testing.assert_array_equal(thin[regions > 0], regions[regions > 0])
    for here, there in ((thin[1:], thin[:-1]), (thin[:, 1:], thin[:, :-1])):
        assert ((here == there) | (here == 0) | (there == 0)).all(), "two regions touch"


def test_a_border_that_separates_nothing_vanishes():
    regions = np.ones((9, 9), int)
    regions[4, 2:6] = 0
    np.testing.assert_array_equal(thin_borders(regions), np.ones((9, 9)))
    np.testing.assert_array_equal(thin_borders(np.zeros((3, 4), int)), np.ones((3, 4)))


def test_a_wide_border_becomes_its_middle_line():
    regions = np.ones((6, 11), int)
    regions[:, 3:8], regions[:, 8:] = 0, 2
    expected = np.repeat([[1] * 5 + [0] + [2] * 5], 6, axis=0)
    np.testing.assert_array_equal(thin_borders(regions), expected)


def singletons(regions):
    """The regions, with a number of its own for each pixel of a border."""
    alone = regions == 0
    numbers = regions.copy()
    numbers[alone] = regions.max() + 1 + np.arange(alone.sum())
    return numbers


def by_pairs(truth, prediction):
    """V-Rand, split and merge of two maps, from every pair of pixels."""
    counted = truth > 0
    t, p = truth[counted], singletons(prediction)[counted]
    same_t, same_p = t[:, None] == t, p[:, None] == p
    split, merge = (same_t & same_p).sum() / same_t.sum(), (same_t & same_p).sum() / same_p.sum()
    return 2 * split * merge / (split + merge), split, merge


def by_scikit_learn(truth, prediction):
    """V-Info, split and merge of two maps."""
    counted = truth > 0
    t, p = truth[counted], singletons(prediction)[counted]
    information = sklearn_metrics.mutual_info_score(t, p)
    split = information / sklearn_metrics.mutual_info_score(p, p)
    merge = information / sklearn_metrics.mutual_info_score(t, t)
    return 2 * split * merge / (split + merge), split, merge


@pytest.mark.parametrize("thin", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_equals_every_pair_and_scikit_learn(seed, thin):
    truth, prediction = regions_of(seed), regions_of(seed + 50, share=0.06)
    expected = flooded(prediction) if thin else prediction
    for score, independent in ((rand_score, by_pairs), (information_score, by_scikit_learn)):
        found = score(truth, prediction, thin=thin)
        values = found.score, found.split, found.merge
        np.testing.assert_allclose(values, independent(truth, expected), rtol=1e-10)
        assert found.threshold is None and 0 < found.score < 1


def test_the_best_threshold_is_found():
    rng = np.random.default_rng(0)
    truth = regions_of(3, (30, 40))
    probabilities = np.clip((truth > 0) * 0.6 + rng.uniform(0, 0.4, truth.shape), 0, 1)
    thresholds = (0.3, 0.5, 0.7)
    for score, independent in ((rand_score, by_pairs), (information_score, by_scikit_learn)):
        found = score(truth, probabilities, thresholds=thresholds, thin=False)
        one_by_one = [
            independent(truth, ndimage.label(probabilities > threshold)[0])[0]
            for threshold in thresholds
        ]
        np.testing.assert_allclose(found.per_threshold, one_by_one, rtol=1e-10)
        assert found.score == max(found.per_threshold) == 1 and found.threshold == 0.5


def test_truth_against_itself_is_one():
    truth = regions_of(1)
    for score in (rand_score, information_score):
        for thin in (True, False):
            found = score(truth, truth, thin=thin)
            assert (found.score, found.split, found.merge) == pytest.approx((1, 1, 1))


def test_one_region_splits_nothing_and_many_merge_nothing():
    truth = np.array([[1, 1, 1, 0, 2, 2, 2, 2]])
    for score in (rand_score, information_score):
        one = score(truth, np.ones((1, 8), bool))
        assert one.split == 1 and one.merge < 1
        many = score(truth, np.arange(1, 9)[None])
        assert many.merge == pytest.approx(1) and many.split < 1
    assert rand_score(truth, np.ones((1, 8), bool)).merge == pytest.approx((3**2 + 4**2) / 7**2)
    assert rand_score(truth, np.arange(1, 9)[None]).split == pytest.approx(7 / (3**2 + 4**2))


def test_borders_of_the_truth_do_not_count():
    truth = np.array([[1, 1, 0, 0, 2, 2]])
    for prediction in ([[1, 1, 0, 0, 1, 1]], [[1, 1, 1, 0, 1, 1]], [[1, 1, 0, 1, 1, 1]]):
        assert rand_score(truth, np.array(prediction)).score == 1
        assert information_score(truth, np.array(prediction), thin=False).score == pytest.approx(1)


def test_slices_are_apart_and_averaged():
    truth = np.stack([regions_of(seed) > 0 for seed in (1, 2, 3)])
    prediction = np.stack([regions_of(seed) > 0 for seed in (4, 5, 6)])
    pairs = zip(truth, prediction, strict=True)
    one_by_one = [by_pairs(*(ndimage.label(mask)[0] for mask in pair)) for pair in pairs]
    one_by_one = np.array(one_by_one)[:, 0]
    found = rand_score(truth, prediction, thin=False, average="slices")
    np.testing.assert_allclose(found.per_slice, one_by_one, rtol=1e-10)
    assert found.score == pytest.approx(one_by_one.mean())
    stack = rand_score(truth, prediction, thin=False)
    numbers = [ndimage.label(m)[0] for m in (*truth, *prediction)]
    apart = [np.where(n > 0, n + 1000 * (i % 3), 0) for i, n in enumerate(numbers)]
    assert stack.score == pytest.approx(by_pairs(np.stack(apart[:3]), np.stack(apart[3:]))[0])


def test_a_slice_without_regions_has_no_score_and_does_not_count():
    truth = np.stack([regions_of(1), np.zeros((17, 23), int)])
    for average in ("stack", "slices"):
        found = rand_score(truth, truth, average=average)
        assert found.score == 1 and np.isnan(found.per_slice[1])
    nothing = rand_score(truth[1], truth[0])
    assert np.isnan([nothing.score, nothing.split, nothing.merge]).all()


def test_masks_and_numbers_are_told_apart():
    numbers = np.array([[0, 5, 5, 0, 700, 0, 5]])  # the last pixel is of the first region too
    assert rand_score(numbers, numbers).score == 1
    mask = np.where(numbers > 0, 255, 0).astype("uint8")
    assert rand_score(mask, mask > 0).score == 1
    assert rand_score(numbers, mask).split < 1


def test_wrong_arguments_are_refused():
    truth = np.array([[1, 0, 2]])
    for prediction, message in (
        (np.ones((3, 1), int), r"truth of shape \(1, 3\) and prediction of shape \(3, 1\)"),
        (truth * 1.5, r"must be in \[0, 1\], got 0.0 to 3.0"),
        (truth * np.nan, "got nan"),
        (-truth, "at least 0, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            rand_score(truth, prediction)
    with pytest.raises(ValueError, match="thresholds"):
        PartitionMetric(thresholds=(0.5, 2))
    with pytest.raises(ValueError, match="one number at least"):
        PartitionMetric(thresholds=())
    with pytest.raises(ValueError, match="'stack', 'slices', got 'micro'"):
        rand_score(truth, truth, average="micro")
    with pytest.raises(ValueError, match="without a slice"):
        PartitionMetric().rand_score()
    metric = PartitionMetric()
    metric.update_state(truth, truth)
    with pytest.raises(ValueError, match="before had regions, this one has probabilities"):
        metric.update_state(truth, truth / 2)


def test_thinning_forgives_wide_membranes(data_root):
    """Membranes two pixels wider on each side divide the image as the true ones do."""
    folder = data_root / "isbi2012" / "label"
    if not folder.is_dir():
        pytest.skip(f"the slices are not in {folder}")
    truth = np.stack([np.asarray(Image.open(folder / f"{i:02}.png")) > 0 for i in (0, 12)])
    wide = np.stack([ndimage.binary_erosion(m, iterations=2, border_value=1) for m in truth])
    for score, lost in ((rand_score, 0.05), (information_score, 0.1)):
        assert score(truth, truth).score == pytest.approx(1)
        assert score(truth, wide).score > 0.99
        assert score(truth, wide, thin=False).score < 1 - lost
