"""Mean-field inference in the fully connected CRF with Gaussian edge potentials."""

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.crf.checks import check_weights, check_widths, checked, log_scores
from fcn_keras.crf.features import pixel_features
from fcn_keras.crf.filtering import Kernel
from fcn_keras.crf.lattice import build
from fcn_keras.crf.mean_field import mean_field
from fcn_keras.threads import checked_threads, mapping


def dense_crf(
    scores,
    image,
    *,
    from_logits=True,
    steps=10,
    spatial_width=3,
    spatial_weight=3,
    bilateral_width=80,
    color_width=13,
    bilateral_weight=10,
    compatibility=None,
    include_self=True,
    threads=None,
):
    """Returns class probabilities refined by mean-field inference in a fully connected CRF.

    Each pair of pixels is coupled by a Gaussian kernel of their positions, and by a bilateral
    kernel of their positions and colours:

        Q <- softmax(log p - compatibility (w1 K1 + w2 K2) Q)

    where p is the softmax of the scores, and the first Q. Each kernel exp(-d² / 2) is normalised
    on both sides, D^-1/2 K D^-1/2 with D its row sums, and applied through a permutohedral
    lattice. The authors' implementation and pydensecrf by default do the same, so parameters
    published for them can be used as they are; the defaults are those of pydensecrf's examples.

    Args:
        scores: numbers (H, W, C) or (batch, H, W, C), C at least 2: logits, or probabilities
            with `from_logits=False`.
        image: the image in RGB, 0-255, uint8 or float, (H, W, 3) or (batch, H, W, 3).
        from_logits: whether the scores are logits. Probabilities must be at least 0 and sum to 1
            over the classes, within 0.001; one of 0 counts as 1.2e-38.
        steps: number of updates of every pixel, a whole number of at least 0.
        spatial_width: theta_gamma, in pixels: the width of the smoothness kernel.
        spatial_weight: w(2), at least 0: the weight of the smoothness kernel; 0 leaves it out.
        bilateral_width: theta_alpha, in pixels: the spatial width of the bilateral kernel.
        color_width: theta_beta, in grey levels: the colour width of the bilateral kernel.
        bilateral_weight: w(1), at least 0: the weight of the bilateral kernel.
        compatibility: mu, symmetric finite numbers (C, C): the cost of each pair of classes at
            two similar pixels. None is the Potts model: 1 for different classes, 0 for equal ones.
        include_self: whether a pixel also sends a message to itself, as in the implementations
            named above. The sums of the paper leave it out.
        threads: number of threads; None is one for each core, at most 8. It changes the result by
            no more than rounding.

    Returns:
        float32 (H, W, C) or (batch, H, W, C): Q, whose sum over the classes is 1.

    Raises:
        ValueError: for shapes that do not fit, scores that are not finite or no probabilities, an
            image that is not in 0-255, or an option out of range.

    Example:

    ```python
    image = np.zeros((20, 30, 3), "uint8")
    image[:, 12:] = 200
    logits = np.random.default_rng(0).normal(size=(20, 30, 2))
    logits[:, :10, 0] += 1
    logits[:, 10:, 1] += 1                  # two columns off, with noise
    q = fcn_keras.crf.dense_crf(logits, image)
    q.argmax(-1)                            # 0 left of column 12, 1 from there on
    ```

    Source: Krähenbühl and Koltun (2011), "Efficient inference in fully connected CRFs with
    Gaussian edge potentials"; the normalisation is that of the program they published with
    "Parameter learning and convergent inference for dense random fields" (2013).
    """
    threads = checked_threads(threads)
    steps = whole_number("steps", steps, 0)
    check_widths(
        spatial_width=spatial_width, bilateral_width=bilateral_width, color_width=color_width
    )
    check_weights(spatial_weight=spatial_weight, bilateral_weight=bilateral_weight)
    scores, images, compatibility = checked(scores, image, compatibility)
    q = np.empty(scores.shape, np.float32)
    with mapping(threads) as run:
        smooth = None
        for out, given, picture in zip(q, scores, images, strict=True):
            unary = log_scores(given.reshape(-1, given.shape[-1]), from_logits, run)
            if spatial_weight and smooth is None:
                smooth = _kernel(run, spatial_weight, picture, spatial_width)
            kernels = [smooth] if spatial_weight else []
            if bilateral_weight:
                kernels.append(
                    _kernel(run, bilateral_weight, picture, bilateral_width, color_width)
                )
            flat = out.reshape(unary.shape)
            mean_field(unary, flat, kernels, steps, compatibility, include_self, run, threads)
    return q if np.ndim(image) == 4 else q[0]


def _kernel(run, weight, image, *widths):
    return Kernel(build(pixel_features(image, *widths), run), weight)
