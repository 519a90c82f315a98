"""Devices of a training: its precision, and one device or several that share each batch.

Several devices use TensorFlow's MirroredStrategy or, on JAX, Keras's DataParallel. The numbers are
those of one device.
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
    """The precision and the devices that `setup` chose.

    Attributes:
        precision: The dtype policy's name: "float32", "mixed_float16" or "mixed_bfloat16".
        devices: Names of the devices, such as ("gpu:0", "gpu:1").
        strategy: The `tf.distribute.Strategy`, or on JAX the `keras.distribution.DataParallel`;
            None for the default device.

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
        """Returns a context: models built or loaded within it live on these devices."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def __str__(self):
        return f"{self.precision} on {', '.join(self.devices)}"


def setup(precision="auto", devices="auto"):
    """Sets the precision and the devices of the models that are built from now on.

    Call it once, before building. The dtype policy holds for the process from then on; on JAX the
    distribution does too. Each of several devices computes its share of every batch, and their
    gradients are summed, so that the training equals that of one device; `train` also makes
    BatchNormalization use the statistics of the whole batch.

    Args:
        precision: "auto" for the format that the devices multiply fast: "mixed_bfloat16" on GPUs
            of compute capability 8.0 or more and on TPUs, "mixed_float16" on GPUs of 7.x (Keras
            scales the loss by itself), "float32" on others and on CPUs. "mixed" for 16 bits on
            every GPU and on CPUs that have instructions for bfloat16 (AVX512-BF16, AMX; others
            would take twice the time and stay at float32). Or one of the three by name. Logits,
            loss and metrics are always float32.
        devices: "auto" for all GPUs, else the CPU; "cpu" or "gpu"; the number of devices; or
            their names, such as ["gpu:0", "gpu:2"].

    Returns:
        A `Setup`.

    Raises:
        ValueError: for devices that do not exist; the message lists those that do.

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
                "Each of several processes uses all its devices: leave out `devices`, got "
                f"{devices!r}."
            )
        names = tuple(str(name) for name in strategy.device_mesh.devices.flat)
    else:
        names = chosen(devices, available())
        strategy = _strategy(names)
    policy = policy_for(precision, names)
    keras.config.set_dtype_policy(policy)
    return Setup(policy, names, strategy)


def available():
    """Returns the names of all devices, a tuple of str; those used by default come first."""
    if keras.backend.backend() not in DIVIDE:
        return (device(),)
    default = keras.distribution.list_devices()
    return tuple(dict.fromkeys([*default, *keras.distribution.list_devices("cpu")]))


def chosen(devices, there):
    """Returns the names that an argument `devices` of `setup` means, out of those in `there`."""
    first = _kind(there[0])
    if isinstance(devices, int) and not isinstance(devices, bool):
        pool = [name for name in there if _kind(name) == first]
        if not 1 <= devices <= len(pool):
            raise ValueError(f"`devices`: {devices} do not exist: {_listed(there)}.")
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
    """Returns what distributes over these devices, or None for the default device."""
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
        raise ValueError(f"`devices`: TPUs need KERAS_BACKEND=jax, got {', '.join(names)}.")
    if len(names) == 1:
        return tf.distribute.OneDeviceStrategy(names[0])
    return _mirrored(names)


@functools.cache
def _mirrored(names):
    """Returns the one strategy for a set of devices: two would mix up their reductions."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


def _over_processes():
    """Returns the distribution over several processes that was set before, or None."""
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


def replicas(model):
    """Returns the number of devices of this process that share a model's batches."""
    if keras.backend.backend() == "tensorflow":
        return model.distribute_strategy.num_replicas_in_sync
    if keras.backend.backend() != "jax":
        return 1
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    return max(1, distribution.num_model_replicas // distribution.num_processes)


def strategy_scope(model):
    """Returns the scope that a model was built in; its optimizer and metrics are made there."""
    if keras.backend.backend() != "tensorflow":
        return contextlib.nullcontext()
    return model.distribute_strategy.scope()


def check_divisible(plan, count):
    """Raises ValueError for a recipe that `count` devices cannot share with equal numbers.

    Args:
        plan: A resolved `Recipe`.
        count: The number of devices.

    Raises:
        ValueError: for a batch that cannot be divided, or a summed loss on TensorFlow.
    """
    if plan.batch_size % count:
        less = plan.batch_size // count * count
        nearest = f"{less} or {less + count}" if less else f"{count}"
        raise ValueError(
            f"`batch_size` {plan.batch_size} cannot be divided among {count} devices; "
            f"{nearest} can."
        )
    if count > 1 and plan.normalization == "sum" and keras.backend.backend() == "tensorflow":
        raise ValueError(
            f"normalization='sum' on {count} devices would become the mean of their sums. Train "
            "on one device, or with normalization='mean'."
        )


def filled_up(batches, count, invalid):
    """Returns batches whose size is a multiple of `count`, filled up by images without truth.

    Those count in no mean and no metric. A device must not be left without an image: its mean over
    nothing would be NaN.

    Args:
        batches: A `tf.data.Dataset` of (images (B, H, W, C), targets (B, H, W, ...)); both may be
            dicts.
        count: The number of devices.
        invalid: The value of a target's pixel that is not known; a dict where targets are.

    Returns:
        A `tf.data.Dataset`.
    """
    if count == 1:
        return batches
    import tensorflow as tf

    def blank(targets, value):
        lacking = -tf.shape(targets)[0] % count
        shape = tf.concat([[lacking], tf.shape(targets)[1:]], 0)
        return tf.concat([targets, tf.fill(shape, tf.cast(value, targets.dtype))], 0)

    def copied(images):
        lacking = -tf.shape(images)[0] % count
        return tf.concat([images, tf.repeat(images[:1], lacking, axis=0)], 0)

    def fill(images, targets):
        if isinstance(targets, dict):
            targets = {name: blank(target, invalid[name]) for name, target in targets.items()}
        else:
            targets = blank(targets, invalid)
        return tf.nest.map_structure(copied, images), targets

    return batches.map(fill)
