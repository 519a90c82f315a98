"""The archives of a release, as `make dist` builds them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def dist(made_once):
    """A folder with the source archive and the wheel, which passed the checks of twine."""
    for package in ("build", "twine"):
        pytest.importorskip(package, reason="`make dist` installs it")

    def make(folder):
        words = ["-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
        subprocess.run([sys.executable, *words], check=True, cwd=folder)
        words = ["-m", "twine", "check", "--strict", *map(str, folder.iterdir())]
        subprocess.run([sys.executable, *words], check=True)

    return made_once("dist", make)
