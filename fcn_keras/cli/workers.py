"""The command `fcn-keras worker`: runs `train` as one of several processes that train together."""

import os
from typing import Annotated

import typer

from fcn_keras.cli.sources import load_library

SETTINGS = {"allow_interspersed_args": False, "ignore_unknown_options": True}


def worker(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND...", help="Command to run, such as train --out runs/street."
        ),
    ],
    coordinator: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", help="Address of process 0, which listens there; any free port."
        ),
    ],
    process: Annotated[int, typer.Option(metavar="I", help="Number of this process, from 0.")],
    processes: Annotated[int, typer.Option(metavar="N", help="Number of processes.")],
    timeout: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            help="Seconds without a sign of life after which a process counts as lost.",
        ),
    ] = 60,
):
    """Train as one of several processes, on one machine or several; runs on JAX.

    Start the same command N times, each with its own --process. The run folder and the data must
    have the same paths for all. If a process is lost, all end; start them again with --resume.

    [bold]Examples[/bold]

    fcn-keras worker --coordinator 10.0.0.1:1234 --process 0 --processes 2 train --data
    camvid:CamVid --out runs/camvid

    fcn-keras worker --coordinator 10.0.0.1:1234 --process 1 --processes 2 train --data
    camvid:CamVid --out runs/camvid
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    load_library()
    from fcn_keras.cli import app
    from fcn_keras.training.distributed import join

    if {"--help", "-h"} & set(words):
        return app(words, prog_name="fcn-keras", standalone_mode=False)
    with join(coordinator, process, processes, timeout=timeout):
        return app(words, prog_name="fcn-keras", standalone_mode=False)
