"""Mean field on the lattice against all pairs of pixels, and against a lattice in a dictionary."""

import numpy as np
import pytest
from references import exact, mean_field, on_lattice

from fcn_keras.crf import dense_crf

LIMITS = {1: (0.004, 0.985), 5: (0.006, 0.975), 10: (0.010, 0.96)}  # mean |ΔQ|, equal labels
KINDS = ("synthetic", pytest.param("photographs", marks=pytest.mark.data))
MISTAKES = {
    "exp(-d²)": {"factor": 2},
    "normalised after": {"normalize": lambda kernel: kernel / kernel.sum(1, keepdims=True)},
    "normalised before": {"normalize": lambda kernel: kernel / kernel.sum(1)},
    "no smoothness kernel": {"weights": (0, 10)},
    "no bilateral kernel": {"weights": (3, 0)},
    "weights swapped": {"weights": (10, 3)},
}


@pytest.fixture(params=KINDS)
def cases(request):
    return request.getfixturevalue(request.param)


def distances(cases, q):
    """For each number of steps, mean |ΔQ| to the exact mean field and the share of equal labels."""
    return {
        steps: np.mean(
            [
                (np.abs(found - true).mean(), (found.argmax(-1) == true.argmax(-1)).mean())
                for found, true in ((q(case, steps), case.q(exact, steps)) for case in cases)
            ],
            axis=0,
        )
        for steps in LIMITS
    }


def within(found):
    return all(
        found[steps][0] < most and found[steps][1] > least
        for steps, (most, least) in LIMITS.items()
    )


def test_is_near_the_exact_mean_field(cases):
    found = distances(cases, lambda case, steps: dense_crf(case.scores, case.image, steps=steps))
    assert within(found), found


@pytest.mark.parametrize("name", [
    *list(MISTAKES)[1:3], *(pytest.param(name, marks=pytest.mark.sweep) for name in [
        list(MISTAKES)[0], *list(MISTAKES)[3:],
    ]),
])  # fmt: skip
def test_a_mistake_is_not(cases, name):
    mistake = MISTAKES[name]
    found = distances(cases, lambda case, steps: case.q(on_lattice, steps, **mistake))
    assert not within(found), found
    case = cases[0]
    assert np.abs(case.q(on_lattice, 5, **mistake) - case.q(on_lattice, 5)).max() > 0.05


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_equals_the_plain_lattice(cases, steps):
    for case in cases:
        found = dense_crf(case.scores, case.image, steps=steps)
        assert np.abs(found - case.q(on_lattice, steps)).max() < 1e-3


@pytest.mark.parametrize("steps", [1, 5])
def test_without_a_pixel_s_own_message(synthetic, steps):
    """What the lattice gives back to a pixel is known but for the lattice's gaps."""
    found, kept, plain = [], [], []
    for case in synthetic:
        true = case.q(exact, steps, include_self=False)
        q = dense_crf(case.scores, case.image, steps=steps, include_self=False)
        found.append(np.abs(q - true).mean())
        plain.append(np.abs(q - case.q(on_lattice, steps, include_self=False)).mean())
        kept.append(np.abs(dense_crf(case.scores, case.image, steps=steps) - true).mean())
    assert np.mean(found) < LIMITS[steps][0]
    assert np.mean(plain) < 0.002
    assert np.mean(kept) > (1.3 if steps == 1 else 1) * np.mean(found)


def test_any_compatibility(synthetic):
    case = synthetic[0]
    pays = np.random.default_rng(0).normal(0.5, 0.5, (4, 4))
    pays += pays.T
    found = dense_crf(case.scores, case.image, steps=5, compatibility=pays)
    expected = mean_field(case.scores, case.coupling(on_lattice), pays)[5]
    assert np.abs(found - expected).max() < 1e-3
    potts = dense_crf(case.scores, case.image, steps=5, compatibility=1 - np.eye(4))
    np.testing.assert_allclose(potts, dense_crf(case.scores, case.image, steps=5), atol=1e-5)
    assert np.abs(found - potts).max() > 0.1


def test_each_width_is_that_of_its_kernel(synthetic):
    """With one kernel, scaled so that its width is that of the reference."""
    case = synthetic[0]
    wide = case.image[:, :, :].astype("d") / 2
    for options, weights in (
        ({"spatial_width": 3, "bilateral_weight": 0}, (3, 0)),
        ({"bilateral_width": 80, "color_width": 6.5, "spatial_weight": 0}, (0, 10)),
    ):
        found = dense_crf(case.scores, wide, steps=3, **options)
        assert np.abs(found - case.q(on_lattice, 3, weights=weights)).max() < 1e-3


def test_what_it_returns():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 11, 17, 5))
    images = rng.integers(0, 256, (2, 11, 17, 3), "uint8")
    q = dense_crf(logits, images, threads=1)
    assert (q.shape, q.dtype) == (logits.shape, np.float32)
    np.testing.assert_allclose(q.sum(-1), 1, atol=1e-5)
    for i in range(2):
        np.testing.assert_array_equal(dense_crf(logits[i], images[i], threads=1), q[i])
    for threads in (2, 3, None):
        np.testing.assert_allclose(dense_crf(logits, images, threads=threads), q, atol=1e-4)


def test_no_steps_and_no_kernels_give_the_softmax():
    logits = np.random.default_rng(0).normal(size=(4, 6, 3))
    softmax = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    image = np.zeros((4, 6, 3), "uint8")
    np.testing.assert_allclose(dense_crf(logits, image, steps=0), softmax, rtol=1e-5)
    alone = dense_crf(logits, image, spatial_weight=0, bilateral_weight=0, include_self=False)
    np.testing.assert_allclose(alone, softmax, rtol=1e-5)


def test_probabilities_are_logits_after_the_softmax():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(9, 8, 4)).astype(np.float32)
    image = rng.uniform(0, 255, (9, 8, 3))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    found = dense_crf(p, image, from_logits=False)
    np.testing.assert_allclose(found, dense_crf(logits, image), atol=1e-4)
    np.testing.assert_allclose(found, dense_crf(logits + 1000, image), atol=1e-3)


def test_certain_scores_and_large_weights_stay_finite():
    rng = np.random.default_rng(0)
    certain = np.eye(3)[rng.integers(0, 3, (12, 10))]
    image = rng.integers(0, 256, (12, 10, 3), "uint8")
    for given in (
        dense_crf(certain, image, from_logits=False),
        dense_crf(certain * 1e6, image),
        dense_crf(certain, image, bilateral_weight=1e4),
        dense_crf(certain, image, bilateral_weight=1e4, compatibility=np.eye(3) * -50),
    ):
        np.testing.assert_allclose(given.sum(-1), 1, atol=1e-5)


def test_one_pixel_and_one_row():
    """A pixel alone gets a message of weight 3 + 10 from itself; the widths do not matter."""
    logits = np.array([[[0.3, -0.2]]])
    q = np.exp(logits) / np.exp(logits).sum()
    expected = np.exp(logits + 13 * q) / np.exp(logits + 13 * q).sum()
    image = np.full((1, 1, 3), 200, "uint8")
    np.testing.assert_allclose(dense_crf(logits, image, steps=1), expected, atol=1e-5)
    row = dense_crf(np.zeros((1, 9, 2)), np.zeros((1, 9, 3), "uint8"))
    np.testing.assert_allclose(row, 0.5, atol=1e-5)
