"""Run folders with damaged files: `--resume` names the file and what is left to do."""

import json
import zipfile

import keras
import pytest

from fcn_keras.training import RunFolder

CONFIG = {
    "recipe": {}, "class_weights": None, "data": {"train": {}, "val": None},
    "model": {"precision": "float32"}, "resumed": [],
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path)
    net = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    folder.save_last(net, [{"epoch": 1, "loss": 0.5}])
    folder.write_config(CONFIG)
    return folder


def test_a_whole_run_is_read(run):
    assert run.read_history() == [{"epoch": 1, "loss": 0.5}]
    assert run.read_config(whole=True).items() >= CONFIG.items()


@pytest.mark.parametrize("content, said", [(b"", "is empty"), (b"<html>", "a web page")])
def test_a_damaged_model_names_the_other(run, content, said):
    run.last.write_bytes(content)
    with pytest.raises(ValueError, match=f"model.keras .*{said}") as refused:
        run.read_history()
    assert "--init-from" not in str(refused.value)
    run.best.write_bytes(b"PK")
    with pytest.raises(ValueError, match="start a new run from .*best.keras with --init-from"):
        run.read_history()


def test_a_model_that_no_training_wrote(run):
    keras.saving.load_model(run.last).save(run.last)
    with pytest.raises(ValueError, match="model.keras has no history in it.*--init-from"):
        run.read_history()


def test_a_damaged_history(run):
    with zipfile.ZipFile(run.last) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(run.last, "w") as archive:
        for name, content in {**parts, "history.json": b"[{"}.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="model.keras holds a damaged history"):
        run.read_history()


@pytest.mark.parametrize("part", list(CONFIG))
def test_a_config_without_a_part_names_it(run, part):
    run.config.write_text(json.dumps({k: v for k, v in CONFIG.items() if k != part}))
    with pytest.raises(ValueError, match=f"config.json is not what a training wrote.*'{part}"):
        run.read_config(whole=True)


@pytest.mark.parametrize("text", ["[]", "null", '{"model_type": "segformer"}'])
def test_another_programs_config_is_refused(run, text):
    run.config.write_text(text)
    with pytest.raises(ValueError, match="config.json is not what a training wrote"):
        run.read_config(whole=True)


def test_a_config_cut_short(run):
    run.config.write_text('{"recipe": {')
    with pytest.raises(ValueError, match="config.json is not JSON: line 1.*ends too early"):
        run.read_config(whole=True)
