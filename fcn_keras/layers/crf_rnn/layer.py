"""CRF as RNN: mean-field inference in the fully connected CRF as a trainable layer."""

import dataclasses
import math

import keras
import numpy as np
from keras import ops

from fcn_keras.checks import whole_number
from fcn_keras.crf import filtering, permutohedral_lattice, pixel_features
from fcn_keras.crf.checks import check_weights, check_widths
from fcn_keras.geometry.protocol import SpatialLayer
from fcn_keras.layers.crf_rnn.elevation import colors, has_float64, places
from fcn_keras.layers.crf_rnn.filtering import Kernel
from fcn_keras.layers.crf_rnn.lattice import Points, points_around

LONGEST = 2**17  # pixels, assumed of a side of unknown length


@keras.saving.register_keras_serializable("fcn_keras")
class CRFAsRNN(SpatialLayer, keras.layers.Layer):
    """Refines scores by mean field in the fully connected CRF over the pixels; trainable.

    Called on `[scores, image]`. With U the scores, Q(0) = softmax(U), each iteration is

        Q <- softmax(U - compatibility (w1 K1 + w2 K2) Q)

    with K1 the bilateral kernel of places and colours and K2 the kernel of places, both through
    a permutohedral lattice, normalised, self term included, as in `fcn_keras.crf.dense_crf`. Before
    training, the layer is `dense_crf` with Potts compatibility: the softmax of its output is Q.
    Training changes the weights of each kernel, one per class, and the compatibility matrix.
    Gradients go to these and to the scores, none to the image.

    It works in float32, also under mixed precision (in float64 with dtype="float64"). Its memory
    is O(pixels * 6 * num_classes) for a batch, and under JAX, whose shapes are static, so is
    that of the lattice's points; on TensorFlow there are as many points as the image needs, and
    XLA, which would need static shapes too, is off for the model. TensorFlow Lite cannot
    run it. On TensorFlow its lattice is `dense_crf`'s to the point; on JAX, without float64, a
    pixel exactly on a border of the lattice's cells (in column 0, every `bilateral_width` rows)
    can fall on the other side of it, and its Q differ by a hundredth.

    Args:
        num_classes: Channels of the scores, at least 2.
        iterations: Number of updates of Q in training, at least 1.
        inference_iterations: Number of updates of Q outside of training, at least 1.
        spatial_width: theta_gamma, in pixels: the width of the smoothness kernel.
        spatial_weight: First value of w2 for every class, at least 0.
        bilateral_width: theta_alpha, in pixels: the spatial width of the bilateral kernel. The
            paper has 160 and, for the colours, 3; the default is that of `dense_crf`.
        color_width: theta_beta, in grey levels: the colour width of the bilateral kernel.
        bilateral_weight: First value of w1 for every class, at least 0.

    Weights: `spatial_weights` (C,), `bilateral_weights` (C,), `compatibility` (C, C): the cost
    for a pixel of the row's class where similar pixels have the column's class; first 0 on the
    diagonal and 1 elsewhere. Training does not keep it symmetric.

    Input shapes: (batch, H, W, C) logits, and (batch, H, W, 3) RGB of 0-255 (other values are
    clipped), H and W from 1 to 131072. Output: (batch, H, W, C), float32: U minus the last
    message: logits for a loss or argmax.

    Raises:
        ValueError: for options out of range, shapes that do not fit, or images so large, or
            widths so small, that the lattice's points cannot be numbered: in 31 bits on JAX.

    Example:

    ```python
    crf = fcn_keras.layers.CRFAsRNN(num_classes=5)
    scores, image = keras.ops.ones((2, 12, 16, 5)), keras.ops.ones((2, 12, 16, 3))
    keras.ops.softmax(crf([scores, image]))         # Q, (2, 12, 16, 5)
    ```

    Source: Zheng et al. (2015), "Conditional random fields as recurrent neural networks",
    section 4 and algorithm 1.
    """

    def __init__(
        self,
        num_classes,
        iterations=5,
        inference_iterations=10,
        spatial_width=3,
        spatial_weight=3,
        bilateral_width=80,
        color_width=13,
        bilateral_weight=10,
        **kwargs,
    ):
        kwargs["dtype"] = _precision(kwargs.get("dtype"))
        kwargs["autocast"] = False
        super().__init__(**kwargs)
        self.num_classes = whole_number("num_classes", num_classes, 2)
        self.iterations = whole_number("iterations", iterations, 1)
        self.inference_iterations = whole_number("inference_iterations", inference_iterations, 1)
        widths = {
            "spatial_width": spatial_width,
            "bilateral_width": bilateral_width,
            "color_width": color_width,
        }
        check_widths(**widths)
        check_weights(spatial_weight=spatial_weight, bilateral_weight=bilateral_weight)
        self.spatial_width, self.bilateral_width, self.color_width = map(float, widths.values())
        self.spatial_weight = float(spatial_weight)
        self.bilateral_weight = float(bilateral_weight)
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def build(self, input_shape):
        self._check_shapes(input_shape)
        classes = self.num_classes
        for name in ("spatial", "bilateral"):
            first = keras.initializers.Constant(getattr(self, f"{name}_weight"))
            weights = self.add_weight(name=f"{name}_weights", shape=(classes,), initializer=first)
            setattr(self, f"{name}_weights", weights)
        self.compatibility = self.add_weight(
            name="compatibility", shape=(classes, classes), initializer=_potts
        )

    def call(self, inputs, training=None):
        scores, image = inputs
        scores = ops.cast(scores, self.compute_dtype)
        shape = tuple(ops.shape(scores))
        batch, rows, columns = shape[:3]
        image = ops.clip(ops.cast(image, "float32"), 0, 255)
        image = ops.reshape(ops.stop_gradient(image), (batch * rows * columns, 3))
        spatial = self._spatial(rows, columns)
        bilateral = self._bilateral(image, batch, rows, columns)

        classes = self.num_classes
        unary = ops.reshape(scores, (batch, rows * columns, classes))

        def update(_, refined):
            q = ops.softmax(refined, axis=-1)
            smooth = self._by_places(spatial, q, batch, rows * columns)
            alike = bilateral(ops.reshape(q, (-1, classes)), classes)
            alike = ops.reshape(alike, (batch, rows * columns, classes))
            message = self.spatial_weights * smooth + self.bilateral_weights * alike
            return unary - ops.matmul(message, ops.transpose(self.compatibility))

        steps = self.iterations if training else self.inference_iterations
        return ops.reshape(ops.fori_loop(0, steps, update, unary), shape)

    def _spatial(self, rows, columns):
        """The kernel of places, one for all images of the batch."""
        if has_float64():
            y, x = _grid(rows, columns, self.spatial_width)
            largest = [_largest(n, self.spatial_width) for n in (columns, rows)]
            points = points_around([x, y], largest, pixels=_product(rows, columns))
        else:  # static shapes: NumPy's float64 decides which simplex a pixel on a border is in
            features = pixel_features(np.zeros((rows, columns, 1)), self.spatial_width)
            lattice = permutohedral_lattice(features, threads=1)
            weights = filtering.Kernel(lattice, 1).weights
            return Kernel(Points.of(lattice), self.compute_dtype, weights)
        return Kernel(points, self.compute_dtype)

    def _bilateral(self, image, batch, rows, columns):
        """The kernel of places and colours, of all images at once."""
        y, x = (ops.tile(place, [batch]) for place in _grid(rows, columns, self.bilateral_width))
        rgb = colors(image, self.color_width)
        which = ops.repeat(ops.arange(batch, dtype="int32"), rows * columns)
        largest = [_largest(n, self.bilateral_width) for n in (columns, rows)]
        points = points_around(
            [x, y, rgb[:, 0], rgb[:, 1], rgb[:, 2]],
            largest + 3 * [255 / self.color_width],
            which,
            batch if isinstance(batch, int) else None,
            _product(batch, rows, columns),
        )
        return Kernel(points, self.compute_dtype)

    def _by_places(self, kernel, q, batch, pixels):
        """Q (batch, pixels, C) filtered by a kernel that all images share."""
        q = ops.transpose(q, (1, 0, 2))
        channels = batch * self.num_classes
        q = kernel(ops.reshape(q, (pixels, channels)), channels)
        q = ops.reshape(q, (pixels, batch, self.num_classes))
        return ops.transpose(q, (1, 0, 2))

    def compute_output_shape(self, input_shape):
        self._check_shapes(input_shape)
        return tuple(input_shape[0])

    def _check_shapes(self, input_shape):
        scores, image = (tuple(shape) for shape in input_shape)
        if len(scores) != 4 or scores[-1] != self.num_classes:
            raise ValueError(
                f"{self.name}: scores must be (batch, H, W, {self.num_classes}), got {scores}."
            )
        known = [(a, b) for a, b in zip(scores[:3], image[:3], strict=False) if a and b]
        if len(image) != 4 or image[-1] != 3 or any(a != b for a, b in known):
            raise ValueError(
                f"{self.name}: scores {scores} need an RGB image {(*scores[:3], 3)}, got {image}."
            )

    def sampling_rule(self, grids, axis):
        return dataclasses.replace(grids[0].union(grids[1]), unbounded=True)

    def get_config(self):
        config = super().get_config()
        config.pop("autocast", None)
        names = (
            "num_classes", "iterations", "inference_iterations", "spatial_width", "spatial_weight",
            "bilateral_width", "color_width", "bilateral_weight",
        )  # fmt: skip
        return {**config, **{name: getattr(self, name) for name in names}}


def _potts(shape, dtype=None):
    return ops.cast(1 - np.eye(shape[0]), dtype or keras.config.floatx())


def _precision(dtype):
    """float64 where that is the dtype, else float32."""
    wide = keras.dtype_policies.get(dtype).compute_dtype == "float64"
    return "float64" if wide else "float32"


def _grid(rows, columns, width):
    """y and x of the pixels of an image by the width, float32 (rows * columns,) each."""
    return ops.repeat(places(rows, width), columns), ops.tile(places(columns, width), [rows])


def _largest(count, width):
    """The last place along a side of known or unknown length, by the width."""
    return (count if isinstance(count, int) else LONGEST) / width


def _product(*counts):
    return math.prod(counts) if all(isinstance(n, int) for n in counts) else None
