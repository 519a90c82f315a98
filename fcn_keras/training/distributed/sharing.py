"""What the processes of one training share and what only the first of them does.

Each reads its part of the data; process 0 writes the run folder.
"""

import contextlib

import keras

from fcn_keras.training.distributed.joining import group
from fcn_keras.training.run_folder import RunFolder


@contextlib.contextmanager
def alone():
    """Within it models are this process's own, though it has joined others."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def run_folder(path):
    """The `RunFolder` at a path, which none but process 0 writes."""
    if group().processes == 1:
        return RunFolder(path)
    return _WrittenAlone(path) if group().first else _ReadOnly(path)


class _WrittenAlone(RunFolder):
    """A run's files as process 0 writes them.

    Keras makes variables while it saves, which all processes would have to make together.
    """

    def save_last(self, model, rows):
        with alone():
            super().save_last(model, rows)

    def save_best(self, model):
        with alone():
            super().save_best(model)


class _ReadOnly(RunFolder):
    """A run's files for a process that leaves the writing to another."""

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
    """The batch that the processes have a share of each, to call a model with outside of `fit`.

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
    """Refuses what the processes cannot divide among them.

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
            f"`batch_size` is that of all processes together: {plan.batch_size} cannot be divided "
            f"among the {devices} devices of {group().processes} processes. Take a multiple."
        )
    if on_error == "skip":
        raise ValueError(
            "on_error='skip' is for a single process: several must take equally many steps. "
            "`fcn-keras check-data` finds what cannot be read; leave it out of the data."
        )
