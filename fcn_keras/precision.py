"""Precision: 16-bit multiplications with 32-bit weights, where the device is faster that way.

Which format a device multiplies fast is read from the device. A model keeps the dtype policy that
it was trained under wherever it goes: from a GPU with 16-bit instructions to a CPU without.
"""

import contextlib
import functools
import threading
from pathlib import Path

from fcn_keras.checks import one_of
from fcn_keras.keras_internals import all_layers, is_graph, nodes_in_order, operation_of

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
CHOICES = ("auto", "mixed", *POLICIES)
CPU_INFO = Path("/proc/cpuinfo")
BFLOAT16 = {"avx512_bf16", "amx_bf16"}
_CHANGING = threading.RLock()


def device():
    """Returns the device that is used by default: "cpu:0", "gpu:0", ..."""
    import keras

    if keras.backend.backend() == "torch":
        return "gpu:0" if keras.ops.zeros(()).device.type == "cuda" else "cpu:0"
    return keras.distribution.list_devices()[0]


def policy_for(precision, devices):
    """Returns the dtype policy that a choice of precision means on these devices.

    Args:
        precision: One of `CHOICES`.
        devices: Names such as "gpu:0", all of one kind.

    Returns:
        One of `POLICIES`.

    Raises:
        ValueError: for another precision.
    """
    one_of("precision", precision, CHOICES)
    if precision in POLICIES:
        return precision
    kind = devices[0].partition(":")[0]
    if kind == "cpu":
        mixed = precision == "mixed" and cpu_multiplies_bfloat16()
        return "mixed_bfloat16" if mixed else "float32"
    if kind != "gpu":
        return "mixed_bfloat16"
    least = min(capability(device) for device in devices)
    if least >= (8, 0):
        return "mixed_bfloat16"
    return "mixed_float16" if least >= (7, 0) or precision == "mixed" else "float32"


@functools.cache
def cpu_multiplies_bfloat16():
    """Returns whether the CPU has instructions for bfloat16: AVX512-BF16 or AMX.

    Read from Linux's /proc/cpuinfo; False where there is none.
    """
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith("flags") and BFLOAT16 & {*line.split()} for line in lines)


def imitated(kind):
    """Returns whether the default device has no instructions for "float16" or "bfloat16"."""
    if kind not in ("float16", "bfloat16") or not device().startswith("cpu"):
        return False
    return kind == "float16" or not cpu_multiplies_bfloat16()


def mixed_policy(model):
    """Returns the name of the mixed policy that layers of the model have, or None."""
    names = (layer.dtype_policy.name for layer in model.layers)
    return next((name for name in names if name.startswith("mixed_")), None)


@contextlib.contextmanager
def suited(model, policy=None):
    """A context within which the model computes in the precision that suits the device.

    The weights are float32 in any case. Meant for the tracing of a graph; afterwards every layer
    has its own policy again.

    Args:
        model: A Keras model.
        policy: "mixed_bfloat16" or "mixed_float16" for 16 bits in a model of float32, all but the
            layers that scale the images and those that give the outputs; "float32"; or None for
            the model's own. Where the CPU would imitate 16 bits it is float32 in any case.
    """
    with _CHANGING:
        changed = {}
        for layer, wanted in _wanted(model, policy):
            if wanted != layer.dtype_policy.name:
                changed[layer] = layer.dtype_policy
                layer.dtype_policy = wanted
        try:
            yield
        finally:
            for layer, own in changed.items():
                layer.dtype_policy = own


def _wanted(model, policy):
    """Yields (layer, name of its policy) of the layers whose policy may change."""
    ends = None
    for layer in all_layers(model, include_self=True):
        own = layer.dtype_policy.name
        wanted = own if policy is None else policy
        if own.startswith("mixed_"):
            kind = wanted.removeprefix("mixed_")
            yield layer, "float32" if imitated(kind) else wanted
        elif own == "float32" and wanted != own and not imitated(wanted.removeprefix("mixed_")):
            ends = _ends(model) if ends is None else ends
            if layer not in ends:
                yield layer, wanted


def _ends(model):
    """Returns what stays float32: graphs, the scaling of the images, softmax and the outputs."""
    import keras

    scaling = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.Softmax)
    layers = all_layers(model, include_self=True)
    found = {layer for layer in layers if is_graph(layer) or isinstance(layer, scaling)}
    if not is_graph(model) or isinstance(model, keras.Sequential):
        return found
    found |= {operation_of(tensor) for tensor in model.outputs}
    raw = set()
    for node in nodes_in_order(model):  # up to the first kernels the map is the image, scaled
        inputs = {id(tensor) for tensor in node.arguments.keras_tensors}
        kernels = any(len(weight.shape) > 1 for weight in getattr(node.operation, "weights", ()))
        if node.is_input or (inputs <= raw and not kernels):
            raw |= {id(tensor) for tensor in node.outputs}
            found.add(node.operation)
    return found


def capability(device):
    """Returns the CUDA compute capability of a GPU, (major, minor); (0, 0) where it has none."""
    import keras

    index = int(device.partition(":")[2])
    found = {"tensorflow": _of_tensorflow, "jax": _of_jax, "torch": _of_torch}[
        keras.backend.backend()
    ](index)
    return tuple(found) if found else (0, 0)


def _of_tensorflow(index):
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")  # one may be divided into several logical ones
    details = tf.config.experimental.get_device_details(gpus[min(index, len(gpus) - 1)])
    return details.get("compute_capability")


def _of_jax(index):
    import jax

    for found in jax.devices("gpu"):
        if found.id == index:
            major, _, minor = str(getattr(found, "compute_capability", "")).partition(".")
            return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
    return None


def _of_torch(index):
    import torch

    return torch.cuda.get_device_capability(index)
