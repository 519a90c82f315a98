"""read_checkpoint: the tensors of a torch or safetensors file by name."""

from pathlib import Path

from fcn_keras.checkpoints.errors import CheckpointError, naming
from fcn_keras.checkpoints.pickles import MAX_QUOTED
from fcn_keras.checkpoints.tensors import Tensor
from fcn_keras.checkpoints.torch_file import read_torch

# Where training programs put the state dict, beside the epoch and the optimizer's state.
USUAL = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights")
MAX_NAMES = 10  # of them in a message
WRAPPER = "module."  # which DataParallel puts in front of each name


def read_checkpoint(path, key=None):
    """Returns the tensors of a checkpoint, read without PyTorch.

    Torch files are read in both forms that torch.save has had, the zip archive and the legacy
    pickles, and safetensors files by the library `safetensors`. No code of the file is run: a
    pickle that names anything but tensors, parameters and containers is refused. Where the file
    holds more than a state dict (`{"epoch": 3, "state_dict": ...}`), the state dict is found by
    its usual names.

    Args:
        path: The file: .pth, .pt, .bin, .safetensors, ...
        key: The name of the state dict in the file, where there are several.

    Returns:
        {name: array} in file order, without the prefix "module." of DataParallel. Arrays have
        the type of the file, bfloat16 as float32; they are views of the numbers in the file's
        storages, read-only, and not always contiguous.

    Raises:
        FileNotFoundError: if there is no such file.
        ModuleNotFoundError: for a safetensors file without the library.
        CheckpointError: for a file that is truncated, damaged or of another kind, or that holds
            something else than tensors; the message names it.

    Example:

    ```python
    from pathlib import Path

    for path in Path().glob("*.pth"):
        for name, array in fcn_keras.checkpoints.read_checkpoint(path).items():
            print(name, array.shape, array.dtype)
    ```

    Source: torch/serialization.py and torch/_utils.py of PyTorch.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    with naming(path):
        _check_kind(path)
        if path.suffix == ".safetensors":
            tensors = _safetensors(path)
        else:
            described, values = read_torch(path, path.stat().st_size)
            tensors = {
                name: tensor.view(values[tensor.storage.key])
                for name, tensor in _state_dict(described, key).items()
            }
    for array in tensors.values():
        array.flags.writeable = False
    if tensors and all(name.startswith(WRAPPER) for name in tensors):
        tensors = {name.removeprefix(WRAPPER): array for name, array in tensors.items()}
    return tensors


def _state_dict(described, key):
    """The {name: `Tensor`} in what a checkpoint describes."""
    if key is not None:
        inside = described.get(key) if isinstance(described, dict) else None
        if not _tensors(inside):
            raise CheckpointError(f"it has no state dict {key!r}{_there(described)}.")
        return _tensors(inside)
    if _tensors(described):
        return _tensors(described)
    choices = _choices(described)
    usual = [name for name in USUAL if name in choices]
    if not choices:
        raise CheckpointError("it holds no state dict: no dict of tensors with names.")
    if not usual and len(choices) > 1:
        raise CheckpointError(
            f"it holds several dicts of tensors: choose one with --key (key=){_there(described)}."
        )
    return _tensors(described[usual[0] if usual else choices[0]])


def _choices(described):
    if not isinstance(described, dict):
        return []
    return [name for name, value in described.items() if isinstance(name, str) and _tensors(value)]


def _there(described):
    names = [repr(name[:MAX_QUOTED]) for name in _choices(described)[:MAX_NAMES]]
    return f"; it has {', '.join(names)}" if names else ""


def _tensors(value):
    if not isinstance(value, dict):
        return {}
    return {
        name: tensor
        for name, tensor in value.items()
        if isinstance(name, str) and isinstance(tensor, Tensor)
    }


def _safetensors(path):
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{path}: a .safetensors file needs the package safetensors: pip install safetensors"
        ) from None
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"it cannot be read as safetensors ({error}).") from None
    return {
        name: array.astype("f4") if array.dtype.name == "bfloat16" else array
        for name, array in arrays.items()
    }


def _check_kind(path):
    """Raises CheckpointError for a file that is known to be of another kind."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise CheckpointError("it is empty.")
    text = head.lstrip()[:9].lower()
    if head.startswith(b"\x89HDF"):
        raise CheckpointError("it is HDF5: a file of Keras weights, which needs no conversion.")
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise CheckpointError("it is a web page, perhaps the error page of a download.")
    if head.startswith(b"version https://git-lfs"):
        raise CheckpointError("it only refers to a file: fetch that by git lfs pull.")
    if head[257:262] == b"ustar":
        raise CheckpointError(
            "it is a tar archive, as the first versions of torch wrote. Load it with torch and "
            "save it again."
        )
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        raise CheckpointError("it is an image.")
    if path.suffix != ".safetensors" and head[8:9] == b"{" and head[1:8].strip(b"\0") == b"":
        raise CheckpointError("it looks like safetensors: give its name the end .safetensors.")
