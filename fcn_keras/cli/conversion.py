"""The command `fcn-keras convert`: writes a dataset as a folder of images and masks."""

import sys
from typing import Annotated

import typer

from fcn_keras.cli.options import DATA_HELP
from fcn_keras.cli.sources import load_library

SHOWN = 20
TARGET = "folder:"


def convert(
    source: Annotated[
        str, typer.Argument(metavar="NAME[:DIR]", help=DATA_HELP, show_default=False)
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="folder:OUT", help="Folder to write; made if missing.", show_default=False
        ),
    ],
    split: Annotated[str | None, typer.Option(help="Split to convert.", show_default="all")] = None,
):
    """Write any dataset of classes as a folder of images, masks and classes.txt.

    images/ has copies of the images, masks/ a PNG of class numbers for each, coloured by its
    palette, classes.txt the names and colours, and train.txt, val.txt, ... the names of each split.
    What cannot be read is reported and left out; the exit code is then 1.

    [bold]Examples[/bold]

    fcn-keras convert labelme:photos folder:parts

    fcn-keras convert coco:export,boxes=fill folder:eggs --split train
    """
    if not target.startswith(TARGET) or target == TARGET:
        raise ValueError(f"convert writes to folder:OUT, such as folder:parts; got {target!r}.")
    load_library()
    from fcn_keras import data as datasets

    name, root, options = datasets.parse(source)
    out = target.removeprefix(TARGET)
    converted = datasets.convert(name, root, out, split=split, **options)
    counts = ", ".join(f"{count} in {part}" for part, count in converted.examples.items())
    print(f"{name}: {counts}\n\n{converted.table()}\n")
    for sentence in converted.notes:
        print(f"note: {sentence}")
    for error in converted.errors[:SHOWN]:
        print(f"fcn-keras: {error}", file=sys.stderr)
    left = len(converted.errors) - SHOWN
    if left > 0:
        print(f"... and {left} more", file=sys.stderr)
    print(f"written: {converted.folder} (fcn-keras check-data {TARGET}{converted.folder})")
    if converted.errors:
        raise typer.Exit(1)
