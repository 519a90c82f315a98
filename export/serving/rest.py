"""The client's side of TF Serving's REST interface: JSON, images as base64.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import binascii
import json

import numpy as np

from fcn_keras.export.serving import requests
from fcn_keras.export.serving.errors import ServerError, code_of
from fcn_keras.export.serving.protocol import http
from fcn_keras.export.serving.requests import Metadata, Predict, as_dtype

_SHOWN = 300


class Rest:
    """Sends requests with httpx.

    Args:
        address: An `Address`.
        timeout: Seconds for one attempt.
        waiting: Whether requests are sent from asyncio, with `send_waiting`.
    """

    def __init__(self, address, timeout, waiting=False):
        httpx = http()
        self._httpx, self._address = httpx, address
        self._url = f"{address.scheme}://{address.target}{address.path}"
        self._client = (httpx.AsyncClient if waiting else httpx.Client)(
            timeout=timeout,
            trust_env=not address.is_loopback,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )

    def send(self, request):
        """Sends a request once, and returns the answer.

        Raises:
            ServerError: if the server refuses, or is not reached.
        """
        try:
            response = self._client.request(**self._call(request))
        except self._httpx.HTTPError as error:
            raise self._unreached(error) from error
        return self._read(request, response)

    async def send_waiting(self, request):
        """Does what `send` does, in asyncio."""
        try:
            response = await self._client.request(**self._call(request))
        except self._httpx.HTTPError as error:
            raise self._unreached(error) from error
        return self._read(request, response)

    def close(self):
        """Closes the connections."""
        self._client.close()

    async def close_waiting(self):
        """Closes the connections in asyncio."""
        await self._client.aclose()

    def _call(self, request):
        """The arguments of httpx."""
        if not isinstance(request, Predict):
            suffix = "/metadata" if isinstance(request, Metadata) else ""
            return {"method": "GET", "url": self._url + suffix}
        inputs = {name: _listed(array) for name, array in request.inputs.items()}
        body = json.dumps({"signature_name": request.signature, "inputs": inputs})
        headers = {"Content-Type": "application/json"}
        return {
            "method": "POST",
            "url": self._url + ":predict",
            "content": body,
            "headers": headers,
        }

    def _read(self, request, response):
        if response.status_code != 200:
            raise ServerError(code_of(response.status_code), _message(response), self._address)
        try:
            document = response.json()
            if isinstance(request, Predict):
                return _arrays(document["outputs"], request.outputs)
            if isinstance(request, Metadata):
                definitions = document["metadata"]["signature_def"]["signature_def"]
                return requests.signatures(document["model_spec"]["version"], definitions)
            return requests.states(document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            told = f"its answer is not TensorFlow Serving's: {response.text[:_SHOWN]!r}"
            raise ServerError("UNKNOWN", told, self._address) from error

    def _unreached(self, error):
        late = isinstance(error, self._httpx.TimeoutException)
        connecting = isinstance(error, self._httpx.ConnectTimeout)
        code = "DEADLINE_EXCEEDED" if late and not connecting else "UNAVAILABLE"
        told = str(error) or ("no answer in time" if late else type(error).__name__)
        return ServerError(code, told, self._address)


def _message(response):
    """The server's message."""
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return response.text[:_SHOWN].strip() or f"HTTP status {response.status_code}"


def _listed(array):
    """Numbers as lists, bytes as base64."""
    if array.dtype != object:
        return array.tolist()
    return [{"b64": base64.b64encode(item).decode("ascii")} for item in array]


def _arrays(outputs, dtypes):
    """{output: array}; a single output comes without its name."""
    if len(dtypes) == 1:
        outputs = {next(iter(dtypes)): outputs}
    return {name: _array(outputs[name], as_dtype(dtype)) for name, dtype in dtypes.items()}


def _array(value, dtype):
    return _strings(value) if dtype.hasobject else np.array(value, dtype)


def _strings(items):
    found = np.empty(len(items), object)
    for number, item in enumerate(items):
        try:
            found[number] = (
                base64.b64decode(item["b64"]) if isinstance(item, dict) else item.encode()
            )
        except binascii.Error as error:
            raise ValueError("base64") from error
    return found
