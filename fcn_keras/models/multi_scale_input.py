"""A net at several scales of its image: one set of weights, and the maximum of the logits.

image - 1 ------ net - logits -------------+
      - 0.75 --- net - logits, resized ----+- maximum, logits
      - 0.5 ---- net - logits, resized ----+
"""

import keras

from fcn_keras.checks import positive
from fcn_keras.layers import Logits, Rescale, ScaleMaximum
from fcn_keras.models.outputs import check_single, output_tasks

L = keras.layers
MAXIMUM = "scale_maximum"


@keras.saving.register_keras_serializable("fcn_keras")
class MultiScaleModel(keras.Model):
    """A net whose loss in training is that of its output and of each of its scales.

    `fcn_keras.models.multi_scale_input` makes it. Evaluation has the loss of the output alone.
    """

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if training:
            of_scale = keras.losses.get(self.loss)
            for logits in self.get_layer(MAXIMUM).taken():
                logits = keras.ops.cast(logits, y_pred.dtype)
                loss = loss + of_scale(y, logits, sample_weight)
        return loss


def multi_scale_input(model, scales=(1, 0.75, 0.5), *, name=None):
    """Builds a net over several scales of its image, whose logits are the maximum of theirs.

    The scales share all weights, and their logits are resized to the image. In training the loss
    of each scale is added to that of the maximum.

    Args:
        model: A net with one input (batch, H, W, C) and one output of classes, as large as the
            image, such as `fcn_keras.deeplab_v2(...)`. Its layers are shared, not copied: training
            trains them, and the net alone can be used afterwards.
        scales: Factors of the image's height and width.
        name: Name of the new model; by default that of the net and "_msc".

    Returns:
        A functional `keras.Model`: as the net. The net is its layer of the net's own name.

    Raises:
        ValueError: for a net of several inputs or outputs, of values in place of classes or of
            images of one size, or for scales that are not different numbers above 0.

    Example:

    ```python
    net = fcn_keras.deeplab_v2(11, "vgg_slim", weights=None, head_filters=32)
    model = fcn_keras.multi_scale_input(net, (1, 0.5))
    model(keras.ops.zeros((1, 45, 61, 3))).shape        # (1, 45, 61, 11)
    ```

    Source: Chen et al. (2018), "DeepLab", section 4.3 ("MSC").
    """
    check_single(model, "multi_scale_input")
    (task,) = output_tasks(model).values()
    if task.activation is None:
        raise ValueError(
            f"multi_scale_input takes the maximum of class scores; the task of {model.name!r} is "
            f"{task.kind!r}."
        )
    factors = [positive("scales", one) for one in scales]
    if len({*factors}) < len(factors) or not factors:
        raise ValueError(
            f"`scales` must be different factors, such as (1, 0.75, 0.5), got {scales!r}."
        )
    shape = model.inputs[0].shape[1:]
    if any(n is not None for n in shape[:2]):
        raise ValueError(
            f"multi_scale_input needs a net of images of any size; {model.name!r} takes {shape}: "
            "build it with input_shape=(None, None, channels)."
        )
    image = keras.Input(shape, name=model.inputs[0].name, dtype="float32")
    maps, exact = [], {"dtype": "float32"}  # also under mixed precision
    for factor in factors:
        scale = Rescale(factor, name=f"scale_{factor:g}", **exact)
        maps.append(model(image if factor == 1 else scale(image)))
    fused = ScaleMaximum(name=MAXIMUM, **exact)([image, *maps])
    logits = Logits(0, task.to_config(), name="score")([fused, image])
    return MultiScaleModel(image, logits, name=name or f"{model.name}_msc")
