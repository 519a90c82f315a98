"""What people's own images taught: alpha, bits and pages are decided once, or refused by name."""

import json

import image_files as files
import numpy as np
import pytest
from PIL import Image

from fcn_keras.data import Dataset, ImageReader, check, load, read_image
from fcn_keras.data.images.conversion import to_input
from fcn_keras.labels import LabelSet
from fcn_keras.training.checks import check_same_reading

pytest.importorskip("tensorflow")
SIZE = (8, 11)


def random(*shape, high=256, dtype="uint8", low=1, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def write(path, content):
    path.write_bytes(content)
    return path


def saved(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def folder(root, images):
    """A data set of two classes with these images, {name: array or bytes}."""
    for place in ("images", "masks"):
        (root / place).mkdir(parents=True, exist_ok=True)
    (root / "classes.txt").write_text("ground\nobject\n")
    for name, image in images.items():
        path = root / "images" / name
        if isinstance(image, bytes):
            path.write_bytes(image)
        elif path.suffix in (".npy", ".npz"):
            (np.save if path.suffix == ".npy" else np.savez)(path, image)
        else:
            Image.fromarray(image).save(path)
        mask = np.zeros(SIZE, "uint8")
        mask[2:5, 3:7] = 1
        Image.fromarray(mask).save(root / "masks" / f"{path.stem}.png")
    return root


def from_pipeline(data):
    return [example["image"].numpy() for example in data.examples()]


# --- alpha


@pytest.mark.parametrize("kind", ["tif", "jp2", "tif of 16 bits"])
def test_a_fourth_band_that_is_called_alpha_is_refused_until_its_meaning_is_given(tmp_path, kind):
    bands = random(*SIZE, 4, high=255)
    path = tmp_path / f"scene.{kind[:3]}"
    if kind == "tif of 16 bits":
        write(path, files.tiff(bands.astype("uint16") * 257, extra=[2]))
    else:
        saved(path, bands, **({"irreversible": False} if kind == "jp2" else {}))
    with pytest.raises(ValueError, match=r'scene.*near infrared.*alpha="ignore".*alpha="band"'):
        read_image(path)
    np.testing.assert_array_equal(read_image(path, alpha="ignore"), bands[..., :3])
    np.testing.assert_array_equal(read_image(path, alpha="band"), bands)
    share = bands[..., 3:] / 255
    white = bands[..., :3] * share + 255 * (1 - share)
    assert np.abs(read_image(path, alpha="composite") - white).max() <= 1


def test_a_fourth_band_without_a_stated_meaning_is_not_dropped_in_silence(tmp_path):
    bands = random(*SIZE, 4)
    path = write(tmp_path / "scene.tif", files.tiff(bands, extra=[0]))
    with pytest.raises(ValueError, match='scene.tif.* 4 bands.*alpha="band"'):
        read_image(path)
    np.testing.assert_array_equal(read_image(path, alpha="band"), bands)
    np.testing.assert_array_equal(read_image(path, alpha="ignore"), bands[..., :3])
    big = write(tmp_path / "big.tif", files.tiff(bands, extra=[0], order=">"))
    np.testing.assert_array_equal(read_image(big, alpha="band"), bands)
    bands[..., 3] = 255
    np.testing.assert_array_equal(
        read_image(write(path, files.tiff(bands, extra=[0]))), bands[..., :3]
    )


@pytest.mark.parametrize(("bands", "photometric"), [(5, 2), (6, 2), (5, 1), (7, 2), (4, 1)])
def test_more_bands_than_pillow_reads_are_told_with_the_way_out(tmp_path, bands, photometric):
    extra = [0] * (bands - (3 if photometric == 2 else 1))
    content = files.tiff(random(*SIZE, bands), extra=extra, photometric=photometric)
    with pytest.raises(ValueError, match=rf"scene.tif.* {bands} bands.*\.npy \(H, W, channels\)"):
        read_image(write(tmp_path / "scene.tif", content))


def test_alpha_that_is_opaque_everywhere_is_left_out_without_a_word(tmp_path):
    image = random(*SIZE, 4)
    image[..., 3] = 255
    for suffix, options in (("tif", {}), ("png", {}), ("webp", {"lossless": True})):
        path = saved(tmp_path / f"a.{suffix}", image, **options)
        np.testing.assert_array_equal(read_image(path), image[..., :3])
    data = load("folder", folder(tmp_path / "data", {"a.png": image, "b.png": image}))
    assert data.notes == ()


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_a_cut_out_is_put_on_white(tmp_path, suffix):
    image = random(*SIZE, 4)
    image[..., 3] = 255
    image[:3, ..., 3] = 0
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    expected = np.where(image[..., 3:] == 0, 255, image[..., :3])
    np.testing.assert_array_equal(
        read_image(saved(tmp_path / f"a.{suffix}", image, **options)), expected
    )


def test_transparency_is_told_and_what_looks_like_a_band_is_told_apart(tmp_path):
    cut, band = random(*SIZE, 4), random(*SIZE, 4, high=255, seed=1)
    cut[..., 3] = 255
    cut[:3, ..., 3] = 0
    (note,) = load("folder", folder(tmp_path / "cut", {"a.png": cut, "b.png": cut})).notes
    assert "transparent pixels are read as white" in note and "partly" not in note
    (note,) = check("folder", folder(tmp_path / "band", {"a.png": band, "b.png": band})).notes
    assert "100% of the pixels of a.png are partly transparent" in note
    data = load("folder", tmp_path / "band", alpha="band", split="all")
    assert (data.channels, data.notes) == (4, ("images are read with alpha=band, as given",))
    np.testing.assert_array_equal(data[0][0], band)
    np.testing.assert_array_equal(from_pipeline(data)[0], band)


def test_alpha_that_is_zero_everywhere_does_not_make_a_white_image(tmp_path):
    image = random(*SIZE, 4)
    image[..., 3] = 0
    with pytest.raises(ValueError, match="a.tga.*alpha is 0 everywhere"):
        read_image(saved(tmp_path / "a.tga", image))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tga", alpha="ignore"), image[..., :3])


def test_grey_with_alpha_has_two_channels_as_a_band(tmp_path):
    image = random(*SIZE, 2)
    path = write(tmp_path / "a.png", files.png(image))
    np.testing.assert_array_equal(read_image(path, alpha="band"), image)
    np.testing.assert_array_equal(
        read_image(path, alpha="ignore"), image[..., :1].repeat(3, axis=-1)
    )


# --- bits


def test_one_scale_for_all_images_of_sixteen_bits(tmp_path):
    """Constants of 250 and 3000 were read as 250 and 12."""
    images = {f"{n}.png": np.full(SIZE, n, "uint16") for n in (250, 3000)}
    root = folder(tmp_path, images)
    with pytest.raises(ValueError, match=r"3000.png.*end at 3000.*bits=12 \(4095\).*brightest of"):
        load("folder", root)
    with pytest.raises(ValueError, match=r"3000.png.*bits=12"):
        check("folder", root)
    data = load("folder", root, split="all", bits=12)
    expected = {name: round(n * 255 / 4095) for name, n in (("250", 250), ("3000", 3000))}
    for name, image, batch in zip(data.names, data, from_pipeline(data), strict=True):
        assert set(np.unique(image[0])) == {expected[name]}
        np.testing.assert_array_equal(batch, image[0])
    Image.fromarray(np.full(SIZE, 40000, "uint16")).save(root / "images" / "bright.png")
    Image.fromarray(np.zeros(SIZE, "uint8")).save(root / "masks" / "bright.png")
    for split in ("train", "val"):
        data = load("folder", root, split=split)
        assert data.image_reader.bits == 16
        assert "65535 as white (bits=16): bright.png reaches 40000" in data.notes[0]
        for name, (image, _) in zip(data.names, data, strict=True):
            value = {"bright": 40000, "250": 250, "3000": 3000}[name]
            assert set(np.unique(image)) == {round(value / 257)}


def test_eight_bits_stored_in_sixteen(tmp_path):
    image = random(*SIZE, dtype="uint16")
    data = load("folder", folder(tmp_path, {"a.png": image, "b.png": image}), split="all")
    assert data.image_reader.bits == 8 and "none exceeds 255" in data.notes[0]
    np.testing.assert_array_equal(data[0][0][..., 0], image)


@pytest.mark.parametrize("make", ["png", "tiff", "tiff big-endian", "tiff with alpha"])
def test_colours_of_twelve_bits_keep_all_of_them(tmp_path, make):
    """Pillow alone gives the higher byte: 0 to 15."""
    image = random(*SIZE, 3, high=4096, dtype="uint16")
    alpha = np.full((*SIZE, 1), 4095, "uint16")
    content = {
        "png": lambda: files.png(image),
        "tiff": lambda: files.tiff(image),
        "tiff big-endian": lambda: files.tiff(image, order=">"),
        "tiff with alpha": lambda: files.tiff(np.concatenate([image, alpha], -1), extra=[2]),
    }[make]()
    path = write(tmp_path / f"a.{make[:3].replace('tif', 'tiff')}", content)
    expected = np.round(image * (255 / 4095)).astype("uint8")
    np.testing.assert_array_equal(read_image(path, bits=12), expected)
    np.testing.assert_array_equal(
        to_input(Image.open(path), (None, None, 3), ImageReader(bits=12)), expected
    )
    with pytest.raises(ValueError, match="stored in 16 bits"):
        read_image(path)
    with pytest.raises(ValueError, match=r"above|end at 1023"):
        read_image(path, bits=10)


def test_what_says_its_bits_itself_is_not_in_question(tmp_path):
    values = random(*SIZE, high=4096, dtype="uint16", low=3000)
    saved(tmp_path / "a.jp2", values)  # scaled to 16 bits by Pillow's decoder
    np.testing.assert_array_equal(read_image(tmp_path / "a.jp2")[..., 0], np.round(values / 257))
    twelve = random(*SIZE, high=4096, dtype="uint16")
    Image.fromarray(twelve).save(tmp_path / "noted.tif", tiffinfo={281: 4095})  # MaxSampleValue
    expected = np.round(twelve * (255 / 4095))
    np.testing.assert_array_equal(read_image(tmp_path / "noted.tif")[..., 0], expected)
    expected = np.round(twelve * (255 / 16383))
    np.testing.assert_array_equal(read_image(tmp_path / "noted.tif", bits=14)[..., 0], expected)
    root = folder(
        tmp_path / "data", {f"{n}.tif": (tmp_path / "noted.tif").read_bytes() for n in "ab"}
    )
    assert load("folder", root).notes == ()
    grey = write(tmp_path / "white_is_zero.tif", files.tiff(
        np.full((*SIZE, 1), 60000, "uint16"), photometric=0
    ))  # fmt: skip
    assert set(np.unique(read_image(grey))) == {255 - round(60000 / 257)}


def test_bands_of_sixteen_bits_that_pillow_mixes_up_are_refused(tmp_path):
    image = random(*SIZE, 3, high=65536, dtype="uint16")
    with pytest.raises(ValueError, match="a.tif.*one after the other"):
        read_image(write(tmp_path / "a.tif", files.tiff(image, planar=True)))


# --- pages


@pytest.mark.parametrize("suffix", ["tif", "gif", "webp", "png"])
def test_several_pages_or_frames_need_a_choice(tmp_path, suffix):
    frames = [Image.fromarray(random(*SIZE, 3, seed=n)).quantize(16) for n in range(3)]
    frames = frames if suffix == "gif" else [frame.convert("RGB") for frame in frames]
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    with pytest.raises(ValueError, match=rf"a.{suffix}.* 3 .*page=0"):
        read_image(path)
    for page in (0, 2):
        expected = np.asarray(frames[page].convert("RGB"))
        np.testing.assert_array_equal(read_image(path, page=page), expected)
    with pytest.raises(ValueError, match=f"a.{suffix}.*has no page 3"):
        read_image(path, page=3)
    root = folder(tmp_path / "data", {f"{n}.{suffix}": path.read_bytes() for n in "ab"})
    report = check("folder", root)
    assert {problem.kind for problem in report.problems} == {"unreadable"}
    data = load("folder", root, page=2, split="all")
    np.testing.assert_array_equal(data[0][0], np.asarray(frames[2].convert("RGB")))
    np.testing.assert_array_equal(from_pipeline(data)[0], data[0][0])


def test_smaller_copies_of_the_first_page_do_not_count(tmp_path):
    image = Image.fromarray(random(64, 80, 3))
    smaller = [image.resize((40, 32)), image.resize((20, 16))]
    image.save(tmp_path / "pyramid.tif", save_all=True, append_images=smaller)
    np.testing.assert_array_equal(read_image(tmp_path / "pyramid.tif"), np.asarray(image))
    image.save(tmp_path / "camera.mpo", save_all=True, append_images=[image.rotate(90)])
    assert read_image(tmp_path / "camera.mpo").shape == (64, 80, 3)


def test_a_stack_of_imagej_behind_one_header(tmp_path):
    first = random(*SIZE, 1)
    content = files.tiff(first, description="ImageJ=1.53t\nimages=5\nslices=5\n")
    path = write(tmp_path / "stack.tif", content)
    with pytest.raises(ValueError, match="stack.tif.* 5 pages"):
        read_image(path)
    np.testing.assert_array_equal(read_image(path, page=0)[..., :1], first)
    with pytest.raises(ValueError, match="only the first can be read"):
        read_image(path, page=2)


# --- arrays


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_of_five_bands_in_a_folder(tmp_path, suffix):
    deep = {f"{n}{suffix}": random(*SIZE, 5, seed=ord(n)) for n in "abc"}
    root = folder(tmp_path, deep)
    assert check("folder", root).ok
    data = load("folder", root, split="all")
    assert data.channels == 5
    for name, image, (other, _) in zip(data.names, from_pipeline(data), data, strict=True):
        np.testing.assert_array_equal(image, deep[name + suffix])
        np.testing.assert_array_equal(other, deep[name + suffix])


def test_arrays_of_twelve_bits(tmp_path):
    values = random(*SIZE, 5, high=4096, dtype="uint16")
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ValueError, match="a.npy.*bits=12"):
        read_image(tmp_path / "a.npy")
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.npy", bits=12), np.round(values * (255 / 4095))
    )


def test_an_archive_of_several_arrays_names_them(tmp_path):
    np.savez(tmp_path / "a.npz", image=np.zeros((3, 3)), mask=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="a.npz.*one array, and it holds image, mask"):
        read_image(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="b.npz cannot be read"):
        read_image(tmp_path / "b.npz")


# --- the reader itself


@pytest.mark.parametrize(
    "options", [{"bits": 7}, {"bits": 17}, {"alpha": "white"}, {"page": -1}, {"bits": "12"}]
)
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match="`(bits|alpha|page)` must be"):
        ImageReader(**options)


def test_a_reader_keeps_what_was_chosen_and_nothing_else():
    assert ImageReader().to_config() == {}
    reader = ImageReader(12, "band", 0)
    config = json.loads(json.dumps(reader.to_config()))
    assert config == {"bits": 12, "alpha": "band", "page": 0}
    assert ImageReader.from_config(config) == reader
    assert ImageReader.from_config(None) == ImageReader()
    assert ImageReader(alpha="ignore").filled(reader) == ImageReader(12, "ignore", 0)


def test_a_list_of_files_is_looked_through_as_a_folder_is(tmp_path):
    paths = [saved(tmp_path / f"{n}.png", np.full(SIZE, n, "uint16")) for n in (250, 3000)]
    masks = np.zeros((2, *SIZE), "uint8")
    labels = LabelSet(("a", "b"))
    masks = tuple(saved(tmp_path / f"m{n}.png", mask) for n, mask in enumerate(masks))
    with pytest.raises(ValueError, match="3000.png"):
        Dataset("mine", "train", labels, ("a", "b"), tuple(paths), masks)
    reader = ImageReader(bits=12)
    bright = (str(saved(tmp_path / "bright.png", np.full(SIZE, 50000, "uint16"))), str(paths[0]))
    data = Dataset("mine", "train", labels, ("a", "b"), bright, masks)
    assert "bright.png reaches 50000" in data.notes[0]
    data = Dataset("mine", "train", labels, ("a", "b"), tuple(paths), masks, image_reader=reader)
    assert data[1][0].max() == 187
    eight = Dataset("mine", "train", labels, ("a",), tuple(paths[:1]), masks[:1])
    assert eight[0][0].max() == 250  # no file has more than 8 bits
    assert eight.read_as(reader)[0][0].max() == 16  # a net that was trained on 12 knows better
    given = ImageReader(bits=8)
    eight = Dataset(
        "mine", "train", labels, ("a",), tuple(paths[:1]), masks[:1], image_reader=given
    )
    assert eight.read_as(reader)[0][0].max() == 250


@pytest.mark.parametrize("suffix", ["tif", "png", "gif", "webp"])
def test_damaged_files_are_named_not_the_error_of_a_library(tmp_path, suffix):
    frames = [Image.fromarray(random(40, 50, 3, seed=n)) for n in range(3)]
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    whole = path.read_bytes()
    for share in (0.2, 0.5, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        for page in (None, 2):
            try:
                read_image(path, page=page)
            except ValueError as error:
                assert str(path) in str(error)


def test_channels_of_a_net_and_of_a_folder(tmp_path):
    """Grey and colour are converted to each other; nothing else is."""
    colour = folder(tmp_path / "colour", {f"{n}.png": random(*SIZE, 3) for n in "ab"})
    grey = folder(tmp_path / "grey", {f"{n}.png": random(*SIZE) for n in "ab"})
    deep = folder(tmp_path / "deep", {f"{n}.npy": random(*SIZE, 4) for n in "ab"})
    flat = folder(tmp_path / "flat", {f"{n}.npy": random(*SIZE) for n in "ab"})
    known = {colour: (1, 3), grey: (1, 3), flat: (1, 3), deep: (4,)}
    for root, fitting in known.items():
        data = load("folder", root, split="all")
        for channels in (1, 2, 3, 4, 5):
            if channels in fitting:
                fitted = data.with_channels(channels)
                assert fitted[0][0].shape == (*SIZE, channels)
                np.testing.assert_array_equal(from_pipeline(fitted)[0], fitted[0][0])
            else:
                with pytest.raises(ValueError, match=f"have {data.channels} .* takes {channels}"):
                    data.with_channels(channels)


def test_bits_without_an_image_that_has_them_are_told(tmp_path):
    root = folder(tmp_path, {f"{n}.png": random(*SIZE, 3) for n in "ab"})
    assert load("folder", root, bits=12).notes == (
        "images are read with bits=12, as given",
        "bits=12 changes nothing: no image has 16 bits a pixel",
    )


def test_arrays_of_uint16_in_memory(tmp_path):
    values = random(1, *SIZE, 5, high=4096, dtype="uint16")
    arguments = (
        "mine",
        "train",
        LabelSet(("a", "b")),
        ("a",),
        values,
        np.zeros((1, *SIZE), "uint8"),
    )
    with pytest.raises(ValueError, match="mine: a: .*bits=12"):
        Dataset(*arguments)
    data = Dataset(*arguments, image_reader=ImageReader(bits=12))
    assert (data.channels, data.image_dtype) == (5, "uint8")
    np.testing.assert_array_equal(data.take(1)[0][0], np.round(values[0] * (255 / 4095)))


def test_data_that_is_read_otherwise_than_in_the_training_is_told(tmp_path):
    root = folder(tmp_path, {f"{n}.png": np.full(SIZE, 900, "uint16") for n in "ab"})
    data = load("folder", root, split="all", bits=10)
    with pytest.warns(UserWarning, match="training: bits=10 and bits=12"):
        assert data.read_as(ImageReader(bits=12))[0][0].max() == round(900 * 255 / 1023)
    started = {"image_reader": {"bits": 12}}
    with pytest.raises(ValueError, match="options bits=12 .* now they are bits=10"):
        check_same_reading(started, data)
    check_same_reading({"image_reader": {"bits": 10}}, data)
    with pytest.raises(ValueError, match="options none of reading"):
        check_same_reading({}, data)
