"""Layers of AlexNet and GoogLeNet in NumPy, one window at a time, for tests to compare with."""

import math
from types import SimpleNamespace

import numpy as np
import pytest


def relu(x):
    return np.maximum(x, 0)


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def convolution(x, weights, stride=1, pad=0, groups=1):
    """(1, H, W, channels) by a kernel (rows, columns, channels / groups, filters), and its bias."""
    kernel, bias = weights
    x = np.pad(x, [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))
    windows = windows[:, ::stride, ::stride]  # (1, h, w, channels, rows, columns)
    parts = [
        np.einsum("nhwcij,ijcf->nhwf", seen, filters, optimize=True)
        for seen, filters in zip(
            np.split(windows, groups, 3), np.split(kernel, groups, 3), strict=True
        )
    ]
    return np.concatenate(parts, -1) + bias


def pooling(x, window, stride, pad=0, reduce=np.max):
    """Windows cut at the border, their number rounded up."""
    _, height, width, _ = x.shape
    tall, wide = (math.ceil((n + 2 * pad - window) / stride) + 1 for n in (height, width))
    starts = [np.arange(n) * stride - pad for n in (tall, wide)]
    rows = [
        [reduce(x[:, max(i, 0) : i + window, max(j, 0) : j + window], (1, 2)) for j in starts[1]]
        for i in starts[0]
    ]
    return np.stack([np.stack(row, 1) for row in rows], 1)


def local_response(x, size=5, alpha=1e-4, beta=0.75):
    """Caffe's across channels: alpha is divided by the number of channels in the window."""
    padded = np.pad(x**2, [(0, 0)] * 3 + [(size // 2, size // 2)])
    total = np.lib.stride_tricks.sliding_window_view(padded, size, 3).sum(-1)
    return x / (1 + alpha / size * total) ** beta


@pytest.fixture(scope="session")
def by_numpy():
    """The functions of this file."""
    return SimpleNamespace(
        relu=relu,
        softmax=softmax,
        convolution=convolution,
        pooling=pooling,
        local_response=local_response,
    )
