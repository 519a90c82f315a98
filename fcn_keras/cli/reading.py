"""Options of commands that read image files without a dataset."""

from typing import Annotated

import typer

from fcn_keras.data.images.alpha import ALPHAS
from fcn_keras.data.images.reader import OPTIONS

_PANEL = "Reading images"

Bits = Annotated[
    int | None,
    typer.Option("--bits", metavar="N", help=OPTIONS["bits"].help, rich_help_panel=_PANEL),
]
Alpha = Annotated[
    str | None,
    typer.Option(
        "--image-alpha",
        metavar="|".join(ALPHAS),
        help=OPTIONS["alpha"].help,
        rich_help_panel=_PANEL,
    ),
]
Page = Annotated[
    int | None,
    typer.Option("--page", metavar="N", help=OPTIONS["page"].help, rich_help_panel=_PANEL),
]
