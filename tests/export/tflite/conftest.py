"""A segmenter whose classes all win somewhere, and its TFLite files, each made once."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import export

SIZE = (64, 96)
LABELS = fcn_keras.LabelSet(("road", "sky", "tree", "car"))


def pictures(count, size, seed=0):
    """Smooth coloured noise: neighbouring pixels are alike, as in photographs."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 8, 10, 3), "uint8")
    return [np.array(Image.fromarray(image).resize(size[::-1], 2)) for image in small]


@pytest.fixture(scope="session", name="pictures")
def _pictures():
    """`pictures(count, size, seed=0)`: a list of uint8 images."""
    return pictures


def _segmenter(classifier):
    """FCN-8s, random, its score layers spread and centred on the pictures."""
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")
    keras.utils.set_random_seed(3)
    model = fcn_keras.fcn8s(4, classifier, weights=None, labels=LABELS)
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if layer.name.startswith("score_"):
            kernel, bias = layer.get_weights()
            layer.set_weights([rng.normal(0, 0.3, kernel.shape), bias])
    scores = model.predict(np.stack(pictures(4, SIZE)), verbose=0)
    layer = model.get_layer("score_fr")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - scores.mean((0, 1, 2))])
    return model


@pytest.fixture(scope="session")
def net(register_tiny_vgg):
    with pytest.MonkeyPatch.context() as patch:
        register_tiny_vgg(patch)
        return _segmenter("tiny_vgg")


@pytest.fixture(scope="session")
def slim_net():
    """The same over vgg_slim, which is wide enough for the bytes of a file to be its weights."""
    return _segmenter("vgg_slim")


@pytest.fixture(scope="session")
def exported(net, tmp_path_factory):
    """`exported(quantize, ...)`: the path of a file of `net`, made at the first call."""
    made = {}

    def make(quantize="none", **options):
        key = (quantize, *sorted(options.items()))
        if key not in made:
            path = tmp_path_factory.mktemp("tflite") / "net.tflite"
            if quantize == "int8":
                options["calibration"] = pictures(12, SIZE, seed=1)
                options["report"] = path.with_suffix(".csv")
            made[key] = export.tflite.export_tflite(net, path, quantize, **options)
        return made[key]

    return make


@pytest.fixture(scope="session")
def small():
    """A net that converts in a second: convolutions and a learned upsampling of the scores."""
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1, name="scale")(image)
    for name in ("body1", "body2", "body3"):
        x = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(name=f"{name}_pool")(x)
    x = keras.layers.Conv2D(4, 3, padding="same", name="scoring")(x)
    x = keras.layers.Conv2DTranspose(4, 8, strides=8, name="upsampling")(x)
    return keras.Model(image, x, name="small")
