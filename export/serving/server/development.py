"""A server for development: TF Serving's two interfaces for one SavedModel, on loopback."""

import contextlib
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fcn_keras.export.saved_model.exporting import check_tensorflow
from fcn_keras.export.saved_model.versions import find_saved_model
from fcn_keras.export.serving import protocol
from fcn_keras.export.serving.server.versions import Versions

LOOPBACK = "127.0.0.1"
REQUESTS = 32


class DevelopmentServer:
    """Serves a SavedModel on this machine as TensorFlow Serving does, for development and tests.

    It has the REST interface (status, metadata, `:predict` in rows and columns) and the gRPC
    interface (`PredictionService.Predict`, `GetModelMetadata`, `ModelService.GetModelStatus`), on
    127.0.0.1 only, with TF Serving's paths, errors and versions. It loads a version that appears
    in the folder, which then replaces the older one, and unloads a version that is deleted. It has
    no batching, no encryption and no monitoring; in production run TensorFlow Serving
    (`write_deployment`).

    Args:
        directory: A folder of versions as `export_saved_model` writes it, or one version's folder.
        name: The model's name in addresses. Default: the folder's.
        rest_port: Port of the REST interface; 0 for any free port.
        grpc_port: Port of the gRPC interface; 0 for any free port.
        versions: "latest", "all", or a list of the numbers to serve.
        labels: {label: version} for clients to name, such as {"stable": 1}. With labels all
            versions are served, unless `versions` gives numbers.
        poll: Seconds between two looks at the folder.
        parallel: Number of predictions that run at once. Default: one for each core.

    Attributes:
        rest_address: `http://127.0.0.1:PORT/v1/models/NAME`, after the start.
        grpc_address: `grpc://127.0.0.1:PORT/NAME`, after the start.
        model: The `ServedModel`, with `versions.states`.

    Raises:
        ValueError: if there is no SavedModel in the folder, or an argument has another value than
            the above.
        OSError: on `start`, if a port is taken.
        RuntimeError: if TensorFlow is not installed; on `start`, if no version can be loaded.
        ImportError: if uvicorn, grpcio or tensorflow-serving-api is not installed.

    Example:

    ```python
    from fcn_keras.export import serving

    kept = {"signatures": "serving_default", "warmup": None}
    folder = fcn_keras.export.export_saved_model(model, "serving/street", **kept).parent
    with serving.DevelopmentServer(folder, rest_port=0, grpc_port=0) as server:
        labels = serving.Client(server.grpc_address).segment("street.jpg")
    assert (labels == fcn_keras.segment(model, "street.jpg")).all()
    ```

    Source: https://www.tensorflow.org/tfx/serving/api_rest and the protos of
    tensorflow-serving-api.
    """

    def __init__(
        self,
        directory,
        name=None,
        *,
        rest_port=8501,
        grpc_port=8500,
        versions="latest",
        labels=None,
        poll=1.0,
        parallel=None,
    ):
        check_tensorflow()
        directory, versions = _folder(Path(directory), versions)
        if labels and versions == "latest":
            versions = "all"
        if not poll > 0:
            raise ValueError(f"`poll` must be a number of seconds above 0, got {poll!r}.")
        protocol.grpc(), protocol.web_server(), protocol.messages("predict_pb2")
        from fcn_keras.export.serving.server.loaded import Loaded
        from fcn_keras.export.serving.server.model import ServedModel

        name = name or directory.resolve().name
        found = Versions(directory, name, Loaded, versions, labels, poll)
        self.model = ServedModel(found, parallel or os.cpu_count() or 1)
        self.rest_address = self.grpc_address = None
        self._ports = rest_port, grpc_port
        self._running = None

    def start(self):
        """Loads the model, starts to listen, and returns the server."""
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(_listening(self._ports[0]))
            stack.callback(self.model.versions.stop)
            self.model.versions.start()
            self._check_loaded()
            pool = stack.enter_context(ThreadPoolExecutor(REQUESTS, "serving"))
            rpc, rpc_port = self._start_rpc(pool, stack)
            self._start_rest(pool, stack, sock)
            self._running = stack.pop_all()
        name = self.model.versions.name
        self.rest_address = f"http://{LOOPBACK}:{sock.getsockname()[1]}/v1/models/{name}"
        self.grpc_address = f"grpc://{LOOPBACK}:{rpc_port}/{name}"
        return self

    def stop(self):
        """Answers the requests that have arrived, and stops."""
        if self._running:
            self._running.close()
            self._running = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _check_loaded(self):
        states = self.model.versions.states
        if not any(state == "AVAILABLE" for state, _, _ in states.values()):
            told = "; ".join(f"version {v}: {text}" for v, (_, _, text) in states.items() if text)
            raise RuntimeError(f"{self.model.versions.directory}: nothing to serve. {told}")

    def _start_rpc(self, pool, stack):
        from fcn_keras.export.serving.server.rpc import rpc_server

        rpc, port = rpc_server(self.model, pool, f"{LOOPBACK}:{self._ports[1]}")
        rpc.start()
        stack.callback(lambda: rpc.stop(grace=5).wait())
        return rpc, port

    def _start_rest(self, pool, stack, sock):
        from fcn_keras.export.serving.server.rest import application

        uvicorn = protocol.web_server()
        config = uvicorn.Config(
            application(self.model, pool),
            lifespan="off",
            log_config=None,  # uvicorn's own would close the handlers that are there
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        rest = uvicorn.Server(config)
        thread = threading.Thread(target=rest.run, args=([sock],), name="rest", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(setattr, rest, "should_exit", True)
        while thread.is_alive() and not rest.started:
            time.sleep(0.01)


def _listening(port):
    """A listening socket; asyncio sends without delay only with an explicit protocol."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        told = f"REST cannot listen on {LOOPBACK}:{port}: {error.strerror}"
        raise OSError(error.errno, told) from error
    return sock


def _folder(directory, versions):
    """The folder of versions, and the versions to serve; for one version's folder that one."""
    if find_saved_model(directory) is None:
        raise ValueError(
            f"{directory} is not a SavedModel: neither it nor a version in it (1, 2, ...) holds a "
            "saved_model.pb."
        )
    if (directory / "saved_model.pb").is_file():
        number = directory.resolve().name
        if not (number.isascii() and number.isdecimal()):
            raise ValueError(
                f"{directory} is a SavedModel without a version: rename its folder to a "
                "number, such as street/1, and serve street."
            )
        return directory.resolve().parent, [int(number)]
    if versions in ("latest", "all"):
        return directory, versions
    if isinstance(versions, str) or not all(isinstance(number, int) for number in versions):
        raise ValueError(
            f'`versions` must be "latest", "all", or a list of numbers, got {versions!r}.'
        )
    return directory, [*versions]
