"""Folders of images to folders of pictures: every image done, every failure told."""

import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras.inference import predict_files

pytestmark = pytest.mark.backend
LABELS = fcn_keras.LabelSet(("dark", "mid", "bright"))


class Brightness:
    labels = LABELS

    def segment(self, image):
        return np.minimum(np.asarray(image)[..., 0] // 86, 2).astype("uint8")


def write(path, size=(20, 30), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), "uint8")
    Image.fromarray(pixels).save(path)
    return pixels


def test_label_map_keeps_the_labels_and_shows_colours(tmp_path):
    pixels = write(tmp_path / "in/a.png")
    (result,) = predict_files(Brightness(), tmp_path / "in/a.png", tmp_path / "out")
    with Image.open(result.label_path) as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(picture, Brightness().segment(pixels))
        colours = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(colours, LABELS.colorize(Brightness().segment(pixels)))
    with Image.open(result.overlay_path) as picture:
        assert picture.width > 240 and picture.height >= 160  # enlarged, with a legend beside


def test_a_segmenter_of_one_size_gets_images_of_any(tmp_path):
    """As a TFLite file of one size, which cuts larger images into windows itself."""

    class OfOneSize(Brightness):
        size = (8, 8)

    pixels = write(tmp_path / "a.png")
    (result,) = predict_files(OfOneSize(), tmp_path / "a.png", tmp_path / "out", progress=False)
    assert result.error is None
    with Image.open(result.label_path) as picture:
        np.testing.assert_array_equal(picture, Brightness().segment(pixels))


def test_an_unreadable_file_does_not_stop_the_rest(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    write(tmp_path / "in/a.png")
    write(tmp_path / "in/c.jpg")
    (tmp_path / "in/b.png").write_bytes(b"not a picture")
    (tmp_path / "in/notes.txt").write_text("left alone")
    with pytest.warns(UserWarning, match="notes.txt"):
        results = predict_files(
            Brightness(), [tmp_path / "in", tmp_path / "gone.png"], tmp_path / "out"
        )
    assert [result.path.name for result in results] == ["a.png", "b.png", "c.jpg", "gone.png"]
    assert [bool(result.error) for result in results] == [False, True, False, True]
    assert "b.png" in results[1].error and "does not exist" in results[3].error
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "a_labels.png",
        "a_overlay.png",
        "c_labels.png",
        "c_overlay.png",
    ]
    assert "4/4" in capsys.readouterr().out


def test_same_names_from_two_folders_stay_apart(tmp_path):
    paths = ["left/001.png", "right/001.png", "right/001.jpg", "right/002.png", "right/002.PNG"]
    for seed, path in enumerate(paths):
        write(tmp_path / path, seed=seed)
    results = predict_files(
        Brightness(), [tmp_path / p for p in paths], tmp_path / "out", progress=False
    )
    assert not any(result.error for result in results)
    names = {result.label_path.name.casefold() for result in results}
    names |= {result.overlay_path.name.casefold() for result in results}
    assert len(names) == 2 * len(paths)
    assert results[0].label_path.name == "left-001_labels.png"
    assert results[1].label_path.name == "right-001-png_labels.png"
    for result in results:
        with Image.open(result.label_path) as picture:
            np.testing.assert_array_equal(
                picture, Brightness().segment(np.asarray(Image.open(result.path)))
            )


def test_an_image_given_twice_is_done_once(tmp_path):
    write(tmp_path / "in/a.png")
    paths = [tmp_path / "in", tmp_path / "in/a.png"]
    assert len(predict_files(Brightness(), paths, tmp_path / "out", progress=False)) == 1


def test_images_are_never_overwritten(tmp_path):
    write(tmp_path / "in/a.png")
    write(tmp_path / "in/a_labels.png")
    with pytest.raises(ValueError, match="would overwrite.*a_labels.png"):
        predict_files(Brightness(), tmp_path / "in", tmp_path / "in")


def test_an_empty_folder_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    (result,) = predict_files(Brightness(), tmp_path / "in", tmp_path / "out", progress=False)
    assert "holds no image" in result.error


def test_what_is_not_taken_of_a_folder_is_told_with_the_reason(tmp_path):
    for name in ("in/a.png", "in/b.TGA", "in/c.jp2", "in/a.ppm", "in/night/d.png"):
        write(tmp_path / name)
    for name in ("in/notes.txt", "in/x.csv", "in/e.heic", "in/Thumbs.db", "in/._a.png"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.warns(UserWarning) as told:
        results = predict_files(Brightness(), tmp_path / "in", tmp_path / "out", progress=False)
    assert [result.path.name for result in results] == ["a.png", "b.TGA", "c.jp2"]
    assert not any(result.error for result in results)
    texts = [str(warning.message).replace(str(tmp_path), "") for warning in told]
    assert "/in: 2 files were not taken (no image): notes.txt, x.csv." in texts
    assert any("1 file was not taken (HEIC: convert it to JPEG" in text for text in texts)
    assert any("a more common format has the same name): a.ppm" in text for text in texts)
    assert "/in: 1 subfolder with images was not taken: night. Name each to take it." in texts
    assert len(texts) == 4


def test_labels_are_kept_where_the_overlay_fails(tmp_path, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    pixels = write(tmp_path / "a.png")
    monkeypatch.setattr(fcn_keras.visualize, "save_overlay", full)
    with pytest.warns(UserWarning, match=r"a_overlay\.png could not be drawn.*No space"):
        (result,) = predict_files(Brightness(), tmp_path / "a.png", tmp_path / "out")
    assert result.error is None and result.overlay_path is None
    with Image.open(result.label_path) as picture:
        np.testing.assert_array_equal(picture, Brightness().segment(pixels))


def test_a_folder_of_folders(tmp_path):
    for name in ("in/ulm/1.png", "in/jena/1.png", "in/jena/süd/2.png", "in/out/1_labels.png"):
        write(tmp_path / name)
    with pytest.warns(UserWarning, match="3 images were taken from its subfolders"):
        results = predict_files(Brightness(), tmp_path / "in", tmp_path / "in/out", progress=False)
    assert sorted(result.label_path.name for result in results) == [
        "2_labels.png", "jena-1_labels.png", "ulm-1_labels.png",
    ]  # fmt: skip


def test_sixteen_bit_label_maps(tmp_path):
    class Many:
        labels = fcn_keras.LabelSet.numbered(300)

        def segment(self, image):
            return np.full(image.shape[:2], 299, np.uint16)

    write(tmp_path / "a.png")
    (result,) = predict_files(Many(), tmp_path / "a.png", tmp_path / "out", progress=False)
    with Image.open(result.label_path) as picture:
        assert (np.asarray(picture) == 299).all()


def test_a_name_too_long_to_be_written_does_not_stop_the_rest(tmp_path):
    write(tmp_path / "in" / ("x" * 248 + ".png"))
    write(tmp_path / "in/y.png")
    (tmp_path / "in/._y.png").write_bytes(b"left behind by another system")
    first, second = predict_files(Brightness(), tmp_path / "in", tmp_path / "out")
    assert "too long" in first.error and second.error is None
