"""The lattice's arrays: what barycentric coordinates and neighbours have to be, and the filter."""

import numpy as np
import pytest
from references import exact, on_lattice

from fcn_keras.crf import permutohedral_lattice, pixel_features
from fcn_keras.crf.filtering import Kernel, diagonal


def dense(lattice):
    """The (N, N) matrix of splat, blur and slice, by gathers as a layer would do it."""
    n = len(lattice.offsets)
    splat = np.zeros((lattice.num_points + 1, n))
    np.add.at(splat, (lattice.offsets, np.arange(n)[:, None]), lattice.weights)
    values = splat.copy()
    for near in lattice.neighbors:
        values[:-1] += (values[near[:, 0]] + values[near[:, 1]]) / 2
    return splat.T @ values


@pytest.mark.parametrize("d", [1, 2, 3, 5, 6])
def test_arrays(d):
    features = np.random.default_rng(d).normal(0, 3, (700, d))
    lattice = permutohedral_lattice(features)
    m = lattice.num_points
    assert lattice.offsets.dtype == lattice.neighbors.dtype == np.int32
    assert lattice.weights.dtype == np.float32
    assert lattice.offsets.shape == lattice.weights.shape == (700, d + 1)
    assert lattice.neighbors.shape == (d + 1, m, 2)
    np.testing.assert_array_equal(np.unique(lattice.offsets), np.arange(m))
    assert lattice.weights.min() >= 0
    np.testing.assert_allclose(lattice.weights.sum(1), 1, atol=1e-5)
    here = np.arange(m)
    for before, behind in lattice.neighbors.transpose(0, 2, 1):
        for one, other in ((before, behind), (behind, before)):
            there = one < m
            np.testing.assert_array_equal(other[one[there]], here[there])


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_is_the_plain_lattice(d):
    features = np.random.default_rng(d).normal(0, 2, (300, d))
    found = dense(permutohedral_lattice(features))
    expected = on_lattice(features)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_features_are_interpolated_linearly():
    """The barycentric mean of the points around a feature is the feature, where they are known."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1.5, (20000, 2))
    lattice = permutohedral_lattice(features)
    splat = np.zeros((lattice.num_points, 2))
    total = np.zeros(lattice.num_points)
    for offsets, weights in zip(lattice.offsets.T, lattice.weights.T, strict=True):
        np.add.at(splat, offsets, features * weights[:, None])
        np.add.at(total, offsets, weights)
    inside = np.abs(features).max(1) < 1
    points = splat / total[:, None]
    back = (points[lattice.offsets] * lattice.weights[..., None]).sum(1)
    assert np.abs(back - features)[inside].mean() < 0.1


def test_is_a_gaussian_of_unit_width():
    """Far from the border of a dense grid: its values, and its variance on both axes together."""
    rows, columns = np.mgrid[:40, :40].reshape(2, -1)
    features = np.column_stack([rows, columns]) / 4
    middle = (np.abs(rows - 19.5) < 4) & (np.abs(columns - 19.5) < 4)
    found = dense(permutohedral_lattice(features))[middle] / (1 + 2**-2)
    expected = exact(features)[middle]
    assert np.abs(found - expected).mean() < 0.01
    squared = -2 * np.log(expected)
    assert abs((found * squared).sum() / found.sum() - 2) < 0.1


@pytest.mark.parametrize("color", [None, 13])
def test_the_kernel_s_diagonal(synthetic, color):
    image = synthetic[0].image
    features = pixel_features(image, 3 if color is None else 80, color)
    lattice = permutohedral_lattice(features)
    matrix = dense(lattice)
    expected = 7 * np.diag(matrix) / matrix.sum(1)
    ratio = diagonal(Kernel(lattice, 7)) / expected
    assert 0.99 < ratio.min() and ratio.mean() < 1.1


def test_threads_and_chunks_do_not_show():
    features = np.random.default_rng(0).normal(0, 1, (20000, 3)).astype(np.float32)
    one, three = (permutohedral_lattice(features, threads=n) for n in (1, 3))
    for name in ("offsets", "weights", "neighbors"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
    part = permutohedral_lattice(features[:100])
    np.testing.assert_array_equal(part.weights, one.weights[:100])


def test_pixel_features():
    image = np.arange(24).reshape(2, 4, 3) * 10
    features = pixel_features(image, 2, 5)
    np.testing.assert_allclose(features[6], [1, 0.5, 36, 38, 40])
    np.testing.assert_array_equal(pixel_features(image, 2), features[:, :2])
    assert features.dtype == np.float32


@pytest.mark.parametrize(
    "features, message",
    [
        (np.zeros(5), r"\(N, d\).*shape \(5,\)"),
        (np.zeros((0, 2)), r"shape \(0, 2\)"),
        (np.zeros((4, 7)), r"shape \(4, 7\)"),
        (np.array([[0, np.nan], [1, 1]]), "1 values that are not finite"),
        (np.array([["a", "b"]]), "finite numbers"),
        (np.eye(5) * 1e6, "larger widths"),
    ],
)
def test_what_a_lattice_refuses(features, message):
    with pytest.raises(ValueError, match=message):
        permutohedral_lattice(features)


@pytest.mark.parametrize("width", [0, -1, np.inf, np.nan])
def test_widths_are_above_0(width):
    image = np.zeros((4, 5, 3))
    with pytest.raises(ValueError, match="`spatial_width` must be a number above 0"):
        pixel_features(image, width)
    with pytest.raises(ValueError, match="`color_width` must be a number above 0"):
        pixel_features(image, 1, width)
    with pytest.raises(ValueError, match=r"\(H, W, channels\), got shape \(4, 5\)"):
        pixel_features(image[..., 0], 1)
