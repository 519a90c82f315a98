"""CheckpointError: what is wrong with a file of weights."""

from contextlib import contextmanager


class CheckpointError(ValueError):
    """A file is no complete checkpoint, holds more than tensors, or does not fit the net.

    The message names the file, and what was expected.

    Example:

    ```python
    try:
        fcn_keras.checkpoints.read_checkpoint("photo.pth")
    except (FileNotFoundError, fcn_keras.checkpoints.CheckpointError) as error:
        print(error)
    ```
    """


@contextmanager
def naming(path):
    """Puts the path of the file in front of the message of a CheckpointError raised inside."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
