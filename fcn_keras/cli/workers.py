"""`fcn-keras worker`: another command as one process of several that train together."""

import os
from typing import Annotated

import typer

from fcn_keras.cli.sources import load_library

SETTINGS = {"allow_interspersed_args": False, "ignore_unknown_options": True}


def worker(
    words: Annotated[
        list[str], typer.Argument(metavar="COMMAND...", help="Such as: train --out runs/street")
    ],
    coordinator: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where process 0 listens; any free port.")
    ],
    process: Annotated[int, typer.Option(metavar="I", help="Number of this one, from 0.")],
    processes: Annotated[int, typer.Option(metavar="N", help="How many there are.")],
    timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="Without a sign of life a process is lost.")
    ] = 60,
):
    """Train as one of several processes, on one machine or several; runs on JAX.

    Start the same command N times, each with its own --process. The run folder and the data must
    be at the same place for all. If a process is lost all end; start them again with --resume.

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
