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


@contextlib.contextmanager
def suited(model):
    """A context within which the model computes in float32, if the CPU would imitate 16 bits.

    The weights are float32 anyway. Meant for the tracing of a graph; afterwards every layer has
    its own policy again.

    Args:
        model: A Keras model.
    """
    if not _on_cpu():
        yield
        return
    with _CHANGING:
        changed = {}
        for layer in model._flatten_layers():
            if _imitated(layer.dtype_policy.name):
                changed[layer] = layer.dtype_policy
                layer.dtype_policy = "float32"
        try:
            yield
        finally:
            for layer, policy in changed.items():
                layer.dtype_policy = policy


def _imitated(policy):
    return policy == "mixed_float16" or (
        policy == "mixed_bfloat16" and not cpu_multiplies_bfloat16()
    )


def _on_cpu():
    if keras.backend.backend() == "torch":
        return keras.ops.zeros(()).device.type == "cpu"
    return keras.distribution.list_devices()[0].startswith("cpu")
