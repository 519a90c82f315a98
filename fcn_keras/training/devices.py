"""What a training runs on: the precision, and one device or several that share each batch.

Several devices are TensorFlow's MirroredStrategy or, on JAX, Keras's DataParallel.
"""

import contextlib
import functools
from dataclasses import dataclass

import keras

from fcn_keras.precision import device, policy_for

DIVIDE = {
    "tensorflow": "tf.config.set_logical_device_configuration divides a CPU into several",
    "jax": "XLA_FLAGS=--xla_force_host_platform_device_count=2 divides a CPU into two",
}


@dataclass(frozen=True)
class Setup:
    """What `setup` chose.

    Attributes:
        precision: The dtype policy's name: "float32", "mixed_float16" or "mixed_bfloat16".
        devices: Names of the devices, such as ("gpu:0", "gpu:1").
        strategy: The `tf.distribute.Strategy`, or on JAX the `keras.distribution.DataParallel`;
            None for the one device that is used anyway.

    Example:

    ```python
    run = fcn_keras.training.devices.Setup("float32", ("cpu:0",))
    print(run)  # float32 on cpu:0
    ```
    """

    precision: str
    devices: tuple[str, ...]
    strategy: object = None

    def scope(self):
        """A context: the models that are built or loaded within it live on these devices."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def __str__(self):
        return f"{self.precision} on {', '.join(self.devices)}"


def setup(precision="auto", devices="auto"):
    """Sets what models are built for: their precision, and the devices that train them.

    Call it once, before building. The dtype policy holds for the process from now on; on JAX the
    distribution does too. Each of several devices computes its share of every batch, and their
    gradients are summed, so that the training is that of one device; `train` also makes
    BatchNormalization use the statistics of the whole batch.

    Args:
        precision: "auto" for what the devices multiply fast: "mixed_bfloat16" on GPUs of compute
            capability 8.0 or more and on TPUs, "mixed_float16" on GPUs of 7.x (Keras scales the
            loss by itself), "float32" on others and on CPUs. "mixed" for 16 bits on every GPU
            and on CPUs that have instructions for bfloat16 (AVX512-BF16, AMX; others would take
            twice the time, and stay at float32). Or one of the three by name. Logits, loss and
            metrics are float32 throughout.
        devices: "auto" for all GPUs, else the CPU; "cpu" or "gpu"; the number of devices; or
            their names, such as ["gpu:0", "gpu:2"].

    Returns:
        A `Setup`.

    Raises:
        ValueError: for devices that are not there; the message says which are.

    Example:

    ```python
    run = fcn_keras.training.setup()
    print(run)
    with run.scope():
        model = fcn_keras.fcn8s(11, "vgg_slim", weights=None, labels=labels)
    fcn_keras.training.train(model, dataset, out="runs/setup", epochs=1)
    ```

    Source: Micikevicius et al. (2018), "Mixed Precision Training".
    """
    strategy = _over_processes()
    if strategy is not None:
        if devices != "auto":
            raise ValueError(
                f"`devices` {devices!r}: several processes use all that each has; leave it out."
            )
        names = tuple(str(name) for name in strategy.device_mesh.devices.flat)
    else:
        names = chosen(devices, available())
        strategy = _strategy(names)
    policy = policy_for(precision, names)
    keras.config.set_dtype_policy(policy)
    return Setup(policy, names, strategy)


def available():
    """Names of the devices there are, a tuple of str: those used by default first."""
    if keras.backend.backend() not in DIVIDE:
        return (device(),)
    default = keras.distribution.list_devices()
    return tuple(dict.fromkeys([*default, *keras.distribution.list_devices("cpu")]))


def chosen(devices, there):
    """The names that `devices`, as `setup` takes it, stands for, of those that are there."""
    first = _kind(there[0])
    if isinstance(devices, int) and not isinstance(devices, bool):
        pool = [name for name in there if _kind(name) == first]
        if not 1 <= devices <= len(pool):
            raise ValueError(f"`devices`: {devices} were asked for, but {_listed(there)}.")
        return tuple(pool[:devices])
    if isinstance(devices, str):
        devices = first if devices == "auto" else devices
        if devices in ("cpu", "gpu", "tpu"):
            names = [name for name in there if _kind(name) == devices]
            devices = names[:1] if devices == "cpu" else names or [devices]
        else:
            devices = devices.split(",")
    if not isinstance(devices, (list, tuple)) or not devices:
        raise ValueError(
            "`devices` must be 'auto', 'cpu', 'gpu', a number, or a list of names such as "
            f"'gpu:0', got {devices!r}."
        )
    names = [str(name).strip().lower() for name in devices]
    missing = [name for name in names if name not in there]
    if missing:
        raise ValueError(f"`devices`: there is no {missing[0]!r}: {_listed(there)}.")
    if len(set(names)) < len(names) or len({_kind(name) for name in names}) > 1:
        raise ValueError(f"`devices` must be different ones of one kind, got {', '.join(names)}.")
    return tuple(names)


def _strategy(names):
    """What distributes over these devices, or None for the one that is used anyway."""
    default = names == available()[:1]
    if keras.backend.backend() == "jax":
        data_parallel = keras.distribution.DataParallel
        found = None if default else data_parallel(devices=list(names), auto_shard_dataset=False)
        keras.distribution.set_distribution(found)
        return found
    if default:
        return None
    import tensorflow as tf

    if _kind(names[0]) == "tpu":
        raise ValueError(
            f"`devices`: {', '.join(names)}: TPUs are used on JAX alone (KERAS_BACKEND=jax)."
        )
    if len(names) == 1:
        return tf.distribute.OneDeviceStrategy(names[0])
    return _mirrored(names)


@functools.cache
def _mirrored(names):
    """One strategy a set of devices: of two over the same ones, the reductions get mixed up."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


def _over_processes():
    """The distribution over several processes that was set before, or None."""
    if keras.backend.backend() != "jax":
        return None
    found = keras.distribution.distribution()
    return found if found is not None and found.num_processes > 1 else None


def _kind(name):
    return name.partition(":")[0]


def _listed(there):
    listed = f"there are {', '.join(there)}"
    if len(there) > 1:
        return listed
    alone = "several devices need TensorFlow or JAX as Keras's backend"
    return f"{listed} ({DIVIDE.get(keras.backend.backend(), alone)})"
