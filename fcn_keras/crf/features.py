"""Features of pixels that the kernels of a dense CRF compare: positions, and colours."""

import numpy as np

from fcn_keras.crf.checks import check_widths


def pixel_features(image, spatial_width, color_width=None):
    """Returns the features of an image's pixels that a Gaussian kernel of a dense CRF compares.

    The similarity of two pixels is exp(-|f_i - f_j|² / 2).

    Args:
        image: numbers (H, W, channels), 0-255. Only its size matters without `color_width`.
        spatial_width: standard deviation in pixels, above 0: theta_gamma of the smoothness
            kernel, theta_alpha of the bilateral kernel.
        color_width: standard deviation in grey levels, above 0: theta_beta. None leaves the
            colours out.

    Returns:
        float32 (H * W, 2), x and y divided by the spatial width, or (H * W, 2 + channels) with
        the colours divided by the colour width; row after row of the image.

    Raises:
        ValueError: for an image that is not (H, W, channels), or a width that is not above 0.

    Example:

    ```python
    image = np.full((2, 3, 3), 26, "uint8")
    fcn_keras.crf.pixel_features(image, 2, 13)[-1]    # [1, 0.5, 2, 2, 2]
    ```

    Source: Krähenbühl and Koltun (2011), equation 3.
    """
    image = np.asarray(image)
    if image.ndim != 3 or not image.size:
        raise ValueError(f"`image` must be (H, W, channels), got shape {image.shape}.")
    check_widths(spatial_width=spatial_width)
    height, width, channels = image.shape
    given = 0 if color_width is None else channels
    features = np.empty((height, width, 2 + given), np.float32)
    features[..., 0] = np.arange(width) / spatial_width
    features[..., 1] = (np.arange(height) / spatial_width)[:, None]
    if color_width is not None:
        check_widths(color_width=color_width)
        features[..., 2:] = image / np.float32(color_width)
    return features.reshape(height * width, -1)
