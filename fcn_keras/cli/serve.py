"""The command `fcn-keras serve`: serves a SavedModel on this machine for development."""

import logging
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.sources import load_library


def serve(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="SAVED_MODEL",
            help="Folder of versions, or of one version.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the model in addresses. Default: the folder's.")
    ] = None,
    rest_port: Annotated[int, typer.Option(help="Port of REST; 0 for any free port.")] = 8501,
    grpc_port: Annotated[int, typer.Option(help="Port of gRPC; 0 for any free port.")] = 8500,
    versions: Annotated[
        str, typer.Option(metavar="latest|all|N,N", help="Versions to serve.")
    ] = "latest",
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=N",
            help="Label of a version, for clients to name; serves all versions. Repeatable.",
        ),
    ] = None,
    poll: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Time between two looks for new versions, in seconds."
        ),
    ] = 1.0,
):
    """Serve a SavedModel on this machine as TF Serving does, for development.

    It listens on 127.0.0.1 only, over REST and gRPC, with TF Serving's paths and answers. It
    loads a version that appears in the folder, which then replaces the older one, and unloads one
    that is deleted. In production run TensorFlow Serving: fcn-keras export --format serving writes
    its files.

    [bold]Example[/bold]

    fcn-keras serve exported/camvid
    """
    load_library()
    from fcn_keras.export.serving import DevelopmentServer

    server = DevelopmentServer(
        directory,
        name,
        rest_port=rest_port,
        grpc_port=grpc_port,
        versions=_versions(versions),
        labels=dict(_label(text) for text in label or ()),
        poll=poll,
    )
    _show_versions()
    ended = threading.Event()
    with server:
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        print(f"REST:  {server.rest_address}")
        print(f"gRPC:  {server.grpc_address}")
        print(f"Try:   fcn-keras predict {server.rest_address} IMAGE --out out")
        print(
            "This server is for development; in production run TensorFlow Serving. Ctrl-C stops it."
        )
        print(end="", flush=True)
        while not ended.wait(3600):
            pass


def _versions(text):
    """Returns "1,2" as [1, 2], and "latest" and "all" unchanged."""
    if text in ("latest", "all"):
        return text
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--versions takes latest, all, or numbers with commas between, got {text!r}."
        ) from None


def _label(text):
    """Returns "stable=1" as ("stable", 1)."""
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise ValueError(f"--label takes NAME=N, such as stable=1, got {text!r}.")
    return name, int(number)


def _show_versions():
    """Prints a line for each version that the server loads or unloads."""
    log = logging.getLogger("fcn_keras.export.serving")
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
    log.setLevel(logging.INFO)
