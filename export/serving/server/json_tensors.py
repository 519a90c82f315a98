"""Tensors in JSON, in rows ("instances") and in columns ("inputs"), as in TF Serving.

Source: https://www.tensorflow.org/tfx/serving/api_rest, "Predict API".
"""

import base64
import binascii
import json

import numpy as np
import tensorflow as tf

from fcn_keras.export.serving.errors import Refusal

_SHOWN = 80


def parse(body):
    """Returns the JSON object of a request.

    Raises:
        Refusal: if the body is not a JSON object.
    """
    if not body:
        raise _refusal("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        raise _refusal(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except UnicodeDecodeError as error:
        raise _refusal(f"JSON Parse error: {error.reason} at offset: {error.start}") from error
    except RecursionError as error:
        raise _refusal("JSON Parse error: Too deeply nested") from error
    if not isinstance(document, dict):
        raise _refusal(f"JSON Value: {_shown(document)} Is not object")
    if not isinstance(document.get("signature_name", ""), str):
        raise _refusal("'signature_name' key must be a string value.")
    return document


def read_inputs(document, infos):
    """Returns the pair ({input: array}, whether the request is in rows).

    Args:
        document: The object that `parse` returned.
        infos: {input: TensorInfo} of the signature.

    Raises:
        Refusal: if values have the wrong form, type or range.
    """
    rows, columns = (key in document for key in ("instances", "inputs"))
    if rows and columns:
        raise _refusal(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if not rows and not columns:
        raise _refusal("Missing 'inputs' or 'instances' key")
    value = _columns(document["instances"], infos) if rows else document["inputs"]
    if not _is_named(value):
        if len(infos) > 1:
            raise _refusal("inputs is a plain value/list, but the signature has several inputs")
        value = {next(iter(infos)): value}
    missing = infos.keys() - value.keys()
    if missing:
        raise _refusal(f"Missing named input: {min(missing)} in 'inputs' object.")
    return {name: _array(value[name], name, infos[name]) for name in infos}, rows


def write_outputs(outputs, rows):
    """Returns the JSON of an answer as bytes.

    Raises:
        Refusal: for rows of outputs that have different batch sizes.
    """
    values = {name: _listed(name, array) for name, array in outputs.items()}
    if not rows:
        answer = {"outputs": values if len(values) > 1 else next(iter(values.values()))}
        return json.dumps(answer).encode()
    lengths = {name: array.shape[0] if array.ndim else None for name, array in outputs.items()}
    if len({*lengths.values()}) > 1 or None in lengths.values():
        raise _refusal(f"The outputs have inconsistent batch sizes: {lengths}")
    if len(values) == 1:
        return json.dumps({"predictions": next(iter(values.values()))}).encode()
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return json.dumps({"predictions": rows}).encode()


def _columns(rows, infos):
    """Rows as one list, or as {input: list}."""
    if not isinstance(rows, list):
        raise _refusal("Expecting 'instances' to be a list/array")
    if not rows:
        raise _refusal("No values in 'instances' array")
    named = [_is_named(row) for row in rows]
    if not any(named):
        return rows
    for number, row in enumerate(rows):
        if not named[number] or row.keys() != infos.keys():
            raise _refusal(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{_shown(row)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return {name: [row[name] for row in rows] for name in infos}


def _array(value, name, info):
    dtype = tf.as_dtype(info.dtype)
    if dtype == tf.string:
        array = np.array(_decoded(value), object)
        ragged = any(isinstance(item, list) for item in array.flat)
    else:
        array, ragged = _numbers(value)
    if ragged:
        raise _refusal(f"Input {name}: the lists are of different lengths")
    if dtype != tf.string:
        array = _of_type(array, value, dtype)
    rank = tf.TensorShape(info.tensor_shape).rank
    if rank is not None and array.ndim != rank:
        raise _refusal(
            f"Input {name}: the lists are nested {array.ndim} deep, and the tensor has {rank} "
            "dimensions"
        )
    return array


def _numbers(value):
    """The array, and whether its lists are of different lengths."""
    try:
        return np.asarray(value), False
    except (ValueError, OverflowError):
        return None, True


def _of_type(array, value, dtype):
    """The array in the signature's type, if its values fit that."""
    wanted = dtype.as_numpy_dtype
    whole, given = dtype.is_integer, array.dtype.kind
    fits = given == "b" if dtype.is_bool else given in ("iu" if whole else "iuf")
    if fits and whole and array.size:
        fits = array.min() >= dtype.min and array.max() <= dtype.max
    if not fits and array.size:
        raise _refusal(f"JSON Value: {_shown(value)} is not of expected type: {dtype.name}")
    return array.astype(wanted)


def _decoded(value):
    """Strings and {"b64": ...} as bytes, in lists of lists."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, str):
        return value.encode()
    if not _is_base64(value):
        raise _refusal(f"JSON Value: {_shown(value)} is not of expected type: string")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refusal("Unable to base64 decode") from error


def _listed(name, array):
    if array.dtype != object:
        return array.tolist()
    return _encoded(array.tolist(), name.endswith("_bytes"))


def _encoded(value, binary):
    if isinstance(value, list):
        return [_encoded(item, binary) for item in value]
    if binary:
        return {"b64": base64.b64encode(value).decode("ascii")}
    return value.decode("utf-8", "replace")


def _is_named(value):
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value):
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _shown(value):
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _refusal(message):
    return Refusal("INVALID_ARGUMENT", message)
