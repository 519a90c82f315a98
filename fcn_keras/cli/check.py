"""`fcn-keras check-data`: what is wrong with a dataset, before a training finds out."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import DATA_HELP
from fcn_keras.cli.sources import load_library


def check_data(
    data: Annotated[
        str,
        typer.Argument(metavar="NAME[:DIR]", help=DATA_HELP, show_default=False),
    ],
):
    """Read every image and mask of a dataset, and report what is wrong."""
    load_library()
    raise NotImplementedError
