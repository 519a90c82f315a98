"""`fcn-keras recipes`: the named recipes, and one of them in full."""

import shlex
from typing import Annotated

import typer

from fcn_keras.cli.sources import load_library


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Show all of this one.", show_default=False),
    ] = None,
):
    """List the named recipes, or show every field of one.

    [bold]Examples[/bold]

    fcn-keras recipes

    fcn-keras recipes heavy-8s

    fcn-keras train --recipe small-data --data folder:parts --out runs/parts
    """
    load_library()
    print("\n".join(_table() if name is None else _in_full(name)))


def _table():
    """One line a recipe, in columns."""
    from fcn_keras.training import recipes as table

    rows = [("name", "optimizer", "rate", "batch", "crop", "length", "for")]
    for name in table.names():
        recipe = table.get(name).filled()
        rows.append((name, *_columns(recipe), table.entry(name).purpose))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        yield "  ".join(cells).rstrip()


def _columns(recipe):
    batch = str(recipe.batch_size)
    if recipe.accumulate > 1:
        batch = f"{recipe.accumulate} x {batch}"
    crop = {None: "whole", "auto": "auto"}.get(recipe.crop) or "{}x{}".format(*recipe.crop)
    length = f"{recipe.epochs} epochs" if recipe.steps is None else f"{recipe.steps:,} steps"
    return recipe.optimizer, f"{recipe.learning_rate:g}", batch, crop, length


def _in_full(name):
    from fcn_keras.training import recipes as table

    entry = table.entry(name)
    yield f"{name}: {entry.purpose}"
    yield f"from: {entry.source}"
    if entry.advice:
        yield entry.advice
    yield ""
    config = table.get(name).filled().to_config()
    config["crop"] = config["crop"] or "whole images"
    if config["steps"] is not None:
        config["epochs"] = "as many as the steps take"
    width = max(map(len, config)) + 2
    for field, value in config.items():
        if field != "name":
            yield f"{field:{width}}{_said(value)}"
    yield ""
    words = [
        f"--{option.replace('_', '-')}" + ("" if value is True else f" {shlex.quote(str(value))}")
        for option, value in entry.net.items()
    ]
    yield f"net, where no other is asked for: {' '.join(words)}"


def _said(value):
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_said(part)}" for key, part in value.items())
    if isinstance(value, list):
        return " to ".join(map(_said, value)) if len(value) == 2 else ", ".join(map(_said, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
