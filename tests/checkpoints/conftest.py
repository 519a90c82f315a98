"""Checkpoints that torch wrote (files/, by make_files.py)."""

from pathlib import Path

import pytest

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="session")
def files():
    """The folder of checkpoints that torch wrote."""
    return FILES
