"""Mean-field updates of a dense CRF, on strips of pixels that several threads compute."""

import itertools

import numpy as np

from fcn_keras.crf.filtering import diagonal, rows_matrix

BLOCK = 2**16  # scores that are updated together
OVERFLOW = 80.0  # its exponential is finite in float32, also summed over classes


def mean_field(unary, q, kernels, steps, compatibility, include_self, run, pieces):
    """Computes Q by updates Q <- softmax(unary - compatibility (sum of kernels) Q).

    Args:
        unary: float32 (N, C), log-probabilities, up to a constant for each pixel.
        q: float32 (N, C), which is overwritten by Q.
        kernels: `Kernel`s of the N pixels.
        steps: number of updates.
        compatibility: float32 (C, C), or None for the Potts model.
        include_self: whether the diagonals of the kernels count.
        run: `run(function, items)` returns the list of results.
        pieces: number of items of equal cost into which a step is divided.
    """
    own = None if include_self or not kernels else sum(map(diagonal, kernels))
    parts = _parts(len(unary), pieces)
    strips = run(lambda pixels: _Strip(pixels, unary, q, kernels, compatibility, own), parts)
    classes = _parts(unary.shape[1], pieces)
    run(_Strip.start, strips)
    for _ in range(steps if kernels else 0):
        _step(strips, kernels, classes, run)


def _parts(count, pieces):
    """Returns slices of nearly equal length that cover range(count); none is empty."""
    ends = [count * i // pieces for i in range(pieces + 1)]
    return [slice(*pair) for pair in zip(ends, ends[1:], strict=False) if pair[0] < pair[1]]


def _step(strips, kernels, classes, run):
    splatted = run(_Strip.splat, strips)
    points = np.empty_like(splatted[0])
    run(lambda some: _blur(splatted, kernels, some, points), classes)
    run(lambda strip: strip.update(points), strips)


def _blur(splatted, kernels, classes, points):
    """Adds up the splatted values of the strips and blurs them, for some of the classes."""
    total = splatted[0][:, classes]
    for other in splatted[1:]:
        total = total + other[:, classes]
    start = 0
    for kernel in kernels:
        own = slice(start, start + kernel.num_points)
        values = total[own]
        for blur in kernel.blurs:
            values = blur @ values
        points[own, classes] = values
        start = own.stop


class _Strip:
    """A part of the pixels, and the matrix of their weights at the points of all kernels."""

    def __init__(self, pixels, unary, q, kernels, compatibility, own):
        self.unary, self.q, self.compatibility = unary[pixels], q[pixels], compatibility
        self.own = None if own is None else own[pixels, None]
        self.blocks = _parts(len(self.q), -(-self.q.size // BLOCK))
        if kernels:
            *starts, count = itertools.accumulate((k.num_points for k in kernels), initial=0)
            offsets = [k.offsets[pixels] + at for k, at in zip(kernels, starts, strict=True)]
            offsets = np.concatenate(offsets, axis=1)
            weights = np.concatenate([kernel.weights[pixels] for kernel in kernels], axis=1)
            self.matrix = rows_matrix(offsets, weights, count)
            self.slices = [rows_matrix(offsets[b], weights[b], count) for b in self.blocks]

    def start(self):
        for block in self.blocks:
            _softmax(self.unary[block].copy(), self.q[block])

    def splat(self):
        return self.matrix.T @ self.q

    def update(self, points):
        for block, matrix in zip(self.blocks, self.slices, strict=True):
            messages = matrix @ points
            if self.own is not None:
                messages -= self.own[block] * self.q[block]
            if self.compatibility is not None:
                messages = messages @ -self.compatibility
            messages += self.unary[block]
            if self.compatibility is not None:
                messages -= messages.max(1, keepdims=True)
            _softmax(messages, self.q[block])


def _softmax(scores, q):
    """Writes the softmax of scores (n, C) to `q`, and overwrites the scores.

    In place, as memory traffic is most of the cost. The largest score of a row is not far below 0,
    so that nothing is subtracted unless the exponentials would overflow.
    """
    if scores.max() > OVERFLOW:
        scores -= scores.max(1, keepdims=True)
    np.exp(scores, out=scores)
    np.divide(scores, np.einsum("ij->i", scores)[:, None], out=q)
