"""The Berkeley benchmark against its own published results, and its steps against other code."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat
from scipy.ndimage import label
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from fcn_keras import metrics
from fcn_keras.processes import Processes

IMAGES = ("2018", "3063", "5096", "6046", "8068")  # the order of eval_bdry_img.txt


@pytest.fixture
def bench(data_root):
    folder = data_root / "bsds/bench"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def pair(bench, name):
    cells = loadmat(bench / f"groundTruth/{name}.mat")["groundTruth"].ravel()
    annotations = np.stack([cell["Boundaries"].item() for cell in cells])
    return annotations, np.asarray(Image.open(bench / f"png/{name}.png")) / 255


def figures(scores):
    return scores.ods, scores.ois, scores.average_precision


def test_one_image_agrees_with_the_official_result(bench):
    scores = metrics.boundary_benchmark([pair(bench, "2018")], 5, suppress=False, progress=False)
    _, threshold, recall, precision, best = np.loadtxt(bench / "test_2/eval_bdry_img.txt")[0]
    found = scores.ods_threshold, scores.ods_recall, scores.ods_precision, scores.ods
    np.testing.assert_allclose(found, (threshold, recall, precision, best), atol=5e-3)


@pytest.mark.sweep
def test_the_five_images_agree_with_the_official_result(bench):
    pairs = [pair(bench, name) for name in IMAGES]
    scores = metrics.boundary_benchmark(pairs, 5, suppress=False)
    official = np.loadtxt(bench / "test_2/eval_bdry.txt")
    np.testing.assert_allclose(figures(scores), official[[3, 6, 7]], atol=2e-3)
    assert scores.ods_threshold == pytest.approx(official[0], abs=1e-6)
    curve = np.loadtxt(bench / "test_2/eval_bdry_thr.txt")
    found = np.stack([scores.thresholds, scores.recall, scores.precision], 1)
    np.testing.assert_allclose(found, curve[:, :3], atol=6e-3)


def test_every_annotator_counts_for_recall_and_any_of_them_for_precision():
    annotations = np.zeros((2, 40, 40), bool)
    annotations[0, 10, 5:35] = True
    annotations[1, 30, 5:35] = True
    probabilities = np.zeros((40, 40))
    probabilities[11, 5:35] = 0.6
    counts = metrics.boundary_counts(annotations, probabilities, 9, suppress=False, tolerance=0.02)
    np.testing.assert_array_equal(counts[:5], np.tile([30, 60, 30, 30], (5, 1)))
    np.testing.assert_array_equal(counts[6:], np.tile([0, 60, 0, 0], (3, 1)))


def test_a_boundary_further_than_the_tolerance_is_missed_and_wrong():
    annotations = np.zeros((1, 40, 40), bool)
    annotations[0, 10] = True
    probabilities = np.roll(annotations[0], 3, 0).astype(float)
    near = metrics.boundary_counts(annotations, probabilities, 1, tolerance=3.1 / 56.57)
    far = metrics.boundary_counts(annotations, probabilities, 1, tolerance=2.9 / 56.57)
    assert near[0, 0] > 25
    assert far[0, 0] == far[0, 2] == 0


def test_scores_follow_from_the_counts_by_hand():
    # thresholds 1/3 and 2/3; columns: found, true, matched, predicted
    counts = [[[8, 10, 8, 16], [4, 10, 4, 4]], [[10, 10, 10, 10], [0, 10, 0, 0]]]
    scores = metrics.boundary_scores(counts)
    np.testing.assert_allclose(scores.recall, [18 / 20, 4 / 20])
    np.testing.assert_allclose(scores.precision, [18 / 26, 1])
    assert scores.ods_threshold == pytest.approx(1 / 3)  # F falls from there on
    assert scores.ods == pytest.approx(2 * 18 / (20 + 26))
    assert scores.ois == pytest.approx(2 * 18 / (20 + 26))  # each image is best at the first
    inside = [r for r in np.arange(101) / 100 if 0.2 <= r <= 0.9]
    area = sum(1 + (18 / 26 - 1) * (r - 0.2) / 0.7 for r in inside) / 100
    assert scores.average_precision == pytest.approx(area)


def test_the_best_point_may_lie_between_two_thresholds():
    scores = metrics.boundary_scores([[[10, 10, 10, 100], [1, 10, 1, 1]]])
    share = np.linspace(0, 1, 100)
    precision, recall = 0.1 + 0.9 * share, 1 - 0.9 * share
    best = (2 * precision * recall / (precision + recall)).max()
    assert scores.ods == pytest.approx(best)
    assert 1 / 3 < scores.ods_threshold < 2 / 3


def test_as_many_pixels_are_matched_as_an_optimal_assignment_matches():
    draw = np.random.default_rng(0)
    for _ in range(3):
        first, second = draw.random((2, 30, 30)) < 0.12
        matched, partners = metrics.match_pixels(first, second, 2.5)
        distances = cdist(np.argwhere(first), np.argwhere(second))
        near = distances <= 2.5
        rows, columns = linear_sum_assignment(near, maximize=True)
        assert matched.sum() == partners.sum() == near[rows, columns].sum()
        assert not (matched & ~first).any()
        assert not (partners & ~second).any()


def test_masks_without_pixels_have_no_partners():
    nothing, something = np.zeros((9, 9), bool), np.ones((9, 9), bool)
    for masks in ((nothing, something), (something, nothing), (nothing, nothing)):
        assert not any(part.any() for part in metrics.match_pixels(*masks, 3))


def test_thinning_leaves_connected_lines_of_one_pixel():
    draw = np.random.default_rng(1)
    mask = np.kron(draw.random((8, 9)) < 0.5, np.ones((5, 5))).astype(bool)
    found = metrics.thin(mask)
    assert not (found & ~mask).any()
    assert label(found, np.ones((3, 3)))[1] == label(mask, np.ones((3, 3)))[1]
    block = np.lib.stride_tricks.sliding_window_view(found, (3, 3)).all((-1, -2))
    assert not block.any()
    np.testing.assert_array_equal(metrics.thin(found), found)


def test_a_bar_is_thinned_to_its_middle_line():
    mask = np.zeros((9, 30), bool)
    mask[2:7, 3:27] = True
    rows, columns = np.nonzero(metrics.thin(mask))
    assert {*rows} == {4}
    assert columns.min() <= 6
    assert columns.max() >= 23


@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_only_the_crest_of_a_ridge_is_left(degrees):
    rows, columns = np.mgrid[-20:21, -20:21]
    angle = np.deg2rad(degrees)
    distance = rows * np.cos(angle) + columns * np.sin(angle)
    kept = metrics.suppress_nonmaxima(np.exp(-((distance / 3) ** 2))) > 0
    inside = np.hypot(rows, columns) < 13
    assert np.abs(distance[kept & inside]).max() <= 1
    assert (kept & inside).sum() >= 18


def test_boundaries_fade_at_the_border_of_the_image():
    ridge = np.zeros((30, 30))
    ridge[15] = 1
    found = metrics.suppress_nonmaxima(ridge)[15]
    np.testing.assert_allclose(found[:7] / found[15], [0, 0.2, 0.4, 0.6, 0.8, 1, 1], atol=1e-6)


def test_other_processes_count_what_this_one_counts(monkeypatch):
    annotations = np.zeros((1, 40, 40), bool)
    annotations[0, 10] = annotations[0, :, 25] = True
    probabilities = np.random.default_rng(2).random((40, 40)) * 0.5 + 0.5 * annotations[0]
    monkeypatch.setattr("fcn_keras.metrics.berkeley.SMALL", 0)
    metric = metrics.BoundaryBenchmark(7, processes=2)
    for _ in range(3):
        metric.update_state(annotations, probabilities)
    alone = metrics.boundary_counts(annotations, probabilities, 7)
    np.testing.assert_array_equal(metric.counts, [alone] * 3)
    metric.close()


def test_an_error_in_another_process_is_raised_in_this_one():
    with Processes(1) as processes:
        assert processes.submit("math:hypot", 3, 4).result() == 5
        with pytest.raises(ValueError, match="math domain error|nonnegative"):
            processes.submit("math:sqrt", -1).result()
        assert processes.submit("math:hypot", 5, 12).result() == 13


@pytest.mark.parametrize(
    ("annotations", "probabilities", "fragment"),
    [
        (np.zeros((5, 5), bool), np.zeros((5, 5)), r"\(annotators, H, W\)"),
        (np.zeros((1, 5, 6), bool), np.zeros((5, 5)), "of one size"),
        (np.zeros((1, 5, 5), bool), np.full((5, 5), 200), "Divide 8-bit maps by 255"),
    ],
)
def test_maps_that_do_not_fit_are_refused(annotations, probabilities, fragment):
    with pytest.raises(ValueError, match=fragment):
        metrics.boundary_counts(annotations, probabilities)


def test_without_images_there_is_no_result():
    with pytest.raises(ValueError, match="no image to score"):
        metrics.BoundaryBenchmark(processes=1).result()
