"""A small segmenter of five classes, whose scores vary over the image."""

import keras
import pytest

import fcn_keras

LABELS = fcn_keras.LabelSet(("road", "sky", "tree", "car", "pole"))
TASK = fcn_keras.tasks.Classes(LABELS)


@pytest.fixture(scope="session")
def build():
    """Builds it under the present precision: random weights, but several classes win somewhere."""

    def segmenter():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((None, None, 3))
        x = fcn_keras.layers.Preprocess("torch")(inputs)
        x = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Conv2D(5, 3, padding="same")(x)
        score = fcn_keras.layers.Logits(task_config=TASK.to_config(), name="score")
        return keras.Model(inputs, score([x, inputs]))

    return segmenter


@pytest.fixture(scope="module")
def model(build):
    return build()
