"""caffe-segnet's layers in NumPy, float64, and whole nets with random weights.

Written from the authors' prototxts, apart from the library's own tables.
"""

import numpy as np

BLOCKS = (2, 2, 3, 3, 3)


def conv(x, weights, pad):
    """Correlation of a map (channels, rows, columns) with filters (out, in, rows, columns)."""
    kernel, bias = (array.astype("float64") for array in weights)
    out, inside, rows, columns = kernel.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (rows, columns), (1, 2))
    height, width = windows.shape[1:3]
    patches = windows.transpose(1, 2, 0, 3, 4).reshape(height * width, inside * rows * columns)
    scores = patches @ kernel.reshape(out, -1).T + bias
    return scores.T.reshape(out, height, width)


def bn(x, weights):
    """bn_mode INFERENCE: y = scale * x + shift."""
    scale, shift = (array.astype("float64").reshape(-1, 1, 1) for array in weights)
    return scale * x + shift


def lrn(x, size=5, alpha=1e-4, beta=0.75):
    squares = np.zeros_like(x)
    for c in range(len(x)):
        squares[c] = (x[max(0, c - size // 2) : c + size // 2 + 1] ** 2).sum(0)
    return x / (1 + alpha / size * squares) ** beta


def pool(x):
    """(maxima, mask): the mask is the flat index y * width + x of the first maximum."""
    channels, height, width = x.shape
    tall, wide = -(-height // 2), -(-width // 2)
    maxima, mask = np.full((channels, tall, wide), -np.inf), np.zeros((channels, tall, wide), int)
    for i, j in np.ndindex(tall, wide):
        for y in range(2 * i, min(2 * i + 2, height)):
            for z in range(2 * j, min(2 * j + 2, width)):
                larger = x[:, y, z] > maxima[:, i, j]
                maxima[larger, i, j] = x[larger, y, z]
                mask[larger, i, j] = y * width + z
    return maxima, mask


def upsample(x, mask, size):
    result = np.zeros((len(x), size[0] * size[1]))
    np.put_along_axis(result, mask.reshape(len(x), -1), x.reshape(len(x), -1), axis=1)
    return result.reshape(len(x), *size)


class Weights(dict):
    """{layer: [array, ...]}, random, made when a layer is first computed."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)

    def convolution(self, name, out, inside, size):
        kernel = self.rng.normal(0, np.sqrt(2 / (inside * size**2)), (out, inside, size, size))
        self[name] = [kernel.astype("float32"), self.rng.normal(0, 0.1, out).astype("float32")]
        return self[name]

    def normalization(self, name, channels):
        shape = (1, channels, 1, 1)
        scale, shift = self.rng.uniform(0.6, 1.4, shape), self.rng.normal(0, 0.2, shape)
        self[name] = [scale.astype("float32"), shift.astype("float32")]
        return self[name]

    def unit(self, x, name, out, size=3, relu=True):
        """Convolution, BN and ReLU."""
        x = conv(x, self.convolution(name, out, len(x), size), size // 2)
        x = bn(x, self.normalization(f"{name}_bn", out))
        return np.maximum(x, 0) if relu else x


def segnet(image, classes, widths=(64, 128, 256, 512, 512), head=None, seed=0):
    """(scores (classes, rows, columns), weights) of SegNet on an image (rows, columns, RGB)."""
    weights, masks = Weights(seed), []
    x = image.astype("float64")[..., ::-1].transpose(2, 0, 1)  # BGR, no mean
    for block, (count, width) in enumerate(zip(BLOCKS, widths, strict=True), start=1):
        for n in range(1, count + 1):
            x = weights.unit(x, f"conv{block}_{n}", width)
        size = x.shape[1:]
        x, mask = pool(x)
        masks.append((mask, size))
    for block in range(5, 0, -1):
        x = upsample(x, *masks.pop())
        for n in range(BLOCKS[block - 1], 0, -1):
            narrow = n == 1 and block > 1
            name = f"conv{block}_{n}_D"
            if (block, n) == (1, 1) and head is None:
                return conv(x, weights.convolution(name, classes, len(x), 3), 1), weights
            x = weights.unit(x, name, widths[block - 2] if narrow else widths[block - 1])
    return conv(x, weights.convolution(head, classes, len(x), 3), 1), weights


def segnet_basic(image, classes, last="conv_classifier", seed=0):
    """The same of SegNet-Basic."""
    weights, masks = Weights(seed), []
    x = lrn(image.astype("float64")[..., ::-1].transpose(2, 0, 1))
    for n in range(1, 5):
        x = weights.unit(x, f"conv{n}", 64, 7)
        size = x.shape[1:]
        x, mask = pool(x)
        masks.append((mask, size))
    for n in range(4, 0, -1):
        x = weights.unit(upsample(x, *masks.pop()), f"conv_decode{n}", 64, 7, relu=False)
    return conv(x, weights.convolution(last, classes, len(x), 1), 0), weights
