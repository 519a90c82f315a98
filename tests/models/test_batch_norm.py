"""A short training must evaluate as it trained: the default momentum, and refreshed statistics."""

import keras
import numpy as np
import pytest

import fcn_keras

L = keras.layers


def classifier():
    """A net whose activations are far from mean 0 and variance 1 before normalization."""
    start = keras.Input((32, 32, 3))
    x = L.Rescaling(1 / 25)(start)
    for number in range(3):
        x = L.Conv2D(8, 3, strides=2, padding="same", name=f"conv{number}")(x)
        x = L.BatchNormalization(momentum=0.999, name=f"bn{number}")(x)
        x = L.ReLU()(x)
    return keras.Model(start, L.Dense(2)(L.GlobalAveragePooling2D()(x)), name="shifted")


def halves(count=8):
    """Images of two brightnesses; the label is where it is bright."""
    rng = np.random.default_rng(0)
    labels = np.zeros((count, 32, 32), "uint8")
    for label in labels:
        column = int(rng.integers(8, 24))
        label[:, column:] = 1
    images = np.where(labels[..., None], 190, 90) + rng.normal(0, 12, (count, 32, 32, 3))
    return images.clip(0, 255).astype("float32"), labels


def trained(momentum):
    """(loss in training mode, loss as evaluated, model, images, labels) after 40 steps."""
    model = fcn_keras.fcn8s(2, classifier(), batch_norm_momentum=momentum)
    model.compile(keras.optimizers.Adam(0.01), fcn_keras.losses.CrossEntropy(), jit_compile=False)
    images, labels = halves()
    for _ in range(40):
        model.train_on_batch(images, labels)
    loss = fcn_keras.losses.CrossEntropy()
    live = float(loss(labels, model(images, training=True)))
    return live, model.evaluate(images, labels, verbose=0), model, images, labels


def test_the_default_momentum_evaluates_as_it_trained():
    live, evaluated, *_ = trained(0.9)
    assert live < 0.3 and evaluated < 1.5 * live + 0.05


@pytest.mark.training
def test_the_classifiers_own_momentum_would_not():
    live, evaluated, model, images, labels = trained(None)
    assert live < 0.3 and evaluated > 3 * live
    fcn_keras.training.refresh_batch_norm(model, [(images, labels)])
    assert model.evaluate(images, labels, verbose=0) == pytest.approx(live, abs=0.02)


def test_the_builders_default_is_that_momentum():
    model = fcn_keras.fcn8s(2, classifier())
    found = {layer.momentum for layer in model.layers if isinstance(layer, L.BatchNormalization)}
    assert found == {0.9}
