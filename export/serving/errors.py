"""Errors of servers: TensorFlow's status codes, with the message of the server."""

# The codes of google/rpc/code.proto, and their HTTP status in TensorFlow Serving's REST interface.
HTTP_STATUS = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}
_CODES = {
    **{status: code for code, status in reversed(HTTP_STATUS.items())},
    400: "INVALID_ARGUMENT",
    500: "INTERNAL",
}


class ServerError(RuntimeError):
    """The error for a request that the server refused, or that did not reach a server.

    Attributes:
        code: The name of the status, such as "INVALID_ARGUMENT", "NOT_FOUND" or "UNAVAILABLE".
        message: The server's message; if no server was reached, the reason.
        address: The `Address` of the request.

    Example:

    ```python
    from fcn_keras.export import serving

    client = serving.Client("http://127.0.0.1:1/v1/models/street", retries=0)
    try:
        client.status()
    except serving.ServerError as error:
        assert error.code == "UNAVAILABLE"
    ```

    Source: the codes are those of google/rpc/code.proto.
    """

    def __init__(self, code, message, address):
        super().__init__(f"{address} answers {code}: {message}")
        self.code, self.message, self.address = code, message, address


def code_of(http_status):
    """Returns the name of the status for an HTTP status; "UNKNOWN" for others."""
    return _CODES.get(http_status, "UNKNOWN")


class Refusal(Exception):
    """An error of the development server that is sent to the client with this code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message
