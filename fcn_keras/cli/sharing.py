"""The commands `fcn-keras card` and `fcn-keras pack`: a run for others."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import check_folder
from fcn_keras.cli.sources import load_library

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)]


def card(
    run: Run,
    title: Annotated[
        str | None, typer.Option(help="Heading. Default: the folder's name.", show_default=False)
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Figures that evaluate --json wrote. Default: the best validation in training.",
        ),
    ] = None,
    license: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Licence of the net, such as apache-2.0 or cc-by-nc-4.0."
        ),
    ] = None,
    data_license: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Licence of the images and masks.")
    ] = None,
    weights_license: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Licence of the weights that the training began with."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a README.md of another origin.")
    ] = False,
):
    """Write the model card of a run: README.md in its folder.

    It says what the net is, its data, recipe and seed, its figures for each class, its geometry
    and cost, how it is used, and the licences that you give. Its head is what the Hugging Face hub
    reads. A training writes one too; this command adds figures and licences.

    [bold]Examples[/bold]

    fcn-keras evaluate runs/street --data camvid:CamVid --boundary --json val.json

    fcn-keras card runs/street --figures val.json --data-license "CC BY-NC 4.0"
    """
    load_library()
    from fcn_keras.training import Licences, write_card

    licences = Licences(license, data_license, weights_license)
    path = write_card(run, title=title, figures=figures, licences=licences, overwrite=overwrite)
    print(f"model card: {path}")


def pack(
    run: Run,
    out: Annotated[
        Path, typer.Option(metavar="FILE.zip", help="Archive to write.", show_default=False)
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there already.")
    ] = False,
):
    """Write one archive of a run: the model, its classes, its card, and checksums.

    All commands that take a MODEL take the archive, and so does fcn_keras.load. Damage is noticed.

    [bold]Examples[/bold]

    fcn-keras pack runs/street --out street.zip

    fcn-keras predict street.zip photos --out predictions
    """
    check_folder(out)
    load_library()
    from fcn_keras import export

    path = export.pack(run, out, overwrite=overwrite)
    print(f"archive: {path} ({path.stat().st_size / 1e6:.1f} MB)")
