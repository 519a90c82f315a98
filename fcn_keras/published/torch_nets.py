"""load_torch: nets that were trained with PyTorch, read from their state dicts without PyTorch.

Each is a row of one table: its name, the file that it makes, and a function from the tensors to
the net. Another net is another row.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from fcn_keras.checkpoints import CheckpointError, read_checkpoint
from fcn_keras.checkpoints.errors import naming
from fcn_keras.checkpoints.filling import count_classes
from fcn_keras.checkpoints.pickles import MAX_QUOTED
from fcn_keras.classifiers import resnet_v1_5
from fcn_keras.named_rows import row_named
from fcn_keras.published import nets, torchvision
from fcn_keras.published.building import build_from
from fcn_keras.published.caffemodel import Blob
from fcn_keras.published.wire import CaffeModelError

_FILE = "file"  # where a Caffe file has its path
PYTORCH_FCN = "https://github.com/wkentaro/pytorch-fcn"


@dataclass(frozen=True)
class TorchNet:
    """A net that others trained with PyTorch.

    Attributes:
        name: Its name, after the authors' class or function.
        source: The address of its file, or of the code that trains it.
        build: A function from {name: tensor} to the net.
        has: Tensors by which a file of the net is known.
        lacks: A tensor that such a file does not have; "" for none.
        classifier: Whether it is an ImageNet classifier, whose weights other nets begin with.
    """

    name: str
    source: str
    build: Callable
    has: tuple = ()
    lacks: str = ""
    classifier: bool = False


class _Layers(NamedTuple):
    """Tensors as the layers of a Caffe file, whose axes are those of torch."""

    path: str
    layers: dict


def load_torch(name, path, key=None):
    """Returns a net that was trained with PyTorch, with the weights of its checkpoint.

    Every tensor is looked up in the file, and every shape is compared, before any weight is
    copied. The number of classes is that of the file.

    Args:
        name: A name of `fcn_keras.published.torch_names()`; case, "-" and "_" do not matter.
        path: The file: what `torch.save(model.state_dict(), path)` wrote, or safetensors.
        key: The name of the state dict in the file, where there are several.

    Returns:
        A functional `keras.Model`: input float32 (batch, H, W, 3), RGB 0-255, any H and W; output
        float32 logits (batch, H, W, classes), equal to PyTorch's within rounding. Nets of 21
        classes have the names of PASCAL VOC (`fcn_keras.labels_of`).

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: if there is no such file.
        CheckpointError: for a file that is damaged, lacks a tensor, or holds another net; the
            message names the tensor or layer, and what was expected.

    Example:

    ```python
    import os

    if os.path.exists("fcn8s_from_caffe.pth"):
        model = fcn_keras.published.load_torch("fcn8s", "fcn8s_from_caffe.pth")
        model.save("fcn8s.keras")
    ```

    Source: github.com/wkentaro/pytorch-fcn; torchvision/models of github.com/pytorch/vision.
    """
    net = get_torch(name)
    tensors = read_checkpoint(path, key)
    with naming(path):
        try:
            return net.build(tensors)
        except CheckpointError as error:
            raise CheckpointError(f"{error}{_looks_like(net, tensors)}") from None


def _looks_like(net, tensors):
    """Returns a sentence that names another net of the table whose tensors the file has, or ""."""
    found = [
        other.name
        for other in _TABLE
        if other.has and all(name in tensors for name in other.has) and other.lacks not in tensors
    ]
    return f" This file looks like {' or '.join(found)}." if found and net.name not in found else ""


def pytorch_fcn(net, tensors):
    """Returns a net of pytorch-fcn: the layers and the alignment are those of the Caffe nets.

    Args:
        net: A `Net` of the same layers, whose number of classes becomes that of the file.
        tensors: {name: array}.

    Raises:
        CheckpointError: for tensors that do not fit.
    """
    known = set(net.caffe_names) - set(net.scales)
    layers = {}
    for name, array in tensors.items():
        layer, _, part = name.rpartition(".")
        if part not in ("weight", "bias") or layer not in known:
            name = name[:MAX_QUOTED]
            raise CheckpointError(f"{net.name} has no tensor {name!r}, but the file has.")
        layers.setdefault(layer, {})[part] = array
    blobs = {
        layer: [_blob(parts[part]) for part in ("weight", "bias") if part in parts]
        for layer, parts in layers.items()
    }
    for scale, factor in zip(net.scales, (0.01, 0.0001), strict=False):
        score = layers.get(scale.replace("scale", "score"), {}).get("weight", np.zeros((1, 1)))
        blobs[scale] = [_blob(np.full(score.shape[1:2], factor))]
    classes = count_classes(tensors, "score_fr.weight", net.name)
    names = net.labels if classes == 21 else None
    net = dataclasses.replace(net, num_classes=classes, labels=names)
    try:
        return build_from(net, _Layers(_FILE, blobs), [net])
    except CaffeModelError as error:
        raise CheckpointError(str(error).removeprefix(f"{_FILE}: ")) from None


def _blob(array):
    return Blob(array.shape, lambda: np.array(array, "float32"))


# {name of the net: (the same layers in Caffe, the layer that only it has)}
_PYTORCH_FCN = {
    "fcn32s": ("voc-fcn32s", "upscore"),
    "fcn16s": ("voc-fcn16s", "upscore16"),
    "fcn8s": ("voc-fcn8s", "upscore8"),
    "fcn8s-atonce": ("voc-fcn8s-atonce", "upscore8"),
}


def _fcn(name, caffe, last):
    net = dataclasses.replace(nets.get(caffe), name=name)
    return TorchNet(name, PYTORCH_FCN, partial(pytorch_fcn, net), (f"{last}.weight",))


def _over_resnet(kind, load, head, variant, file):
    layer3 = f"backbone.layer3.{resnet_v1_5.BLOCKS[variant][2] - 1}.conv3.weight"
    return TorchNet(
        f"{kind}_{variant.partition('_')[0]}",
        resnet_v1_5.ADDRESS + file,
        partial(load, variant),
        (head, layer3),
        "backbone.layer3.6.conv3.weight" if variant == "resnet50_v1_5" else "",
    )


def _resnet(variant, file):
    return TorchNet(
        variant,
        resnet_v1_5.ADDRESS + file,
        partial(torchvision.load_resnet, variant),
        ("fc.weight", f"layer3.{resnet_v1_5.BLOCKS[variant][2] - 1}.conv3.weight"),
        "layer3.6.conv3.weight" if variant == "resnet50_v1_5" else "",
        classifier=True,
    )


_TABLE = (
    *(_fcn(name, *row) for name, row in _PYTORCH_FCN.items()),
    *(
        _over_resnet("fcn", torchvision.load_fcn, "classifier.0.weight", *row)
        for row in torchvision.FILES.items()
    ),
    *(
        _over_resnet("deeplabv3", torchvision.load_deeplab, "classifier.0.project.0.weight", *row)
        for row in torchvision.DEEPLAB_FILES.items()
    ),
    *(_resnet(variant, file) for variant, file in resnet_v1_5.FILES.items()),
)


def torch_names():
    """Returns the names of the nets that `load_torch` reads, a list of str.

    Example:

    ```python
    for name in fcn_keras.published.torch_names():
        print(name)
    ```
    """
    return [net.name for net in _TABLE]


def get_torch(name):
    """Returns the `TorchNet` of a name; case, "-" and "_" do not matter.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    return row_named(name, _TABLE, "There is no torch net", _plain)


def _plain(name):
    return str(name).lower().replace("-", "").replace("_", "")
