"""The signature `encoded`: image files in, masks out, read as Pillow reads them, bad ones apart."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, PngImagePlugin

import fcn_keras
from fcn_keras import export
from fcn_keras.data import read_image
from fcn_keras.export.saved_model.image_files import decoder

XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
BIG_ENDIAN = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"


def picture():
    """97x131, smooth and noisy parts."""
    y, x = np.mgrid[:97, :131]
    image = np.stack([x * 255 / 130, y * 255 / 96, (x + y) % 256], -1).astype("uint8")
    image[20:40] = np.random.default_rng(0).integers(0, 256, (20, 131, 3))
    return Image.fromarray(image)


def written(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width, height, depth, kind, rows, *chunks):
    """A PNG of given rows, for what Pillow does not write."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def random_png(depth, kind, channels, columns=32):
    bits = np.random.default_rng(depth).integers(0, 256, (20, columns * depth * channels // 8))
    return png(columns, 20, depth, kind, [row.astype("uint8").tobytes() for row in bits])


def exif(orientation):
    tags = Image.Exif()
    tags[0x010F], tags[0x0112] = "maker", orientation
    return tags


def same_as_pillow():
    """{name: file} of what is to be read exactly as Pillow reads it."""
    image, rng = picture(), np.random.default_rng(1)
    palette, grey = image.quantize(37), image.convert("L")
    see_through = image.copy()
    see_through.putalpha(Image.fromarray(rng.integers(0, 256, (97, 131), "uint8")))
    sixteen = Image.fromarray(rng.integers(0, 65536, (97, 131), "uint16"))
    widened = Image.fromarray(rng.integers(0, 256, (97, 131), "uint16"))
    with_xmp = PngImagePlugin.PngInfo()
    with_xmp.add_itxt("XML:com.adobe.xmp", XMP.decode())
    later = [image.rotate(angle).quantize(64) for angle in (90, 180)]
    return {
        "jpeg": written(image, "JPEG"),
        "jpeg progressive": written(image, "JPEG", progressive=True),
        "jpeg grey": written(grey, "JPEG"),
        **{f"jpeg turned {n}": written(image, "JPEG", exif=exif(n)) for n in (1, 2, 3, 4, 5, 6)},
        "jpeg turned 7": written(image, "JPEG", exif=exif(7)),
        "jpeg big-endian": written(image, "JPEG", exif=BIG_ENDIAN),
        "jpeg exif cut": written(image, "JPEG", exif=BIG_ENDIAN[:18]),
        "jpeg xmp": written(image, "JPEG", xmp=XMP),
        "png": written(image, "PNG"),
        "png turned": written(image, "PNG", exif=exif(8)),
        "png xmp": written(image, "PNG", pnginfo=with_xmp),
        "png grey": written(grey, "PNG"),
        "png palette": written(palette, "PNG"),
        "png palette of 4 bits": written(image.quantize(7), "PNG", bits=4),
        "png palette, one colour transparent": written(palette, "PNG", transparency=3),
        "png rgba": written(see_through, "PNG"),
        "png la": written(see_through.convert("LA"), "PNG"),
        "png 16": written(sixteen, "PNG"),
        "png widened": written(widened, "PNG"),
        "png rgb 16": random_png(16, 2, 3),
        "png rgba 16": random_png(16, 6, 4),
        **{f"png grey {depth}": random_png(depth, 0, 1) for depth in (1, 2, 4)},
        "bmp": written(image, "BMP"),
        "bmp grey": written(grey, "BMP"),
        "bmp palette": written(palette, "BMP"),
        "bmp rgba": written(see_through, "BMP"),
        "gif": written(palette, "GIF"),
        "gif animated": written(image.quantize(64), "GIF", save_all=True, append_images=later),
    }


def refused():
    """{name: (file, words of the status)}"""
    image = picture()
    raw_profile = PngImagePlugin.PngInfo()
    raw_profile.add_text("Raw profile type exif", "\nexif\n  4\n45786966\n")
    compressed = bytearray(written(image, "BMP"))
    compressed[30] = 1
    return {
        "empty": (b"", "not a JPEG, PNG"),
        "text": (b"hello", "not a JPEG, PNG"),
        "webp": (written(image, "WEBP"), "not a JPEG, PNG"),
        "only the beginning": (b"\xff\xd8\xff", "cut short"),
        "jpeg of zeros": (b"\xff\xd8\xff" + bytes(5000), "cut short"),
        "cmyk": (written(image.convert("CMYK"), "JPEG"), "CMYK"),
        "raw profile": (written(image, "PNG", pnginfo=raw_profile), "text chunk"),
        "bmp of 1 bit": (written(image.convert("1"), "BMP"), "8, 24 or 32 bits"),
        "bmp compressed": (bytes(compressed), "compressed"),
        "gif transparent": (written(image.quantize(20), "GIF", transparency=3), "transparent"),
        "200 megapixels": (png(20000, 10000, 8, 2, [bytes(60000)]), "10000x20000, above the limit"),
        "a long line": (png(70000, 1, 8, 0, [bytes(70000)]), "65535 a side"),
        "no height": (png(10, 0, 8, 0, []), "damaged"),
    }


GOOD, BAD = same_as_pillow(), refused()


CUT = ("jpeg", "jpeg progressive", "jpeg turned 6", "png", "png 16", "bmp palette", "gif")


def beginnings(name):
    """Lengths less than the file's; behind the picture of a GIF one byte is not needed."""
    last = len(GOOD[name]) - (2 if name == "gif" else 1)
    return sorted({*np.linspace(0, last, 25, dtype=int).tolist(), last - 1, last - 4, last - 10})


@pytest.fixture(scope="module")
def decoded():
    """{name or (name, length): (image, status)}, from one graph, which each new seed would drop."""
    spec = [tf.TensorSpec((), tf.string)]
    decode = tf.function(decoder(40, (None, None, 3)), input_signature=spec, autograph=False)
    files = {**GOOD, **{name: file for name, (file, _) in BAD.items()}}
    files |= {(name, end): GOOD[name][:end] for name in CUT for end in beginnings(name)}
    answers = {name: decode(file) for name, file in files.items()}
    return {name: (im.numpy(), status.numpy().decode()) for name, (im, status) in answers.items()}


@pytest.fixture(scope="module")
def encoded(model, tmp_path_factory):
    """The signature, loaded."""
    names = ("serving_default", "encoded")
    folder = tmp_path_factory.mktemp("export")
    saved = export.export_saved_model(model, folder, signatures=names, max_megapixels=1)
    loaded = tf.saved_model.load(str(saved))

    def answer(*files):
        outputs = loaded.signatures["encoded"](image_bytes=tf.constant(files, tf.string))
        statuses = [status.decode() for status in outputs["status"].numpy()]
        return outputs["mask_png_bytes"].numpy().tolist(), statuses

    return answer


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_files_are_read_as_pillow_reads_them(decoded, name, tmp_path):
    (tmp_path / "file").write_bytes(GOOD[name])
    image, status = decoded[name]
    assert status == "ok"
    page = 0 if name == "gif animated" else None
    np.testing.assert_array_equal(image, read_image(tmp_path / "file", page=page))


@pytest.mark.parametrize("name", BAD)
def test_other_files_are_refused(decoded, name):
    image, status = decoded[name]
    assert BAD[name][1] in status
    assert image.shape == (0, 0, 3)


@pytest.mark.parametrize("name", CUT)
def test_a_file_cut_anywhere_is_refused(decoded, name):
    for end in beginnings(name):
        image, status = decoded[name, end]
        assert status != "ok" and image.shape == (0, 0, 3), end


def test_grey_models_get_pillows_grey(tmp_path):
    decode = decoder(40, (None, None, 1))
    image, status = decode(tf.constant(GOOD["png"]))
    assert status == b"ok"
    np.testing.assert_array_equal(image[..., 0], np.asarray(picture().convert("L")))


def test_a_model_of_one_size_refuses_others():
    decode = decoder(40, (131, 97, 3))
    assert decode(tf.constant(GOOD["jpeg turned 6"]))[1] == b"ok"
    status = decode(tf.constant(GOOD["png"]))[1].numpy().decode()
    assert status == "The model takes images of 131x97; this is 97x131."


def test_a_batch_of_mixed_sizes_and_kinds(model, encoded, tmp_path):
    rng = np.random.default_rng(3)
    sizes = ((97, 131), (200, 300), (512, 384), (1, 1))
    files = [
        written(Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")), kind)
        for size, kind in zip(sizes, ("JPEG", "PNG", "BMP", "GIF"), strict=True)
    ]
    files.append(GOOD["jpeg turned 6"])
    masks, statuses = encoded(*files)
    assert statuses == ["ok"] * 5
    for file, mask in zip(files, masks, strict=True):
        (tmp_path / "file").write_bytes(file)
        read = Image.open(io.BytesIO(mask))
        assert read.format == "PNG" and read.mode == "L"
        np.testing.assert_array_equal(read, fcn_keras.segment(model, tmp_path / "file"))


def test_one_bad_image_does_not_lose_the_others(encoded):
    good, cut = GOOD["png"], GOOD["jpeg"][:-100]
    large = written(Image.new("RGB", (1100, 1000)), "PNG")
    masks, statuses = encoded(good, b"no image", cut, large, good)
    assert statuses[0] == statuses[4] == "ok" and masks[0] == masks[4] != b""
    assert masks[1:4] == [b"", b"", b""]
    assert "not a JPEG" in statuses[1] and "cut short" in statuses[2]
    assert statuses[3].startswith("The image is 1000x1100, above the limit of 1 megapixels")


def test_an_empty_batch(encoded):
    assert encoded() == ([], [])
