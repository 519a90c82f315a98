"""The same mask, stored in the ways of many programs: read right, or refused with the reason."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageFilter

from fcn_keras import data
from fcn_keras.data import LabelError, MaskReader
from fcn_keras.labels import LabelSet

OBJECT = np.zeros((48, 64), bool)
OBJECT[10:30, 12:40] = True
OBJECT[20:26, 18:24] = False
OBJECT[36:44, 50:60] = True
WHITE = OBJECT * np.uint8(255)
TWO = LabelSet(("background", "object"))
CLASSES = np.zeros((48, 64), "uint8")
CLASSES[10:30, 12:40] = 1
CLASSES[15:40, 30:60] = 2
COLORS = ((0, 0, 0), (0, 158, 225), (240, 170, 0))
BY_COLOR = MaskReader(LabelSet(("bed", "belt", "nut"), COLORS), palette_is_key=True)
BY_NUMBER = MaskReader(LabelSet(("bed", "belt", "nut")))
BINARY = MaskReader(TWO, binary=True)
INDEX_TWO = MaskReader(TWO, refuse_binary=True)
FIRST = tf.constant(0, tf.int64)  # the index of an example


def both_ways(path, reader):
    """The label map from the reader, after checking that the pipeline's loader gives the same."""
    label = reader.read(path)
    image = path.with_name("image_of_it.bmp")
    Image.fromarray(np.zeros((*label.shape, 3), "uint8")).save(image)
    part = data.Dataset("one", "train", reader.labels, ("it",), (image,), (path,), reader)
    np.testing.assert_array_equal(part.tensor_loader(tf)(FIRST)[1], label)
    assert label.dtype == reader.labels.dtype
    return label


def refused(path, reader, *parts):
    """Checks that reader and loader refuse a file, and that the message says why."""
    with pytest.raises(ValueError) as caught:
        reader.read(path)
    text = str(caught.value)
    for part in (path.name, *parts):
        assert part in text, text
    image = path.with_name("image_of_it.bmp")
    Image.fromarray(np.zeros((48, 64, 3), "uint8")).save(image)
    part = data.Dataset("one", "train", reader.labels, ("it",), (image,), (path,), reader)
    with pytest.raises(Exception, match="(?s)" + path.name):
        part.tensor_loader(tf)(FIRST)
    return text


def palette_image(indices, *colors):
    image = Image.fromarray(indices.astype("uint8")).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([channel for color in colors for channel in color])
    return image


def rgba(rgb, alpha):
    return Image.fromarray(np.dstack([rgb, alpha]).astype("uint8"))


def painted(where, color, ground=(0, 0, 0)):
    return np.where(where[..., None], np.array(color, "uint8"), np.array(ground, "uint8"))


def saved(image, path, **options):
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(path, **options)
    return path


BLACK_AND_WHITE = {
    "grey.png": WHITE,
    "one_bit.png": Image.fromarray(WHITE).convert("1"),
    "one_bit.bmp": Image.fromarray(WHITE).convert("1"),
    "one_bit.tif": Image.fromarray(WHITE).convert("1"),
    "one_bit.pbm": Image.fromarray(WHITE).convert("1"),
    "grey.tga": WHITE,
    "grey.pgm": WHITE,
    "grey.gif": WHITE,
    "white_first.png": palette_image(~OBJECT, (255, 255, 255), (0, 0, 0)),
    "white_first.gif": palette_image(~OBJECT, (255, 255, 255), (0, 0, 0)),
    "white_first.bmp": palette_image(~OBJECT, (255, 255, 255), (0, 0, 0)),
    "black_first.png": palette_image(OBJECT, (0, 0, 0), (255, 255, 255)),
    "black_last.png": palette_image(np.where(OBJECT, 1, 2), (9, 9, 9), (255, 0, 0), (0, 0, 0)),
    "quantised.png": Image.fromarray(painted(OBJECT, (255, 255, 255))).quantize(2),
    "adaptive.gif": Image.fromarray(painted(OBJECT, (200, 30, 30))).convert("P", palette=1),
    "color.png": painted(OBJECT, (255, 0, 0)),
    "dark.png": painted(OBJECT, (0, 0, 1)),
    "rgb.tif": painted(OBJECT, (0, 128, 0)),
    "sixteen.png": WHITE.astype("uint16") * 257,
    "sixteen.tif": WHITE.astype("uint16") * 257,
    "float.tif": OBJECT.astype("float32"),
    "float255.tif": WHITE.astype("float32"),
    "many.tif": OBJECT.astype("int32") * 70000,
    "object_opaque.png": rgba(painted(OBJECT, (255, 255, 255), (255, 255, 255)), WHITE),
    "color_opaque.png": rgba(painted(OBJECT, (255, 0, 0), (255, 255, 255)), WHITE),
    "overlay.png": rgba(painted(OBJECT, (255, 0, 0)), WHITE // 2),
    "all_half.png": rgba(painted(OBJECT, (255, 255, 255)), np.full((48, 64), 128)),
    "grey_alpha.png": Image.merge("LA", [Image.fromarray(WHITE)] * 2),
    "lossless.webp": WHITE,
}  # fmt: skip


@pytest.mark.parametrize("name", BLACK_AND_WHITE)
def test_black_and_white_is_judged_by_what_is_shown(tmp_path, name):
    options = {"lossless": True} if name.endswith("webp") else {}
    path = saved(BLACK_AND_WHITE[name], tmp_path / name, **options)
    np.testing.assert_array_equal(both_ways(path, BINARY), OBJECT)


@pytest.mark.parametrize("names", [list(BLACK_AND_WHITE), ["grey.png", "one_bit.png"]])
def test_one_pipeline_reads_them_all(tmp_path, names):
    """By Pillow, and by TensorFlow where all are plain PNGs."""
    lossless = {True: {"lossless": True}}
    paths = [
        saved(BLACK_AND_WHITE[name], tmp_path / name, **lossless.get(name.endswith("webp"), {}))
        for name in names
    ]
    Image.fromarray(np.zeros((*OBJECT.shape, 3), "uint8")).save(tmp_path / "image.bmp")
    images = [tmp_path / "image.bmp"] * len(names)
    part = data.Dataset("all", "train", TWO, tuple(names), images, paths, BINARY)
    for name, example in zip(names, part.examples(), strict=True):
        np.testing.assert_array_equal(example["target"], OBJECT, err_msg=name)


@pytest.mark.parametrize(("values", "name"), [
    (OBJECT, "bool.npy"), (WHITE, "grey.npy"), (OBJECT.astype("float64"), "float.npy"),
    (OBJECT[..., None], "channel.npy"),
])  # fmt: skip
def test_arrays_of_two_classes(tmp_path, values, name):
    np.save(tmp_path / name, values)
    np.testing.assert_array_equal(both_ways(tmp_path / name, BINARY), OBJECT)


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits(tmp_path, bits):
    """A grey PNG of 2 or 4 bits holds the numbers 0 to 3 or 15."""
    path = tmp_path / "bits.png"
    path.write_bytes(grey_png(CLASSES, bits))
    np.testing.assert_array_equal(both_ways(path, BY_NUMBER), CLASSES)
    np.testing.assert_array_equal(both_ways(path, BINARY), CLASSES > 0)


def grey_png(values, bits, *chunks):
    """A grey PNG of so many bits, with further chunks (name, bytes) before its pixels."""
    packed = np.zeros((values.shape[0], values.shape[1] * bits // 8), "uint8")
    for place in range(8 // bits):
        packed |= values[:, place :: 8 // bits] << (8 - bits * (place + 1))
    return png(values.shape, bits, 0, b"".join(b"\0" + row.tobytes() for row in packed), *chunks)


def png(shape, bits, interlace, rows, *chunks):
    """A PNG of grey, made of the bytes of its rows."""
    head = struct.pack(">IIBBBBB", shape[1], shape[0], bits, 0, 0, 0, interlace)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )  # fmt: skip


@pytest.mark.parametrize("chunk", [
    (b"tRNS", b"\0\1"), (b"gAMA", b"\0\0\xb1\x8f"), (b"sBIT", b"\2"), (b"bKGD", b"\0\2"),
])  # fmt: skip
@pytest.mark.parametrize("bits", [2, 8])
def test_further_chunks_of_png_change_no_number(tmp_path, chunk, bits):
    path = tmp_path / "chunk.png"
    path.write_bytes(grey_png(CLASSES, bits, chunk))
    np.testing.assert_array_equal(both_ways(path, BY_NUMBER), CLASSES)


def test_interlaced_png(tmp_path):
    """Adam7, made by hand: each of the seven passes is an image of its own."""
    rows = b""
    for top, left, down, right in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4),
                                   (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):  # fmt: skip
        rows += b"".join(b"\0" + row.tobytes() for row in CLASSES[top::down, left::right])
    (tmp_path / "m.png").write_bytes(png(CLASSES.shape, 8, 1, rows))
    np.testing.assert_array_equal(both_ways(tmp_path / "m.png", BY_NUMBER), CLASSES)


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
@pytest.mark.parametrize("reader", [BINARY, INDEX_TWO, MaskReader(TWO)])
def test_jpeg_is_refused_with_the_threshold_that_reads_it(tmp_path, quality, reader):
    path = saved(WHITE, tmp_path / "m.jpg", quality=quality)
    text = refused(path, reader, "JPEG", "threshold=128", "PNG")
    assert "folder:DIR,threshold=128" in text
    label = both_ways(path, MaskReader(TWO, threshold=128))
    np.testing.assert_array_equal(label, OBJECT)


@pytest.mark.parametrize(("name", "options"), [
    ("m.jpg", {"quality": 100}), ("m.webp", {"quality": 90}), ("m.jp2", {"irreversible": True}),
    ("m.avif", {}), ("m.tif", {"compression": "jpeg"}),
])  # fmt: skip
@pytest.mark.parametrize("image", [CLASSES, np.array(COLORS, "uint8")[CLASSES], CLASSES * 0])
def test_lossy_masks_are_refused_even_where_all_values_are_classes(tmp_path, name, options, image):
    path = saved(image, tmp_path / name, **options)
    for reader in (BY_NUMBER, BY_COLOR):
        assert "threshold" not in refused(path, reader, "stored with loss", "PNG")


def test_a_jpeg_under_another_name_is_found(tmp_path):
    path = saved(CLASSES, tmp_path / "m.png", format="JPEG")
    refused(path, BY_NUMBER, "JPEG")


@pytest.mark.parametrize(("name", "options"), [
    ("m.webp", {"lossless": True}), ("m.jp2", {}), ("m.tif", {"compression": "tiff_lzw"}),
    ("m.bmp", {}), ("m.tga", {}), ("m.ppm", {}), ("m.gif", {}), ("m.pcx", {}),
])  # fmt: skip
def test_lossless_masks_in_colour(tmp_path, name, options):
    image = Image.fromarray(np.array(COLORS, "uint8")[CLASSES])
    path = saved(image, tmp_path / name, **options)
    np.testing.assert_array_equal(both_ways(path, BY_COLOR), CLASSES)


SOFT = {
    "smoothed": Image.fromarray(WHITE).filter(ImageFilter.GaussianBlur(0.8)),
    "resized": Image.fromarray(np.kron(WHITE, np.ones((3, 3), "uint8"))).resize((64, 48), 2),
    "enlarged": Image.fromarray(WHITE[::2, ::2]).resize((64, 48), Image.Resampling.BICUBIC),
    "once_jpeg": Image.open(io.BytesIO(
        saved(WHITE, io.BytesIO(), format="JPEG", quality=90).getvalue())),
    "once_good_jpeg": Image.open(io.BytesIO(
        saved(np.roll(WHITE, 3, 1), io.BytesIO(), format="JPEG", quality=100).getvalue())),
    "colour": Image.fromarray(painted(OBJECT, (255, 0, 0))).resize((60, 44), 2).resize((64, 48), 2),
}  # fmt: skip


@pytest.mark.parametrize("kind", SOFT)
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA"])
def test_blended_greys_are_refused_with_the_threshold_that_decides(tmp_path, kind, mode):
    image = SOFT[kind].convert("RGB")
    shown = np.asarray(image).max(axis=-1)
    if kind == "colour" and mode == "L":
        shown = np.asarray(image.convert("L"))
    image = image.convert(mode) if mode != "P" else image.quantize(256)
    path = saved(image, tmp_path / "m.png")
    refused(path, BINARY, "blended greys", "threshold=", "threshold=1 makes every grey")
    for threshold in (128, 1, 40):
        label = both_ways(path, MaskReader(TWO, threshold=threshold))
        if mode != "P":
            np.testing.assert_array_equal(label, shown >= threshold)


def test_blended_greys_of_a_class_that_has_a_range_of_values(tmp_path):
    """`egg = 1-255` in classes.txt: instance numbers, but no greys of an edge."""
    spans = MaskReader(TWO, values=((0, 0, 0), (1, 255, 1)))
    refused(saved(SOFT["smoothed"], tmp_path / "m.png"), spans, "blended greys", "threshold=128")
    numbers = np.kron(np.arange(12).reshape(3, 4) * 20, np.ones((16, 16), "uint8"))
    path = saved(numbers.astype("uint8"), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, spans), numbers > 0)


def test_blended_greys_between_two_values(tmp_path):
    two = MaskReader(TWO, values=((0, 0, 0), (255, 255, 1)))
    path = saved(SOFT["smoothed"], tmp_path / "m.png")
    assert "and  for void" not in refused(path, two, "0, 255 (2 classes)", "threshold=128")


def test_blended_colours_of_two_classes(tmp_path):
    image = Image.fromarray(painted(OBJECT, (200, 0, 0))).resize((60, 44), 2).resize((64, 48), 2)
    path = saved(image, tmp_path / "m.png")
    red = LabelSet(("ground", "egg"), ((0, 0, 0), (200, 0, 0)))
    refused(path, MaskReader(red, palette_is_key=True), "holds the colour", "threshold=128")
    label = both_ways(path, MaskReader(red, palette_is_key=True, threshold=128))
    np.testing.assert_array_equal(label, np.asarray(image)[..., 0] >= 128)
    refused(saved(painted(OBJECT, (255, 0, 0)), path), INDEX_TWO, "(255, 0, 0)", "binary=True")


def test_soft_transparency_is_refused(tmp_path):
    alpha = np.asarray(SOFT["smoothed"])
    path = saved(rgba(painted(OBJECT | True, (255, 255, 255)), alpha), tmp_path / "m.png")
    refused(path, BINARY, "blended greys", "threshold=128")
    label = both_ways(path, MaskReader(TWO, threshold=128))
    np.testing.assert_array_equal(label, alpha >= 128)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [2, 4, 9])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_instance_numbers_are_all_the_object(tmp_path, seed, size, dtype):
    """Crowded instances of any number, which touch and overlap."""
    rng = np.random.default_rng(seed)
    numbers = np.zeros((48, 64), dtype)
    for number in rng.permutation(np.arange(1, 256))[:120]:
        row, column = rng.integers(0, 48), rng.integers(0, 64)
        numbers[row : row + size, column : column + size] = number
    path = saved(numbers, tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, BINARY), numbers > 0)


def test_instances_of_thin_lines_and_single_pixels(tmp_path):
    rng = np.random.default_rng(0)
    numbers = np.zeros((96, 128), "uint8")
    for number in range(1, 40):
        row, column = rng.integers(0, 96), rng.integers(0, 128)
        numbers[row, rng.integers(0, 128) :] = 6 * number  # a root, one pixel wide
        numbers[rng.integers(0, 96) :, column] = 6 * number + 1
        numbers[rng.integers(0, 96), rng.integers(0, 128)] = 6 * number + 2
    path = saved(numbers, tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, BINARY), numbers > 0)


@pytest.mark.parametrize("blur", [0.6, 2])
def test_soft_edges_of_several_greys_are_refused(tmp_path, blur):
    """An object of 128 and one of 255, smoothed: not every grey is one of an edge."""
    mask = np.where(OBJECT, 255, 0).astype("uint8")
    mask[:, 32:] //= 2
    smooth = Image.fromarray(np.kron(mask, np.ones((3, 3), "uint8")))
    path = saved(smooth.filter(ImageFilter.GaussianBlur(blur)), tmp_path / "m.png")
    with pytest.raises(LabelError, match="blended greys"):
        BINARY.read(path)


def test_instance_colours_are_all_the_object(tmp_path):
    rng = np.random.default_rng(0)
    colors = np.vstack([np.zeros((1, 3)), rng.integers(20, 256, (8, 3))]).astype("uint8")
    numbers = np.kron(rng.integers(0, 9, (12, 16)), np.ones((4, 4), "uint8"))
    path = saved(colors[numbers], tmp_path / "rgb.png")
    np.testing.assert_array_equal(both_ways(path, BINARY), numbers > 0)
    path = saved(palette_image(numbers, *colors), tmp_path / "palette.png")
    np.testing.assert_array_equal(both_ways(path, BINARY), numbers > 0)


@pytest.mark.parametrize("name", ["m.tif", "m.gif", "m.png", "m.webp"])
def test_several_pages_or_frames_are_refused(tmp_path, name):
    pages = [Image.fromarray(WHITE), Image.fromarray(255 - WHITE)]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:], lossless=True)
    refused(tmp_path / name, BINARY, "has 2 ", "a mask is one image")


def test_a_tiff_with_smaller_copies_is_one_page(tmp_path):
    pages = [Image.fromarray(WHITE), Image.fromarray(WHITE[::2, ::2].copy())]
    pages[0].save(tmp_path / "m.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(both_ways(tmp_path / "m.tif", BINARY), OBJECT)


def test_white_is_zero(tmp_path):
    """Photometric interpretation 0, MinIsWhite: black and white as shown, numbers refused."""
    one_bit, grey = tmp_path / "one.tif", tmp_path / "grey.tif"
    saved(Image.fromarray(WHITE).convert("1"), one_bit, tiffinfo={262: 0})
    np.testing.assert_array_equal(both_ways(one_bit, BINARY), OBJECT)
    saved(WHITE, grey, tiffinfo={262: 0})
    assert Image.open(grey).tag_v2[262] == 0
    np.testing.assert_array_equal(both_ways(grey, BINARY), np.asarray(Image.open(grey)) > 0)
    saved(CLASSES, grey, tiffinfo={262: 0})
    refused(grey, BY_NUMBER, "MinIsWhite", "MinIsBlack")


def test_tiff_of_four_bits(tmp_path):
    """Programs read a TIFF of 4 bits as 0, 17, 34, ..., 255."""
    pixels = ((CLASSES[:, ::2] << 4) | CLASSES[:, 1::2]).tobytes()
    tags = [(256, 64), (257, 48), (258, 4), (259, 1), (262, 1), (273, 8), (277, 1), (278, 48),
            (279, len(pixels))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    (tmp_path / "m.tif").write_bytes(head + pixels + directory)
    assert np.asarray(Image.open(tmp_path / "m.tif")).max() == 34
    np.testing.assert_array_equal(both_ways(tmp_path / "m.tif", BY_NUMBER), CLASSES)


def test_pgm_of_few_values(tmp_path):
    """Programs read a PGM whose largest value is 2 as 0, 127 and 255."""
    head = b"P5\n# three classes\n64 48\n2\n"
    (tmp_path / "m.pgm").write_bytes(head + CLASSES.tobytes())
    np.testing.assert_array_equal(both_ways(tmp_path / "m.pgm", BY_NUMBER), CLASSES)


def wide_png(values, kind):
    """A PNG of 16 bits a channel, of PNG's colour type 2 (RGB), 4 (grey, alpha) or 6 (RGBA)."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    content = png((height, width), 16, 0, rows)
    head = content[12:25] + bytes([kind]) + content[26:29]
    return content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (6, 4)])
def test_colours_of_16_bits(tmp_path, kind, channels):
    path = tmp_path / "m.png"
    colors = np.zeros((48, 64, channels), "uint16") + 65535
    colors[..., :3] = np.array(COLORS, "uint16")[CLASSES] * 257
    path.write_bytes(wide_png(colors, kind))
    np.testing.assert_array_equal(both_ways(path, BY_COLOR), CLASSES)
    colors[..., :3] = CLASSES[..., None]  # class numbers, which lie in the lower bytes
    path.write_bytes(wide_png(colors, kind))
    np.testing.assert_array_equal(both_ways(path, BY_NUMBER), CLASSES)
    np.testing.assert_array_equal(both_ways(path, BINARY), CLASSES > 0)
    colors[..., :3] = 300 * CLASSES[..., None].astype("uint16")
    path.write_bytes(wide_png(colors, kind))
    refused(path, BY_NUMBER, "16 bits a channel")


def test_grey_of_16_bits_with_alpha(tmp_path):
    path = tmp_path / "m.png"
    grey = np.zeros((48, 64, 2), "uint16") + 65535
    grey[..., 0] = OBJECT * 65535
    path.write_bytes(wide_png(grey, 4))
    np.testing.assert_array_equal(both_ways(path, BINARY), OBJECT)
    grey[..., 0] = OBJECT * 300
    path.write_bytes(wide_png(grey, 4))
    refused(path, BINARY, "16 bits a channel")


def test_an_imagej_stack_is_refused(tmp_path):
    path = saved(WHITE, tmp_path / "m.tif", tiffinfo={270: "ImageJ=1.53t\nimages=3\nslices=3\n"})
    refused(path, BINARY, "has 3 pages")


def test_other_modes_are_refused(tmp_path):
    path = saved(Image.fromarray(WHITE).convert("CMYK"), tmp_path / "m.tif")
    refused(path, BINARY, "mode CMYK")


@pytest.mark.parametrize(("image", "parts"), [
    (rgba(painted(OBJECT, (0, 0, 0)), WHITE), ["black on a transparent ground", "alpha"]),
    (rgba(painted(OBJECT, (255, 255, 255)), 255 - WHITE), ["either its colours or its"]),
    (painted(OBJECT, (255, 0, 0), (255, 255, 255)), ["none of them is black", "classes.txt"]),
    (palette_image(OBJECT, (255, 255, 255), (255, 0, 0)), ["none of them is black"]),
])  # fmt: skip
def test_what_no_rule_decides_is_refused_for_binary(tmp_path, image, parts):
    refused(saved(image, tmp_path / "m.png"), BINARY, *parts)


def test_a_mask_of_nothing_but_white_is_all_object(tmp_path):
    path = saved(palette_image(OBJECT * 0, (255, 255, 255), (0, 0, 0)), tmp_path / "m.png")
    assert (both_ways(path, BINARY) == 1).all()


def test_binary_with_void(tmp_path):
    """The void value of a trimap is left out, and does not count as a blended grey."""
    trimap = WHITE.copy()
    trimap[9:31, 11] = trimap[9:31, 40] = 128
    path = saved(trimap, tmp_path / "m.png")
    reader = MaskReader(TWO, (128,), binary=True)
    np.testing.assert_array_equal(both_ways(path, reader), np.choose(
        np.searchsorted([0, 128, 255], trimap), [0, 255, 1]))  # fmt: skip


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_a_palette_in_another_order_is_read_by_its_colours(tmp_path, order):
    indices = np.argsort(order)[CLASSES]
    path = saved(palette_image(indices, *(COLORS[c] for c in order)), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, BY_COLOR), CLASSES)


def test_a_palette_in_another_order_with_a_colour_of_no_class_is_refused(tmp_path):
    indices = np.array([1, 0, 2])[CLASSES]
    image = palette_image(indices, (0, 158, 225), (0, 0, 0), (240, 168, 0))
    text = refused(saved(image, tmp_path / "m.png"), BY_COLOR, "(240, 168, 0)", "index 2")
    assert "another order" in text


def test_numbers_under_another_palette_stay_numbers(tmp_path):
    """An index mask shown in the colours of VOC, where classes.txt has colours of its own."""
    image = palette_image(CLASSES, (0, 0, 0), (128, 0, 0), (0, 128, 0))
    path = saved(image, tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, BY_COLOR), CLASSES)
    np.testing.assert_array_equal(both_ways(path, BY_NUMBER), CLASSES)


def test_greys_of_a_palette_that_are_other_class_numbers_are_refused(tmp_path):
    """As Pillow writes a GIF of class numbers: only the greys that occur, in their order."""
    numbers = CLASSES * 2
    path = saved(palette_image(CLASSES, (0, 0, 0), (2, 2, 2), (4, 4, 4)), tmp_path / "m.png")
    reader = MaskReader(LabelSet.numbered(6))
    refused(path, reader, "indices (0, 1, 2)", "greys (0, 2, 4)")
    saved(palette_image(CLASSES, (0, 0, 0), (1, 1, 1), (255, 255, 255)), path)
    refused(path, BY_NUMBER, "indices (0, 1, 2)", "greys (0, 1, 255)")
    path = saved(palette_image(CLASSES, (0, 0, 0), (127, 127, 127), (255, 255, 255)), path)
    np.testing.assert_array_equal(both_ways(path, reader), CLASSES)
    grey = palette_image(numbers, *[(i, i, i) for i in range(256)])
    np.testing.assert_array_equal(both_ways(saved(grey, path), reader), numbers)


def test_black_that_is_not_index_0_is_refused_for_two_names(tmp_path):
    path = saved(palette_image(~OBJECT, (255, 255, 255), (0, 0, 0)), tmp_path / "m.png")
    refused(path, INDEX_TWO, "black is not index 0", "classes.txt", "binary=True")
    colors = LabelSet(("ground", "egg"), ((0, 0, 0), (255, 255, 255)))
    label = both_ways(path, MaskReader(colors, palette_is_key=True))
    np.testing.assert_array_equal(label, OBJECT)


def test_one_bit_has_the_colours_of_classes_txt(tmp_path):
    dark = LabelSet(("paper", "ink"), ((255, 255, 255), (0, 0, 0)))
    path = saved(Image.fromarray(WHITE).convert("1"), tmp_path / "m.png")
    label = both_ways(path, MaskReader(dark, palette_is_key=True))
    np.testing.assert_array_equal(label, ~OBJECT)


@pytest.mark.parametrize("dark", [0, 1])
def test_grey_masks_of_0_and_255_have_the_colours_of_two_classes(tmp_path, dark):
    colors = ((0, 0, 0), (255, 255, 255))
    labels = LabelSet(("first", "second"), colors[:: 1 - 2 * dark])
    reader = MaskReader(labels, palette_is_key=True, refuse_binary=True)
    path = saved(WHITE, tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, reader), OBJECT ^ bool(dark))
    assert "black and white" in reader.note(path)
    numbers = np.where(OBJECT, 1, 255).astype("uint8")  # class numbers with void
    np.testing.assert_array_equal(both_ways(saved(numbers, path), reader), numbers)
    np.testing.assert_array_equal(both_ways(saved(OBJECT * np.uint8(1), path), reader), OBJECT)


def test_transparency_does_not_hide_a_class(tmp_path):
    rgb = np.array(COLORS, "uint8")[CLASSES]
    opaque = np.where(CLASSES > 0, 255, 0)
    path = saved(rgba(rgb, opaque), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, BY_COLOR), CLASSES)
    refused(saved(rgba(rgb, 255 - opaque), path), BY_COLOR, "transparent", "'belt'")
    hidden = np.where(opaque[..., None] > 0, rgb, 255)
    refused(saved(rgba(hidden, opaque), path), BY_COLOR, "(255, 255, 255)", "transparent")


def test_floats_that_are_no_whole_numbers(tmp_path):
    path = saved((OBJECT * 0.75).astype("float32"), tmp_path / "m.tif")
    refused(path, BINARY, "0.75", "whole numbers", "threshold=0.375")
    label = both_ways(path, MaskReader(TWO, threshold=0.375))
    np.testing.assert_array_equal(label, OBJECT)


@pytest.mark.parametrize(("values", "threshold", "part"), [
    (OBJECT.astype("uint8"), 128, "nothing above 1"),
    (np.where(OBJECT, 65535, 9000).astype("uint16"), 128, "threshold=32896"),
])  # fmt: skip
def test_a_threshold_for_another_scale_is_refused(tmp_path, values, threshold, part):
    path = saved(values, tmp_path / "m.png")
    refused(path, MaskReader(TWO, threshold=threshold), part)


@pytest.mark.parametrize("options", [{"threshold": 128}, {"binary": True}])
def test_two_classes_are_needed(options):
    with pytest.raises(ValueError, match="needs two classes; there are 3"):
        MaskReader(LabelSet.numbered(3), **options)


def test_a_threshold_is_above_0():
    with pytest.raises(ValueError, match="threshold.*0"):
        MaskReader(TWO, threshold=0)


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path):
        for name in ("images", "masks"):
            (tmp_path / name).mkdir()
        for number in range(5):
            shades = np.random.default_rng(number).integers(0, 256, (48, 64, 3), "uint8")
            Image.fromarray(shades).save(tmp_path / "images" / f"{number}.png")
        return tmp_path

    def fill(self, folder, image, suffix=".png", **options):
        for number in range(5):
            saved(image, folder / "masks" / f"{number}{suffix}", **options)

    def test_jpeg_masks_with_a_threshold(self, folder, check_data):
        self.fill(folder, WHITE, ".jpg", quality=80)
        code, text = check_data(f"folder:{folder},binary")
        assert code == 1 and "5 problems" in text and "threshold=128" in text
        code, text = check_data(f"folder:{folder},threshold=128")
        share = f"{OBJECT.mean():.2%}"
        assert code == 0 and share in text and "nothing is wrong" in text and "note:" not in text

    def test_colours_read_instead_of_indices_are_noted(self, folder, check_data):
        self.fill(folder, BLACK_AND_WHITE["white_first.png"])
        code, text = check_data(f"folder:{folder},binary")
        assert code == 0 and f"{OBJECT.mean():.2%}" in text
        assert text.count("note: palette masks were read by their colours") == 1

    def test_transparency_read_as_background_is_noted(self, folder, check_data):
        self.fill(folder, BLACK_AND_WHITE["color_opaque.png"])
        code, text = check_data(f"folder:{folder},binary")
        assert code == 0 and text.count("note: transparent pixels") == 1

    def test_a_third_value_is_noted(self, folder, check_data):
        mask = WHITE.copy()
        mask[2:8, 2:20] = 100
        self.fill(folder, mask)
        code, text = check_data(f"folder:{folder},binary")
        assert code == 0 and text.count("note: masks hold more values than 0 and 255") == 1

    def test_palettes_that_number_one_colour_differently(self, folder, check_data):
        (folder / "classes.txt").write_text("bed\nbelt\nnut\n")
        self.fill(folder, palette_image(CLASSES, *COLORS))
        assert check_data(f"folder:{folder}")[0] == 0
        other = palette_image(np.array([0, 2, 1])[CLASSES], COLORS[0], COLORS[2], COLORS[1])
        saved(other, folder / "masks" / "3.png")
        code, text = check_data(f"folder:{folder}")
        assert code == 1 and "are no class numbers" in text and "classes.txt" in text
        with pytest.raises(LabelError, match="are no class numbers"):
            data.load("folder", folder, split="all").batches(2)
        lines = zip(("bed", "belt", "nut"), COLORS, strict=True)
        text = "\n".join(f"{name} {r} {g} {b}" for name, (r, g, b) in lines)
        (folder / "classes.txt").write_text(text)
        for _, label in data.load("folder", folder, split="all"):
            np.testing.assert_array_equal(label, CLASSES)

    def test_palettes_of_the_colours_of_each_file_alone(self, folder, check_data):
        """Files with one class each: index 1 is another class in each of them."""
        (folder / "classes.txt").write_text("bed\nbelt\nnut\n")
        for number in range(5):
            image = palette_image(OBJECT, (0, 0, 0), COLORS[1 + number % 2])
            saved(image, folder / "masks" / f"{number}.png", bits=4)
        code, text = check_data(f"folder:{folder}")
        assert code == 1 and "nothing but its own colours" in text
        wide = [(0, 0, 0), *[(8 * i, 3, 3) for i in range(20)]]  # numbers under two palettes
        for number in range(5):
            colors = wide if number % 2 else [(c, c, c) for c in range(256)]
            saved(palette_image(CLASSES, *colors), folder / "masks" / f"{number}.png")
        assert check_data(f"folder:{folder}")[0] == 0

    def test_black_objects_on_white_are_noticed(self, folder, check_data):
        self.fill(folder, 255 - WHITE)
        code, text = check_data(f"folder:{folder},binary")
        assert code == 0 and "'object' fills the whole border of 5 of 5 masks" in text
        (folder / "classes.txt").write_text("ground 255 255 255\negg 0 0 0\n")
        for mode in ("RGB", "L", "1", "P"):
            self.fill(folder, Image.fromarray(255 - WHITE).convert(mode))
            code, text = check_data(f"folder:{folder}")
            assert code == 0 and f"{OBJECT.mean():.2%}" in text and "border" not in text
            assert ("note: grey masks of 0 and 255 were read" in text) == (mode == "L")
        part = data.load("folder", folder, split="all")
        np.testing.assert_array_equal(part[0][1], OBJECT)

    @pytest.mark.parametrize(("classes", "options", "part"), [
        ("a\nb\nc\n", {"threshold": 128}, "needs two classes"),
        ("a\nb\n", {"threshold": 128, "void": 255}, "does not go with void"),
        ("a\nb\nvoid\n", {"threshold": 128}, "does not go with void"),
        ("a 255 255 255\nb 0 0 0\n", {"threshold": 128}, "Swap the two lines"),
        ("a = 255\nb = 0\n", {"threshold": 128}, "Swap the two lines"),
        ("a\nb\n", {"threshold": 128, "regression": "x", "masks": "masks"}, "with regression"),
    ])  # fmt: skip
    def test_a_threshold_that_contradicts(self, folder, classes, options, part):
        self.fill(folder, WHITE)
        (folder / "classes.txt").write_text(classes)
        with pytest.raises(ValueError, match=part):
            data.load("folder", folder, split="all", **options)

    def test_names_of_classes_txt_stay_with_a_threshold(self, folder):
        self.fill(folder, WHITE, ".jpg")
        (folder / "classes.txt").write_text("ground = 0\negg = 255\n")
        part = data.load("folder", folder, split="all", threshold=128)
        assert part.labels.names == ("ground", "egg")
        np.testing.assert_array_equal(part[0][1], OBJECT)


@pytest.mark.data
def test_real_masks_that_number_their_objects(data_root):
    if not (data_root / "drosophila").is_dir():
        pytest.skip(f"no drosophila in {data_root}")
    part = data.load("folder", data_root / "drosophila", split="all", images="image",
                     masks="annot_eggs", binary=True)  # fmt: skip
    for path, (_, label) in zip(part.targets, part, strict=True):
        np.testing.assert_array_equal(label, np.asarray(Image.open(path)) > 0)


@pytest.mark.data
def test_real_jpeg_masks(data_root):
    if not (data_root / "horses").is_dir():
        pytest.skip(f"no horses in {data_root}")
    paths = sorted((data_root / "horses" / "mask").iterdir())[:3]
    for path in paths:
        with pytest.raises(LabelError, match=r"JPEG.*threshold=128"):
            BINARY.read(path)
        expected = np.asarray(Image.open(path)) >= 128
        np.testing.assert_array_equal(MaskReader(TWO, threshold=128).read(path), expected)
        np.testing.assert_array_equal(data.read_mask(path, TWO, threshold=128), expected)
