"""load_torch: nets that were trained with PyTorch, read from their state dicts without PyTorch.

Each is a row of one table: its name, the file that it makes, and a function from the tensors to
the net. Another net is another row.
"""

import dataclasses
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcn_keras.checkpoints import CheckpointError, read_checkpoint
from fcn_keras.classifiers import resnet_v1_5
from fcn_keras.published import nets, torchvision
from fcn_keras.published.building import build_from
from fcn_keras.published.caffemodel import Blob
from fcn_keras.published.wire import CaffeModelError

PYTORCH_FCN = "https://github.com/wkentaro/pytorch-fcn"


@dataclass(frozen=True)
class TorchNet:
    """A net that others trained with PyTorch.

    Attributes:
        name: Its name, after the authors' class or function.
        source: The address of its file, or of the code that trains it.
        build: A function from {name: tensor} and the path of the file to the net.
        classifier: Whether it is an ImageNet classifier, whose weights other nets begin with.
    """

    name: str
    source: str
    build: Callable
    classifier: bool = False


class _Layers(NamedTuple):
    """Tensors as the layers of a Caffe file, whose axes are those of torch."""

    path: Path
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
    return net.build(read_checkpoint(path, key), Path(path))


def pytorch_fcn(net, tensors, path, table=()):
    """Returns a net of pytorch-fcn: the layers and the alignment are those of the Caffe nets.

    Args:
        net: A `Net` of the same layers, whose number of classes becomes that of the file.
        tensors: {name: array}.
        path: The file, for messages.
        table: Further `Net`s that the file may hold, for messages.

    Raises:
        CheckpointError: for tensors that do not fit.
    """
    layers = {}
    for name, array in tensors.items():
        layer, _, part = name.rpartition(".")
        if part not in ("weight", "bias"):
            raise CheckpointError(f"{path}: {net.name} has no tensor {name!r}, but the file has.")
        layers.setdefault(layer, {})[part] = array
    blobs = {
        layer: [_blob(parts[part]) for part in ("weight", "bias") if part in parts]
        for layer, parts in layers.items()
    }
    for scale, factor in zip(net.scales, (0.01, 0.0001), strict=False):
        score = layers.get(scale.replace("scale", "score"), {}).get("weight", np.zeros((1, 1)))
        blobs[scale] = [_blob(np.full(score.shape[1:2], factor))]
    score = layers.get("score_fr", {}).get("weight")
    classes = net.num_classes if score is None else len(score)
    sized = [
        dataclasses.replace(one, num_classes=classes, labels=one.labels if classes == 21 else None)
        for one in (net, *table)
    ]
    try:
        return build_from(sized[0], _Layers(path, blobs), sized)
    except CaffeModelError as error:
        raise CheckpointError(str(error)) from None


def _blob(array):
    return Blob(array.shape, lambda: np.array(array, "float32"))


_PYTORCH_FCN = {
    "fcn32s": dataclasses.replace(nets.get("voc-fcn32s"), name="fcn32s"),
    "fcn16s": dataclasses.replace(nets.get("voc-fcn16s"), name="fcn16s"),
    "fcn8s": dataclasses.replace(nets.get("voc-fcn8s"), name="fcn8s"),
    "fcn8s-atonce": dataclasses.replace(nets.get("voc-fcn8s-atonce"), name="fcn8s-atonce"),
}


def _pytorch_fcn(net):
    table = [one for one in _PYTORCH_FCN.values() if one is not net and not one.scaled]
    return lambda tensors, path: pytorch_fcn(net, tensors, path, table)


def _torchvision(load, variant):
    return lambda tensors, path: load(variant, tensors, path)


_TABLE = (
    *(TorchNet(name, PYTORCH_FCN, _pytorch_fcn(net)) for name, net in _PYTORCH_FCN.items()),
    *(
        TorchNet(
            f"fcn_{variant.partition('_')[0]}",
            resnet_v1_5.ADDRESS + file,
            _torchvision(torchvision.load_fcn, variant),
        )
        for variant, file in torchvision.FILES.items()
    ),
    *(
        TorchNet(
            variant,
            resnet_v1_5.ADDRESS + file,
            _torchvision(torchvision.load_resnet, variant),
            classifier=True,
        )
        for variant, file in resnet_v1_5.FILES.items()
    ),
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
    known = {_plain(net.name): net for net in _TABLE}
    if _plain(name) in known:
        return known[_plain(name)]
    near = [known[plain].name for plain in difflib.get_close_matches(_plain(name), known, n=3)]
    raise ValueError(
        f"There is no torch net {name!r}. "
        + (f"Did you mean {' or '.join(near)}? " if near else "")
        + f"There are {', '.join(torch_names())}."
    )


def _plain(name):
    return str(name).lower().replace("-", "").replace("_", "")
