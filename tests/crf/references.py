"""A dense CRF in float64, over all pairs of pixels and on a lattice in a dictionary."""

import functools
import math

import numpy as np


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def features(image, width, color=None):
    """float64 (N, 2) or (N, 5): x, y and colours by their widths."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].reshape(2, -1) / width
    return np.column_stack(
        [columns, rows, *([] if color is None else image.reshape(-1, 3).T / color)]
    )


def exact(f):
    """The Gaussian kernel of all pairs (N, N)."""
    return np.exp(-((f[:, None] - f) ** 2).sum(-1) / 2)


def on_lattice(f):
    """The (N, N) matrix of splat, blur and slice.

    The lattice is (d + 1) Z^(d + 1) seen along its main diagonal, and its simplices are those of
    the Kuhn triangulation of a cube seen so: both of a cube's ends are one point.
    """
    n = f.shape[1] + 1
    numbers, around = {}, []
    for feature in f:
        elevated = _elevated(feature)
        low = [math.floor(y / n) for y in elevated]
        fraction = [y / n - z for y, z in zip(elevated, low, strict=True)]
        order = sorted(range(n), key=lambda i, by=fraction: -by[i])
        falling = [fraction[i] for i in order]
        weights = [1 - falling[0] + falling[-1]]
        weights += [falling[k - 1] - falling[k] for k in range(1, n)]
        for corner, weight in enumerate(weights):
            corner = [z + (i in order[:corner]) for i, z in enumerate(low)]
            key = tuple(n * z - sum(corner) for z in corner)
            around.append((numbers.setdefault(key, len(numbers)), weight))
    splat = np.zeros((len(numbers) + 1, len(f)))
    for i, (number, weight) in enumerate(around):
        splat[number, i // n] += weight
    values = splat.copy()
    for axis in range(n):
        near = [
            [
                numbers.get(tuple(x + sign * (1 - n * (i == axis)) for i, x in enumerate(key)), -1)
                for key in numbers
            ]
            for sign in (1, -1)
        ]
        values[:-1] += (values[near[0]] + values[near[1]]) / 2
    return splat.T @ values


def _elevated(feature):
    """The feature in the hyperplane of coordinates of sum 0, the sums rounded once."""
    n = len(feature) + 1
    scaled = [
        x * math.sqrt(2 / 3) * n / math.sqrt(j * (j + 1)) for j, x in enumerate(feature, start=1)
    ]
    return [math.fsum([*scaled[i:], -i * scaled[i - 1] if i else 0.0]) for i in range(n)]


def normalized(kernel):
    root = np.sqrt(kernel.sum(1))
    return kernel / root[:, None] / root


def mean_field(scores, coupling, compatibility=None):
    """float64 (H, W, C), Q after each number of steps from 0 to 10."""
    log_p = scores.reshape(-1, scores.shape[-1])
    if compatibility is None:
        compatibility = 1 - np.eye(log_p.shape[1])
    found = [softmax(log_p)]
    for _ in range(10):
        found.append(softmax(log_p - coupling @ found[-1] @ compatibility))
    return [q.reshape(scores.shape) for q in found]


class Case:
    """An image and scores, and what the references make of them."""

    def __init__(self, image, scores):
        self.image, self.scores = image, scores
        self.kernel, self.steps = functools.cache(self._kernel), functools.cache(self._steps)

    def q(self, make, steps, **options):
        """Q by `exact` or `on_lattice`; options are those of `coupling`."""
        return self.steps(make, **options)[steps]

    def coupling(self, make, weights=(3, 10), factor=1, normalize=normalized, include_self=True):
        """The sum of the kernels; `factor` is what the squared distance is multiplied by."""
        total = weights[0] * self.kernel(make, normalize, factor, 3)
        total += weights[1] * self.kernel(make, normalize, factor, 80, 13)
        return total if include_self else total - np.diag(np.diag(total))

    def _kernel(self, make, normalize, factor, *widths):
        return normalize(make(features(self.image.astype("d"), *widths) * math.sqrt(factor)))

    def _steps(self, make, **options):
        return mean_field(self.scores, self.coupling(make, **options))
