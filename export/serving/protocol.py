"""The optional packages of serving, each loaded at first use: messages, stubs, gRPC, HTTP.

Importing the messages imports TensorFlow.
"""

import importlib

_STUBS = "tensorflow_serving.apis."
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def grpc():
    """Returns the module `grpc`.

    Raises:
        ImportError: if it is not installed; the message says how to install it.
    """
    return _module("grpc")


def messages(name):
    """Returns a module of `tensorflow_serving.apis`, such as `predict_pb2`.

    Raises:
        ImportError: if it is not installed; the message says how to install it.
    """
    return _module(_STUBS + name)


def configuration():
    """Returns the module of ModelServerConfig, which needs no TensorFlow."""
    return _module("tensorflow_serving.config.model_server_config_pb2")


def http():
    """Returns the module `httpx`."""
    return _module("httpx")


def web_server():
    """Returns the module `uvicorn`."""
    return _module("uvicorn")


def _module(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Serving needs {error.name}, which is not installed: pip install 'fcn_keras[serving]'"
        ) from error
