"""TensorFlow Serving: files to deploy, clients over REST and gRPC, a server for development.

The packages for HTTP, gRPC and TensorFlow are loaded when a client or a server is made.
"""

from fcn_keras.export.serving.client import AsyncClient, Client
from fcn_keras.export.serving.deployment import export_serving, write_deployment
from fcn_keras.export.serving.errors import ServerError
from fcn_keras.export.serving.server import DevelopmentServer

__all__ = [
    "AsyncClient",
    "Client",
    "DevelopmentServer",
    "ServerError",
    "export_serving",
    "write_deployment",
]
