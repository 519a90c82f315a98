"""ResNet v1.5: torchvision's sizes and strides, and its file of weights.

Its numbers are compared with torchvision's in tests/published/test_torch_nets.py.
"""

import hashlib

import keras
import pytest
from keras import ops

import fcn_keras
from fcn_keras import classifiers
from fcn_keras.checkpoints import CheckpointError
from fcn_keras.classifiers import resnet_v1_5


@pytest.mark.parametrize(("name", "parameters"), [
    ("resnet50_v1_5", 25_557_032),  # torchvision's num_params
    pytest.param("resnet101_v1_5", 44_549_160, marks=pytest.mark.sweep),
])  # fmt: skip
def test_torchvisions_parameters(name, parameters):
    net = classifiers.get(name).build()
    assert sum(ops.size(weight) for weight in net.trainable_weights) == parameters


def test_the_stride_is_in_the_3x3():
    image = keras.Input((None, None, 3))
    trunk = keras.Model(image, resnet_v1_5.resnet(image, (1, 2, 1, 1), width=2))
    strided = [la.name for la in trunk.layers if getattr(la, "strides", (1,))[0] == 2]
    blocks = [f"conv{stage}_block1_{n}_conv" for stage in (3, 4, 5) for n in (2, 0)]
    assert strided == ["conv1_conv", "pool1", *blocks]
    field = fcn_keras.geometry.receptive_field(trunk)
    assert field.stride == (32, 32) and field.offset == (0, 0)
    assert trunk.compute_output_shape((1, 97, 130, 3)) == (1, 4, 5, 64)


def test_imagenet_is_torchvisions_file(monkeypatch, tmp_path):
    asked = []
    path = tmp_path / "resnet50-0676ba61.pth"
    path.write_bytes(b"another file")

    def get_file(name, origin, **given):
        asked.append((name, origin))
        return str(path)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    start = hashlib.sha256(b"another file").hexdigest()[:8]
    with pytest.raises(CheckpointError, match=f"SHA-256 begins with {start}.*Remove it"):
        fcn_keras.fcn8s(3, "resnet50_v1_5")
    assert asked == [(path.name, f"https://download.pytorch.org/models/{path.name}")]
    with pytest.raises(ValueError, match="1000 classes, got classes=3"):
        classifiers.resnet50_v1_5(weights="imagenet", classes=3)

    def offline(name, origin, **given):
        raise Exception(f"URL fetch failure on {origin}: None -- no")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    with pytest.raises(FileNotFoundError, match="resnet50-0676ba61.pth.*models"):
        fcn_keras.fcn8s(3, "resnet50_v1_5")
