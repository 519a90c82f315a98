"""The fused BatchNormalization against Keras's own: outputs, statistics, gradients, files."""

import keras
import numpy as np
import pytest

from fcn_keras.training import fused_batch_norm, refresh_batch_norm

L = keras.layers


def net(**options):
    image = keras.Input((None, None, 3))
    x = L.BatchNormalization(momentum=0.7, name="bn", **options)(L.Conv2D(4, 3)(image))
    return keras.Model(image, L.Conv2D(2, 1)(L.ReLU()(x)))


def twin(model):
    again = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    return again


def images(seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (3, 9, 8, 3)).astype("float32")


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
def test_a_training_is_the_same(options):
    plain = net(**options)
    fused = twin(plain)
    truth = np.random.default_rng(1).integers(0, 2, (3, 7, 6))
    for model in (plain, fused):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    plain.fit(images(), truth, epochs=5, verbose=0, shuffle=False)
    with fused_batch_norm(fused):
        fused.fit(images(), truth, epochs=5, verbose=0, shuffle=False)
    for a, b in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_the_kernel_is_used_within_and_only_there(monkeypatch):
    tf = pytest.importorskip("tensorflow")
    model, calls = net(), []
    kernel = tf.raw_ops.FusedBatchNormV3
    monkeypatch.setattr(
        tf.raw_ops, "FusedBatchNormV3", lambda **given: (calls.append(1), kernel(**given))[1]
    )
    with fused_batch_norm(model):
        model(images(), training=True)
        model(images(), training=False)
    assert len(calls) == 1
    model(images(), training=True)
    assert len(calls) == 1


def test_frozen_layers_stay_frozen():
    model = net()
    model.get_layer("bn").trainable = False
    with fused_batch_norm(model):
        model(images(), training=True)
    np.testing.assert_array_equal(model.get_layer("bn").moving_mean.numpy(), 0)


def test_refreshing_within_is_as_outside():
    plain = net()
    fused = twin(plain)
    refresh_batch_norm(plain, [images(0), images(1)])
    with fused_batch_norm(fused):
        refresh_batch_norm(fused, [images(0), images(1)])
    for a, b in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_files_saved_within_hold_keras_own_layer(tmp_path):
    model = net()
    with fused_batch_norm(model):
        model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.get_layer("bn")) is L.BatchNormalization
    np.testing.assert_allclose(again(images()), model(images()), rtol=1e-5, atol=1e-5)


def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        plain = net()
        fused = twin(plain)
    finally:
        keras.config.set_dtype_policy("float32")
    expected = plain(images(), training=True)
    with fused_batch_norm(fused):
        got = fused(images(), training=True)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(
        keras.ops.cast(got, "float32"), keras.ops.cast(expected, "float32"), rtol=0.05, atol=0.05
    )
    np.testing.assert_allclose(
        fused.get_layer("bn").moving_variance, plain.get_layer("bn").moving_variance, rtol=0.02
    )


def test_double_precision_is_left_to_keras():
    start = keras.Input((None, None, 2), dtype="float64")
    model = keras.Model(start, keras.layers.BatchNormalization(dtype="float64")(start))
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 2))
    with fused_batch_norm(model):
        inside = model(x, training=True).numpy()
    np.testing.assert_allclose(inside, model(x, training=True).numpy(), atol=1e-9)
