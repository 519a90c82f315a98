"""What `make dist` builds: wheel and source archive with the files of the repository, no others."""

import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import fcn_keras

ROOT = Path(__file__).resolve().parents[1]
NAME = f"fcn_keras-{fcn_keras.__version__}"
MADE = {"PKG-INFO", "setup.cfg"}  # by setuptools, beside fcn_keras.egg-info


def tracked(*folders):
    """The paths of the files that git knows of, and that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("no git checkout: nothing says which files belong to it")
    names = listed.stdout.decode().split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}


@pytest.mark.docs
def test_wheel_holds_the_library_and_no_stray_files(dist):
    with zipfile.ZipFile(dist / f"{NAME}-py3-none-any.whl") as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    information = {name for name in names if name.startswith(f"{NAME}.dist-info/")}
    exporters = {f"fcn_keras/{name}" for name in tracked("export")}
    assert names - information == tracked("fcn_keras") | exporters
    assert "fcn_keras/py.typed" in names
    assert f"{NAME}.dist-info/licenses/LICENSE" in information


@pytest.mark.docs
def test_wheel_runs_without_the_checkout(dist, tmp_path):
    """The program and the page's template, from the files of the wheel alone."""
    with zipfile.ZipFile(dist / f"{NAME}-py3-none-any.whl") as wheel:
        wheel.extractall(tmp_path)
    settings = os.environ | {"PYTHONPATH": str(tmp_path), "KERAS_BACKEND": "jax"}

    def printed(*words):
        command = [sys.executable, "-P", *words]
        return subprocess.check_output(command, cwd=tmp_path, env=settings, text=True).strip()

    assert printed("-m", "fcn_keras", "--version") == f"fcn-keras {fcn_keras.__version__}"
    where = "import fcn_keras; print(fcn_keras.export.export_web.__code__.co_filename)"
    template = Path(printed("-c", where)).parent / "template" / "index.html"
    assert template.is_relative_to(tmp_path) and template.is_file()


@pytest.mark.docs
def test_source_archive_holds_files_of_the_repository(dist):
    with tarfile.open(dist / f"{NAME}.tar.gz") as archive:
        names = {item.name.removeprefix(f"{NAME}/") for item in archive if item.isfile()}
    given = {name for name in names if not name.startswith("fcn_keras.egg-info/")} - MADE
    hidden = {name for name in tracked() if name.startswith(".")}
    assert given == tracked() - hidden


@pytest.mark.docs
def test_metadata_name_every_extra_and_the_tested_pythons(dist):
    with zipfile.ZipFile(dist / f"{NAME}-py3-none-any.whl") as wheel:
        metadata = email.message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    trove = "Programming Language :: Python :: "
    named = [c.removeprefix(trove) for c in metadata.get_all("Classifier") if trove in c]
    assert named == tested
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {"serving", "edge", "jax", "docs"} <= set(metadata.get_all("Provides-Extra"))
    assert metadata["Description-Content-Type"] == "text/markdown"


@pytest.mark.parametrize("name", ["bug", "request"])
def test_issue_forms_have_what_github_asks_for(name):
    form = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text("utf-8"))
    assert form["name"] and form["description"]
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in fields}) == len(fields) > 2
    assert all(part["attributes"]["label"] for part in fields)
