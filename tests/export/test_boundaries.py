"""HED in exports, in tiles and in 16 bits: the same probabilities as the Keras model."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import export
from fcn_keras.export import tflite

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 32, 3), "uint8")


@pytest.fixture
def model(tiny_vgg):
    """HED of random weights whose outputs vary over the image."""
    keras.utils.set_random_seed(2)
    built = fcn_keras.hed("tiny_vgg", weights=None)
    for layer in built.layers:
        if layer.name.startswith("score_dsn"):
            layer.kernel.assign(keras.random.normal(layer.kernel.shape, stddev=2.0))
    return built


def check(segmenter, model):
    """It answers what the Keras model answers."""
    found, wanted = segmenter.segment(IMAGE), fcn_keras.segment(model, IMAGE)
    assert segmenter.task.kind == "boundaries" and found.dtype == "float32"
    assert 0 < wanted.min() < wanted.max() < 1 and np.ptp(wanted) > 0.05
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    logits = segmenter.segment(IMAGE, return_logits=True)[1]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits[..., 0])), found, atol=1e-4)


def test_a_saved_model_gives_probabilities(model, tmp_path):
    folder = export.export_saved_model(model, tmp_path / "m", warmup=None)
    check(export.SavedModelPredictor(folder), model)


@pytest.mark.sweep
def test_a_tflite_file_gives_probabilities(model, tmp_path):
    path = export.export_tflite(model, tmp_path / "m.tflite", size=IMAGE.shape[:2])
    check(tflite.Segmenter(path, threads=1), model)


def test_tiles_give_what_the_whole_image_gives(model):
    image = np.random.default_rng(1).integers(0, 256, (300, 190, 3), "uint8")
    whole = fcn_keras.segment(model, image)
    tiled = fcn_keras.segment(model, image, tile=160)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@pytest.mark.sweep
def test_in_16_bits_it_trains_and_answers(tiny_vgg):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        built = fcn_keras.hed("tiny_vgg", weights=None)
    finally:
        keras.config.set_dtype_policy("float32")
    assert built.output.dtype == "float32"
    assert built.get_layer("score_fuse").compute_dtype == "float32"
    recipe = fcn_keras.training.Recipe(optimizer="sgd", learning_rate=0.1, schedule="constant")
    fcn_keras.training.compile_model(built, recipe, steps_per_epoch=1)
    target = np.zeros((1, *IMAGE.shape[:2]), "float32")
    target[0, 20] = 1
    history = built.fit(IMAGE[None].astype("float32"), target, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
