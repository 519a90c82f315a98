"""Which files are images, and how those of every format and size are opened."""

import re
import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data
from fcn_keras.data.images import formats, opening
from fcn_keras.data.images.opening import open_image

RGB = np.random.default_rng(0).integers(0, 256, (8, 10, 3)).astype("uint8")


@pytest.mark.parametrize("suffix", ["ppm", "tga", "sgi", "pcx", "qoi", "webp", "dib", "PNG"])
def test_every_lossless_format_is_read_as_it_was_saved(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RGB).save(path, **({"lossless": True} if suffix == "webp" else {}))
    assert formats.is_image_name(path)
    np.testing.assert_array_equal(data.read_image(path), RGB)


@pytest.mark.parametrize("name", ["a.jfif", "a.jp2", "a.avif", "a.pgm", "a.pbm", "a.mpo", "a.JPE"])
def test_other_formats_of_pillow_are_images(tmp_path, name):
    assert formats.is_image_name(tmp_path / name)


@pytest.mark.parametrize("name", [
    "a.eps", "a.ps", "a.wmf", "a.h5", "a.grib", "a.pdf", "a.mpg", "a.txt", "a", "a.dcm",
    ".a.png", "._a.png", "Thumbs.db", "desktop.ini",
])  # fmt: skip
def test_what_pillow_does_not_decode_is_no_image(tmp_path, name):
    assert not formats.is_image_name(tmp_path / name)


@pytest.mark.parametrize(("name", "said"), [
    ("a.HEIC", "HEIC"), ("a.heif", "HEIC"), ("a.nef", "raw"), ("a.dcm", "medical"),
    ("a.nii.gz", "medical"), ("a.svg", "drawing"), ("a.mp4", "video"), ("a.txt", "no image"),
])  # fmt: skip
def test_a_format_that_must_be_converted_is_named(name, said):
    assert said in formats.why_not(name)


def test_encapsulated_postscript_starts_no_other_program(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    Image.fromarray(RGB).save(path, format="EPS")
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *given: pytest.fail("started"))
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read.*is EPS"):
        data.read_image(path)


@pytest.mark.parametrize(("content", "said"), [
    (b"", "empty"), (b"%PDF-1.7 ...", "PDF"), (b"<!doctype html><html>", "a web page"),
    (b"\0" * 100, "zeros"), (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
    (b"\0\0\0\x18ftypheic", "HEIC"),
])  # fmt: skip
def test_an_unreadable_file_is_described(tmp_path, content, said):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.png cannot be read as an image: .*{said}"):
        data.read_image(path)


class TestLarge:
    """The limit is lowered, and the image is small: Pillow's own check is what is tested."""

    @pytest.fixture
    def path(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
        monkeypatch.setattr(opening, "PILLOWS_LIMIT", 30)
        path = tmp_path / "large.png"
        Image.fromarray(RGB).save(path)  # 80 pixels
        return path

    def test_an_image_beyond_pillows_limit_is_read(self, path):
        with warnings.catch_warnings(action="error"):
            np.testing.assert_array_equal(data.read_image(path), RGB)
        assert Image.MAX_IMAGE_PIXELS == 30
        with pytest.raises(Image.DecompressionBombError):
            Image.open(path)

    def test_many_threads_leave_the_limit_as_it_was(self, path):
        threads = [
            threading.Thread(target=lambda: [open_image(path) for _ in range(20)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Image.MAX_IMAGE_PIXELS == 30

    def test_a_limit_of_the_process_is_kept(self, path, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31)
        with pytest.raises(ValueError, match=r"large.png cannot be read as an image: Image size"):
            data.read_image(path)
        with pytest.raises(ValueError, match=r"limit of 62 pixels, which PIL\.Image.*--tile auto"):
            data.read_image(path)
        assert Image.MAX_IMAGE_PIXELS == 31

    def test_one_that_does_not_fit_into_memory_is_refused_with_numbers(self, path, monkeypatch):
        monkeypatch.setattr(opening, "free_memory", lambda: 100)
        with pytest.raises(ValueError) as refused:
            data.read_image(path)
        assert re.search(r"large\.png .*8x10 pixels need .* GB.*segment_tiled", str(refused.value))


def test_a_whole_image_beyond_memory_is_refused_with_the_option_that_tiles(monkeypatch):
    import fcn_keras
    from fcn_keras.inference import memory

    model = fcn_keras.fcn32s(2, "vgg_slim", weights=None)
    monkeypatch.setattr(memory, "PILLOWS_LIMIT", 100)
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    with pytest.raises(ValueError, match=r"20x30: .*--tile auto.*tile=\"auto\""):
        fcn_keras.segment(model, np.zeros((20, 30, 3), "uint8"))
    monkeypatch.setattr(memory, "free_memory", lambda: 10**9)
    assert fcn_keras.segment(model, np.zeros((20, 30, 3), "uint8")).shape == (20, 30)
