"""unpickle: a pickle of containers and a few named globals, interpreted opcode by opcode.

Python's own unpickler imports and calls what a file names, and reserves what a file claims. Here
an opcode can make a container, a number, a text, or call one of the functions that are passed in.
"""

import pickletools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fcn_keras.checkpoints.errors import CheckpointError

MAX_STEPS = 1_000_000  # opcodes, and items that a call copies; some 40 belong to a tensor
MAX_QUOTED = 200  # characters of the file in a message
_MARK = object()


@dataclass(frozen=True)
class Global:
    """What a pickle names by module and name, and what it stands for here.

    Attributes:
        name: "module.name".
        call: The function that the pickle may call, or None.
        value: What else it stands for.
    """

    name: str
    call: Callable | None = None
    value: object = None


def unpickle(file, known, persistent):
    """Returns the object that a pickle describes, made of dicts, lists, tuples, texts and numbers.

    Args:
        file: A binary file or mmap at the first byte of the pickle; left behind its last.
        known: {"module.name": `Global`}, the globals that the pickle may name.
        persistent: A function from a persistent id to the object it stands for.

    Raises:
        CheckpointError: for any other global, which it names, for opcodes that are not needed for
            this, and for bytes that are no pickle.
    """
    machine = _Machine(known, persistent)
    try:
        for opcode, argument, position in pickletools.genops(file):
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument, position)
    except CheckpointError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        why = str(error)[:MAX_QUOTED]
        raise CheckpointError(f"damaged: its pickle cannot be read ({why}).") from None
    raise CheckpointError("damaged: its pickle has no end.")


class _Machine:
    """The stack and the memo of a pickle.

    Args:
        known, persistent: as `unpickle`.
    """

    def __init__(self, known, persistent):
        self.known = known
        self.persistent = persistent
        self.stack = []
        self.memo = {}
        self.steps = 0

    def pop(self):
        """Removes and returns the last object."""
        value = self.stack.pop()
        if value is _MARK:
            raise CheckpointError("damaged: its pickle ends a list that it did not begin.")
        return value

    def marked(self):
        """Removes and returns the objects after the last mark, a list."""
        values = []
        while self.stack[-1] is not _MARK:
            values.append(self.stack.pop())
        self.stack.pop()
        return values[::-1]

    def count(self, steps):
        """Counts steps, so that a small file cannot ask for endless work or memory."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise CheckpointError(f"its pickle needs more than {MAX_STEPS} steps.")

    def step(self, name, argument, position):
        """Does what one opcode says."""
        self.count(1)
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _NEW:
            self.stack.append(_NEW[name]())
        elif name in _DONE:
            _DONE[name](self, argument)
        elif name not in _NOTHING:
            raise CheckpointError(f"its pickle has the opcode {name} at byte {position}.")

    def put(self, index):
        """Remembers the last object."""
        self.memo[index] = self.stack[-1]

    def fixed_tuple(self, length):
        """Makes a tuple of the last objects."""
        values = [self.pop() for _ in range(length)]
        self.stack.append(tuple(values[::-1]))

    def extend(self, values):
        """Appends to the list on the stack."""
        _of(self.stack[-1], list).extend(values)

    def update(self, values):
        """Sets items of the dict on the stack."""
        target = _of(self.stack[-1], dict)
        if len(values) % 2:
            raise CheckpointError("damaged: its pickle has a key without a value.")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # Tuples as keys would be hashed to any depth.
            target[_of(key, (str, bytes, int, float, type(None)))] = value

    def find(self, module, name):
        """Puts a global on the stack."""
        dotted = f"{module}.{name}"
        if dotted not in self.known:
            dotted = dotted[:MAX_QUOTED]
            raise CheckpointError(
                f"it holds {dotted}, and only tensors, numbers, texts and containers of them are "
                "read. Save the state dict alone: torch.save(model.state_dict(), ...)."
            )
        self.stack.append(self.known[dotted])

    def reduce(self):
        """Calls a global."""
        arguments, function = _of(self.pop(), tuple), _of(self.pop(), Global)
        if function.call is None:
            raise CheckpointError(f"damaged: its pickle calls {function.name}.")
        self.count(sum(len(one) for one in arguments if isinstance(one, (list, tuple, dict))))
        self.stack.append(function.call(*arguments))

    def build(self):
        """Drops the attributes of an OrderedDict: torch's record of versions."""
        self.pop()
        _of(self.stack[-1], OrderedDict)


def _of(value, kinds):
    if not isinstance(value, kinds):
        kind = type(value).__name__
        raise CheckpointError(f"damaged: its pickle has an object {kind} where none can be.")
    return value


def _persistent(machine, _):
    machine.stack.append(machine.persistent(machine.pop()))


def _stack_global(machine, _):
    name, module = _of(machine.pop(), str), _of(machine.pop(), str)
    machine.find(module, name)


def _pairs(values):
    made = {}
    helper = _Machine({}, None)
    helper.stack.append(made)
    helper.update(values)
    return made


_NOTHING = ("PROTO", "FRAME")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK, "EMPTY_TUPLE": ()}
_NEW = {"EMPTY_LIST": list, "EMPTY_DICT": dict}
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_DONE = {
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), lambda m, index: m.put(index)),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, i: m.stack.append(m.memo[i])),
    "MEMOIZE": lambda m, _: m.put(len(m.memo)),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.marked(),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.marked())),
    "TUPLE1": lambda m, _: m.fixed_tuple(1),
    "TUPLE2": lambda m, _: m.fixed_tuple(2),
    "TUPLE3": lambda m, _: m.fixed_tuple(3),
    "LIST": lambda m, _: m.stack.append(m.marked()),
    "DICT": lambda m, _: m.stack.append(_pairs(m.marked())),
    "APPEND": lambda m, _: m.extend([m.pop()]),
    "APPENDS": lambda m, _: m.extend(m.marked()),
    "SETITEM": lambda m, _: m.update([m.pop(), m.pop()][::-1]),
    "SETITEMS": lambda m, _: m.update(m.marked()),
    "GLOBAL": lambda m, names: m.find(*names.split(" ", 1)),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": _persistent,
}
