"""Exports that are not whole: the message names the file and says what to do."""

import shutil

import pytest

from fcn_keras import export


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory):
    """A SavedModel and a TFLite file."""
    folder = tmp_path_factory.mktemp("whole")
    export.export_saved_model(model, folder / "served", signatures="serving_default", warmup=None)
    export.export_tflite(model, folder / "net.tflite", size=(16, 16))
    return folder


@pytest.fixture
def served(whole, tmp_path):
    """A copy of the version's folder."""
    return shutil.copytree(whole / "served", tmp_path / "served") / "1"


def refusal(path):
    with pytest.raises(ValueError) as refused:
        export.load(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_a_tflite_file_cut_short(whole, tmp_path):
    content = (whole / "net.tflite").read_bytes()
    path = tmp_path / "net.tflite"
    for length in (20, len(content) // 2, len(content) - 10):
        path.write_bytes(content[:length])
        assert "it is cut short, or fcn_keras.export.export_tflite did not write" in refusal(path)


@pytest.mark.parametrize(
    "content, said",
    [(b"", "is no model: give"), (b"<html>", "a web page"), (b"\x89HDF", "HDF5 file")],
)
def test_what_is_no_tflite_file(tmp_path, content, said):
    path = tmp_path / "net.tflite"
    path.write_bytes(content)
    assert said in refusal(path)


@pytest.mark.parametrize("length, said", [(0, "is empty"), (2000, "is damaged")])
def test_a_graph_cut_short(served, length, said):
    graph = served / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:length])
    text = refusal(served)
    assert f"saved_model.pb {said}" in text or f"variables {said}" in text
    assert "Copy the whole folder again" in text


def test_variables_that_are_missing_or_cut_short(served):
    (data,) = (served / "variables").glob("*.data*")
    data.write_bytes(data.read_bytes()[:100])
    assert f"a file of {served / 'variables'} is damaged" in refusal(served)
    shutil.rmtree(served / "variables")
    assert "are missing" in refusal(served)


@pytest.mark.parametrize("text, said", [("{", "is not JSON"), ("{}", "describes no task")])
def test_a_damaged_task(served, text, said):
    (served / "assets" / "task.json").write_text(text)
    with pytest.raises(ValueError, match=f"task.json {said}"):
        export.load(served)
