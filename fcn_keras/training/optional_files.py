"""Files of a run without which it is whole: pictures, TensorBoard's events, the table of epochs."""

import contextlib
import warnings


@contextlib.contextmanager
def optional(name):
    """Warns where the file inside cannot be written, and lets the training go on.

    Args:
        name: The file's name, for the warning.
    """
    try:
        yield
    except Exception as error:  # whatever a full disk, a lock, a font or an image may raise
        warnings.warn(
            f"{name} could not be written, and the training goes on without it: {error}",
            stacklevel=1,
        )
