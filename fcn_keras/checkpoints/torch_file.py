"""The two forms of a torch checkpoint: a zip archive, and five pickles with numbers after them.

Every length is compared with the file before anything of that length is made, and all that is
kept is at most as long as the file.
"""

import mmap
import struct
import zipfile
from io import BytesIO

from fcn_keras.checkpoints.errors import CheckpointError
from fcn_keras.checkpoints.pickles import unpickle
from fcn_keras.checkpoints.tensors import GLOBALS, Part, Storage, storage

MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_BAD_ZIP = (
    zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, ValueError,
    KeyError, IndexError, EOFError, OSError, OverflowError, struct.error,
)  # fmt: skip


def read_torch(path, size):
    """Returns what a torch checkpoint describes, and the numbers of its storages.

    Args:
        path: The file.
        size: Its length in bytes.

    Returns:
        (object, {key: 1-D array}): the object is made of dicts, lists, tuples, texts, numbers
        and `Tensor`s.

    Raises:
        CheckpointError: for a file that is damaged, of another kind, or holds more than tensors.
    """
    with open(path, "rb") as file:
        head = file.read(4)
        file.seek(0)
        if head[:2] == b"PK":
            return _zip(file, size)
        return _legacy(file, size)


def _zip(file, size):
    try:
        with zipfile.ZipFile(file) as archive:
            return _archived(archive, size)
    except CheckpointError:
        raise
    except _BAD_ZIP as error:
        raise CheckpointError(f"damaged: the archive cannot be read ({error}).") from None


def _archived(archive, size):
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickles = [name for name in entries if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        kind = "a .keras file" if "config.json" in entries else "an archive without data.pkl"
        raise CheckpointError(f"it is no torch checkpoint, but {kind}.")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in entries:
        raise CheckpointError(
            "it is a TorchScript program. Save the weights alone: torch.save(model.state_dict(), "
            "...)."
        )
    budget = [size]
    found = {}
    described = unpickle(
        BytesIO(_entry(archive, entries[pickles[0]], budget)), GLOBALS, _collecting(found)
    )
    order = "<"
    if f"{folder}byteorder" in entries:
        word = _entry(archive, entries[f"{folder}byteorder"], budget)
        order = {b"little": "<", b"big": ">"}.get(word)
        if order is None:
            raise CheckpointError(f"damaged: the byte order is {word[:20]!r}.")
    values = {}
    for key, one in found.items():
        entry = entries.get(f"{folder}data/{key}")
        if entry is None:
            raise CheckpointError(f"damaged: the storage {key!r} is missing.")
        if entry.file_size != one.size:
            raise CheckpointError(
                f"damaged: the storage {key!r} has {entry.file_size} bytes, not {one.size}."
            )
        values[key] = one.values(_entry(archive, entry, budget), order)
    return described, values


def _entry(archive, entry, budget):
    """The bytes of an entry, as long as all of them together are not longer than the file."""
    if entry.compress_type != zipfile.ZIP_STORED:
        raise CheckpointError(
            "its archive is compressed, which torch does not do. Unpack it and pack it without "
            "compression."
        )
    budget[0] -= entry.file_size
    if budget[0] < 0 or entry.compress_size != entry.file_size:
        raise CheckpointError("damaged: its parts are longer than the file.")
    return archive.read(entry)


def _legacy(file, size):
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
        if _pickled(buffer) != MAGIC or _pickled(buffer) != _PROTOCOL:
            raise CheckpointError("it does not begin as torch.save begins a file.")
        system = _pickled(buffer)
        little = not isinstance(system, dict) or system.get("little_endian", True)
        found = {}
        described = unpickle(buffer, GLOBALS, _collecting(found))
        keys = _pickled(buffer)
        start = buffer.tell()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise CheckpointError("damaged: it has no list of storages.")
    if len(set(keys)) != len(keys) or set(keys) != set(found):
        raise CheckpointError("damaged: its list of storages is not that of its tensors.")
    file.seek(start)
    order = "<" if little else ">"
    return described, {key: _numbers(file, found[key], order, size) for key in keys}


def _pickled(buffer):
    return unpickle(buffer, {}, _no_reference)


def _no_reference(identity):
    raise CheckpointError("damaged: it refers to a storage where none can be.")


def _numbers(file, one: Storage, order, size):
    """The numbers of a storage of the legacy form: their count, and then they themselves."""
    count = file.read(8)
    if len(count) < 8 or struct.unpack(f"{order}q", count)[0] != one.count:
        raise CheckpointError(f"damaged: the storage {one.key!r} has another length than expected.")
    if one.size > size - file.tell():
        raise CheckpointError(
            f"truncated: the storage {one.key!r} needs {one.size} bytes, the file has "
            f"{size - file.tell()} more."
        )
    return one.values(file.read(one.size), order)


def _collecting(found):
    """A function from persistent ids to `Storage`s that keeps each in `found` by its key."""

    def collect(identity):
        one = storage(identity)
        root = one.storage if isinstance(one, Part) else one
        if found.setdefault(root.key, root) != root:
            raise CheckpointError(f"damaged: the storage {root.key!r} has two types or lengths.")
        return one

    return collect
