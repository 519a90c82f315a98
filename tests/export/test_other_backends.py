"""A model of the JAX backend becomes the SavedModel that one of the TensorFlow backend becomes."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import export

ON_JAX = """
import sys
import keras, fcn_keras
assert keras.backend.backend() == "jax"
net = keras.models.load_model(sys.argv[1], compile=False)
folder = fcn_keras.export.export_saved_model(
    net, sys.argv[2], signatures=("serving_default", "logits")
)
print(folder)
"""


@pytest.mark.processes
def test_a_model_on_jax(model, tmp_path):
    model.save(tmp_path / "model.keras")
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path / "model.keras"), str(tmp_path / "serving")],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(tmp_path / "serving/1")
    assert [path.name for path in (tmp_path / "serving").iterdir()] == ["1"]
    image = np.random.default_rng(0).integers(0, 256, (60, 70, 3), "uint8")
    labels, scores = export.SavedModelPredictor(tmp_path / "serving").segment(
        image, return_logits=True
    )
    np.testing.assert_allclose(
        scores, model.predict(image[None].astype("float32"), verbose=0)[0], atol=1e-4
    )
    np.testing.assert_array_equal(labels, fcn_keras.segment(model, image))


@pytest.mark.processes
def test_why_the_other_process_failed(tmp_path, monkeypatch):
    class Unregistered(keras.layers.Layer):
        def call(self, x):
            return x

    inputs = keras.Input((None, None, 3))
    net = keras.Model(inputs, Unregistered()(keras.layers.Conv2D(2, 1)(inputs)))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    try:
        export.export_saved_model(net, tmp_path / "m")
    except RuntimeError as error:
        assert "Keras runs on 'jax'" in str(error) and "Unregistered" in str(error)
    else:
        raise AssertionError("exported a layer that the other process cannot know")
    assert not (tmp_path / "m").exists()
