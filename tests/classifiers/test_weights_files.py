"""`weights` as a path: weights of the classifier are loaded, anything else is named."""

import numpy as np
import pytest

from fcn_keras import fcn32s
from fcn_keras.classifiers import get

pytestmark = pytest.mark.usefixtures("tiny_vgg")


@pytest.fixture
def classifier(tiny_vgg):
    return get("tiny_vgg").load(None, with_top=True)


def refusal(path, kind=ValueError):
    with pytest.raises(kind) as refused:
        fcn32s(3, "tiny_vgg", weights=path)
    assert str(path) in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("suffix", ["weights.h5", "keras"])
def test_weights_of_the_classifier_are_loaded(classifier, tmp_path, suffix):
    path = tmp_path / f"tiny.{suffix}"
    classifier.save(path) if suffix == "keras" else classifier.save_weights(path)
    net = fcn32s(3, "tiny_vgg", weights=path)
    for layer in classifier.layers:
        if layer.name.startswith("conv") and layer.weights:
            np.testing.assert_array_equal(net.get_layer(layer.name).kernel, layer.kernel)


def test_a_run_is_not_weights(tmp_path):
    net = fcn32s(3, "tiny_vgg", weights=None)
    (tmp_path / "run").mkdir()
    net.save(tmp_path / "run" / "best.keras")
    text = refusal(tmp_path / "run" / "best.keras")
    assert "is a whole Keras model, and not that of tiny_vgg" in text
    assert "--init-from" in text
    assert "is the folder of a run, not a file of weights" in refusal(tmp_path / "run")


def test_weights_of_another_net(tmp_path):
    get("alexnet").load(None).save_weights(tmp_path / "other.weights.h5")
    text = refusal(tmp_path / "other.weights.h5")
    assert "does not hold the weights of tiny_vgg with its top (A total of" in text
    assert "save_weights" in text


@pytest.mark.parametrize(
    "content, said",
    [(b"", "it is empty"), (b"<html>", "a web page"), (b"abc", "does not hold the weights")],
)
def test_what_is_no_file_of_weights(tmp_path, content, said):
    (tmp_path / "tiny.weights.h5").write_bytes(content)
    assert said in refusal(tmp_path / "tiny.weights.h5")


def test_a_misspelt_word_lists_the_words(tmp_path):
    text = refusal("imagnet", FileNotFoundError)
    assert "no weights file 'imagnet' of tiny_vgg" in text
    assert "auto, imagenet, none" in text
