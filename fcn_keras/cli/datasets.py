"""The command `fcn-keras datasets`: the names that --data takes, and the options of each."""

import textwrap
from typing import Annotated

import typer

WIDTH = 100


def datasets(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Dataset to show alone.", show_default=False),
    ] = None,
):
    """List the datasets and their options.

    Options follow the name or the folder after commas, as in voc:VOCdevkit,year=2011. In Python
    they are keyword arguments: load("voc", "VOCdevkit", year=2011).

    [bold]Examples[/bold]

    fcn-keras datasets

    fcn-keras datasets folder

    fcn-keras check-data folder:parts,binary,void=11
    """
    from fcn_keras.data import listing

    known = listing.modules()
    if name is not None:
        asked = listing.TFDS if name.partition(":")[0] == "tfds" else name.partition(":")[0]
        if asked not in known:
            raise ValueError(f"There is no dataset {name!r}. Known: {', '.join(known)}.")
        known = {asked: known[asked]}
    rows = listing.rows()
    width = max(len(option) for _, option, _ in rows) + 2
    for one in known:
        written = listing.written(one)
        print(f"{written}\n{_wrapped(listing.summary(one), 2)}")
        for dataset, option, help in rows:
            if dataset == written and option:
                print(_wrapped(help, width + 4, f"    {option:{width}}"))
        print()


def _wrapped(text, indent, first=None):
    blank = " " * indent
    return textwrap.fill(
        text, WIDTH, initial_indent=blank if first is None else first, subsequent_indent=blank
    )
