"""The part of Caffe's message definitions that holds weights.

Field numbers are those of caffe.proto; other fields are skipped when a file is parsed.
"""

from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Proto = descriptor_pb2.FieldDescriptorProto
_MESSAGES = {
    "BlobShape": (("dim", 1, "repeated", "INT64"),),
    "BlobProto": (
        ("num", 1, "optional", "INT32"),
        ("channels", 2, "optional", "INT32"),
        ("height", 3, "optional", "INT32"),
        ("width", 4, "optional", "INT32"),
        ("data", 5, "repeated", "FLOAT"),
        ("shape", 7, "optional", "BYTES"),
        ("double_data", 8, "repeated", "DOUBLE"),
    ),
    "LayerParameter": (("name", 1, "optional", "BYTES"),),
    "V1LayerParameter": (("older", 1, "optional", "BYTES"), ("name", 4, "optional", "BYTES")),
}


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="weights.proto", package="caffe_weights")
    for name, rows in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, label, kind in rows:
            message.field.add(
                name=field,
                number=number,
                label=getattr(_Proto, f"LABEL_{label.upper()}"),
                type=getattr(_Proto, f"TYPE_{kind}"),
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"caffe_weights.{name}"))
        for name in _MESSAGES
    ]


SHAPE, BLOB, _LAYER, _V1_LAYER = _classes()


class Layer(NamedTuple):
    """One format of a layer: message, field of the arrays, whether it may hold an older one."""

    message: type
    blobs: int
    older: bool


LAYERS = {100: Layer(_LAYER, 7, False), 2: Layer(_V1_LAYER, 6, True)}  # by NetParameter's field
NUMBERS = {5: "data", 6: "diff", 8: "double_data", 9: "double_diff"}  # BlobProto's arrays
LEGACY = ("num", "channels", "height", "width")
