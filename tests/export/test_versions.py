"""Versions of a SavedModel: numbered, whole or absent, never replaced unasked."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import export
from fcn_keras.export.saved_model import exporting, find_saved_model
from fcn_keras.export.saved_model.versions import new_version


def write(folder, model, **options):
    return export.export_saved_model(
        model, folder, signatures="serving_default", warmup=None, **options
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def pretend(folder):
    """A version that counts as written."""
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_text("none")


def test_the_next_free_number_and_the_highest_version(model, tmp_path):
    pretend(tmp_path / "m/2")
    pretend(tmp_path / "m/9")
    pretend(tmp_path / "m/aside")
    assert write(tmp_path / "m", model) == tmp_path / "m/10"
    assert names(tmp_path / "m") == ["10", "2", "9", "aside"]
    assert find_saved_model(tmp_path / "m") == tmp_path / "m/10"
    assert find_saved_model(tmp_path / "m/2") == tmp_path / "m/2"
    assert find_saved_model(tmp_path) is None and find_saved_model(tmp_path / "none") is None
    assert export.SavedModelPredictor(tmp_path / "m").labels == fcn_keras.labels_of(model)


def test_two_exports_at_once_get_two_numbers(tmp_path):
    with new_version(tmp_path / "m", None) as first, new_version(tmp_path / "m", None) as second:
        for draft in (first, second):
            pretend(draft.folder)
        published = [first.publish(), second.publish()]
    assert published == [tmp_path / "m/1", tmp_path / "m/2"]
    assert names(tmp_path / "m") == ["1", "2"]


def test_nothing_is_replaced_unasked(model, tmp_path):
    first = write(tmp_path / "m", model, version=3)
    with pytest.raises(ValueError, match="3 already exists.*overwrite=True"):
        write(tmp_path / "m", model, version=3)
    other = fcn_keras.LabelSet(tuple("abcde"))
    assert write(tmp_path / "m", model, version=3, labels=other, overwrite=True) == first
    assert export.SavedModelPredictor(first).labels == other
    assert names(tmp_path / "m") == ["3"]


def test_a_folder_of_something_else_is_kept(model, tmp_path):
    (tmp_path / "m/1").mkdir(parents=True)
    (tmp_path / "m/1/dear.txt").write_text("keep me")
    with pytest.raises(ValueError, match="not a SavedModel, so it is not replaced"):
        write(tmp_path / "m", model, version=1, overwrite=True)
    assert (tmp_path / "m/1/dear.txt").exists()
    pretend(tmp_path / "single")
    with pytest.raises(ValueError, match="single is a SavedModel"):
        write(tmp_path / "single", model)


def test_a_failed_export_leaves_nothing(model, tmp_path, monkeypatch):
    pretend(tmp_path / "m/1")

    def broken(_, folder, __):
        pretend(folder)
        raise OSError("no space left on device")

    monkeypatch.setattr(exporting, "_writer", lambda: broken)
    for name, options in (("m", {"version": 1, "overwrite": True}), ("new", {})):
        with pytest.raises(OSError, match="no space"):
            write(tmp_path / name, model, **options)
    assert names(tmp_path) == ["m"] and names(tmp_path / "m") == ["1"]
    assert names(tmp_path / "m/1") == ["saved_model.pb"]


WRONG = (
    ({"version": 0}, "`version` must be a whole number of at least 1, got 0"),
    ({"version": fcn_keras.LabelSet(("a", "b"))}, "of at least 1, got LabelSet"),
    ({"overwrite": True}, "name it, as in version=1"),
    ({"labels": fcn_keras.LabelSet(("a", "b"))}, "names 2 classes, the model has 5"),
    ({"signatures": ("logits",)}, "must contain 'serving_default'"),
    ({"signatures": ("serving_default", "maps")}, "'assets', got 'maps'"),
    ({"warmup": 256}, "one size.*got 256"),
    ({"warmup": [(256, 0)]}, "one size"),
    ({"max_side": 0}, "`max_side` must be a whole number of at least 1, got 0"),
    ({"max_megapixels": -1}, "got -1"),
    ({"precision": "int8"}, "'mixed_bfloat16', got 'int8'"),
)


@pytest.mark.parametrize("options, told", WRONG, ids=str)
def test_what_does_not_fit_is_refused(model, tmp_path, options, told):
    with pytest.raises(ValueError, match=told):
        export.export_saved_model(model, tmp_path / "m", **options)
    assert not (tmp_path / "m").exists()


def test_what_a_model_cannot_do_is_refused(tmp_path):
    inputs = keras.Input((8, 12, 4))
    fixed = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    for options, told in (
        ({"signatures": ("serving_default", "encoded")}, "takes 4 channels"),
        ({"max_side": 10}, "takes only 8x12"),
        ({"warmup": (9, 12)}, r"8x12, got the warm-up size \(9, 12\)"),
    ):
        with pytest.raises(ValueError, match=told):
            export.export_saved_model(fixed, tmp_path / "m", **options)
    predictor = export.SavedModelPredictor(export.export_saved_model(fixed, tmp_path / "m"))
    image = np.random.default_rng(0).integers(0, 256, (8, 12, 4), "uint8")
    np.testing.assert_array_equal(predictor.segment(image), fcn_keras.segment(fixed, image))


def test_a_folder_that_is_no_saved_model(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="saved_model.pb"):
        export.SavedModelPredictor(tmp_path / "empty")
