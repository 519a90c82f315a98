"""How an image of any size meets a net of one size.

A smaller image is padded, a larger one seen in windows that overlap.
"""

import math

import numpy as np

OVERLAP = 0.25  # of a window, what two neighbours share at least


def windows(image_size, size, overlap=OVERLAP):
    """The windows of one size that cover an image, evenly spread.

    Args:
        image_size: (H, W) of the image.
        size: (H, W) of a window.
        overlap: Share of a window that two neighbours have in common, at least.

    Returns:
        A list of `(window, kept)`, each a pair of slices (rows, columns) in the image: what the
        net sees (it may end beyond the image), and the part of its answer that counts. The kept
        parts tile the image; between two windows each pixel goes to the one whose edge is farther.
    """
    rows, columns = (
        _spans(length, window, overlap) for length, window in zip(image_size, size, strict=True)
    )
    return [
        ((row, column), (kept_rows, kept_columns))
        for row, kept_rows in rows
        for column, kept_columns in columns
    ]


def _spans(length, window, overlap):
    least = min(max(1, round(window * overlap)), window - 1)
    count = 1 if length <= window else math.ceil((length - least) / max(window - least, 1))
    starts = (
        [round(i * (length - window) / (count - 1)) for i in range(count)] if count > 1 else [0]
    )
    cuts = [(a + window + b) // 2 for a, b in zip(starts, starts[1:], strict=False)]
    edges = [0, *cuts, length]
    return [
        (slice(start, start + window), slice(first, last))
        for start, first, last in zip(starts, edges, edges[1:], strict=False)
    ]


def cut_out(image, window, padding):
    """The pixels of a window; below and right of the image they are `padding`, one a channel."""
    rows, columns = (span.stop - span.start for span in window)
    pixels = np.empty((rows, columns, image.shape[-1]), image.dtype)
    pixels[:] = padding
    part = image[window]
    pixels[: part.shape[0], : part.shape[1]] = part
    return pixels
