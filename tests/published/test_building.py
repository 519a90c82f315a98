"""The published nets against OpenCV's own reader of Caffe files, and files that do not fit."""

import dataclasses
import warnings

import caffe_files
import caffe_nets
import keras
import narrow
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras import published
from fcn_keras.published import CaffeModelError

RANDOM, GROUPED = {"filters": "random"}, {"filters": "random", "grouped": True}
SAMPLE = (
    ("voc-fcn32s", {}), ("voc-fcn8s", RANDOM), ("voc-fcn8s-atonce", GROUPED),
    ("voc-fcn-alexnet", {}), ("siftflow-fcn16s", {}), ("nyud-fcn32s-color-d", {}),
    ("nyud-fcn32s-color-hha", {}),
)  # fmt: skip
REST = (
    ("voc-fcn32s", RANDOM), ("voc-fcn16s", GROUPED), ("voc-fcn16s", {"grouped": True}),
    ("voc-fcn8s", {}), ("voc-fcn8s-atonce", {}), ("voc-fcn-alexnet", RANDOM),
    ("voc-fcn-alexnet", GROUPED), ("pascalcontext-fcn16s", {}), ("siftflow-fcn32s", {}),
    ("siftflow-fcn8s", RANDOM), ("nyud-fcn32s-color", {}), ("nyud-fcn32s-hha", {}),
    ("nyud-fcn32s-color-hha", RANDOM),
)  # fmt: skip
CASES = [*SAMPLE, *(pytest.param(*case, marks=pytest.mark.sweep) for case in REST)]
# Channels of Caffe's input in those of ours, and the means, by the authors' data layers.
BGR = [2, 1, 0]
MEANS = {
    "voc": (BGR, (104.00699, 116.66877, 122.67892)),
    "pascalcontext": (BGR, (104.007, 116.669, 122.679)),
    "siftflow": (BGR, (114.578, 115.294, 108.353)),
    "color": (BGR, (116.190, 97.203, 92.318)),
    "hha": ([0, 1, 2], (132.431, 94.076, 118.477)),
    "color-d": ([2, 1, 0, 3], (116.190, 97.203, 92.318, 7.844)),
}


def caffe(name, size, classes=21, **up):
    """(the net as Caffe describes it, names of its inputs, names of its outputs)"""
    net = caffe_nets.CaffeNet()
    if name == "nyud-fcn32s-color-hha":
        inputs = [net.input(stream, 3, size) for stream in ("color", "hha")]
        return net, inputs, [caffe_nets.late_fusion(net, *inputs, 40, **up)]
    early = name.endswith("color-d")
    data = net.input("data", 4 if early else 3, size)
    if name == "voc-fcn-alexnet":
        head = caffe_nets.HEAD
        return net, [data], [caffe_nets.alexnet(net, data, narrow.ALEXNET, head, 21, **up)]
    x, pools = caffe_nets.vgg(net, data, first="conv1_1_bgrd" if early else "conv1_1")
    stride = int(name.partition("fcn")[2].partition("s")[0])
    outputs = [("", {"nyud": 40, "pascalcontext": 60}.get(name.partition("-")[0], classes))]
    if name.startswith("siftflow"):
        outputs = [("_sem", 33), ("_geo", 3)]
    if name.endswith("atonce"):
        up["scaled"] = {"pool4": 1.0, "pool3": 0.5}
    found = [caffe_nets.decoder(net, data, x, pools, n, stride, s, **up) for s, n in outputs]
    return net, [data], found


def narrow_net(name):
    """The row of the table over a narrow classifier."""
    net = published.get(name)
    if net.classifier == "alexnet":
        return dataclasses.replace(net, classifier=narrow.alexnet())
    return dataclasses.replace(net, classifier=narrow.vgg16(4 if name.endswith("-d") else 3))


def images(name, size, seed=0):
    """{Caffe's input: (image as the model takes it, blob as Caffe does)}"""
    rng = np.random.default_rng(seed)
    dataset, _, variant = name.partition("-")
    streams = {"data": MEANS.get(variant.removeprefix("fcn32s-"), MEANS.get(dataset))}
    if name.endswith("color-hha"):
        streams = {"color": MEANS["color"], "hha": MEANS["hha"]}
    found = {}
    for stream, (order, mean) in streams.items():
        image = rng.integers(0, 256, (1, *size, len(mean))).astype("float32")
        blob = image[..., order] - np.array(mean, "float32")
        found[stream] = (image, np.ascontiguousarray(blob.transpose(0, 3, 1, 2)))
    return found


def by_opencv(text, weights, inputs, outputs):
    cv2 = pytest.importorskip("cv2", reason="needs opencv-python-headless")
    net = cv2.dnn.readNetFromCaffe(str(text), str(weights))
    for name, (_, blob) in inputs.items():
        net.setInput(blob, name)
    return [score.transpose(0, 2, 3, 1) for score in net.forward(outputs)]


def by_keras(model, inputs):
    given = {name: image for name, (image, _) in inputs.items()}
    found = model(given["data"] if "data" in given else given)
    if isinstance(found, dict):
        return [ops.convert_to_numpy(found[output]) for output in ("semantic", "geometric")]
    return [ops.convert_to_numpy(found)]


def agree(found, wanted):
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


def upsampled_by_layers(model):
    kinds = (keras.layers.Conv2DTranspose, fcn_keras.layers.BilinearUpsampling2D)
    return {type(layer) for layer in model.layers if isinstance(layer, kinds)}


@pytest.mark.parametrize(("name", "up"), CASES)
def test_the_score_is_caffes(tmp_path, name, up):
    model = check_score(tmp_path, name, up, (97, 131))
    bilinear, fixed = fcn_keras.layers.BilinearUpsampling2D, "filters" not in up
    assert upsampled_by_layers(model) == {bilinear if fixed else keras.layers.Conv2DTranspose}


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "up"), [c for c in SAMPLE + REST if "filters" not in c[1]])
def test_the_score_is_caffes_at_the_size_of_photographs(tmp_path, name, up):
    check_score(tmp_path, name, up, (375, 500))


def check_score(folder, name, up, size):
    """The model, after its score has been compared with OpenCV's."""
    net, inputs, outputs = caffe(name, size, **up)
    text, weights = net.write(folder)
    model = published.build(narrow_net(name), weights)
    pixels = images(name, size)
    assert list(pixels) == inputs
    agree(by_keras(model, pixels), by_opencv(text, weights, pixels, outputs))
    return model


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["voc-fcn8s", "voc-fcn-alexnet"])
def test_sizes_at_which_pooling_rounds_up(tmp_path, name):
    """Sizes whose remainders of 32 are far apart, in both axes."""
    model = published.build(narrow_net(name), caffe(name, (64, 64))[0].write(tmp_path)[1])
    for n in range(0, 32, 3):
        size = (64 + n, 96 - n)
        net, _, outputs = caffe(name, size)
        text, weights = net.write(tmp_path)
        pixels = images(name, size, seed=n)
        agree(by_keras(model, pixels), by_opencv(text, weights, pixels, outputs))


def test_labels_sizes_and_saving(tmp_path):
    weights = caffe("voc-fcn8s", (64, 64))[0].write(tmp_path)[1]
    model = published.build(narrow_net("voc-fcn8s"), weights)
    assert fcn_keras.labels_of(model) == fcn_keras.data.voc.LABELS
    model.save(tmp_path / "net.keras")
    image = np.random.default_rng(0).integers(0, 256, (1, 70, 45, 3)).astype("float32")
    again = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(again(image), model(image), atol=1e-4)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("how", "name"),
    [({"v1": True, "legacy": True}, "voc-fcn16s"), ({"double": True}, "siftflow-fcn16s")],
)
def test_older_forms_give_the_same_net(tmp_path, how, name):
    net = caffe(name, (40, 50))[0]
    weights = net.write(tmp_path)[1]
    first = published.build(narrow_net(name), weights)
    caffe_files.write(weights, net.layers, **how)
    second = published.build(narrow_net(name), weights)
    assert sum(w.size for w in first.get_weights()) > 10_000
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.backend
def test_fc6_as_an_inner_product(tmp_path):
    net = caffe("voc-fcn32s", (40, 50))[0]
    first = published.build(narrow_net("voc-fcn32s"), net.write(tmp_path)[1])
    net.layers["fc6"][0] = net.layers["fc6"][0].reshape(1, 1, caffe_nets.HEAD[0], -1)
    second = published.build(narrow_net("voc-fcn32s"), net.write(tmp_path)[1])
    kernel = ops.convert_to_numpy(second.get_layer("fc6").kernel)
    np.testing.assert_array_equal(kernel, ops.convert_to_numpy(first.get_layer("fc6").kernel))
    np.testing.assert_array_equal(kernel[2, 5, 3, 1], net.layers["fc6"][0][0, 0, 1, 3 * 49 + 19])


def test_context_without_background(tmp_path):
    weights = caffe("voc-fcn16s", (40, 50), classes=59)[0].write(tmp_path)[1]
    model = published.build(narrow_net("pascalcontext-fcn16s"), weights)
    assert model.output_shape[-1] == 59
    assert fcn_keras.labels_of(model).names[:2] == ("aeroplane", "bicycle")


REFUSALS = {
    "missing": (
        "voc-fcn8s", lambda net: net.layers.pop("score_pool3"),
        "voc-fcn8s needs a layer 'score_pool3'; the file has none.",
    ),
    "shape": (
        "voc-fcn8s", lambda net: net.layers.update(conv3_1=[np.ones((7, 5, 3, 3)), np.ones(7)]),
        "layer 'conv3_1': voc-fcn8s needs 7x6x3x3 and 7, the file has 7x5x3x3 and 7.",
    ),
    "bias": (
        "voc-fcn32s", lambda net: net.layers["conv1_2"].pop(), "'conv1_2': voc-fcn32s needs",
    ),
    "bias of the upsampling": (
        "voc-fcn32s", lambda net: net.layers["upscore"].append(np.ones(21)),
        "layer 'upscore': voc-fcn32s needs filters of 64x64 and no bias",
    ),
    "kernel": (
        "voc-fcn16s", lambda net: net.layers.update(upscore2=[np.ones((21, 21, 6, 6))]),
        "layer 'upscore2': voc-fcn16s needs filters of 4x4",
    ),
    "classes": (
        "voc-fcn32s", lambda net: net.layers.update(score_fr=[np.ones((9, 14, 1, 1)), np.ones(9)]),
        "layer 'score_fr': voc-fcn32s has 21 classes, the file's filters are 9x14x1x1.",
    ),
    "classes of the upsampling": (
        "voc-fcn32s",
        lambda net: net.layers.update(upscore=[net.layers["upscore"][0][:1, :1].repeat(5, 0)]),
        "layer 'upscore': voc-fcn32s has 21 classes, the file's filters are 5x1x64x64.",
    ),
    "scale": (
        "voc-fcn8s-atonce", lambda net: net.layers.update(scale_pool4=[np.ones(5)]),
        "layer 'scale_pool4': voc-fcn8s-atonce needs 9 factors, the file has 5.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_file_that_does_not_fit(tmp_path, kind):
    name, change, said = REFUSALS[kind]
    net = caffe(name, (40, 50))[0]
    change(net)
    path = net.write(tmp_path)[1]
    with pytest.raises(CaffeModelError) as caught:
        published.build(narrow_net(name), path)
    assert str(path) in str(caught.value) and said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("voc-fcn8s", "voc-fcn16s"), ("voc-fcn8s", "voc-fcn8s-atonce"),
        ("voc-fcn8s-atonce", "voc-fcn8s"), ("voc-fcn32s", "voc-fcn-alexnet"),
        ("voc-fcn-alexnet", "voc-fcn32s"), ("voc-fcn32s", "nyud-fcn32s-color"),
        ("nyud-fcn32s-color-hha", "nyud-fcn32s-color-d"), ("siftflow-fcn8s", "siftflow-fcn16s"),
        ("nyud-fcn32s-color", "nyud-fcn32s-color-hha"), ("voc-fcn16s", "pascalcontext-fcn16s"),
    ],
)  # fmt: skip
def test_another_net_is_recognised(tmp_path, name, held):
    path = caffe(held, (40, 50))[0].write(tmp_path)[1]
    with pytest.raises(CaffeModelError, match=f"This file looks like {held}( or [a-z0-9-]+)?[.]"):
        published.build(name, path)


def test_layers_that_the_net_has_not(tmp_path):
    net = caffe("voc-fcn32s", (40, 50))[0]
    net.layers["loss_weights"] = [np.ones(3)]
    path = net.write(tmp_path)[1]
    with pytest.warns(UserWarning, match="voc-fcn32s has no layer 'loss_weights'.*Left out"):
        published.build(narrow_net("voc-fcn32s"), path)
    del net.layers["loss_weights"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        published.build(narrow_net("voc-fcn32s"), net.write(tmp_path)[1])


@pytest.mark.backend
def test_the_table():
    names = published.names()
    assert len(names) == 15 and len(set(names)) == 15
    assert sum(published.get(name).url is not None for name in names) == 14
    assert published.get("VOC_FCN8s").mean_iu == 65.5
    for name in names:
        net = published.get(name)
        labels = net.labels if isinstance(net.labels, dict) else {None: net.labels}
        counts = net.num_classes if isinstance(net.num_classes, dict) else {None: net.num_classes}
        assert {output: found.num_classes for output, found in labels.items()} == counts
    with pytest.raises(ValueError, match="voc-fcn8s-atonce.*There are"):
        published.get("voc-fcn8s-at-once")


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["voc-fcn8s", "voc-fcn-alexnet"])
def test_full_width(tmp_path, name):
    size = (97, 131)
    net = caffe_nets.CaffeNet()
    data = net.input("data", 3, size)
    if name == "voc-fcn8s":
        x, pools = caffe_nets.vgg(net, data, (64, 128, 256, 512, 512), (4096, 4096))
        output = caffe_nets.decoder(net, data, x, pools, 21, 8)
    else:
        widths = (96, 256, 384, 384, 256)
        output = caffe_nets.alexnet(net, data, widths, (4096, 4096), 21)
    text, weights = net.write(tmp_path)
    del net
    pixels = images(name, size)
    wanted = by_opencv(text, weights, pixels, [output])
    agree(by_keras(published.build(name, weights), pixels), wanted)
    weights.unlink()
