"""The client's side of TF Serving's gRPC interface, by the official stubs.

Messages have no size limit: a label map of a large image exceeds gRPC's default of 4 MB.
"""

import numpy as np
from google.protobuf import json_format

from fcn_keras.export.serving import requests
from fcn_keras.export.serving.errors import ServerError
from fcn_keras.export.serving.protocol import UNLIMITED, grpc, messages
from fcn_keras.export.serving.requests import Metadata, Predict

_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]


class Rpc:
    """Sends requests over one channel.

    Args:
        address: An `Address`.
        timeout: Seconds for one attempt.
        waiting: Whether requests are sent from asyncio, with `send_waiting`.
    """

    def __init__(self, address, timeout, waiting=False):
        self._address, self._timeout = address, timeout
        module = grpc().aio if waiting else grpc()
        options = [*UNLIMITED, *_RECONNECT]
        if address.is_loopback:
            options.append(("grpc.enable_http_proxy", 0))
        if address.secure:
            credentials = grpc().ssl_channel_credentials()
            self._channel = module.secure_channel(address.target, credentials, options)
        else:
            self._channel = module.insecure_channel(address.target, options)
        predictions = messages("prediction_service_pb2_grpc").PredictionServiceStub(self._channel)
        models = messages("model_service_pb2_grpc").ModelServiceStub(self._channel)
        self._predict, self._metadata = predictions.Predict, predictions.GetModelMetadata
        self._status = models.GetModelStatus

    def send(self, request):
        """Sends a request once, and returns the answer.

        Raises:
            ServerError: if the server refuses, or is not reached.
        """
        method, message = self._call(request)
        try:
            return _read(request, method(message, timeout=self._timeout))
        except grpc().RpcError as error:
            raise self._error(error) from error

    async def send_waiting(self, request):
        """Does what `send` does, in asyncio."""
        method, message = self._call(request)
        try:
            return _read(request, await method(message, timeout=self._timeout))
        except grpc().RpcError as error:
            raise self._error(error) from error

    def close(self):
        """Closes the channel."""
        self._channel.close()

    async def close_waiting(self):
        """Closes the channel in asyncio."""
        await self._channel.close()

    def _call(self, request):
        """The stub's method and its message."""
        if isinstance(request, Predict):
            message = messages("predict_pb2").PredictRequest()
            message.model_spec.signature_name = request.signature
            for name, array in request.inputs.items():
                message.inputs[name].CopyFrom(_tensor(array))
            method = self._predict
        elif isinstance(request, Metadata):
            message = messages("get_model_metadata_pb2").GetModelMetadataRequest()
            message.metadata_field.append("signature_def")
            method = self._metadata
        else:
            message = messages("get_model_status_pb2").GetModelStatusRequest()
            method = self._status
        message.model_spec.name = self._address.model
        if self._address.version is not None:
            message.model_spec.version.value = self._address.version
        if self._address.label is not None:
            message.model_spec.version_label = self._address.label
        return method, message

    def _error(self, error):
        return ServerError(error.code().name, error.details() or "no details", self._address)


def _tensor(array):
    import tensorflow as tf

    dtype = tf.string if array.dtype == object else None
    return tf.make_tensor_proto(array, dtype, array.shape)


def _read(request, response):
    if isinstance(request, Predict):
        return {name: _array(response.outputs[name]) for name in request.outputs}
    if isinstance(request, Metadata):
        found = messages("get_model_metadata_pb2").SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        definitions = _as_dict(found)["signature_def"]
        return requests.signatures(response.model_spec.version.value, definitions)
    return requests.states(_as_dict(response))


def _array(tensor):
    import tensorflow as tf

    return np.array(tf.make_ndarray(tensor))


def _as_dict(message):
    return json_format.MessageToDict(
        message, always_print_fields_with_no_presence=True, preserving_proto_field_name=True
    )
