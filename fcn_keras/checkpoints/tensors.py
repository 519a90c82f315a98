"""Tensors as torch pickles them: a storage of numbers, and a view of it by sizes and strides."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from fcn_keras.checkpoints.errors import CheckpointError
from fcn_keras.checkpoints.pickles import Global

MAX_AXES = 32
MAX_KEY = 100
BFLOAT16 = "bfloat16"  # NumPy has no such type
_TYPES = {
    "Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": BFLOAT16, "Long": "i8", "Int": "i4",
    "Short": "i2", "Char": "i1", "Byte": "u1", "Bool": "?", "ComplexFloat": "c8",
    "ComplexDouble": "c16",
}  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """Numbers of one type, one after the other in the file.

    Attributes:
        key: Its name in the file.
        kind: NumPy's name of their type without byte order, or "bfloat16".
        count: How many there are.
    """

    key: str
    kind: str
    count: int

    @property
    def stored(self):
        """NumPy's name of the type that is in the file."""
        return "u2" if self.kind == BFLOAT16 else self.kind

    @property
    def size(self):
        """Bytes in the file."""
        return self.count * np.dtype(self.stored).itemsize

    def values(self, content, order):
        """Returns the numbers in `content`, bytes in the order "<" or ">"; bfloat16 as float32."""
        if not self.count:
            return np.empty(0, "f4" if self.kind == BFLOAT16 else self.kind)
        values = np.frombuffer(content, order + self.stored)
        if self.kind == BFLOAT16:
            return (values.astype("u4") << 16).view("f4")
        return values.astype(self.kind, copy=False)


@dataclass(frozen=True)
class Part:
    """A stretch of a storage that is a storage itself, as early versions of torch wrote them.

    Attributes:
        storage: A `Storage`.
        start: Its first number there.
        count: How many numbers it has.
    """

    storage: Storage
    start: int
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage.

    Attributes:
        storage: A `Storage`.
        offset: Its first number.
        shape: Its size along each axis.
        strides: Numbers from one cell to the next along each axis.
    """

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple

    def view(self, values):
        """Returns the array on the numbers of its storage, which it does not copy."""
        if 0 in self.shape:
            return np.empty(self.shape, values.dtype)
        step = values.itemsize
        strides = tuple(step * stride for stride in self.strides)
        try:
            return np.ndarray(self.shape, values.dtype, values, self.offset * step, strides)
        except (ValueError, OverflowError) as error:
            raise CheckpointError(f"damaged: a tensor is not possible ({error}).") from None


def storage(identity):
    """Returns the `Storage` of a persistent id: ("storage", type, key, device, count[, view]).

    A view, (key, start, count), gives a `Part` of it.

    Raises:
        CheckpointError: for another one, such as that of a whole module.
    """
    if isinstance(identity, tuple) and identity[:1] in (("module",), (b"module",)):
        raise CheckpointError(
            "it holds a whole model with its code. Save the state dict alone: "
            "torch.save(model.state_dict(), ...)."
        )
    known = isinstance(identity, tuple) and len(identity) in (5, 6)
    if not known or identity[0] not in ("storage", b"storage"):
        raise CheckpointError("damaged: it refers to something that is no storage.")
    _, kind, key, _, count, *view = identity
    if not isinstance(kind, Global) or kind.value is None or not isinstance(key, str):
        raise CheckpointError("damaged: a storage has no type or no name.")
    if len(key) > MAX_KEY:
        raise CheckpointError("damaged: the name of a storage is very long.")
    root = Storage(key, kind.value, _whole(count))
    return root if view in ([], [None]) else _part(root, view[0])


def _part(root, view):
    if not isinstance(view, tuple) or len(view) != 3:
        raise CheckpointError("damaged: a part of a storage has no place.")
    start, count = map(_whole, view[1:])
    if start + count > root.count:
        raise CheckpointError(
            f"damaged: a part of a storage goes to number {start + count} of {root.count}."
        )
    return Part(root, start, count)


def _tensor(storage, offset, size, stride, *_):
    if not isinstance(storage, (Storage, Part)):
        raise CheckpointError("damaged: a tensor has no storage.")
    if not isinstance(size, tuple) or not isinstance(stride, tuple) or len(size) != len(stride):
        raise CheckpointError("damaged: the sizes and the strides of a tensor do not fit.")
    if len(size) > MAX_AXES:
        raise CheckpointError(f"damaged: a tensor has more than {MAX_AXES} axes.")
    offset, size, stride = _whole(offset), tuple(map(_whole, size)), tuple(map(_whole, stride))
    root, start = (storage.storage, storage.start) if isinstance(storage, Part) else (storage, 0)
    if 0 in size:
        return Tensor(root, 0, size, stride)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= storage.count:
        raise CheckpointError(
            f"damaged: a tensor of {'x'.join(map(str, size)) or 'one number'} goes to number "
            f"{last + 1} of a storage that has {storage.count}."
        )
    return Tensor(root, start + offset, size, stride)


def _parameter(data, *_):
    if not isinstance(data, Tensor):
        raise CheckpointError("damaged: a parameter has no tensor.")
    return data


def _ordered(pairs=()):
    made = OrderedDict()
    for pair in pairs if isinstance(pairs, (list, tuple)) else [None]:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
            raise CheckpointError("damaged: an OrderedDict is not made of names and values.")
        made[pair[0]] = pair[1]
    return made


def _size(values=()):
    if not isinstance(values, (list, tuple)):
        raise CheckpointError("damaged: a torch.Size has no numbers.")
    return tuple(map(_whole, values))


def _whole(value):
    if type(value) is not int or not 0 <= value < 2**62:
        raise CheckpointError("damaged: a length in it is not possible.")
    return value


GLOBALS = {
    made.name: made
    for made in (
        Global("collections.OrderedDict", _ordered),
        Global("torch._utils._rebuild_tensor", _tensor),
        Global("torch._utils._rebuild_tensor_v2", _tensor),
        Global("torch._utils._rebuild_parameter", _parameter),
        Global("torch.Size", _size),
        *(Global(f"torch.{name}Storage", value=kind) for name, kind in _TYPES.items()),
    )
}
