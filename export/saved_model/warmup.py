"""Writes the requests that TF Serving runs when it loads a version, before it serves it.

The file is a TFRecord of PredictionLog messages, which need only nested fields of bytes.
"""

import tensorflow as tf

FILE = "assets.extra/tf_serving_warmup_requests"
# prediction_log.proto and predict.proto of TensorFlow Serving
_PREDICT_LOG, _REQUEST, _MODEL_SPEC, _INPUTS, _NAME, _SIGNATURE = 6, 1, 1, 2, 1, 3
_MAP_KEY, _MAP_VALUE = 1, 2


def write_warmup(folder, options, channels):
    """Writes a request to `serving_default` and one to `encoded` for each size of `options`."""
    if not options.warmup:
        return
    path = folder / FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for height, width in options.warmup:
            zeros = tf.zeros((height, width, 3), tf.uint8)
            inputs = {
                "serving_default": ("images", 0, (1, height, width, channels), tf.uint8),
                "encoded": ("image_bytes", tf.io.encode_jpeg(zeros).numpy(), (1,), tf.string),
            }
            for signature in inputs.keys() & {*options.signatures}:
                writer.write(_prediction_log(options.name, signature, *inputs[signature]))


def _prediction_log(model_name, signature, key, value, shape, dtype):
    tensor = tf.make_tensor_proto(value, dtype, shape).SerializeToString()
    spec = _field(_NAME, model_name.encode()) + _field(_SIGNATURE, signature.encode())
    entry = _field(_MAP_KEY, key.encode()) + _field(_MAP_VALUE, tensor)
    request = _field(_MODEL_SPEC, spec) + _field(_INPUTS, entry)
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(number, payload):
    """A field of bytes on protocol buffers' wire: tag, length, payload."""
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value):
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])
