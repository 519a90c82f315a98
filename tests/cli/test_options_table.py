"""The tables of options in docs/cli.md are those of the declarations."""

from pathlib import Path

import pytest

from fcn_keras.cli.recipe_options import tables

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


@pytest.mark.parametrize("heading", tables())
def test_the_page_has_the_declared_options(heading):
    table = tables()[heading]
    assert table in PAGE.read_text(encoding="utf-8"), f"docs/cli.md needs this table:\n\n{table}"
