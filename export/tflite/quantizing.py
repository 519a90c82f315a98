"""int8 with calibration: which operations are quantized, and the error that this adds to each."""

import csv
import io
import warnings

import keras

from fcn_keras.export.tflite import flatbuffer
from fcn_keras.layers import LocalResponseNormalization

SQUARING = (LocalResponseNormalization, keras.layers.LayerNormalization)
TRANSPOSED = "TRANSPOSE_CONV"
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", TRANSPOSED)
COLUMNS = ("layer", "operation", "rms_error", "steps", "largest_error", "step", "tensor")


class Int8:
    """A net quantized to int8, except for its preprocessing and its outputs.

    Values between layers are int8 with a scale for each tensor; the weights of a convolution have
    a scale for each filter. These operations stay in float: those before the first convolution;
    the last convolutions and what follows them, upsampling and decoding, since logits of 8 bits
    would often be equal; and normalizations that sum squares, whose range is too large for 8 bits.

    Args:
        tf: TensorFlow.
        net: The Keras model.
        converter: A `tf.lite.TFLiteConverter` of it, without optimizations.
        calibration: A `Calibration`.
        float_layers: Names of further layers to leave in float.
    """

    def __init__(self, tf, net, converter, calibration, float_layers=()):
        self._layers = {layer.name for layer in net.layers}
        squaring = {layer.name for layer in net.layers if isinstance(layer, SQUARING)}
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration.feed
        kit = tf.lite.experimental
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Statistics for quantized inputs")
            warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
            self._debugger = kit.QuantizationDebugger(
                converter=converter, debug_dataset=calibration.feed_of_one_size
            )
            tensors, kinds = left_float(self._debugger.calibrated_model, squaring | {*float_layers})
            self._debugger.options = kit.QuantizationDebugOptions(
                denylisted_nodes=tensors, denylisted_ops=kinds
            )

    def content(self):
        """Returns the bytes of the file."""
        return self._debugger.get_nondebug_quantized_model()

    def write_report(self, path):
        """Writes the error that each quantized operation adds as CSV, the largest first."""
        self._debugger.run()
        dumped = io.StringIO()
        self._debugger.layer_statistics_dump(dumped)
        dumped.seek(0)
        rows = [_row(found, self._layers) for found in csv.DictReader(dumped)]
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda row: -row["steps"]))


def _row(found, layers):
    error, step = float(found["mean_squared_error"]) ** 0.5, float(found["scale"])
    return {
        "layer": layer_of(found["tensor_name"], layers) or "",
        "operation": found["op_name"],
        "rms_error": float(f"{error:.4g}"),
        "steps": round(error / step, 3),
        "largest_error": float(f"{float(found['max_abs_error']):.4g}"),
        "step": float(f"{step:.4g}"),
        "tensor": found["tensor_name"],
    }


def layer_of(tensor, layers):
    """Returns the layer that made a tensor, found by the tensor's name; None if there is none."""
    words = tensor.partition(";")[0].split("/")
    for word in words:
        stem = word.rpartition("_")[0] if word.rpartition("_")[2].isdigit() else word
        for name in (word, stem):
            if name in layers:
                return name
    return None


def left_float(content, float_layers=()):
    """Returns what stays in float.

    Args:
        content: The bytes of the float net in TFLite's format.
        float_layers: Names of layers whose operations stay in float too.

    Returns:
        The pair (names, kinds): names of the tensors that float operations make, and kinds of
        operations that are float everywhere. The quantizer does not know transposed convolutions
        by name, so all of them are float if one is.
    """
    graph = _Graph(content)
    after = graph.after_a_convolution()
    kept = graph.making_outputs() | {
        tensor
        for tensor in graph.made_by
        if tensor not in after or layer_of(graph.names[tensor], float_layers)
    }
    transposed = any(graph.made_by[tensor][0] == TRANSPOSED for tensor in kept)
    return sorted(graph.names[tensor] for tensor in kept), [TRANSPOSED] * transposed


class _Graph:
    """The operators of a net in the order in which they run, and which tensors they make."""

    def __init__(self, content):
        model = flatbuffer.unpack(content)
        kinds, graph = flatbuffer.operation_names(model), model.subgraphs[0]
        self._operators = [
            (kinds[op.opcodeIndex], [*map(int, op.inputs)], [*map(int, op.outputs)])
            for op in graph.operators
        ]
        self._outputs = [int(tensor) for tensor in graph.outputs]
        self._shapes = [tensor.shape for tensor in graph.tensors]
        self.names = [tensor.name.decode() for tensor in graph.tensors]
        self.made_by = {tensor: op for op in self._operators for tensor in op[2]}

    def after_a_convolution(self):
        """Returns the tensors whose values depend on a convolution; sizes are not values."""
        found = set()
        for kind, inputs, outputs in self._operators:
            if kind in CONVOLUTIONS or (kind != "SHAPE" and found.intersection(inputs)):
                found.update(outputs)
        return found

    def making_outputs(self):
        """Returns the tensors from the last convolutions, these included, to the output."""
        found, todo = set(), list(self._outputs)
        while todo:
            tensor = todo.pop()
            if tensor in found or tensor not in self.made_by:
                continue
            kind, inputs, _ = self.made_by[tensor]
            if kind == "SHAPE":
                continue
            found.add(tensor)
            if kind not in CONVOLUTIONS or self._upsamples(kind, inputs, tensor):
                todo += inputs
        return found

    def _upsamples(self, kind, inputs, output):
        """Whether a convolution is a learned upsampling of scores."""
        if kind != TRANSPOSED:
            return False
        return self._shapes[inputs[2]][-1] == self._shapes[output][-1]
