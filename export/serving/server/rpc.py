"""TF Serving's gRPC interface: PredictionService and ModelService, by the official stubs."""

import logging

import tensorflow as tf

from fcn_keras.export.serving.errors import Refusal
from fcn_keras.export.serving.protocol import UNLIMITED, grpc, messages

LOG = logging.getLogger(__name__)
_STRICT = ("grpc.so_reuseport", 0)  # a port in use is an error, and not shared


def rpc_server(model, pool, address):
    """Returns the pair (gRPC server that is not started, its port).

    Args:
        model: A `ServedModel`.
        pool: The executor whose threads answer.
        address: host:port; port 0 for any free port.

    Raises:
        OSError: if the port is taken.
    """
    server = grpc().server(pool, options=[*UNLIMITED, _STRICT])
    predictions, models = (messages(f"{name}_service_pb2_grpc") for name in ("prediction", "model"))
    predictions.add_PredictionServiceServicer_to_server(
        _servicer(
            predictions.PredictionServiceServicer,
            model,
            Predict=_predict,
            GetModelMetadata=_metadata,
        ),
        server,
    )
    models.add_ModelServiceServicer_to_server(
        _servicer(models.ModelServiceServicer, model, GetModelStatus=_status), server
    )
    try:
        return server, server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"gRPC cannot listen on {address}: {error}") from error


def _servicer(base, model, **methods):
    """An instance of the stub's class with these methods; all others are UNIMPLEMENTED."""
    names = [name for name in vars(base) if not name.startswith("_")]
    answering = {name: _guarded(methods.get(name) or _unimplemented(name), model) for name in names}
    return type(base.__name__, (base,), answering)()


def _guarded(method, model):
    def answer(self, request, context):
        try:
            return method(model, request)
        except Refusal as refusal:
            code, told = refusal.code, refusal.message
        except Exception as error:  # an error of one request must not stop the server
            LOG.exception("gRPC %s", method.__name__)
            code, told = "INTERNAL", f"{type(error).__name__}: {error}"
        context.abort(grpc().StatusCode[code], told)

    return answer


def _unimplemented(name):
    def refuse(model, request):
        raise Refusal("UNIMPLEMENTED", f"The development server has no {name}: use Predict.")

    return refuse


def _predict(model, request):
    number, loaded = model.find(*_spec(request.model_spec))
    try:
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    except (TypeError, ValueError) as error:
        raise Refusal("INVALID_ARGUMENT", f"A tensor cannot be read: {error}") from error
    name = request.model_spec.signature_name
    outputs = model.predict(loaded, name, inputs, tuple(request.output_filter))
    response = messages("predict_pb2").PredictResponse()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = number
    response.model_spec.signature_name = name or "serving_default"
    for key, value in outputs.items():
        response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
    return response


def _metadata(model, request):
    if [*request.metadata_field] != ["signature_def"]:
        given = ", ".join(request.metadata_field) or "none"
        raise Refusal("INVALID_ARGUMENT", f"The metadata field must be signature_def, got {given}")
    return model.metadata(*_spec(request.model_spec))


def _status(model, request):
    return model.status(*_spec(request.model_spec))


def _spec(spec):
    """(name, version, label) of a ModelSpec."""
    return (
        spec.name,
        spec.version.value if spec.HasField("version") else None,
        spec.version_label if spec.WhichOneof("version_choice") == "version_label" else None,
    )
