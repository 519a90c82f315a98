"""TF Serving's REST interface as an ASGI application: status, metadata, predict.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

import asyncio
import json
import logging
import re
from urllib.parse import unquote

from google.protobuf import json_format

from fcn_keras.export.serving.errors import HTTP_STATUS, Refusal
from fcn_keras.export.serving.protocol import messages
from fcn_keras.export.serving.server import json_tensors

LOG = logging.getLogger(__name__)
_MODEL = (
    r"(?i:/v1/models)/(?P<name>[^/:]+)"
    r"(?:/(?i:versions)/(?P<version>\d+)|/(?i:labels)/(?P<label>[^/:]+))?"
)
_PREDICT = re.compile(_MODEL + r":(?P<method>predict|classify|regress)")
_LOOK = re.compile(_MODEL + r"(?P<metadata>/metadata)?")


def application(model, pool):
    """Returns the ASGI application.

    Args:
        model: A `ServedModel`.
        pool: The executor whose threads answer.
    """

    async def application(scope, receive, send):
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            return
        path = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace")
        loop = asyncio.get_running_loop()
        status, answer = await loop.run_in_executor(
            pool, _answer, model, scope["method"], path, body
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return application


async def _body(receive):
    """The body of a request; None if the client disconnected."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _answer(model, method, path, body):
    """The HTTP status and body."""
    try:
        return 200, _dispatch(model, method, path, body)
    except Refusal as refusal:
        code, told = refusal.code, refusal.message
    except Exception as error:  # an error of one request must not stop the server
        LOG.exception("%s %s", method, path)
        code, told = "INTERNAL", f"{type(error).__name__}: {error}"
    return HTTP_STATUS[code], json.dumps({"error": told}).encode()


def _dispatch(model, method, path, body):
    found = {"GET": _LOOK, "POST": _PREDICT}.get(method, re.compile("(?!)")).fullmatch(path)
    if not found:
        raise Refusal("INVALID_ARGUMENT", f"Malformed request: {method} {path}")
    spec = (
        unquote(found["name"]),
        int(found["version"]) if found["version"] else None,
        unquote(found["label"]) if found["label"] else None,
    )
    if method == "GET":
        return (
            _metadata(model.metadata(*spec)) if found["metadata"] else _as_json(model.status(*spec))
        )
    if found["method"] != "predict":
        raise Refusal("UNIMPLEMENTED", f"This server has no {found['method']}: use predict.")
    return _predict(model, spec, body)


def _predict(model, spec, body):
    document = json_tensors.parse(body)
    _, loaded = model.find(*spec)
    name = document.get("signature_name", "")
    inputs, rows = json_tensors.read_inputs(document, loaded.signature(name).inputs)
    return json_tensors.write_outputs(model.predict(loaded, name, inputs), rows)


def _as_json(message):
    text = json_format.MessageToJson(
        message, always_print_fields_with_no_presence=True, preserving_proto_field_name=True
    )
    return text.encode()


def _metadata(response):
    """The metadata as JSON; the REST interface does not wrap the signatures in an Any."""
    signatures = messages("get_model_metadata_pb2").SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    document = {
        "model_spec": json.loads(_as_json(response.model_spec)),
        "metadata": {"signature_def": json.loads(_as_json(signatures))},
    }
    return json.dumps(document, indent=1).encode()
