"""Filtering by a Gaussian kernel: splat, blur and slice of a lattice as sparse products."""

import numpy as np
import scipy.sparse


def blur_matrices(lattice):
    """Returns, for each axis, the float32 matrix (M, M) that adds half of both neighbours."""
    matrices = []
    points = np.arange(lattice.num_points, dtype=np.int32)
    for neighbors in lattice.neighbors:
        columns = np.column_stack([points, neighbors])
        there = columns < len(points)
        values = np.broadcast_to(np.float32([1, 0.5, 0.5]), columns.shape)[there]
        starts = np.concatenate([[0], there.sum(1).cumsum()])
        matrices.append(_csr(values, columns[there], starts, len(points)))
    return matrices


class Kernel:
    """A normalised Gaussian kernel w D^-1/2 K D^-1/2 on the lattice of its features.

    Attributes:
        offsets, num_points: those of the lattice.
        weights: float32 (N, d + 1), those of the lattice times sqrt(w / D), so that splatting and
            slicing with them normalises and weighs.
        blurs: the matrices to apply between splatting and slicing, in this order.
    """

    def __init__(self, lattice, weight):
        self.offsets, self.num_points = lattice.offsets, lattice.num_points
        self.blurs = blur_matrices(lattice)
        splat = rows_matrix(lattice.offsets, lattice.weights, lattice.num_points)
        points = splat.T @ np.ones(len(lattice.offsets), np.float32)
        for blur in self.blurs:
            points = blur @ points
        self.weights = lattice.weights * np.sqrt(weight / (splat @ points))[:, None]


def rows_matrix(offsets, weights, num_points):
    """Returns the float32 matrix (N, points) with these columns and values in each row."""
    starts = np.arange(0, offsets.size + 1, offsets.shape[1])
    return _csr(weights.ravel(), offsets.ravel(), starts, num_points)


def _csr(values, columns, starts, num_points):
    kind = np.int32 if starts[-1] < 2**31 else np.int64
    shape = len(starts) - 1, num_points
    matrix = (values, columns.astype(kind, copy=False), starts.astype(kind, copy=False))
    return scipy.sparse.csr_array(matrix, shape=shape)


def diagonal(kernel):
    """Returns the diagonal of a kernel: the weight of each pixel for itself, float32 (N,).

    The points of remainder r and s of a simplex are |r - s| = m steps apart, along as many axes,
    or d + 1 - m steps backwards along the others; each step is a factor 1/2.
    """
    corners = kernel.weights.shape[1]
    apart = np.abs(np.subtract.outer(np.arange(corners), np.arange(corners)))
    passed = 0.5**apart + 0.5 ** (corners - apart) + 0.5**corners * (apart == 0)
    passed = passed.astype(np.float32)
    return np.einsum("nr,rs,ns->n", kernel.weights, passed, kernel.weights, optimize=True)
