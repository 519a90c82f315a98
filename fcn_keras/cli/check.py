"""`fcn-keras check-data`: finds what is wrong with a dataset before it is trained on."""

import json as json_format
import sys
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import DATA_HELP, check_folder, check_picture
from fcn_keras.cli.sources import load_library, print_picture

SHOWN = 20


def check_data(
    dataset: Annotated[
        str | None,
        typer.Argument(metavar="NAME[:DIR]", help="The same as --data.", show_default=False),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME[:DIR]", help=DATA_HELP),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split to check.", show_default="all")] = None,
    sheet: Annotated[
        Path, typer.Option(metavar="FILE.png", help="Picture of examples beside their targets.")
    ] = Path("contact_sheet.png"),
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for the report as JSON.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help=f"Print every problem, not {SHOWN} of each kind.")
    ] = False,
):
    """Read every image and target of a dataset, and report what is wrong.

    Reports missing images and masks, unreadable files, sizes that differ, labels out of range,
    binary masks of 0 and 255, classes that never occur, and the share of each class; for
    regression the range of the values. The exit code is 1 if anything is wrong.

    [bold]Example[/bold]

    fcn-keras check-data --data folder:street --sheet street.png
    """
    if (dataset is None) == (data is None):
        raise ValueError(
            "check-data takes one dataset: `fcn-keras check-data --data NAME[:DIR]`, "
            + ("got none." if data is None else f"got {dataset!r} and --data {data!r}.")
        )
    check_folder(json)
    check_picture(sheet, writable=False)  # one that fails is no fault of the data
    load_library()
    from fcn_keras import data as datasets
    from fcn_keras import visualize

    name, root, options = datasets.parse(dataset or data)
    report = datasets.check(name, root, split, **options)
    try:  # neither is lost where the other fails
        if json:
            text = json_format.dumps(report.to_dict(), indent=1, ensure_ascii=False)
            json.write_text(text + "\n", encoding="utf-8")
    finally:
        _print(report, every)
    if json:
        print(f"figures: {json}")
    if report.dataset:
        print_picture("contact sheet", lambda: visualize.contact_sheet(report.dataset, sheet))
    if not report.ok:
        many = len(report.problems)
        raise ValueError(f"{report.name} has {many} problem{'s' * (many > 1)}.")
    print("nothing is wrong")


def _print(report, every):
    """Prints what was found, and the problems as errors."""
    counts = ", ".join(f"{count} in {part}" for part, count in report.examples.items())
    print(f"{report.name}: {counts}\n\n{report.table()}\n")
    for sentence in (*report.notes, *report.warnings):
        print(f"note: {sentence}")
    for line in _shown(report.problems, every):
        print(line, file=sys.stderr)


def _shown(problems, every):
    """Yields a line for each problem; where there are many of a kind, for the first of them."""
    kinds = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem)
    for kind, found in kinds.items():
        shown = found if every else found[:SHOWN]
        yield from map(str, shown)
        if len(shown) < len(found):
            yield f"... and {len(found) - len(shown)} more of the kind {kind!r} (--every)"
