"""Changes the precision of a net, or stores its kernels in 16 bits."""

import keras
import numpy as np
import tensorflow as tf

from fcn_keras.keras_internals import is_graph
from fcn_keras.precision import layers_in_16_bits


def rebuilt(model, policy):
    """Returns a copy of a functional model with another dtype policy and the same weights.

    Of a policy of 16 bits only the layers of `layers_in_16_bits` get it.
    """
    chosen = set() if policy == "float32" else layers_in_16_bits(model, policy)

    def copied(layer):
        own = policy if layer in chosen or is_graph(layer) else "float32"
        return type(layer).from_config({**layer.get_config(), "dtype": own})

    copy = keras.models.clone_model(model, clone_function=copied)
    copy.set_weights(model.get_weights())
    return copy


def halved(model):
    """Returns the model as a function from float32 images to float32 outputs, with float16 kernels.

    Vectors (biases, the statistics of normalizations) and kernels beyond float16's range stay as
    they are: they are few, and the range of a variance is large.
    """
    trainable, others = (
        [_half(variable) for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    )

    def logits(images):
        kept = ([tf.cast(half, dtype) for half, dtype in some] for some in (trainable, others))
        outputs, _ = model.stateless_call(*kept, images, training=False)
        return tf.cast(outputs, tf.float32)

    return logits


def _half(variable):
    """The TensorFlow variable to store, and the dtype to use it in."""
    value = variable.value
    if len(variable.shape) >= 2 and value.dtype == tf.float32:
        half = value.numpy().astype("float16")
        if np.isfinite(half).all():
            return tf.Variable(half, trainable=False, name=variable.name), tf.float32
    return value, value.dtype
