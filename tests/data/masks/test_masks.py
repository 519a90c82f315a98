"""Masks of every kind give the same label map by Pillow and in the pipeline."""

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fcn_keras.data import Dataset, LabelError, MaskReader, read_mask
from fcn_keras.labels import VOID_COLOR, LabelSet

NAMES = ("ground", "leaf", "fruit")
COLORS = ((10, 10, 10), (90, 90, 90), (200, 0, 0))  # two of three are grey
LABELS = LabelSet(NAMES, COLORS)
TRUTH = np.array([[0, 1, 2, 255], [2, 2, 1, 0], [0, 0, 255, 1]], "uint8")


def both_ways(path, reader):
    """The label map from the reader, after checking that the pipeline's is the same."""
    label = reader.read(path)
    image = path.parent / "image_of_it.png"
    Image.fromarray(np.zeros((*label.shape, 3), "uint8")).save(image)
    data = Dataset("one", "train", reader.labels, ("it",), (image,), (path,), reader)
    decoded = next(iter(data.examples()))["target"].numpy()
    np.testing.assert_array_equal(decoded, label)
    assert decoded.dtype == label.dtype == reader.labels.dtype
    return label


def save(array, path, **options):
    Image.fromarray(array).save(path, **options)
    return path


def painted(truth, colors, void):
    picture = np.zeros((*truth.shape, 3), "uint8")
    for value, color in enumerate(colors):
        picture[truth == value] = color
    picture[truth == 255] = void
    return picture


def test_index(tmp_path):
    path = save(TRUTH, tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS)), TRUTH)
    np.testing.assert_array_equal(read_mask(path, LABELS), TRUTH)


def test_another_value_is_void(tmp_path):
    path = save(np.where(TRUTH == 255, 3, TRUTH).astype("uint8"), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS, void=(3,))), TRUTH)


def test_a_value_amid_the_classes_is_void(tmp_path):
    path = save(TRUTH, tmp_path / "m.png")
    expected = np.where(TRUTH == 1, 255, TRUTH)
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS, void=(1,))), expected)


@pytest.mark.parametrize("colors", [4, 16, 256])
def test_palette(tmp_path, colors):
    """A palette of 4 or 16 colours is stored with 2 or 4 bits per pixel."""
    truth = TRUTH if colors == 256 else np.where(TRUTH == 255, 3, TRUTH).astype("uint8")
    picture = Image.fromarray(truth).convert("P")
    picture.putpalette(np.random.default_rng(0).integers(0, 256, colors * 3).tolist())
    picture.save(tmp_path / "m.png")
    label = both_ways(tmp_path / "m.png", MaskReader(LABELS, void=(3,)))
    np.testing.assert_array_equal(label, TRUTH)


def test_rgb_with_class_colours(tmp_path):
    path = save(painted(TRUTH, COLORS, VOID_COLOR), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS)), TRUTH)


def test_rgb_whose_colours_are_greys(tmp_path):
    """An RGB mask of grey colours: (90, 90, 90) is class 1, not value 90."""
    truth = np.array([[0, 1], [1, 0]], "uint8")
    path = save(painted(truth, COLORS, VOID_COLOR), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS)), truth)


def test_rgb_that_holds_class_numbers(tmp_path):
    path = save(np.repeat(TRUTH[..., None], 3, axis=-1), tmp_path / "m.png")
    label = both_ways(path, MaskReader(LabelSet(NAMES)))
    np.testing.assert_array_equal(label, TRUTH)


def test_rgba(tmp_path):
    colors = painted(TRUTH, COLORS, VOID_COLOR)
    alpha = np.full((*TRUTH.shape, 1), 128, "uint8")
    path = save(np.concatenate([colors, alpha], -1), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS)), TRUTH)


def test_one_bit(tmp_path):
    """The values of a bilevel PNG are 0 and 1, though viewers show black and white."""
    truth = np.array([[0, 1, 1], [1, 0, 0]], "uint8")
    Image.fromarray(truth * 255).convert("1").save(tmp_path / "m.png")
    label = both_ways(tmp_path / "m.png", MaskReader(LABELS))
    np.testing.assert_array_equal(label, truth)


def test_sixteen_bits(tmp_path):
    labels = LabelSet.numbered(300)
    truth = np.array([[0, 299, 65535], [256, 1, 2]], "uint16")
    path = save(truth, tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, MaskReader(labels)), truth)


def test_sixteen_bits_of_few_classes(tmp_path):
    path = save(TRUTH.astype("uint16"), tmp_path / "m.png")
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS)), TRUTH)


@pytest.mark.parametrize(("values", "parts"), [
    ([0, 1, 3], ["m.png", "label 3", "0 to 2", "255", "counted from 1"]),
    ([0, 77], ["m.png", "label 77", "0 to 2"]),
    (range(0, 250, 2), ["m.png", "photograph"]),
])  # fmt: skip
def test_wrong_label_is_explained(tmp_path, values, parts):
    path = save(np.array([list(values)], "uint8"), tmp_path / "m.png")
    with pytest.raises(LabelError) as caught:
        MaskReader(LABELS).read(path)
    for part in parts:
        assert part in str(caught.value)


def test_wrong_colour_is_explained(tmp_path):
    picture = painted(TRUTH, COLORS, VOID_COLOR)
    picture[1, 2] = (1, 2, 3)
    path = save(picture, tmp_path / "m.png")
    with pytest.raises(LabelError, match=r"m.png.*\(1, 2, 3\) at row 1, column 2"):
        MaskReader(LABELS).read(path)


def test_jpeg_is_recognised(tmp_path):
    path = save(np.random.default_rng(0).integers(0, 9, (32, 32), "uint8"), tmp_path / "m.jpg")
    with pytest.raises(LabelError, match="JPEG"):
        MaskReader(LABELS).read(path)


def test_training_refuses_what_the_reader_refuses(tmp_path):
    mask = save(np.array([[0, 1], [1, 7]], "uint8"), tmp_path / "m.png")
    image = save(np.zeros((2, 2, 3), "uint8"), tmp_path / "i.png")
    data = Dataset("one", "train", LABELS, ("it",), (image,), (mask,))
    with pytest.raises(Exception, match=r"m.png holds the label 7"):
        list(data.batches(1))


def test_labels_in_memory_are_checked():
    images, masks = (np.zeros((2, 2, 3), "uint8"),), (np.array([[0, 3], [0, 0]]),)
    with pytest.raises(LabelError, match="3"):
        list(Dataset("one", "train", LABELS, ("it",), images, masks))


def test_size_mismatch_names_both_files(tmp_path):
    mask = save(np.zeros((2, 3), "uint8"), tmp_path / "m.png")
    image = save(np.zeros((3, 2, 3), "uint8"), tmp_path / "i.png")
    data = Dataset("one", "train", LABELS, ("it",), (image,), (mask,))
    for read in (lambda: data[0], lambda: list(data.batches(1, crop=(2, 2)))):
        with pytest.raises(Exception, match=r"(?s)i.png.*3x2.*m.png.*2x3"):
            read()


@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_turned_mask_is_turned_back_as_its_image_is(tmp_path, mode):
    exif = Image.Exif()
    exif[0x0112] = 3
    picture = Image.fromarray(TRUTH)
    if mode == "P":
        picture = picture.convert("P")
        picture.putpalette(bytes(range(256)) * 3)
        picture.putdata(TRUTH.ravel())
    picture.save(tmp_path / "m.png", exif=exif)
    label = both_ways(tmp_path / "m.png", MaskReader(LABELS))
    np.testing.assert_array_equal(label, TRUTH[::-1, ::-1])


def test_a_note_in_a_mask_does_no_harm(tmp_path):
    note = PngImagePlugin.PngInfo()
    note.add_text("Software", "a painting program")
    path = save(TRUTH, tmp_path / "m.png", pnginfo=note)
    np.testing.assert_array_equal(both_ways(path, MaskReader(LABELS)), TRUTH)


def test_a_binary_mask_is_not_read_as_void(tmp_path):
    two = LabelSet(("background", "egg"))
    mask = np.array([[0, 255, 255, 0]], "uint8")
    path = save(mask, tmp_path / "m.png")
    with pytest.raises(LabelError, match="binary mask of 0 and 255"):
        read_mask(path, two)
    np.testing.assert_array_equal(read_mask(path, two, void=(255,)), mask)


def test_binary_label_maps_in_memory_are_refused():
    two, images = LabelSet(("background", "egg")), (np.zeros((1, 4, 3), "uint8"),)
    mask = np.array([[0, 255, 255, 0]], "uint8")
    with pytest.raises(LabelError, match="no label map holds class 1"):
        Dataset("eggs", "train", two, ("a",), images, (mask,))
    said = Dataset("eggs", "train", two, ("a",), images, (mask,), MaskReader(two, void=(255,)))
    np.testing.assert_array_equal(said[0][1], mask)
    both = Dataset("eggs", "train", two, ("a", "b"), images * 2, (mask, mask // 255))
    assert len(both.take(1)) == 1
