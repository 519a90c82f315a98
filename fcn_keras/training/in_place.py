"""A step of momentum with decay that allocates no copy of the weights: TensorFlow's own kernels.

Written with `keras.ops`, each term of the sum is a tensor as large as the weights; fc6 of VGG16
alone has 411 MB. These kernels read and write the variables where they are.
"""

import contextlib

import keras


def available():
    """Whether the backend has such kernels: TensorFlow alone. JAX donates the old weights."""
    return keras.backend.backend() == "tensorflow"


def outside_graphs():
    """A context that makes variables now, not as part of a traced step.

    A step that makes them holds their first values a second time.
    """
    if not available():
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.init_scope()


def after(gradients):
    """A context whose operations wait for all gradients, for `momentum_step`.

    The backward pass reads the weights to the end. A kernel that meets a reader writes to a copy.
    """
    if not available():
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.control_dependencies([g for g in gradients if g is not None])


def momentum_step(variable, velocity, gradient, rate, momentum, decay):
    """velocity = momentum * velocity - rate * (gradient + decay * variable); variable += velocity.

    Args:
        variable, velocity: Keras or TensorFlow variables of one shape and float dtype.
        gradient: Tensor of that shape and dtype.
        rate: Scalar tensor of that dtype.
        momentum: Float in (0, 1).
        decay: Float, 0 or more.
    """
    import tensorflow as tf

    if decay:
        weights = tf.convert_to_tensor(variable)
        tf.raw_ops.ResourceApplyGradientDescent(
            var=velocity.handle, alpha=rate * (decay / momentum), delta=weights
        )
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=variable.handle, accum=velocity.handle, lr=rate, grad=gradient, momentum=momentum
    )
