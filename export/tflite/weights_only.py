"""int8 weights in a net that computes in float: a quarter of the size, without calibration."""

from fcn_keras.export.tflite import flatbuffer


def with_float_arithmetic(content):
    """Returns a net of dynamic range as one that computes in float.

    Args:
        content: The bytes of a net with int8 weights and float values.

    Returns:
        The bytes of a net with a DEQUANTIZE before each use of such weights. It runs once, when
        the net is loaded.
    """
    model = flatbuffer.unpack(content)
    dequantize = _operator_code(model)
    for graph in model.subgraphs:
        floats, operators = {}, []
        for operator in graph.operators:
            inputs = [int(tensor) for tensor in operator.inputs]
            for place, tensor in enumerate(inputs):
                if _is_weights(model, graph, tensor) and _is_float(graph, operator):
                    if tensor not in floats:
                        floats[tensor] = _float_twin(graph, tensor)
                        operators.append(_conversion(dequantize, tensor, floats[tensor]))
                    inputs[place] = floats[tensor]
            operator.inputs = inputs
            operators.append(operator)
        graph.operators = operators
    return flatbuffer.pack(model)


def _operator_code(model):
    schema = flatbuffer.schema()
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 5  # of weights with a scale for each filter
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _is_weights(model, graph, number):
    if number < 0:
        return False
    tensor = graph.tensors[number]
    stored = model.buffers[tensor.buffer].data
    return tensor.type == flatbuffer.schema().TensorType.INT8 and stored is not None


def _is_float(graph, operator):
    made = graph.tensors[int(operator.outputs[0])]
    return made.type == flatbuffer.schema().TensorType.FLOAT32


def _float_twin(graph, number):
    schema = flatbuffer.schema()
    twin = schema.TensorT()
    twin.type, twin.shape = schema.TensorType.FLOAT32, graph.tensors[number].shape
    twin.name = graph.tensors[number].name + b"/float"
    graph.tensors.append(twin)
    return len(graph.tensors) - 1


def _conversion(code, source, target):
    schema = flatbuffer.schema()
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, [source], [target]
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return operator
