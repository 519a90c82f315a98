"""Writes .caffemodel files by hand, bit by bit, independently of the reader's schema."""

import numpy as np


def varint(value):
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field, value):
    return varint(field << 3) + varint(value)


def block(field, payload):
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def blob(array, legacy=False, double=False, packed=True, diff=False):
    """BlobProto: by shape, or by num, channels, height and width; packed numbers or one by one."""
    array = np.asarray(array)
    if legacy:
        dims = (1,) * (4 - array.ndim) + array.shape
        out = b"".join(number(field, n) for field, n in enumerate(dims, start=1))
    else:
        out = block(7, block(1, b"".join(map(varint, array.shape))))
    field, kind, wire = (8, "<f8", 1) if double else (5, "<f4", 5)
    values = array.astype(kind).tobytes()
    if packed:
        out += block(field, values)
    else:
        size = np.dtype(kind).itemsize
        tag = varint(field << 3 | wire)
        out += b"".join(tag + values[i : i + size] for i in range(0, len(values), size))
    if diff:
        out += block(6, np.zeros(array.size, "<f4").tobytes())
    return out


def layer(name, arrays, v1=False, kind="Convolution", **how):
    """A field of NetParameter: `layer` (LayerParameter) or `layers` (V1LayerParameter)."""
    if v1:
        out = block(2, b"bottom") + block(3, b"top") + block(4, name.encode()) + number(5, 4)
        return block(2, out + b"".join(block(6, blob(a, **how)) for a in arrays))
    out = block(1, name.encode()) + block(2, kind.encode()) + block(3, b"bottom")
    out += b"".join(block(7, blob(a, **how)) for a in arrays)
    return block(100, out + block(106, number(1, 8)))


def write(path, layers, v1=False, **how):
    """A .caffemodel of `{layer: [array, ...]}`; returns its path."""
    with open(path, "wb") as file:
        file.write(block(1, b"net"))
        file.write(layer("data", [], v1, "Input"))
        for name, arrays in layers.items():
            file.write(layer(name, arrays, v1, **how))
    return path
