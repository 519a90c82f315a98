"""The command `fcn-keras recipes`: the table of named recipes, and one of them in full."""

import shlex
from typing import Annotated

import typer

from fcn_keras.cli.recipe_options import net_words


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Recipe to show with all its fields.", show_default=False
        ),
    ] = None,
):
    """List the named recipes, or show every field of one.

    [bold]Examples[/bold]

    fcn-keras recipes

    fcn-keras recipes heavy-8s

    fcn-keras train --recipe small-data --data folder:parts --out runs/parts
    """
    print("\n".join(_table() if name is None else _in_full(name)))


def _table():
    """Yields one line for each recipe, in columns."""
    from fcn_keras.training import recipes as table

    rows = [("name", "optimizer", "rate", "batch", "crop", "length", "purpose")]
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
    crop = {None: "whole", "auto": "auto"}.get(recipe.crop) or _size(recipe.crop)
    length = f"{recipe.epochs} epochs" if recipe.steps is None else f"{recipe.steps:,} steps"
    return recipe.optimizer, f"{recipe.learning_rate:g}", batch, crop, length


def _size(crop):
    return "{}x{}".format(*crop)


def _in_full(name):
    """Yields the lines about one recipe."""
    from fcn_keras.training import recipes as table

    entry, recipe = table.entry(name), table.get(name).filled()
    yield f"{name}: {entry.purpose}"
    yield f"source: {entry.source}"
    if entry.advice:
        yield entry.advice
    yield ""
    config = recipe.to_config()
    config["crop"] = {None: "whole images", "auto": "auto"}.get(recipe.crop) or _size(recipe.crop)
    config["loss"] = config["loss"] or "the task's own"
    config["drops"] = ", ".join(f"{share:.3g}" for share in recipe.drops)
    if recipe.weight_maps is not None:
        config["weight_maps"] = "{:g}:{:g}".format(*recipe.weight_maps)
    if config["steps"] is not None:
        config["epochs"] = "as many as the steps take"
    shown = {field: value for field, value in config.items() if field not in ("name", "net")}
    width = max(map(len, shown)) + 2
    for field, value in shown.items():
        yield f"{field:{width}}{_text(value)}"
    yield ""
    yield f"net, unless options choose another: {shlex.join(net_words(recipe.net))}"


def _text(value):
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    if isinstance(value, list):
        return " to ".join(map(_text, value)) if len(value) == 2 else ", ".join(map(_text, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
