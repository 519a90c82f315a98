"""ILSVRC classifiers from Caffe files: the numbers of OpenCV's own reader, and refusals."""

import caffe_files
import caffe_nets
import keras
import narrow
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras import published
from fcn_keras.published import CaffeModelError, classifiers
from fcn_keras.published.caffemodel import CaffeModel


def pixels(*size, seed=0):
    return np.random.default_rng(seed).uniform(-120, 130, (1, *size, 3)).astype("float32")


def by_opencv(text, weights, image, output):
    cv2 = pytest.importorskip("cv2", reason="needs opencv-python-headless")
    net = cv2.dnn.readNetFromCaffe(str(text), str(weights))
    net.setInput(np.ascontiguousarray(image.transpose(0, 3, 1, 2)), "data")
    return net.forward(output).reshape(len(image), -1)


def narrow_vgg():
    """At 96x160 the last map is 3x5 cells."""
    return narrow.vgg16(size=(96, 160))


def caffe_vgg(classes=5):
    net = caffe_nets.CaffeNet()
    x = net.input("data", 3, (96, 160))
    blocks = zip(caffe_nets.BLOCKS, caffe_nets.WIDTHS, strict=True)
    for block, (count, width) in enumerate(blocks, start=1):
        for n in range(1, count + 1):
            x = net.conv(f"conv{block}_{n}", x, width, 3, pad=1)
        x = net.pool(f"pool{block}", x)
    x = caffe_nets.inner_product(net, "fc6", x, caffe_nets.HEAD[0], (3, 5))
    x = caffe_nets.inner_product(net, "fc7", x, caffe_nets.HEAD[1], (1, 1))
    return net, caffe_nets.inner_product(net, "fc8", x, classes, (1, 1), relu=False)


@pytest.mark.backend
@pytest.mark.parametrize("how", [{}, {"v1": True, "legacy": True}, {"double": True}])
def test_vgg16_equals_opencv(tmp_path, how):
    net, output = caffe_vgg()
    text, weights = net.write(tmp_path, **how)
    model = narrow_vgg()
    with CaffeModel(weights) as file:
        classifiers.fill(model, file, "vgg16")
    wanted = by_opencv(text, net.write(tmp_path)[1], pixels(96, 160), output)
    found = ops.convert_to_numpy(model(pixels(96, 160)))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max(), rtol=0)


@pytest.mark.backend
def test_fully_connected_layers_kept_as_convolutions(tmp_path):
    net, _ = caffe_vgg()
    plain, cast = narrow_vgg(), narrow_vgg()
    with CaffeModel(net.write(tmp_path)[1]) as file:
        classifiers.fill(plain, file, "vgg16")
    for name, window in (("fc6", (3, 5)), ("fc7", (1, 1)), ("fc8", (1, 1))):
        kernel = net.layers[name][0]
        net.layers[name][0] = kernel.reshape(len(kernel), -1, *window)
    with CaffeModel(net.write(tmp_path)[1]) as file:
        classifiers.fill(cast, file, "vgg16")
    for a, b in zip(plain.get_weights(), cast.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_googlenet_equals_opencv(tmp_path):
    net = caffe_nets.CaffeNet()
    output = caffe_nets.googlenet(net, net.input("data", 3, (224, 224)), 7)
    net.layers["loss1/classifier"] = [np.ones((7, 3), "float32"), np.ones(7, "float32")]
    text, weights = net.write(tmp_path, v1=True)
    model = published.load_classifier("googlenet", weights)
    model.layers[-1].activation = keras.activations.linear
    found = ops.convert_to_numpy(model(pixels(224, 224)))
    wanted = by_opencv(text, net.write(tmp_path)[1], pixels(224, 224), output)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max(), rtol=0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda layers: layers.pop("conv3_2"), "vgg16 needs a layer 'conv3_2'; the file has none"),
        (
            lambda layers: layers.update(conv1_1=[np.ones((4, 1, 3, 3)), np.ones(4)]),
            "layer 'conv1_1': vgg16 needs 4x3x3x3 and 4, the file has 4x1x3x3 and 4",
        ),
        (lambda layers: layers["fc7"].pop(), "needs 14x16 and 14, the file has 14x16"),
        (
            lambda layers: layers.update(fc6=[np.ones((16, 5, 3, 10)), np.ones(16)]),
            "'fc6': vgg16 needs 16x150 and 16, the file has 16x5x3x10 and 16",
        ),
    ],
)
def test_nothing_is_filled_unless_all_fits(tmp_path, change, said):
    net, _ = caffe_vgg()
    change(net.layers)
    model = narrow_vgg()
    before = model.get_weights()
    with CaffeModel(net.write(tmp_path)[1]) as file:
        with pytest.raises(CaffeModelError) as caught:
            classifiers.fill(model, file, "vgg16")
    assert said in str(caught.value)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.backend
def test_unknown_names_and_files(tmp_path):
    with pytest.raises(ValueError, match="'vgg16', 'alexnet', 'googlenet', got 'resnet'"):
        published.load_classifier("resnet", tmp_path / "x")
    with pytest.raises(FileNotFoundError, match="no file"):
        published.load_classifier("vgg16", tmp_path / "none.caffemodel")
    path = caffe_files.write(tmp_path / "x.caffemodel", {"conv1": [np.ones((2, 3, 1, 1))]})
    with pytest.raises(CaffeModelError, match="x.caffemodel: alexnet needs a layer 'fc8'"):
        published.load_classifier("alexnet", path)


@pytest.mark.sweep
def test_alexnet_at_full_width(tmp_path):
    """The whole CaffeNet against OpenCV, and its weights in an FCN."""
    net = caffe_nets.CaffeNet()
    x = net.conv("conv1", net.input("data", 3, (227, 227)), 96, 11, 4)
    x = net.lrn("norm1", net.pool("pool1", x, 3))
    x = net.lrn("norm2", net.pool("pool2", net.conv("conv2", x, 256, 5, pad=2, group=2), 3))
    x = net.conv("conv4", net.conv("conv3", x, 384, 3, pad=1), 384, 3, pad=1, group=2)
    x = net.pool("pool5", net.conv("conv5", x, 256, 3, pad=1, group=2), 3)
    x = caffe_nets.inner_product(net, "fc6", x, 4096, (6, 6))
    x = caffe_nets.inner_product(net, "fc7", x, 4096, (1, 1))
    output = caffe_nets.inner_product(net, "fc8", x, 1000, (1, 1), relu=False)
    text, weights = net.write(tmp_path)
    model = published.load_classifier("alexnet", weights)
    model.save_weights(tmp_path / "alexnet.weights.h5")
    model.layers[-1].activation = keras.activations.linear
    wanted = by_opencv(text, weights, pixels(227, 227), output)
    found = ops.convert_to_numpy(model(pixels(227, 227)))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max(), rtol=0)
    dense = fcn_keras.fcn32s(3, "alexnet", weights=str(tmp_path / "alexnet.weights.h5"))
    kernel = ops.convert_to_numpy(dense.get_layer("fc6").kernel)
    fc6 = net.layers["fc6"][0].reshape(4096, 256, 6, 6)
    np.testing.assert_array_equal(kernel, fc6.transpose(2, 3, 1, 0))
