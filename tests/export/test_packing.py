"""Archives of runs: what is in them, that every form of opening takes them, and that damage is
noticed.
"""

import hashlib
import subprocess
import zipfile

import numpy as np
import pytest

import fcn_keras
from fcn_keras.export.packing import SUMS, is_pack
from fcn_keras.training import RunFolder

LABELS = fcn_keras.LabelSet(("wall", "door", "window"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    model = fcn_keras.fcn32s(3, "vgg_slim", weights=None, labels=LABELS)
    model.save(folder.best)
    LABELS.save(folder.labels)
    folder.write_config({"recipe": {"crop": [24, 32]}, "data": {"train": {}, "val": None}})
    (folder.path / "notes.txt").write_text("not for others")
    return folder


@pytest.fixture
def packed(run, tmp_path):
    return fcn_keras.export.pack(run.path, tmp_path / "street.zip")


def test_the_archive_segments_as_the_run(run, packed):
    image = np.random.default_rng(0).integers(0, 256, (33, 41, 3), "uint8")
    expected = fcn_keras.export.load(run.path).segment(image)
    opened = fcn_keras.load(packed)
    assert np.array_equal(opened.segment(image), expected)
    assert opened.labels == LABELS


def test_it_holds_what_others_need_with_checksums(run, packed, tmp_path):
    with zipfile.ZipFile(packed) as archive:
        assert set(archive.namelist()) == {"best.keras", "labels.json", "config.json", SUMS}
        archive.extractall(tmp_path / "by hand")
    for line in (tmp_path / "by hand" / SUMS).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((run.path / name).read_bytes()).hexdigest() == digest
    check = ["sha256sum", "--check", "--quiet", SUMS]
    assert subprocess.run(check, cwd=tmp_path / "by hand", check=False).returncode == 0


def test_damage_and_foreign_files_are_noticed(packed, tmp_path):
    with zipfile.ZipFile(packed) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def written(name, **changed):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in {**files, **changed}.items():
                if content is not None:
                    archive.writestr(file, content)
        return path

    other = {"labels.json": files["labels.json"].replace(b"door", b"Door")}
    with pytest.raises(ValueError, match=r"checksum of labels\.json"):
        fcn_keras.load(written("changed.zip", **other))
    with pytest.raises(ValueError, match=r"best\.keras is missing"):
        fcn_keras.load(written("without.zip", **{"best.keras": None}))
    with pytest.raises(ValueError, match="no packed run has"):
        fcn_keras.load(written("foreign.zip", **{"../evil.py": b"1"}))
    assert not is_pack(written("plain.zip", **{SUMS: None}))


def test_nothing_is_replaced_unasked(run, packed):
    with pytest.raises(FileExistsError, match="overwrite"):
        fcn_keras.export.pack(run.path, packed)
    fcn_keras.export.pack(run.path, packed, overwrite=True)
    with pytest.raises(ValueError, match=r"ends in \.zip"):
        fcn_keras.export.pack(run.path, packed.with_suffix(".tar"))
    with pytest.raises(FileNotFoundError, match="no run"):
        fcn_keras.export.pack(packed.parent, packed.with_name("other.zip"))
