"""`fcn-keras summary`: a net's geometry, parameters, multiplications and memory."""

from typing import Annotated

import typer

from fcn_keras.cli.options import parse_size
from fcn_keras.cli.sources import load_library


def summary():
    """Show a net's geometry."""
    load_library()
    raise NotImplementedError
