"""Requests of a client, over REST or gRPC: a prediction, the signatures, the state of versions."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Predict:
    """A request to run a signature on {input: array}; the answer is {output: array}.

    Strings are arrays of bytes with dtype object.
    """

    signature: str
    inputs: dict
    outputs: dict  # {output: NumPy dtype}


@dataclasses.dataclass(frozen=True)
class Metadata:
    """A request for the signatures; the answer is a `Signatures`."""


@dataclasses.dataclass(frozen=True)
class Status:
    """A request for the state of the versions.

    The answer is {version: {"state": ..., "error_code": ..., "error_message": ...}}.
    """


@dataclasses.dataclass(frozen=True)
class Signatures:
    """The inputs and outputs of a served version.

    Attributes:
        version: The version's number.
        inputs: {signature: {input: (dtype name, shape)}}, the shape a tuple with None where open.
        outputs: The same of the outputs.
    """

    version: int
    inputs: dict
    outputs: dict


_DTYPES = {
    "DT_STRING": "string",
    "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64",
    "DT_HALF": "float16",
}


def signatures(version, definitions):
    """Returns a `Signatures` made from the JSON forms of SignatureDefs."""
    named = {name: d for name, d in definitions.items() if d.get("inputs") and d.get("outputs")}
    return Signatures(
        int(version),
        {name: _tensors(definition["inputs"]) for name, definition in named.items()},
        {name: _tensors(definition["outputs"]) for name, definition in named.items()},
    )


def states(document):
    """Returns the states in the JSON form of a GetModelStatusResponse."""
    return {
        int(entry["version"]): {
            "state": entry.get("state", "UNKNOWN"),
            "error_code": entry.get("status", {}).get("error_code", "OK"),
            "error_message": entry.get("status", {}).get("error_message", ""),
        }
        for entry in document.get("model_version_status", ())
    }


def as_dtype(name):
    """Returns the NumPy dtype for a name in `Signatures`."""
    return np.dtype(object if name == "string" else name)


def _tensors(infos):
    return {
        name: (_dtype(info["dtype"]), _shape(info.get("tensor_shape", {})))
        for name, info in infos.items()
    }


def _dtype(name):
    return _DTYPES.get(name) or name.removeprefix("DT_").lower()


def _shape(shape):
    sizes = (int(dim.get("size", 0)) for dim in shape.get("dim", ()))
    return tuple(None if size < 0 else size for size in sizes)
