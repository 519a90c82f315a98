"""`fcn-keras serve`: a SavedModel on this machine behind TF Serving's interfaces."""

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
            help="A folder of versions, or one version's folder.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="The model's name; by default the folder's.")
    ] = None,
    rest_port: Annotated[int, typer.Option(help="Port of REST; 0 for any.")] = 8501,
    grpc_port: Annotated[int, typer.Option(help="Port of gRPC; 0 for any.")] = 8500,
    versions: Annotated[
        str, typer.Option(metavar="latest|all|N,N", help="Which versions to serve.")
    ] = "latest",
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=N", help="A label for a version; serves all. Repeatable."),
    ] = None,
    poll: Annotated[
        float, typer.Option(metavar="SECONDS", help="How often to look for new versions.")
    ] = 1.0,
):
    """Serve a SavedModel on this machine as TF Serving does, for development.

    It listens on 127.0.0.1 alone, over REST and gRPC, with TF Serving's paths and answers. A
    version that appears in the folder takes over, one that vanishes is dropped. In production run
    TensorFlow Serving; fcn_keras.export.serving.export_serving writes what that needs.

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
        print("A server for development; in production run TensorFlow Serving. Ctrl-C ends it.")
        print(end="", flush=True)
        while not ended.wait(3600):
            pass


def _versions(text):
    """ "latest" and "all" as they are, "1,2" as [1, 2]."""
    if text in ("latest", "all"):
        return text
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--versions takes latest, all, or numbers with commas between; got {text!r}."
        ) from None


def _label(text):
    """ "stable=1" as ("stable", 1)."""
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise ValueError(f"--label takes NAME=N, such as stable=1; got {text!r}.")
    return name, int(number)


def _show_versions():
    """Prints what the server does with versions, one line each."""
    log = logging.getLogger("fcn_keras.export.serving")
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
    log.setLevel(logging.INFO)
