"""The argument `weights` as a path: what it takes, and why a file is none of these."""

import os
import zipfile

from fcn_keras.text_files import other_kind

TAKES = (
    "`weights` (--weights) takes auto, imagenet, none (None) or a file of the classifier's "
    "weights, as its save_weights('NAME.weights.h5') writes it"
)
INSTEAD = "To start from a net that was trained, pass init_from (--init-from)."
_MODELS = ("best.keras", "model.keras")


def check_weights_file(path, classifier):
    """Refuses a path of weights that does not exist, or is a folder or no file of weights.

    Args:
        path: The path.
        classifier: The classifier's name, for the message.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for a folder, or a file that begins as something else.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(
            f"There is no weights file {str(path)!r} of {classifier}. {TAKES}. {INSTEAD}"
        )
    if os.path.isdir(path):
        run = any(os.path.isfile(os.path.join(path, name)) for name in _MODELS)
        what = "the folder of a run" if run else "a folder"
        raise ValueError(f"{path} is {what}, not a file of weights. {TAKES}. {INSTEAD}")
    with open(path, "rb") as file:
        start = file.read(512)
    whole = start.startswith(b"PK") and zipfile.is_zipfile(path)
    if start and (whole or start.startswith(b"\x89HDF")):
        return
    kind = other_kind(start) if start else "empty"
    if kind:
        raise ValueError(f"{path} is no file of weights; it is {kind}. {TAKES}.")


def no_weights_of(path, net, error):
    """Returns the message for a file that does not hold the weights of a net.

    Args:
        path: The file.
        net: The classifier, as in "vgg16 without its top".
        error: The exception that Keras raised.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if str(path).endswith(".keras"):
        return f"{path} is a whole Keras model, and not that of {net}. {TAKES}. {INSTEAD}"
    reason = lines[0].partition(" Example error")[0].rstrip(".:")
    return f"{path} does not hold the weights of {net} ({reason}). {TAKES}. {INSTEAD}"
