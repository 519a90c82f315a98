"""Nets of PyTorch: their logits are torch's (files/, by make_torch_nets.py)."""

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


@pytest.fixture(scope="module")
def narrow_resnet():
    """A ResNet v1.5 without top, and its torch file's net in alignment "torch"."""
    image = keras.Input((None, None, 3))
    trunk = keras.Model(image, resnet_v1_5.resnet(image, BLOCKS, WIDTH))
    tensors = read_checkpoint(FILES / "fcn_resnet.pth")
    rest = {"classifier": trunk, "blocks": BLOCKS, "preprocess": "torch"}
    return trunk, torchvision.load_fcn("resnet50_v1_5", tensors, **rest)


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("size", [(37, 50), (32, 48), (1, 3)])
def test_torchvisions_fcn(size, made, narrow_resnet):
    rows, columns = size
    image = made["image"][:rows, :columns]
    found = keras.ops.convert_to_numpy(narrow_resnet[1](image[None].astype("float32")))[0]
    close(found, made[f"fcn_resnet_{rows}x{columns}"])


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
        tensors = {f"backbone.{name}": None for name in tensors} | {"classifier.0.weight": None}
        found = torch_nets._looks_like(torch_nets.get_torch("fcn8s"), tensors)
        assert found == f" This file looks like fcn_resnet{depth}."


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
    assert code == 0 and "fcn8s-atonce    https://github.com/wkentaro/pytorch-fcn" in output
    assert [path.name for path in tmp_path.iterdir()] == ["fcn8s.keras"]
