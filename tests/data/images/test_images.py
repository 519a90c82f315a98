"""Images of every kind give the same RGB array by Pillow and in the pipeline."""

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fcn_keras.data import Dataset, read_image
from fcn_keras.labels import LabelSet

ROWS, COLUMNS = 6, 9


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (ROWS, COLUMNS, 3)).astype("uint8")


def in_pipeline(path, tmp_path):
    """The image of `examples()`, decoded inside the graph."""
    size = read_image(path).shape[:2]
    mask = tmp_path / "mask_of_it.png"
    Image.fromarray(np.zeros(size, "uint8")).save(mask)
    data = Dataset("one", "train", LabelSet(("a", "b")), ("it",), (path,), (mask,))
    return next(iter(data.examples()))["image"].numpy()


def test_rgb(rgb, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(rgb).save(path)
    np.testing.assert_array_equal(read_image(path), rgb)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), rgb)


def test_grey_is_repeated(rgb, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(rgb[..., 0]).save(path)
    expected = np.repeat(rgb[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), expected)


def test_sixteen_bits_are_scaled(rgb, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(rgb[..., 0].astype("uint16") * 257).save(path)
    assert Image.open(path).mode == "I;16"
    expected = np.repeat(rgb[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), expected)


def test_transparency_is_put_on_white(rgb, tmp_path):
    alpha = np.full((ROWS, COLUMNS, 1), 255, "uint8")
    alpha[0] = 0
    path = tmp_path / "a.png"
    Image.fromarray(np.concatenate([rgb, alpha], -1)).save(path)
    expected = rgb.copy()
    expected[0] = 255
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), expected)


def test_palette_image(rgb, tmp_path):
    path = tmp_path / "a.png"
    picture = Image.fromarray(rgb).quantize(8)
    picture.save(path)
    expected = np.array(picture.convert("RGB"))
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), expected)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_exif_orientation_is_applied(rgb, tmp_path, suffix):
    path, exif = tmp_path / f"a.{suffix}", Image.Exif()
    exif[0x0112] = 6  # turned a quarter: shown clockwise
    Image.fromarray(rgb).save(path, exif=exif, quality=100)
    with Image.open(path) as stored:
        expected = np.rot90(np.array(stored.convert("RGB")), -1)
    assert expected.shape == (COLUMNS, ROWS, 3)
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), expected)


@pytest.mark.parametrize("quality", [60, 95])
def test_jpeg_is_decoded_alike_in_the_pipeline(tmp_path, quality):
    """TensorFlow's JPEG decoder and Pillow's give the same pixels."""
    smooth = Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 11, 3), "uint8"))
    path = tmp_path / "a.jpg"
    smooth.resize((64, 47), Image.Resampling.BICUBIC).save(path, quality=quality)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), read_image(path))


def test_unreadable_file_is_named(tmp_path):
    path = tmp_path / "not_an_image.jpg"
    path.write_text("hello")
    with pytest.raises(ValueError, match="not_an_image.jpg"):
        read_image(path)
    with pytest.raises(FileNotFoundError, match="nothing.png"):
        read_image(tmp_path / "nothing.png")


def test_truncated_file_is_named_by_the_pipeline(rgb, tmp_path):
    whole, mask = tmp_path / "whole.png", tmp_path / "mask.png"
    Image.fromarray(rgb).save(whole)
    Image.fromarray(rgb[..., 0] % 2).save(mask)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:-30])
    data = Dataset("two", "train", LabelSet(("a", "b")), ("x",), (cut,), (mask,))
    with pytest.raises(Exception, match="cut.png"):
        list(data.batches(1))


def test_an_image_too_large_to_be_decoded_is_named(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    Image.fromarray(np.zeros((50, 50, 3), "uint8")).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="huge.png cannot be read as an image: Image size"):
        read_image(path)


@pytest.mark.parametrize("orientation", [3, 6])
def test_an_orientation_in_xmp_is_read_in_training_as_in_prediction(rgb, tmp_path, orientation):
    path = tmp_path / "turned.png"
    note = PngImagePlugin.PngInfo()
    note.add_itxt(
        "XML:com.adobe.xmp",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>',
    )
    Image.fromarray(rgb).save(path, pnginfo=note)
    expected = rgb[::-1, ::-1] if orientation == 3 else np.rot90(rgb, -1)
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(in_pipeline(path, tmp_path), expected)
