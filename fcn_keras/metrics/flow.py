"""Keras metrics of optical flow: end-point error and outlier rate, unknown flow left out.

Source: Baker et al. (2011), "A Database and Evaluation Methodology for Optical Flow", section 4.1;
Menze, Geiger (2015), "Object Scene Flow for Autonomous Vehicles", section 5 (outliers).
"""

import keras
from keras import ops

from fcn_keras.losses.differences import differences
from fcn_keras.metrics.errors import PixelMean

OUTLIER_PIXELS, OUTLIER_SHARE = 3.0, 0.05  # KITTI: beyond both


@keras.saving.register_keras_serializable("fcn_keras")
class EndPointError(PixelMean):
    """Mean end-point error of optical flow: the distance between predicted and true end points.

    Args:
        per_image: False takes the mean of all pixels that are known; True the mean over the
            images of each image's own mean, leaving out images without a known pixel.
        name: name of the metric, "end_point_error" by default.
        dtype: dtype of the result, float32 by default.

    `update_state(y_true, y_pred, sample_weight=None)` takes flow (batch, height, width, 2) in
    pixels, NaN where it is not known, and outputs (batch, height, width, 2); further channels of
    the outputs are left out. With nothing counted `result()` is NaN.

    Raises:
        ValueError: for shapes that do not fit.

    Example:

    >>> metric = EndPointError()
    >>> truth = [[[[3.0, 0.0], [float("nan")] * 2]]]
    >>> metric.update_state(truth, [[[[0.0, 4.0], [9.0, 9.0]]]])
    >>> float(metric.result())  # sqrt(3² + 4²)
    5.0
    """

    default_name = "end_point_error"

    def __init__(self, per_image=False, name=None, dtype=None):
        super().__init__(name, dtype)
        self.per_image = bool(per_image)

    def values_of(self, y_true, y_pred):
        """Returns the distance at each pixel, and which pixels are known."""
        difference, known = differences(
            y_true, ops.convert_to_tensor(y_pred)[..., :2], type(self).__name__
        )
        return ops.sqrt(ops.sum(ops.square(difference), axis=-1)), known

    def weights_of(self, known):
        """Returns the weight of each pixel in the mean."""
        weights = ops.cast(known, "float32")
        if not self.per_image:
            return weights
        return weights / ops.maximum(ops.sum(weights, axis=(1, 2), keepdims=True), 1.0)

    def get_config(self):
        return {**super().get_config(), "per_image": self.per_image}


@keras.saving.register_keras_serializable("fcn_keras")
class FlowOutlierRate(PixelMean):
    """Share of the pixels whose flow is wrong, KITTI's Fl: 0 to 1.

    A pixel is an outlier if its end-point error is above `pixels` and above `share` of the length
    of the true flow.

    Args:
        pixels: Least end-point error of an outlier, in pixels.
        share: Least end-point error of an outlier, as a share of the true length.
        name: name of the metric, "outlier_rate" by default.
        dtype: dtype of the result, float32 by default.

    Inputs and what is raised are those of `EndPointError`.

    Example:

    >>> metric = FlowOutlierRate()
    >>> metric.update_state([[[[0.0, 0.0], [100.0, 0.0]]]], [[[[4.0, 0.0], [104.0, 0.0]]]])
    >>> float(metric.result())  # 4 pixels are 4 % of the second
    0.5
    """

    default_name = "outlier_rate"

    def __init__(self, pixels=OUTLIER_PIXELS, share=OUTLIER_SHARE, name=None, dtype=None):
        super().__init__(name, dtype)
        self.pixels, self.share = float(pixels), float(share)

    def values_of(self, y_true, y_pred):
        """Returns 1 at each outlier and 0 elsewhere, and which pixels are known."""
        difference, known = differences(
            y_true, ops.convert_to_tensor(y_pred)[..., :2], type(self).__name__
        )
        truth = ops.where(ops.expand_dims(known, -1), ops.cast(y_true, "float32"), 0.0)
        error, length = (ops.sqrt(ops.sum(ops.square(x), axis=-1)) for x in (difference, truth))
        wrong = ops.logical_and(error > self.pixels, error > self.share * length)
        return ops.cast(wrong, "float32"), known

    def get_config(self):
        return {**super().get_config(), "pixels": self.pixels, "share": self.share}
