"""Mixed precision: 16-bit multiplications, 32-bit weights, where the device is faster that way.

Which format a device multiplies fast is read from the device itself.
"""

import keras

from fcn_keras.models.arithmetic import cpu_multiplies_bfloat16, device

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
CHOICES = ("auto", "mixed", *POLICIES)


def set_precision(mixed):
    """Sets Keras's dtype policy for the models built from now on, as `setup` does.

    Args:
        mixed: False for float32; True for `setup(precision="mixed")`: 16-bit multiplications,
            but on a CPU without instructions for them float32.

    Returns:
        The policy's name.

    Example:

    ```python
    fcn_keras.training.set_precision(mixed=True)
    model = fcn_keras.fcn32s(11, "vgg_slim", weights=None)
    ```
    """
    name = policy_for("mixed" if mixed else "float32", [device()])
    keras.config.set_dtype_policy(name)
    return name


def policy_for(precision, devices):
    """The dtype policy that a choice of precision means on these devices.

    Args:
        precision: One of `CHOICES`.
        devices: Names such as "gpu:0", all of one kind.

    Returns:
        One of `POLICIES`.

    Raises:
        ValueError: for another precision.
    """
    if precision not in CHOICES:
        raise ValueError(f"`precision` must be one of {', '.join(CHOICES)}, got {precision!r}.")
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


def capability(device):
    """The CUDA compute capability of a GPU, (major, minor); (0, 0) where it has none."""
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
