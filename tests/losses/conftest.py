"""Labels and logits to try losses on, and their gradients on either backend."""

import keras
import numpy as np
import pytest


@pytest.fixture
def example():
    def make(seed=0, shape=(2, 5, 7), num_classes=4, scale=3.0):
        """Labels uint8 with two rows of void, and float32 logits."""
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, num_classes, shape).astype("uint8")
        labels[:, :2] = 255
        return labels, (scale * rng.normal(size=(*shape, num_classes))).astype("float32")

    return make


@pytest.fixture
def value_and_gradient():
    compiled = {}

    def compute(loss, labels, logits, xla=None):
        """Loss and gradient: compiled on JAX; on TensorFlow by a tape, or a graph of open sizes."""
        if keras.backend.backend() == "jax":
            import jax

            if loss not in compiled:
                compiled[loss] = jax.jit(jax.value_and_grad(lambda x, labels: loss(labels, x)))
            value, gradient = compiled[loss](logits, labels)
            return float(value), np.asarray(gradient)
        import tensorflow as tf

        def step(labels, logits):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                value = loss(labels, logits)
            return value, tape.gradient(value, logits)

        if xla is not None:
            opened = [
                tf.TensorSpec([None] * (x.ndim - 1) + [last], x.dtype)
                for x, last in ((labels, None), (logits, logits.shape[-1]))
            ]
            step = tf.function(step, input_signature=opened, jit_compile=xla)
        value, gradient = step(tf.constant(labels), tf.constant(logits))
        return float(value), gradient.numpy()

    return compute
