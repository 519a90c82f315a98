"""Unpacks and packs TFLite files as objects, with TensorFlow's schema."""

from fcn_keras.export.tflite.contents import IDENTIFIER


def unpack(content):
    """Returns the bytes of a file as a `ModelT`."""
    return schema().ModelT.InitFromPackedBuf(content)


def pack(model):
    """Returns the bytes of a `ModelT`."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def schema():
    """Returns the module with the generated classes of TFLite's schema."""
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated


def operation_names(model):
    """Returns the name of each operator code, such as CONV_2D."""
    kinds = vars(schema().BuiltinOperator)
    by_number = {number: name for name, number in kinds.items() if isinstance(number, int)}
    return [
        by_number[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes
    ]
