"""Differences of outputs and targets of values, with pixels that are not known left out."""

from keras import ops

from fcn_keras.checks import one_of

SPACES = ("values", "depth", "log_depth")


def differences(y_true, y_pred, name, space="values"):
    """Returns prediction minus target, and which pixels are known.

    Args:
        y_true: (batch, height, width, channels), or (batch, height, width) for one channel.
        y_pred: (batch, height, width, channels).
        name: The name of the loss or metric, for messages.
        space: What is compared. "values": outputs with targets. For a net of log depth: "depth",
            exp(output) with the target; "log_depth", the output with the target's logarithm.

    Returns:
        float32 (batch, height, width, channels), 0 where the target is not known; and bool
        (batch, height, width).

    Raises:
        ValueError: for shapes that do not fit, or another `space`.
    """
    one_of("space", space, SPACES)
    target, output = of_one_shape(y_true, y_pred, name)
    if space == "values":
        known = ops.logical_not(ops.any(ops.isnan(target), axis=-1))
    else:
        known = ops.any(has_depth(target), axis=-1)
    counted = ops.expand_dims(known, -1)
    # The inner `where`s keep NaN out of the gradient, which the outer one would not.
    target = ops.where(counted, target, 0.0 if space == "values" else 1.0)
    if space == "depth":
        output = ops.exp(ops.where(counted, output, 0.0))
    difference = output - (ops.log(target) if space == "log_depth" else target)
    return ops.where(counted, difference, 0.0), known


def of_one_shape(y_true, y_pred, name):
    """Returns targets and outputs as float32 (batch, height, width, channels).

    Raises:
        ValueError: for shapes that do not fit.
    """
    target = ops.cast(ops.convert_to_tensor(y_true), "float32")
    output = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    shapes = f"targets of shape {tuple(target.shape)} and outputs of shape {tuple(output.shape)}"
    if len(target.shape) == 3 and len(output.shape) == 4 and output.shape[-1] == 1:
        target = ops.expand_dims(target, -1)
    if len(output.shape) != 4 or not _may_agree(target.shape, output.shape):
        raise ValueError(
            f"{name} takes outputs (batch, height, width, channels) and targets of the same shape, "
            f"or (batch, height, width) for one channel, got {shapes}."
        )
    return target, output


def has_depth(target):
    """Returns where a target of depth is known: where it is a finite number above 0."""
    return ops.logical_and(target > 0, ops.isfinite(target))


def of_pixels(sample_weight):
    """Returns weights (batch,) as (batch, 1, 1), those of pixels and None as they are."""
    if sample_weight is None or len(ops.shape(sample_weight)) != 1:
        return sample_weight
    return ops.reshape(sample_weight, (-1, 1, 1))


def _may_agree(shape, other):
    pairs = zip(shape, other, strict=False)
    return len(shape) == len(other) and all(a == b or a is None or b is None for a, b in pairs)
