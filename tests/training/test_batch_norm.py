"""refresh_batch_norm against the statistics of all pixels together, computed in NumPy."""

import keras
import numpy as np
import pytest

from fcn_keras.training import refresh_batch_norm

pytestmark = pytest.mark.backend
L = keras.layers


def batches(sizes=(2, 3, 1), seed=1):
    random = np.random.default_rng(seed)
    return [random.uniform(0, 255, (size, 6, 5, 3)).astype("float32") + size for size in sizes]


def net(dropout=0.0):
    image = keras.Input((None, None, 3))
    x = L.Conv2D(4, 3, name="first")(image)
    x = L.BatchNormalization(momentum=0.99, name="bn_first")(x)
    x = L.Dropout(dropout, name="drop")(L.ReLU()(x))
    x = L.Conv2D(5, 1, name="second")(x)
    x = L.BatchNormalization(momentum=0.9, name="bn_second")(x)
    return keras.Model(image, x)


def of_layer(model, name):
    layer = model.get_layer(name)
    return [keras.ops.convert_to_numpy(v) for v in (layer.moving_mean, layer.moving_variance)]


def test_first_layer_has_the_statistics_of_all_pixels_together():
    model, data = net(), batches()
    assert refresh_batch_norm(model, data) == 2
    convolve = keras.Model(model.inputs[0], model.get_layer("first").output)
    maps = np.concatenate([keras.ops.convert_to_numpy(convolve(batch)) for batch in data])
    mean, variance = of_layer(model, "bn_first")
    np.testing.assert_allclose(mean, maps.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(variance, maps.var((0, 1, 2)), rtol=1e-3)


def test_second_layer_sees_maps_normalized_by_their_batch_without_dropout():
    model, data = net(dropout=0.6), batches()
    refresh_batch_norm(model, data)
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in model.get_layer("second").weights)
    convolve = keras.Model(model.inputs[0], model.get_layer("first").output)
    inner = []
    for batch in data:
        maps = np.array(keras.ops.convert_to_numpy(convolve(batch)), np.float64)
        maps = (maps - maps.mean((0, 1, 2))) / np.sqrt(maps.var((0, 1, 2)) + 1e-3)
        inner.append(np.maximum(maps, 0) @ kernel[0, 0] + bias)
    inner = np.concatenate(inner)
    mean, variance = of_layer(model, "bn_second")
    np.testing.assert_allclose(mean, inner.mean((0, 1, 2)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(variance, inner.var((0, 1, 2)), rtol=1e-3, atol=1e-4)


def test_nothing_else_changes():
    model = net(dropout=0.5)
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.trainable_weights]
    seeds = keras.ops.convert_to_numpy(model.get_layer("drop").seed_generator.state).copy()
    refresh_batch_norm(model, batches())
    for old, new in zip(before, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))
    state = keras.ops.convert_to_numpy(model.get_layer("drop").seed_generator.state)
    np.testing.assert_array_equal(seeds, state)
    assert model.get_layer("bn_first").momentum == 0.99
    assert model.get_layer("bn_second").momentum == 0.9
    assert model.get_layer("drop").rate == 0.5


def test_frozen_layers_keep_their_statistics():
    model = net()
    model.get_layer("bn_first").trainable = False
    assert refresh_batch_norm(model, batches()) == 1
    mean, variance = of_layer(model, "bn_first")
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_array_equal(variance, 1)


def test_nested_models_and_pairs_of_images_and_labels():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, net()(image))
    pairs = [(batch, np.zeros(batch.shape[:3], "uint8")) for batch in batches()]
    assert refresh_batch_norm(model, pairs) == 2


def test_models_without_batch_normalization_are_left_alone():
    image = keras.Input((None, None, 3))
    assert refresh_batch_norm(keras.Model(image, L.Conv2D(2, 1)(image)), []) == 0


def failing():
    yield batches()[0]
    raise OSError("unreadable")


@pytest.mark.parametrize("data, error", [([], ValueError), (failing(), OSError)])
def test_after_an_error_the_statistics_are_the_old_ones(data, error):
    model = net()
    with pytest.raises(error):
        refresh_batch_norm(model, data)
    mean, variance = of_layer(model, "bn_first")
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_array_equal(variance, 1)
    assert model.get_layer("bn_first").momentum == 0.99


@pytest.mark.backend("sweep")
def test_statistics_that_never_arrived_are_repaired():
    """A momentum of 0.999 leaves a short training with a model that evaluates at chance."""
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (8, 8, 8, 1)).astype("float32")
    truth = (images[..., 0] > 127).astype("int32")
    image = keras.Input((None, None, 1))
    x = L.BatchNormalization(momentum=0.999)(L.Conv2D(4, 1)(image))
    model = keras.Model(image, L.Conv2D(2, 1)(L.ReLU()(x)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"], jit_compile=False)
    model.fit(images, truth, batch_size=8, epochs=40, verbose=0)
    assert model.evaluate(images, truth, verbose=0)[1] < 0.9
    refresh_batch_norm(model, [images])
    assert model.evaluate(images, truth, verbose=0)[1] > 0.97
