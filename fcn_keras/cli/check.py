"""`fcn-keras check-data`: what is wrong with a dataset, before a training finds out."""

import json as json_format
import sys
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import DATA_HELP
from fcn_keras.cli.sources import load_library

SHOWN = 20


def check_data(
    data: Annotated[str, typer.Argument(metavar="NAME[:DIR]", help=DATA_HELP, show_default=False)],
    split: Annotated[str | None, typer.Option(help="Only this split.", show_default="all")] = None,
    sheet: Annotated[
        Path, typer.Option(metavar="FILE.png", help="Examples beside their coloured masks.")
    ] = Path("contact_sheet.png"),
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was found as JSON.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help=f"Print every problem, not {SHOWN} of a kind.")
    ] = False,
):
    """Read every image and mask of a dataset, and report what is wrong.

    Missing partners, unreadable files, sizes that differ, labels out of range, binary masks of 0
    and 255, classes that never occur, and how the pixels share out among the classes. Exit code 1
    if anything is wrong.

    [bold]Example[/bold]

    fcn-keras check-data folder:street --sheet street.png
    """
    load_library()
    from fcn_keras import data as datasets

    name, root, options = datasets.parse(data)
    report = datasets.check(name, root, split, **options)
    counts = ", ".join(f"{count} in {part}" for part, count in report.examples.items())
    print(f"{report.name}: {counts}\n\n{report.table()}\n")
    for warning in report.warnings:
        print(f"note: {warning}")
    if json:
        text = json_format.dumps(report.to_dict(), indent=1, ensure_ascii=False)
        json.write_text(text + "\n", encoding="utf-8")
        print(f"figures: {json}")
    if report.dataset:
        print(f"contact sheet: {datasets.contact_sheet(report.dataset, sheet)}")
    for line in _shown(report.problems, every):
        print(line, file=sys.stderr)
    if not report.ok:
        many = len(report.problems)
        raise ValueError(f"{report.name} has {many} problem{'s' * (many > 1)}.")
    print("nothing is wrong")


def _shown(problems, every):
    """A line for each problem, the first of each kind where there are many."""
    kinds = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem)
    for kind, found in kinds.items():
        shown = found if every else found[:SHOWN]
        yield from map(str, shown)
        if len(shown) < len(found):
            yield f"... and {len(found) - len(shown)} more of the kind {kind!r} (--every)"
