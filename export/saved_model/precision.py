"""Changes the precision of a net, or stores its kernels in 16 bits."""

import keras
import numpy as np
import tensorflow as tf


def rebuilt(model, policy):
    """Returns a copy of a functional model with another dtype policy and the same weights."""

    def copied(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": policy})

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
