"""Training over several processes, on one machine or several: Keras's `fit` on JAX.

A process that is lost ends the others, each says so, and `resume` goes on from the run folder.
"""

import atexit
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass

import keras

GO_ON = (
    "Start every process again; with --resume (resume=True) it goes on after the last finished "
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
    """Which of the processes of a training this is.

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
        """(process, processes) as `Dataset.batches(shard=...)` takes it; None for a single one."""
        return (self.process, self.processes) if self.processes > 1 else None

    def __str__(self):
        return f"process {self.process} of {self.processes}"


_group = Group()


def group():
    """The `Group` this process trains in; `Group(0, 1)` outside of `join`."""
    return _group


@contextlib.contextmanager
def join(coordinator, process, processes, *, timeout=60, seed=0):
    """Within it this process trains one net together with others.

    Each process runs the same program. Models built or loaded within are the same in all of
    them; each batch is divided among their devices, every one takes the mean loss, the gradients
    and the BatchNormalization statistics of the whole batch, and so the numbers are those of one
    process. `fcn_keras.training.train` reads its share of the data in each process and writes the
    run folder in process 0. With `model.fit` give each its own share of every batch, of equal
    shape: `dataset.batches(batch_size // processes, shard=group.shard)`.

    Before leaving, the processes wait for each other. Where one fails or is killed, the others end
    too: by a `ProcessLostError`, or by JAX, which aborts them with exit code 134. Each says on
    stderr that it ended early and how to go on.

    Args:
        coordinator: "host:port" of process 0, which listens there. Any free port; all name it
            alike. The processes wait five minutes for one another.
        process: The number of this process, from 0 to processes - 1.
        processes: How many there are. With 1 nothing is joined, on any backend.
        timeout: Seconds without a sign of life after which a process counts as lost. One that is
            killed is mostly noticed at once, as its connections close.
        seed: Seeds Python, NumPy and Keras, for all alike: the weights they start from must be
            equal.

    Yields:
        The `Group`.

    Raises:
        RuntimeError: on another backend than JAX, or if JAX has computed something before.
        ProcessLostError: if a computation failed because another process is gone.
        ValueError: for numbers that do not fit, or a coordinator without a port.

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
    """JAX, where Keras computes with it."""
    backend = keras.backend.backend()
    if backend != "jax":
        raise RuntimeError(
            f"Training over several processes needs KERAS_BACKEND=jax; Keras runs on {backend}. "
            "(TensorFlow's way, MultiWorkerMirroredStrategy, is not supported by the `fit` of "
            "Keras 3.) Set KERAS_BACKEND=jax before Python starts: nets and files are the same "
            "on both, and the images are read by tf.data as before."
        )
    import jax

    return jax


def _initialize(jax, coordinator, joined, timeout):
    if jax.distributed.is_initialized():
        raise RuntimeError("This process has joined a training already, and can join only one.")
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
            "JAX has computed before it could join other processes: call `join` before a model is "
            "built or loaded."
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
    """After an error within, the process ends without waiting for the others at exit.

    JAX would wait minutes for them, while they wait for this one.
    """
    try:
        yield
    except BaseException as error:
        atexit.register(_leave, 130 if isinstance(error, KeyboardInterrupt) else 1, witness)
        if not _is_of_collectives(error):
            raise
        raise ProcessLostError(
            f"Another process is gone: {joined} no longer reaches it. It was ended, or its machine "
            f"or the network failed; its own output says more. {GO_ON}"
        ) from error


def _leave(code, witness):
    """Ends the process; the witness is kept until then, as it listens for the end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _is_of_collectives(error):
    """Whether an error is JAX's, about what the processes compute together."""
    text = str(error).lower()
    return isinstance(error, (ValueError, RuntimeError)) and any(n in text for n in _COLLECTIVES)


def _witness(joined, coordinator):
    """A process of its own that says what happened when this one ends, unless all went well."""
    alone = f"fcn-keras: {joined} did not meet all the others at {coordinator}."
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
