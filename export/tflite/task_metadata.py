"""Metadata of MediaPipe's Image Segmenter: the input, the logits and the classes.

Source: MediaPipe's metadata_schema.fbs and image_segmenter_metadata_schema.fbs; the numbers of
the fields are those of the schemas.
"""

from fcn_keras.export.tflite import contents, flatbuffer

NAME = "TFLITE_METADATA"
IMAGE, RGB, NORMALIZATION, AXIS_LABELS, SOFTMAX = 2, 1, 1, 2, 2
VERSION = "1.0.0"


def with_metadata(content, name):
    """Returns a TFLite file with the metadata of an image segmenter.

    They say that pixels are not normalized before the net (preprocessing is in the graph), that
    the outputs are logits, and that labels.txt names the last axis of them.

    Args:
        content: The bytes of a file from one uint8 image of three channels to logits.
        name: The model's name.
    """
    model = flatbuffer.unpack(content)
    schema = flatbuffer.schema()
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(_metadata(name))
    model.buffers.append(buffer)
    entry.name, entry.buffer = NAME, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    return flatbuffer.pack(model)


def _metadata(name):
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    graph = _table(
        builder,
        10,
        {
            2: _tables(builder, [_image(builder)]),
            3: _tables(builder, [_logits(builder)]),
            9: _tables(builder, [_segmenter(builder)]),
        },
    )
    fields = {0: builder.CreateString(name), 3: _tables(builder, [graph])}
    builder.Finish(_table(builder, 8, {**fields, 7: builder.CreateString(VERSION)}), b"M001")
    return bytes(builder.Output())


def _image(builder):
    pixels = _table(builder, 2, {}, {0: RGB})
    content = _table(builder, 3, {1: pixels}, {0: IMAGE})
    mean, deviation = _floats(builder, [0.0]), _floats(builder, [1.0])
    as_it_is = _table(builder, 2, {0: mean, 1: deviation})
    units = _tables(builder, [_table(builder, 2, {1: as_it_is}, {0: NORMALIZATION})])
    return _table(builder, 7, {0: builder.CreateString("image"), 3: content, 4: units})


def _logits(builder):
    file = {0: builder.CreateString(contents.NAMES)}
    files = _tables(builder, [_table(builder, 5, file, {2: AXIS_LABELS})])
    return _table(builder, 7, {0: builder.CreateString("logits"), 6: files})


def _segmenter(builder):
    import flatbuffers

    inner = flatbuffers.Builder(64)
    version = inner.CreateString(VERSION)
    inner.Finish(_table(inner, 2, {1: version}, {0: SOFTMAX}), b"V001")
    data = bytes(inner.Output())
    builder.StartVector(1, len(data), 16)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    data = builder.EndVector()
    return _table(builder, 2, {0: builder.CreateString("SEGMENTER_METADATA"), 1: data})


def _table(builder, slots, offsets, small=()):
    """A table of `slots` fields; `offsets` are {field: offset}, `small` {field: number}."""
    builder.StartObject(slots)
    for field, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    for field, value in dict(small).items():
        builder.PrependUint8Slot(field, value, 0)
    return builder.EndObject()


def _tables(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _floats(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()
