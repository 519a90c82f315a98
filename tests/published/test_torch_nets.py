"""Nets of PyTorch: their logits are torch's (files/, by make_torch_nets.py), or NumPy's."""

import dataclasses
import functools
from pathlib import Path

import keras
import narrow
import numpy as np
import pytest

import fcn_keras
from fcn_keras import published
from fcn_keras.checkpoints import CheckpointError, read_checkpoint
from fcn_keras.checkpoints.filling import fill
from fcn_keras.classifiers import resnet_v1_5
from fcn_keras.published import torch_nets, torchvision

FILES = Path(__file__).parent / "files"
FCNS = ("fcn32s", "fcn16s", "fcn8s", "fcn8s-atonce")


@pytest.fixture(scope="module")
def made():
    """{"image": (H, W, 3), net: torch's logits (H, W, classes)}"""
    return np.load(FILES / "torch_nets.npz")


@pytest.fixture
def narrow_fcns(monkeypatch):
    """The nets of pytorch-fcn over a narrow VGG16."""
    for name in FCNS:
        row = torch_nets.get_torch(name)
        net = dataclasses.replace(row.build.args[0], classifier=narrow.vgg16())
        row = dataclasses.replace(row, build=functools.partial(torch_nets.pytorch_fcn, net))
        rest = [other for other in torch_nets._TABLE if other.name != name]
        monkeypatch.setattr(torch_nets, "_TABLE", (*rest, row))


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", FCNS)
def test_pytorch_fcn(name, made, narrow_fcns):
    model = published.load_torch(name, FILES / f"{name}.pth")
    logits = fcn_keras.segment(model, made["image"], return_logits=True)[1]
    close(logits, made[name])
    assert not any(isinstance(la, keras.layers.Conv2DTranspose) for la in model.layers)


BLOCKS, WIDTH = (1, 2, 2, 2), 2  # of the narrow ResNet


def over_narrow_resnet(load, tensors):
    """A ResNet v1.5 without top, and the net of torch tensors over it in alignment "torch"."""
    image = keras.Input((None, None, 3))
    trunk = keras.Model(image, resnet_v1_5.resnet(image, BLOCKS, WIDTH))
    rest = {"classifier": trunk, "blocks": BLOCKS, "preprocess": "torch"}
    return trunk, load("resnet50_v1_5", tensors, **rest)


@pytest.fixture(scope="module")
def narrow_resnet():
    return over_narrow_resnet(torchvision.load_fcn, read_checkpoint(FILES / "fcn_resnet.pth"))


class TorchHead(dict):
    """The tensors of torchvision's DeepLabHead, random, and its computation in NumPy, float64."""

    rates, filters, classes = (12, 24, 36), 6, 5

    def __init__(self, channels, seed=0):
        self.rng = np.random.default_rng(seed)
        branches = [("convs.0.0", "convs.0.1", channels, 1)]
        branches += [(f"convs.{n}.0", f"convs.{n}.1", channels, 3) for n in (1, 2, 3)]
        branches += [("convs.4.1", "convs.4.2", channels, 1)]
        branches += [("project.0", "project.1", 5 * self.filters, 1)]
        for convolution, norm, inside, size in branches:
            self.unit(f"classifier.0.{convolution}", f"classifier.0.{norm}", inside, size)
        self.unit("classifier.1", "classifier.2", self.filters, 3)
        self["classifier.4.weight"] = self.normal(self.classes, self.filters, 1, 1)
        self["classifier.4.bias"] = self.normal(self.classes)

    def normal(self, *shape):
        fan = np.prod(shape[1:]) or 1
        return self.rng.normal(0, np.sqrt(2 / fan), shape).astype("float32")

    def unit(self, convolution, norm, inside, size):
        self[f"{convolution}.weight"] = self.normal(self.filters, inside, size, size)
        for part, low in (("weight", 0.6), ("bias", -0.3), ("running_mean", -0.3)):
            self[f"{norm}.{part}"] = self.rng.uniform(low, low + 0.6, self.filters).astype("f4")
        self[f"{norm}.running_var"] = self.rng.uniform(1e-5, 2, self.filters).astype("f4")
        self[f"{norm}.num_batches_tracked"] = np.array(1)

    def convolved(self, x, name, rate=1):
        """A map (channels, rows, columns) behind a padded convolution with holes."""
        kernel = self[f"{name}.weight"].astype("float64")
        pad, (_, rows, columns) = rate * (kernel.shape[-1] // 2), x.shape
        wide = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
        total = 0
        for i, j in np.ndindex(kernel.shape[2:]):
            part = wide[:, i * rate : i * rate + rows, j * rate : j * rate + columns]
            total = total + np.einsum("oc,chw->ohw", kernel[:, :, i, j], part)
        return total

    def normalized(self, x, name):
        parts = (self[f"{name}.{p}"] for p in ("weight", "bias", "running_mean", "running_var"))
        scale, shift, mean, variance = (part.reshape(-1, 1, 1).astype("f8") for part in parts)
        return np.maximum((x - mean) / np.sqrt(variance + 1e-5) * scale + shift, 0)

    def __call__(self, x):
        """The scores (classes, rows, columns) of features."""
        aspp, parts = "classifier.0", []
        for number, rate in enumerate((1, *self.rates)):
            branch = f"{aspp}.convs.{number}"
            parts.append(self.normalized(self.convolved(x, f"{branch}.0", rate), f"{branch}.1"))
        mean = x.mean((1, 2), keepdims=True)
        mean = self.normalized(self.convolved(mean, f"{aspp}.convs.4.1"), f"{aspp}.convs.4.2")
        parts.append(np.broadcast_to(mean, parts[0].shape))
        x = self.convolved(np.concatenate(parts), f"{aspp}.project.0")
        x = self.convolved(self.normalized(x, f"{aspp}.project.1"), "classifier.1")
        scores = self.convolved(self.normalized(x, "classifier.2"), "classifier.4")
        return scores + self["classifier.4.bias"].reshape(-1, 1, 1)


def resized(x, size):
    """A map (channels, rows, columns) resized by half pixels, as torch's align_corners=False."""
    for axis, count in ((1, size[0]), (2, size[1])):
        places = (np.arange(count) + 0.5) * x.shape[axis] / count - 0.5
        line = functools.partial(np.interp, places, np.arange(x.shape[axis]))
        x = np.apply_along_axis(line, axis, x)
    return x


@pytest.fixture(scope="module")
def narrow_deeplab():
    """The head's tensors, and torchvision's DeepLabv3 over the ResNet of the FCN's file."""
    stored = read_checkpoint(FILES / "fcn_resnet.pth")
    head = TorchHead(4 * 8 * WIDTH)
    tensors = {name: stored[name] for name in stored if not name.startswith("classifier.")}
    return head, over_narrow_resnet(torchvision.load_deeplab, {**tensors, **head})[1]


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("size", [(37, 50), (32, 48), (1, 3)])
def test_torchvisions_fcn(size, made, narrow_resnet):
    rows, columns = size
    image = made["image"][:rows, :columns]
    found = keras.ops.convert_to_numpy(narrow_resnet[1](image[None].astype("float32")))[0]
    close(found, made[f"fcn_resnet_{rows}x{columns}"])


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("size", [(37, 50), (32, 48), (1, 3)])
def test_torchvisions_deeplab(size, made, narrow_resnet, narrow_deeplab):
    rows, columns = size
    pixels = made["image"][None, :rows, :columns].astype("float32")
    fcn, (head, net) = narrow_resnet[1], narrow_deeplab
    features = keras.Model(fcn.input, fcn.get_layer("head_conv").input)(pixels)[0]
    features = keras.ops.convert_to_numpy(features).transpose(2, 0, 1).astype("float64")
    expected = resized(head(features), size).transpose(1, 2, 0)
    close(keras.ops.convert_to_numpy(net(pixels))[0], expected)


def test_sizes_that_are_known_when_the_image_is(made, narrow_resnet):
    """In a compiled graph of open size, as predict and SavedModels run it."""
    found = fcn_keras.segment(narrow_resnet[1], made["image"], return_logits=True)[1]
    close(found, made["fcn_resnet_37x50"])


def test_torchvisions_resnet(made, narrow_resnet):
    trunk = narrow_resnet[0]
    top = keras.layers.GlobalAveragePooling2D()(trunk.output)
    top = keras.layers.Dense(5, name="predictions")(top)
    net = keras.Model(trunk.input, top)
    fill(net, read_checkpoint(FILES / "resnet.pth"), resnet_v1_5.torch_names(BLOCKS), "resnet")
    pixels = fcn_keras.layers.Preprocess("torch")(made["image"][None].astype("float32"))
    close(keras.ops.convert_to_numpy(net(pixels)), made["resnet"])


def test_the_torch_nets_geometry(narrow_resnet, made):
    """Its strides are those of the dilated net, and its tiles would not be exact."""
    net = narrow_resnet[1]
    field = fcn_keras.geometry.receptive_field(net, "head_relu")
    assert field.stride == (8, 8) and field.offset == (0, 0)
    with pytest.raises(ValueError, match="upscore.*depends on the whole image"):
        fcn_keras.geometry.halo(net)


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "parameters"), [
    # torchvision's num_params less those of the auxiliary classifier
    ("resnet50_v1_5", 35_322_218 - 2_365_205), ("resnet101_v1_5", 54_314_346 - 2_365_205),
])  # fmt: skip
def test_torchvisions_sizes(name, parameters):
    net = torchvision.fcn_resnet(21, name, "net")
    assert sum(keras.ops.size(weight) for weight in net.trainable_weights) == parameters
    deeplab = 39_638_869 + (parameters - 32_957_013)  # the two ResNets differ by as much
    net = fcn_keras.deeplab_v3(21, name, weights=None, output_stride=8, alignment="torch")
    assert sum(keras.ops.size(weight) for weight in net.trainable_weights) == deeplab
    # torchvision's num_params, with the auxiliary classifier
    assert deeplab + 2_365_205 in (42_004_074, 60_996_202)


def test_names():
    assert published.torch_names()[:4] == list(FCNS)
    assert torch_nets.get_torch("FCN8sAtOnce").name == "fcn8s-atonce"
    with pytest.raises(ValueError, match="Did you mean .*fcn8s.*There are fcn32s, fcn16s"):
        torch_nets.get_torch("fcn8")


def test_what_does_not_fit(narrow_fcns, tmp_path):
    library = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")
    tensors = dict(read_checkpoint(FILES / "fcn16s.pth"))
    path = tmp_path / "net.safetensors"
    for change, said in (
        ({"conv4_2.weight": None, "conv4_2.bias": None}, "fcn16s needs a layer 'conv4_2'"),
        ({"conv4_2.bias": None}, "layer 'conv4_2': fcn16s needs 9x9x3x3 and 9, the file has 9x9"),
        ({"fc7.bias": np.zeros(3, "f4")}, "layer 'fc7': fcn16s needs 14x16x1x1 and 14, the file"),
        ({"bn.running_mean": np.zeros(3, "f4")}, "fcn16s has no tensor 'bn.running_mean'"),
        ({"bn.weight": np.zeros(3, "f4")}, "fcn16s has no tensor 'bn.weight'"),
        ({"score_fr.weight": np.zeros((1, 14, 1, 1), "f4")}, "needs 2 to 65535 classes, the file"),
        ({"score_fr.weight": None}, "fcn16s needs a tensor 'score_fr.weight'; the file has none"),
        ({"score_pool4.weight": np.zeros((3, 9, 1, 1), "f4")}, "layer 'score_pool4': fcn16s needs"),
    ):
        changed = {k: v for k, v in {**tensors, **change}.items() if v is not None}
        library.save_file({k: np.ascontiguousarray(v) for k, v in changed.items()}, path)
        with pytest.raises(CheckpointError, match=said) as caught:
            published.load_torch("fcn16s", path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(("asked", "file", "like"), [
    ("fcn16s", "fcn8s", "fcn8s or fcn8s-atonce"), ("fcn8s", "fcn32s", "fcn32s"),
    ("fcn_resnet50", "fcn16s", "fcn16s"), ("resnet50_v1_5", "fcn8s", "fcn8s or fcn8s-atonce"),
])  # fmt: skip
def test_another_net_of_the_table_is_named(asked, file, like):
    with pytest.raises(CheckpointError, match=rf"{file}.pth: {asked} .* looks like {like}\.$"):
        published.load_torch(asked, FILES / f"{file}.pth")


def test_a_resnet_is_known_by_its_depth():
    names = [f"layer3.{n}.conv3.weight" for n in range(23)]
    for depth, count in ((50, 6), (101, 23)):
        tensors = dict.fromkeys(["fc.weight", *names[:count]])
        found = torch_nets._looks_like(torch_nets.get_torch("fcn8s"), tensors)
        assert found == f" This file looks like resnet{depth}_v1_5."
        trunk = {f"backbone.{name}": None for name in tensors}
        for net, head in (("fcn", "0.weight"), ("deeplabv3", "0.project.0.weight")):
            tensors = trunk | {f"classifier.{head}": None}
            found = torch_nets._looks_like(torch_nets.get_torch("fcn8s"), tensors)
            assert found == f" This file looks like {net}_resnet{depth}."


def test_the_command(narrow_fcns, command, tmp_path, made):
    out = tmp_path / "fcn8s.keras"
    words = ("import-torch", FILES / "fcn8s.pth", "--net", "FCN8s", "--out", out)
    code, output, errors = command(*words)
    assert (code, output) == (0, f"fcn8s: {out}\n"), errors
    logits = fcn_keras.segment(keras.models.load_model(out), made["image"], return_logits=True)[1]
    close(logits, made["fcn8s"])
    code, _, errors = command(*words)
    assert code == 1 and "exists already" in errors
    code, _, errors = command(*words[:3], "vgg", "--out", out)
    assert code == 1 and errors.startswith("fcn-keras: --net: There is no torch net 'vgg'.")
    code, _, errors = command("import-torch", "--net", "fcn8s", "--out", out)
    assert code == 1 and "FILE is missing" in errors
    code, output, _ = command("import-torch", "--list")
    rows = dict(line.split() for line in output.splitlines())
    assert code == 0 and rows["fcn8s-atonce"] == "https://github.com/wkentaro/pytorch-fcn"
    assert rows["deeplabv3_resnet101"].endswith("/deeplabv3_resnet101_coco-586e9e4e.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["fcn8s.keras"]
