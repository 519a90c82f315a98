"""What the processor at hand multiplies fast, and a model computing in that.

A model keeps the dtype policy it was trained under wherever it goes: from a GPU of 16 bits to a
CPU that would have to imitate them.
"""

import contextlib
import functools
import threading
from pathlib import Path

import keras

CPU_INFO = Path("/proc/cpuinfo")
BFLOAT16 = {"avx512_bf16", "amx_bf16"}
_CHANGING = threading.RLock()


def device():
    """The device that is used by default: "cpu:0", "gpu:0", ..."""
    if keras.backend.backend() == "torch":
        return "gpu:0" if keras.ops.zeros(()).device.type == "cuda" else "cpu:0"
    return keras.distribution.list_devices()[0]


@functools.cache
def cpu_multiplies_bfloat16():
    """Whether the CPU has instructions for bfloat16: AVX512-BF16 or AMX.

    Read from Linux's /proc/cpuinfo; False where there is none.
    """
    try:
        lines = CPU_INFO.read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith("flags") and BFLOAT16 & {*line.split()} for line in lines)


def imitated(kind):
    """Whether the processor has no instructions for a dtype, "float16" or "bfloat16"."""
    if kind not in ("float16", "bfloat16") or not device().startswith("cpu"):
        return False
    return kind == "float16" or not cpu_multiplies_bfloat16()


def mixed_policy(model):
    """The name of the mixed policy that layers of the model have, or None."""
    names = (layer.dtype_policy.name for layer in model.layers)
    return next((name for name in names if name.startswith("mixed_")), None)


@contextlib.contextmanager
def suited(model):
    """A context within which the model computes in float32, if the CPU would imitate 16 bits.

    The weights are float32 anyway. Meant for the tracing of a graph; afterwards every layer has
    its own policy again.

    Args:
        model: A Keras model.
    """
    if not device().startswith("cpu"):
        yield
        return
    with _CHANGING:
        changed = {}
        for layer in model._flatten_layers():
            mixed = layer.dtype_policy.name.startswith("mixed_")
            if mixed and imitated(layer.compute_dtype):
                changed[layer] = layer.dtype_policy
                layer.dtype_policy = "float32"
        try:
            yield
        finally:
            for layer, policy in changed.items():
                layer.dtype_policy = policy
