"""Weights go where the names and shapes agree, or nowhere."""

import keras
import numpy as np
import pytest

from fcn_keras.surgery import transplant

pytestmark = pytest.mark.backend
L = keras.layers


def net(filters=3, extra=False, name="net"):
    start = keras.Input((8, 8, 1))
    x = L.Conv2D(filters, 3, name="shared")(start)
    if extra:
        x = L.Conv2D(2, 1, name="new")(x)
    return keras.Model(start, x, name=name)


def test_shared_layers_are_copied_and_the_rest_reported():
    source, target = net(), net(extra=True)
    kept = target.get_layer("new").get_weights()
    done = transplant(source, target)
    assert done.copied == ("shared",) and done.fresh == ("new",) and done.unused == ()
    for a, b in zip(
        source.get_layer("shared").get_weights(),
        target.get_layer("shared").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(kept, target.get_layer("new").get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert str(done) == "1 layers transplanted; new: new."


def test_other_shapes_copy_nothing():
    source, target = net(4), net(3)
    before = target.get_weights()
    with pytest.raises(ValueError, match="'shared'"):
        transplant(source, target)
    for a, b in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_shared():
    start = keras.Input((8, 8, 1))
    other = keras.Model(start, L.Conv2D(2, 3, name="else")(start))
    with pytest.raises(ValueError, match="share no layer"):
        transplant(net(), other)


def test_an_adapted_normalization_goes_along():
    def normalized(values):
        start = keras.Input((4, 4, 3))
        layer = L.Normalization(name="normalization")
        if values is None:
            layer.build((None, 4, 4, 3))
        else:
            layer.adapt(values)
        return keras.Model(start, layer(start))

    values = np.random.default_rng(0).normal(9, 4, (30, 4, 4, 3)).astype("float32")
    source, target = normalized(values), normalized(None)
    transplant(source, target)
    np.testing.assert_allclose(target(values[:2]), source(values[:2]), atol=1e-5)
