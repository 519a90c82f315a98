"""A reader of .caffemodel files, Caffe's binary NetParameter, that does not need Caffe.

The file is indexed first; each array is read when it is used.
"""

import math
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from fcn_keras.published import schema
from fcn_keras.published.wire import BYTES, CaffeModelError, fields

MAX_AXES = 32  # Caffe's own limit
MAX_BLOBS = 1000
_PAYLOADS = {"data": "<f4", "double_data": "<f8"}


@dataclass(frozen=True)
class Blob:
    """One array of a layer, which is in the file until it is read.

    Attributes:
        shape: Its dimensions, as in the file.
        read: A function that returns it: float32, of that shape, with memory of its own.
    """

    shape: tuple[int, ...]
    read: Callable


class CaffeModel:
    """An open .caffemodel file, for `with`; `layers` is {layer: [Blob, ...]} in file order.

    Raises:
        FileNotFoundError: if there is no such file.
        CaffeModelError: as `read_caffemodel`.
    """

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no file {str(path)!r}.")
        self._file = self.path.open("rb")
        try:
            if not self.path.stat().st_size:
                raise CaffeModelError("it is empty.")
            with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
                self.layers = self._indexed(buffer)
        except CaffeModelError as error:
            self.close()
            raise CaffeModelError(f"{self.path}: {error}") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._file.close()

    def _indexed(self, buffer):
        layers, names, found = {}, set(), 0
        try:
            for field in fields(buffer, 0, len(buffer)):
                form = schema.LAYERS.get(field.number)
                if form is None:
                    continue
                if field.wire != BYTES:
                    raise CaffeModelError(f"damaged at byte {field.begin}: there is no layer.")
                found += 1
                name, blobs = self._layer(buffer, field, form)
                if blobs:
                    if name in names:
                        raise CaffeModelError(
                            f"two layers with weights have the name {name!r}, the second at byte "
                            f"{field.begin}."
                        )
                    names.add(name)
                    layers[name] = blobs
            if not found:
                raise CaffeModelError("it has no layer.")
        except CaffeModelError as error:
            kind = None if layers else _other_kind(buffer[:512])
            if kind:
                raise CaffeModelError(f"it is no .caffemodel, but looks like {kind}.") from None
            raise error
        return layers

    def _layer(self, buffer, field, form):
        places, rest, at = [], [], field.start
        for part in fields(buffer, field.start, field.end):
            if part.number != form.blobs or part.wire != BYTES:
                continue
            places.append(part)
            rest.append(buffer[at : part.begin])
            at = part.end
            if len(places) > MAX_BLOBS:
                raise CaffeModelError(
                    f"damaged: the layer at byte {field.begin} has more than {MAX_BLOBS} arrays."
                )
        rest.append(buffer[at : field.end])
        layer = _parsed(form.message, b"".join(rest), f"the layer at byte {field.begin}")
        if form.older and layer.HasField("older"):
            raise CaffeModelError(
                f"the layer at byte {field.begin} has the format from before Caffe's first "
                "release; convert the file by Caffe's upgrade_net_proto_binary."
            )
        try:
            name = layer.name.decode()
        except UnicodeDecodeError:
            raise CaffeModelError(
                f"damaged: the name of the layer at byte {field.begin} is not text."
            ) from None
        return name, [
            self._blob(buffer, place, f"layer {name!r}, array {number}")
            for number, place in enumerate(places)
        ]

    def _blob(self, buffer, place, what):
        """Returns a `Blob`: the shape is parsed, the packed numbers are only located."""
        packed, rest, at = {}, [], place.start
        for part in fields(buffer, place.start, place.end):
            name = schema.NUMBERS.get(part.number)
            if name is None:
                continue
            if part.wire != BYTES or name in packed:  # one by one, or in pieces
                return self._scattered(buffer, place, what)
            packed[name] = part
            rest.append(buffer[at : part.begin])
            at = part.end
        rest.append(buffer[at : place.end])
        message = _parsed(schema.BLOB, b"".join(rest), what)
        name = "data" if "data" in packed else "double_data"
        dtype = np.dtype(_PAYLOADS[name])
        start, end = packed[name][3:] if name in packed else (0, 0)
        if (end - start) % dtype.itemsize:
            raise CaffeModelError(
                f"damaged: {what}: the numbers at byte {start} are {end - start} bytes, no "
                f"multiple of {dtype.itemsize}."
            )
        shape = _shape(message, (end - start) // dtype.itemsize, what)
        return Blob(shape, lambda: self._array(start, dtype, shape, what))

    def _array(self, start, dtype, shape, what):
        self._file.seek(start)
        count = math.prod(shape)
        values = np.fromfile(self._file, dtype, count)
        if values.size != count:
            raise CaffeModelError(f"{what}: the file became shorter while it was read.")
        return values.astype("float32", copy=False).reshape(shape)

    def _scattered(self, buffer, place, what):
        """Returns a `Blob` whose numbers are not in one piece, but joined by the parser."""
        message = _parsed(schema.BLOB, buffer[place.start : place.end], what)
        shape = _shape(message, len(message.data) or len(message.double_data), what)
        del message

        def read():
            self._file.seek(place.start)
            bytes_read = self._file.read(place.end - place.start)
            message = _parsed(schema.BLOB, bytes_read, what)
            values = message.data if len(message.data) else message.double_data
            return np.fromiter(values, "float32", math.prod(shape)).reshape(shape)

        return Blob(shape, read)


def read_caffemodel(path):
    """Returns the weights of a .caffemodel file, read without Caffe.

    Files of the current format (`layer`) and of the one before (`layers`) are read, with arrays
    of a shape or of the older num, channels, height and width, in single or double precision.
    Memory is allocated for numbers that are in the file, not for a shape that it claims.

    Args:
        path: A .caffemodel file: Caffe's NetParameter in binary form.

    Returns:
        {layer name: [float32 array, ...]} in file order, for the layers that have weights, each
        of the shape in the file. The filters of a convolution are (out, in / groups, rows,
        columns), those of a deconvolution (in, out / groups, rows, columns), those of an inner
        product (out, in); the bias is the second array.

    Raises:
        FileNotFoundError: if there is no such file.
        CaffeModelError: for a file that is truncated, damaged or of another kind; the message
            names the byte, or the layer and array.

    Example:

    ```python
    from pathlib import Path

    for path in Path().glob("*.caffemodel"):
        for layer, arrays in fcn_keras.published.read_caffemodel(path).items():
            print(layer, [array.shape for array in arrays])
    ```

    Source: Jia et al. (2014), Caffe: Convolutional Architecture for Fast Feature Embedding; its
    message definitions are in caffe.proto.
    """
    with CaffeModel(path) as file:
        return {name: [blob.read() for blob in blobs] for name, blobs in file.layers.items()}


def _parsed(message, data, what):
    try:
        return message.FromString(data)
    except DecodeError:
        raise CaffeModelError(f"damaged: {what} cannot be decoded.") from None


def _shape(message, count, what):
    if any(message.HasField(name) for name in schema.LEGACY):
        shape = tuple(getattr(message, name) for name in schema.LEGACY)
    elif len(message.shape) > 11 * MAX_AXES:
        raise CaffeModelError(f"{what}: it has more than {MAX_AXES} dimensions.")
    else:
        shape = tuple(_parsed(schema.SHAPE, message.shape, what).dim)
    if len(shape) > MAX_AXES or any(not 0 < n < 2**31 for n in shape):
        raise CaffeModelError(
            f"{what}: the shape {_by(shape)} is not possible; it must have at most {MAX_AXES} "
            "dimensions of 1 to 2^31 - 1."
        )
    if math.prod(shape) != count:
        raise CaffeModelError(
            f"{what}: its shape {_by(shape)} needs {math.prod(shape)} numbers, but the file has "
            f"{count}."
        )
    return shape


def _by(shape):
    return "x".join(map(str, shape[: MAX_AXES + 1])) or "()"


def _other_kind(head):
    """Returns what a file that is no .caffemodel seems to be, in words, or None."""
    if head.startswith(b"\x89HDF"):
        return "HDF5 (.caffemodel.h5, .weights.h5), which cannot be read"
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf")):
        return "a compressed archive (or a .keras file); unpack it"
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        return "an image"
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, perhaps the error page of a download"
    if all(32 <= byte < 127 or byte in b"\t\n\r" for byte in head):
        return "text: a .prototxt describes a net; the weights are in the .caffemodel"
    return None
