"""One loaded version of a SavedModel; its graph runs in a session, as in TF Serving.

TensorFlow is imported when this module is.
"""

import contextlib
import threading

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from fcn_keras.export.saved_model.warmup import FILE as WARMUP
from fcn_keras.export.serving.errors import Refusal
from fcn_keras.export.serving.protocol import messages

_CODES = {
    code: name for name, code in vars(tf.errors).items() if name.isupper() and isinstance(code, int)
}


class Loaded:
    """A version that has been loaded and warmed up.

    Attributes:
        signatures: {name: SignatureDef} of the file.
    """

    def __init__(self, folder):
        self.signatures = read_signatures(folder)
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        with graph.as_default(), _without_advice():
            tf.compat.v1.saved_model.load(self._session, ["serve"], str(folder))
        self._calls, self._lock = {}, threading.Lock()
        self._warm_up(folder)

    def signature(self, name):
        """Returns the SignatureDef of a name; "" means serving_default.

        Raises:
            Refusal: if there is none.
        """
        name = name or "serving_default"
        if name not in self.signatures:
            raise Refusal(
                "INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def'
            )
        return self.signatures[name]

    def predict(self, name, inputs, wanted=()):
        """Runs a signature.

        Args:
            name: Name of the signature; "" means serving_default.
            inputs: {input: array}; strings as arrays of bytes, dtype object.
            wanted: Names of the outputs; () for all.

        Returns:
            {output: array}.

        Raises:
            Refusal: if the inputs do not fit the signature, or the graph raises an error.
        """
        signature = self.signature(name)
        _check_names(signature, inputs, wanted)
        for key, value in inputs.items():
            _check_input(key, value, signature.inputs[key])
        outputs = tuple(wanted or sorted(signature.outputs))
        call = self._call(signature, name or "serving_default", tuple(sorted(inputs)), outputs)
        try:
            values = call(*(inputs[key] for key in sorted(inputs)))
        except tf.errors.OpError as error:
            raise Refusal(_CODES.get(error.error_code, "UNKNOWN"), error.message) from error
        return dict(zip(outputs, values, strict=True))

    def _call(self, signature, name, inputs, outputs):
        with self._lock:
            call = self._calls.get((name, outputs))
            if call is None:
                tensor = self._session.graph.get_tensor_by_name
                call = self._calls[name, outputs] = self._session.make_callable(
                    [tensor(signature.outputs[key].name) for key in outputs],
                    [tensor(signature.inputs[key].name) for key in inputs],
                )
        return call

    def _warm_up(self, folder):
        file = folder / WARMUP
        if not file.is_file():
            return
        logs = messages("prediction_log_pb2")
        for record in tf.data.TFRecordDataset(str(file)):
            request = logs.PredictionLog.FromString(record.numpy()).predict_log.request
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            self.predict(request.model_spec.signature_name, inputs)


@contextlib.contextmanager
def _without_advice():
    """Hides TensorFlow's advice to load a TF 2 object, which has no session."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def read_signatures(folder):
    """Returns {name: SignatureDef} of the graph tagged "serve" in a SavedModel.

    Raises:
        ValueError: if the file is damaged or holds no such graph.
    """
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise ValueError(f"{folder}/saved_model.pb is damaged: {error}") from error
    for graph in saved.meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            return dict(graph.signature_def)
    raise ValueError(f"{folder} holds no graph tagged 'serve'.")


def _check_names(signature, inputs, wanted):
    extra, missing = (
        inputs.keys() - signature.inputs.keys(),
        signature.inputs.keys() - inputs.keys(),
    )
    if extra or missing:
        raise Refusal(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(inputs)}!={len(signature.inputs)}. "
            f"Sent extra: {{{','.join(sorted(extra))}}}. "
            f"Missing but required: {{{','.join(sorted(missing))}}}.",
        )
    for key in wanted:
        if key not in signature.outputs:
            known = ",".join(sorted(signature.outputs))
            raise Refusal(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {key} Outputs expected to be in the "
                f"set {{{known}}}.",
            )


def _check_input(key, value, info):
    expected = tf.as_dtype(info.dtype)
    given = tf.as_dtype(tf.string if value.dtype == object else value.dtype)
    if given != expected:
        raise Refusal(
            "INVALID_ARGUMENT",
            f"Input {key} is expected to be {expected.name} but {given.name} is provided",
        )
    shape = tf.TensorShape(info.tensor_shape)
    if not shape.is_compatible_with(value.shape):
        raise Refusal(
            "INVALID_ARGUMENT",
            f"Input {key} is expected to have the shape {shape}; got {list(np.shape(value))}",
        )
