"""Training over several processes, on one machine or several: Keras's `fit` on JAX.

Each process reads its part of the data; process 0 writes the run folder. A process that is lost
ends the others, each says so, and `resume` continues from the run folder.
"""

import atexit
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass

import keras

from fcn_keras.training.run_folder import RunFolder

GO_ON = (
    "Start every process again with --resume (resume=True) to continue after the last finished "
    "epoch."
)
_COLLECTIVES = ("gloo", "nccl", "rccl", "coordination service", "coordination_service")
_WITNESS = """
import sys
heard = sys.stdin.read()
if heard != "joined finished":
    print(sys.argv[2 if heard else 1], file=sys.stderr, flush=True)
"""


class ProcessLostError(RuntimeError):
    """Another process of the training was ended, or can no longer be reached.

    Example:

    ```python
    try:
        with fcn_keras.training.join("127.0.0.1:1234", process=0, processes=1):
            fcn_keras.training.train(model, dataset, out="runs/lost", epochs=1)
    except fcn_keras.training.ProcessLostError as error:
        print(error)
    ```
    """


@dataclass(frozen=True)
class Group:
    """The number of this process among those of a training.

    Attributes:
        process: Its number, from 0. Process 0 writes the run folder.
        processes: How many there are.

    Example:

    ```python
    with fcn_keras.training.join("127.0.0.1:1234", process=0, processes=1) as group:
        print(group)  # process 0 of 1
    ```
    """

    process: int = 0
    processes: int = 1

    @property
    def first(self):
        """Whether this is the process that writes and prints."""
        return self.process == 0

    @property
    def shard(self):
        """(process, processes) for `Dataset.batches(shard=...)`; None for a single process."""
        return (self.process, self.processes) if self.processes > 1 else None

    def __str__(self):
        return f"process {self.process} of {self.processes}"


_group = Group()


def group():
    """Returns the `Group` that this process trains in; `Group(0, 1)` outside of `join`."""
    return _group


@contextlib.contextmanager
def join(coordinator, process, processes, *, timeout=60, seed=0):
    """Within it this process trains one net together with others.

    Each process runs the same program. Models built or loaded within are equal in all processes.
    Each batch is divided among the devices of all processes; loss, gradients and
    BatchNormalization statistics are those of the whole batch, so the numbers are those of one
    process. `fcn_keras.training.train` reads its share of the data in each process and writes the
    run folder in process 0. With `model.fit`, give each process its own share of every batch, of
    equal shape: `dataset.batches(batch_size // processes, shard=group.shard)`.

    Before leaving, the processes wait for each other. If one fails or is killed, the others end
    too: by a `ProcessLostError`, or by JAX, which aborts them with exit code 134. Each says on
    stderr that it ended early and how to continue.

    Args:
        coordinator: "host:port" of process 0, which listens there: any free port, the same for
            all processes. They wait five minutes for one another.
        process: The number of this process, from 0 to processes - 1.
        processes: The number of processes. With 1 nothing is joined, on any backend.
        timeout: Seconds without a sign of life after which a process counts as lost. A process
            that is killed is mostly noticed at once, because its connections close.
        seed: Seed of Python, NumPy and Keras, the same for all processes: they must start from
            equal weights.

    Yields:
        The `Group`.

    Raises:
        RuntimeError: on another backend than JAX, or if JAX has computed something before.
        ProcessLostError: if a computation failed because another process was lost.
        ValueError: for a process number out of range, or a coordinator without a port.

    Example:

    ```python
    with fcn_keras.training.join("127.0.0.1:1234", process=0, processes=1):
        model = fcn_keras.fcn8s(11, "vgg_slim", weights=None, labels=labels)
        fcn_keras.training.train(model, dataset, out="runs/joined", epochs=1)
    ```
    """
    _check(coordinator, process, processes, timeout)
    if processes == 1:
        keras.utils.set_random_seed(seed)
        yield group()
        return
    jax = _jax()
    joined = Group(process, processes)
    witness = _witness(joined, coordinator)
    try:
        _initialize(jax, coordinator, joined, timeout)
    except BaseException:
        witness.kill()
        raise
    witness.stdin.write(b"joined ")
    witness.stdin.flush()
    keras.utils.set_random_seed(seed)
    with _leaving_at_once(joined, witness), _as_group(joined):
        yield joined
    jax.distributed.shutdown()  # waits for the others
    witness.communicate(b"finished")


def _jax():
    """Returns the module jax, if it is Keras's backend."""
    backend = keras.backend.backend()
    if backend != "jax":
        raise RuntimeError(
            f"Training over several processes needs KERAS_BACKEND=jax, got {backend!r}. "
            "(The `fit` of Keras 3 does not support TensorFlow's MultiWorkerMirroredStrategy.) Set "
            "KERAS_BACKEND=jax before Python starts: nets and files are the same on both "
            "backends, and tf.data reads the images as before."
        )
    import jax

    return jax


def _initialize(jax, coordinator, joined, timeout):
    if jax.distributed.is_initialized():
        raise RuntimeError("This process has already joined a training, and can join only one.")
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would swallow SIGTERM
    try:
        jax.distributed.initialize(
            coordinator,
            num_processes=joined.processes,
            process_id=joined.process,
            heartbeat_timeout_seconds=int(timeout),
        )
    except RuntimeError as error:
        if "must be called before" not in str(error):
            raise
        raise RuntimeError(
            "JAX has computed something before it joined other processes: call `join` before a "
            "model is built or loaded."
        ) from error


@contextlib.contextmanager
def _as_group(joined):
    global _group
    spread = keras.distribution.DataParallel(auto_shard_dataset=False)
    keras.distribution.set_distribution(spread)
    _group = joined
    try:
        yield
    finally:
        _group = Group()
        keras.distribution.set_distribution(None)


@contextlib.contextmanager
def _leaving_at_once(joined, witness):
    """After an error within, ends the process without waiting for the others at exit.

    JAX would wait minutes for them, while they wait for this one.
    """
    try:
        yield
    except BaseException as error:
        atexit.register(_leave, 130 if isinstance(error, KeyboardInterrupt) else 1, witness)
        if not _is_of_collectives(error):
            raise
        raise ProcessLostError(
            f"Another process was lost: {joined} no longer reaches it. It was ended, or its "
            f"machine or the network failed; its own output says more. {GO_ON}"
        ) from error


def _leave(code, witness):
    """Ends the process. The argument keeps the witness alive until then."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _is_of_collectives(error):
    """Returns whether an error is JAX's, about what the processes compute together."""
    text = str(error).lower()
    return isinstance(error, (ValueError, RuntimeError)) and any(n in text for n in _COLLECTIVES)


def _witness(joined, coordinator):
    """Starts a process that reports when this one ends before the training is over."""
    alone = f"fcn-keras: {joined} did not meet all other processes at {coordinator}."
    early = f"fcn-keras: {joined} ended before the training was over. The others end too. {GO_ON}"
    command = [sys.executable, "-c", _WITNESS, alone, early]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _check(coordinator, process, processes, timeout):
    host, _, port = str(coordinator).rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"`coordinator` must be 'host:port' of process 0, got {coordinator!r}.")
    if isinstance(processes, bool) or int(processes) != processes or processes < 1:
        raise ValueError(f"`processes` must be a whole number of at least 1, got {processes!r}.")
    if int(process) != process or not 0 <= process < processes:
        raise ValueError(f"`process` must be from 0 to {processes - 1}, got {process!r}.")
    if timeout < 1:
        raise ValueError(f"`timeout` must be at least 1 second, got {timeout!r}.")


@contextlib.contextmanager
def alone():
    """Within it models belong to this process alone, though it has joined others."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def run_folder(path):
    """Returns the `RunFolder` at a path, which only process 0 writes."""
    if group().processes == 1:
        return RunFolder(path)
    return _WrittenAlone(path) if group().first else _ReadOnly(path)


class _WrittenAlone(RunFolder):
    """The files of a run as process 0 writes them.

    Keras makes variables while it saves, which all processes would have to make together.
    """

    def save_last(self, model, rows):
        with alone():
            super().save_last(model, rows)

    def save_best(self, model):
        with alone():
            super().save_best(model)


class _ReadOnly(RunFolder):
    """The files of a run for a process that does not write them."""

    def refuse_to_replace(self, overwrite=False):
        pass

    def prepare(self, overwrite=False):
        pass

    def save_last(self, model, rows):
        pass

    def save_best(self, model):
        pass

    def write_history(self, rows):
        pass

    def write_config(self, config):
        pass


def whole_batch(images):
    """Returns the whole batch of which each process has a share, for calls outside of `fit`.

    Args:
        images: (share of the batch, H, W, C), the same shape in every process.

    Returns:
        A `jax.Array` (batch, H, W, C) over all devices; `images` itself if nothing is distributed.
    """
    distribution = keras.distribution.distribution()
    if distribution is None or keras.backend.backend() != "jax":
        return images
    import jax
    import numpy as np

    images = np.asarray(images)
    layout = distribution.get_data_layout(images.shape).backend_layout
    return jax.make_array_from_process_local_data(layout, images)


def check_divided(plan, on_error="raise"):
    """Raises ValueError for a training that the processes cannot divide.

    Args:
        plan: A resolved `Recipe`.
        on_error: As `train` takes it.

    Raises:
        ValueError: for a batch that cannot be divided evenly, or on_error="skip".
    """
    if group().processes == 1:
        return
    devices = keras.distribution.distribution().num_model_replicas
    if plan.batch_size % devices:
        raise ValueError(
            f"`batch_size` counts the images of all processes and must be a multiple of the "
            f"{devices} devices of the {group().processes} processes, got {plan.batch_size}."
        )
    if on_error == "skip":
        raise ValueError(
            "on_error='skip' is for a single process, because several must take equally many "
            "steps. Find unreadable files with `fcn-keras check-data` and remove them."
        )
