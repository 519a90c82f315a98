"""Scores of a label map are pydensecrf's energies, re-computed here, with the opposite sign."""

import numpy as np
import pytest

from fcn_keras.crf import dense_crf, dense_crf_from_labels, scores_from_labels


def pydensecrfs_energies(labels, n_labels, gt_prob, zero_unsure):
    """`pydensecrf.utils.unary_from_labels`, as published, pixel by pixel: (n_labels, pixels)."""
    energies = np.empty((n_labels, labels.size), "float64")
    for pixel, label in enumerate(labels.ravel()):
        for number in range(n_labels):
            mine = number == (label - 1 if zero_unsure else label)
            p = gt_prob if mine else (1 - gt_prob) / (n_labels - 1)
            energies[number, pixel] = -np.log(1 / n_labels if zero_unsure and label == 0 else p)
    return energies


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(0, 4, (5, 7))


@pytest.mark.parametrize("certainty", [0.3, 0.5, 0.7, 0.99])
def test_scores_are_the_energies_with_the_other_sign(labels, certainty):
    energies = pydensecrfs_energies(labels, 4, certainty, zero_unsure=False)
    scores = scores_from_labels(labels, 4, certainty=certainty)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, -energies.T.reshape(5, 7, 4), rtol=1e-6)


def test_zero_unsure_is_an_ignored_class(labels):
    energies = pydensecrfs_energies(labels, 3, 0.7, zero_unsure=True)
    scores = scores_from_labels(np.where(labels == 0, 255, labels - 1), 3)
    assert (labels == 0).any()
    np.testing.assert_allclose(scores, -energies.T.reshape(5, 7, 3), rtol=1e-6)


@pytest.mark.parametrize("void, given", [(255, "auto"), (9, 9), (200, (9, 200))])
def test_void_says_nothing(labels, void, given):
    marked = labels.astype("uint8")
    marked[2, 3] = void
    scores = scores_from_labels(marked, 4, ignore_class=given)
    np.testing.assert_allclose(np.exp(scores[2, 3]), 0.25, rtol=1e-6)
    np.testing.assert_allclose(np.exp(scores).sum(-1), 1, rtol=1e-6)


def test_refined_is_the_crf_of_the_scores(labels):
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3), "uint8")
    options = {"steps": 3, "bilateral_weight": 4}
    found = dense_crf_from_labels(labels, image, 4, certainty=0.6, **options)
    expected = dense_crf(scores_from_labels(labels, 4, certainty=0.6), image, **options)
    np.testing.assert_array_equal(found, expected)
    batch = dense_crf_from_labels(labels[None], image[None], 4, certainty=0.6, **options)
    np.testing.assert_array_equal(batch[0], found)


def test_a_mask_drawn_off_its_object_moves_onto_it():
    image = np.full((60, 80, 3), 40, "uint8")
    image[20:40, 30:60] = 200
    labels = np.zeros((60, 80), "uint8")
    labels[17:37, 33:63] = 1
    labels[25:30, 40:50] = 255
    refined = dense_crf_from_labels(labels, image, 2, certainty=0.6, steps=5).argmax(-1)
    np.testing.assert_array_equal(refined, image[..., 0] == 200)


@pytest.mark.parametrize(
    "labels, given, said",
    [
        ([[0, 4]], {}, "holds 4, which is none of the 4 classes 0 to 3"),
        ([[0, -1]], {}, "holds -1"),
        ([[0, 255]], {"ignore_class": None}, "holds 255"),
        ([[0.0, 1.0]], {}, "of whole numbers, got shape .* float64"),
        ([0, 1], {}, "label map"),
        ([[0, 1]], {"certainty": 0.25}, "above 1 / num_classes = 0.25.* got 0.25"),
        ([[0, 1]], {"certainty": 1}, "below 1, got 1"),
        ([[0, 1]], {"certainty": 70}, "`certainty` must be a number from 0 to 1, got 70"),
    ],
)
def test_what_is_no_label_map_is_refused(labels, given, said):
    with pytest.raises(ValueError, match=said):
        scores_from_labels(np.array(labels), 4, **given)


def test_logits_do_not_go_with_labels():
    with pytest.raises(ValueError, match="`from_logits` is for scores"):
        dense_crf_from_labels(np.zeros((2, 2), int), np.zeros((2, 2, 3), "uint8"), 2, from_logits=0)
