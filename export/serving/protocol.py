"""The official messages and stubs of TensorFlow Serving, and gRPC; loaded when first needed.

Importing them imports TensorFlow.
"""

import importlib

_STUBS = "tensorflow_serving.apis."
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def grpc():
    """The module `grpc`.

    Raises:
        ImportError: saying what to install.
    """
    return _module("grpc")


def messages(name):
    """A module of `tensorflow_serving.apis`, such as `predict_pb2`.

    Raises:
        ImportError: saying what to install.
    """
    return _module(_STUBS + name)


def configuration():
    """The module of ModelServerConfig, which needs no TensorFlow."""
    return _module("tensorflow_serving.config.model_server_config_pb2")


def http():
    """The module `httpx`."""
    return _module("httpx")


def web_server():
    """The module `uvicorn`."""
    return _module("uvicorn")


def _module(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Serving needs {error.name}, which is not installed: pip install 'fcn_keras[serving]'"
        ) from error
