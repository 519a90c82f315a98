"""Precision: 16-bit multiplications with 32-bit weights, where the device is faster that way.

Which format a device multiplies fast is read from the device. A model keeps the dtype policy that
it was trained under wherever it goes: from a GPU with 16-bit instructions to a CPU without.
"""

import contextlib
import functools
import threading
import warnings
from pathlib import Path

from fcn_keras.checks import one_of
from fcn_keras.keras_internals import (
    all_layers,
    functional_of,
    is_graph,
    nodes_in_order,
)

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
CHOICES = ("auto", "mixed", *POLICIES)
PREDICTION = (None, "mixed", "float32")  # None: as the net was trained
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


def prediction_policy(precision):
    """Returns the dtype policy that a choice of precision means for predictions, as `suited` takes.

    Warns where "mixed" is asked for on a CPU that has no instructions for it.

    Args:
        precision: One of `PREDICTION`.

    Returns:
        One of `POLICIES`, or None for the model's own.

    Raises:
        ValueError: for another precision.
    """
    one_of("precision", precision, PREDICTION)
    policy = precision and policy_for(precision, [device()])
    if precision == "mixed" and policy == "float32":
        warnings.warn(
            "precision='mixed' predicts in float32 here, because this CPU has no instructions for "
            "16-bit multiplications (AVX512-BF16 or AMX).",
            stacklevel=3,
        )
    return policy


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
        policy: "mixed_bfloat16" or "mixed_float16" for 16 bits in `layers_in_16_bits` of any model;
            "float32"; or None for the model's own. Where the CPU would imitate 16 bits it is
            float32 in any case.
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
    if policy is not None and imitated(policy.removeprefix("mixed_")):
        policy = "float32"
    chosen = set() if policy in (None, "float32") else layers_in_16_bits(model, policy)
    for layer in all_layers(model, include_self=True):
        own = layer.dtype_policy.name
        if layer in chosen and (own.startswith("mixed_") or own == "float32"):
            yield layer, policy
        elif own.startswith("mixed_"):
            wanted = own if policy is None else "float32"
            yield layer, "float32" if imitated(wanted.removeprefix("mixed_")) else wanted


def layers_in_16_bits(model, policy):
    """Returns the layers of a trained model that compute in 16 bits where that is asked for.

    All others stay float32: what scales the images and the first kernels, the last kernels, which
    give the scores, and what follows them, and every Softmax. On CPUs, which multiply bfloat16
    faster but do nothing else faster in it, only convolutions and Dense layers are chosen.

    Args:
        model: A Keras model. Of a model that is no graph the ends are told by their kind alone.
        policy: "mixed_bfloat16" or "mixed_float16".
    """
    chosen = {layer for layer in all_layers(model) if not is_graph(layer)} - _ends(model)
    if policy == "mixed_bfloat16" and device().startswith("cpu"):
        return {layer for layer in chosen if _multiplies(layer)}
    return chosen


def _multiplies(layer):
    """Returns whether a layer is a product of matrices; a depthwise convolution is none."""
    import keras

    depthwise = (keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
    return _has_kernels(layer) and not isinstance(layer, depthwise)


def _ends(model):
    """Returns the first layers of a model, up to its first kernels, and the last ones.

    A bfloat16 holds a pixel to half a grey level: with the first kernels in 16 bits ten times as
    many labels differ.
    """
    import keras

    kinds = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.Softmax)
    found = {layer for layer in all_layers(model) if isinstance(layer, kinds)}
    model = functional_of(model) if isinstance(model, keras.Sequential) else model
    if model is None or not is_graph(model):
        return found
    nodes = nodes_in_order(model)
    before, after = set(), set()  # tensors in front of the first and of the last kernels, by id
    for node in nodes:
        if node.is_input or _inputs(node) <= before:
            found.add(node.operation)
            if not _has_kernels(node.operation):
                before |= {id(tensor) for tensor in node.outputs}
    for node in reversed(nodes):
        if not after & {id(tensor) for tensor in node.outputs}:
            found.add(node.operation)
        if after & {id(tensor) for tensor in node.outputs} or _has_kernels(node.operation):
            after |= _inputs(node)
    return found


def _inputs(node):
    return {id(tensor) for tensor in node.arguments.keras_tensors}


def _has_kernels(operation):
    """Returns whether an operation, or one inside it, is a convolution or a Dense layer."""
    import keras

    weights = getattr(operation, "weights", ())
    return isinstance(operation, keras.layers.Dense) or any(len(w.shape) > 2 for w in weights)


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
