"""Where images come from and labels go: windows only, files resumed, mistakes refused."""

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras.inference import memory
from fcn_keras.inference.tiling import segment_tiled

L = keras.layers


@pytest.fixture(scope="module")
def model():
    """A net of stride 2 with a halo of a few pixels, three classes."""
    keras.utils.set_random_seed(3)
    image = keras.Input((None, None, 3))
    x = fcn_keras.layers.PadToMultiple(2)(L.Rescaling(1 / 64)(image))
    x = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = fcn_keras.layers.BilinearUpsampling2D(2)(L.Conv2D(3, 1)(x))
    return keras.Model(image, fcn_keras.layers.Logits()([x, image]))


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (90, 70, 3), "uint8")


@pytest.fixture
def whole(model, image):
    return fcn_keras.segment(model, image)


class Watched:
    """An array that remembers which windows were read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, []

    def __getitem__(self, place):
        self.read.append(self.array[place].shape[:2])
        return self.array[place]


class Interrupted(Watched):
    """An array that breaks off after some windows, as a process that is stopped."""

    def __init__(self, array, after):
        super().__init__(array)
        self.after = after

    def __getitem__(self, place):
        if len(self.read) == self.after:
            raise KeyboardInterrupt
        return super().__getitem__(place)


def tiled(model, image, **options):
    return segment_tiled(model, image, **{"tile": 16, "progress": False, **options})


def test_no_window_is_larger_than_tile_and_halo(model, image, whole):
    watched = Watched(image)
    np.testing.assert_array_equal(tiled(model, watched), whole)
    halo = fcn_keras.geometry.halo(model)
    assert max(max(shape) for shape in watched.read) <= 16 + halo.before[0] + halo.after[0]
    assert sum(np.prod(shape) for shape in watched.read) < 3 * 90 * 70


def test_every_form_of_an_image(model, image, whole, tmp_path):
    Image.fromarray(image).save(tmp_path / "image.png")
    np.save(tmp_path / "image.npy", image)
    transparent = np.concatenate([image, np.full((90, 70, 1), 255, "uint8")], -1)
    with h5py.File(tmp_path / "image.h5", "w") as file:
        forms = [
            tmp_path / "image.png",
            str(tmp_path / "image.npy"),
            np.load(tmp_path / "image.npy", mmap_mode="r"),
            file.create_dataset("image", data=image, chunks=(32, 32, 3)),
            Image.fromarray(image),
            Image.fromarray(transparent),
            transparent,
            image.astype("float64"),
            image.astype("uint16"),
        ]
        for form in forms:
            np.testing.assert_array_equal(tiled(model, form), whole)


def test_a_photo_is_turned_upright(model, image, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image).save(tmp_path / "turned.png", exif=exif)
    expected = fcn_keras.segment(model, tmp_path / "turned.png")
    assert expected.shape == (70, 90)
    np.testing.assert_array_equal(tiled(model, tmp_path / "turned.png"), expected)


def test_grey_images(model, image):
    grey = image[..., 1]
    expected = fcn_keras.segment(model, grey)
    for form in (grey, grey[..., None], Image.fromarray(grey)):
        np.testing.assert_array_equal(tiled(model, form), expected)


def test_every_form_of_out(model, image, whole, tmp_path):
    given = np.zeros(whole.shape, "int32")
    assert tiled(model, image, out=given) is given
    written = tiled(model, image, out=tmp_path / "labels.npy")
    with h5py.File(tmp_path / "out.h5", "w") as file:
        stored = file.create_dataset("labels", whole.shape, "uint8", chunks=(16, 16))
        tiled(model, image, out=stored)
        for labels in (given, written, np.load(tmp_path / "labels.npy"), stored[:]):
            np.testing.assert_array_equal(labels, whole)
    assert isinstance(written, np.memmap) and not written.flags.writeable


def test_scores_go_to_a_file_of_their_own(model, image, tmp_path):
    expected = fcn_keras.segment(model, image, return_logits=True)
    paths = tmp_path / "labels.npy", tmp_path / "scores.npy"
    labels, scores = tiled(model, image, out=paths, return_logits=True)
    np.testing.assert_array_equal(labels, expected[0])
    np.testing.assert_allclose(scores, expected[1], atol=1e-4)
    with pytest.raises(ValueError, match="`out` must be a pair"):
        tiled(model, image, out=paths[0], return_logits=True)


@pytest.mark.parametrize("options", [{}, {"halo": "blend", "tile": 32}])
@pytest.mark.parametrize("after", [3, 9])
def test_interrupted_and_resumed_is_the_same_file(model, image, tmp_path, options, after):
    one, two = tmp_path / "one.npy", tmp_path / "two.npy"
    tiled(model, image, out=one, **options)
    with pytest.raises(KeyboardInterrupt):
        tiled(model, Interrupted(image, after), out=two, **options)
    with (tmp_path / "two.npy.tiles").open("a") as log:
        log.write("9")  # as if it had been stopped within a line
    watched = Watched(image)
    tiled(model, watched, out=two, resume=True, **options)
    assert one.read_bytes() == two.read_bytes()
    again = Watched(image)
    tiled(model, again, out=two, resume=True, **options)
    assert len(again.read) == 2 < len(watched.read)  # its channels and a sample, no window
    assert one.read_bytes() == two.read_bytes()


def test_resuming_keeps_the_tile_that_memory_allowed_then(
    model, image, whole, tmp_path, monkeypatch
):
    options = {"tile": "auto", "out": tmp_path / "labels.npy"}
    cost = memory.bytes_per_pixel(model)
    monkeypatch.setattr(memory, "available", lambda: 2 * cost * 40**2)
    with pytest.raises(KeyboardInterrupt):
        tiled(model, Interrupted(image, 5), **options)
    monkeypatch.setattr(memory, "available", lambda: 2 * cost * 60**2)
    watched = Watched(image)
    tiled(model, watched, resume=True, **options)
    np.testing.assert_array_equal(np.load(options["out"]), whole)
    assert sum(np.prod(shape) for shape in watched.read) < 90 * 70  # the rest alone


def test_resuming_begins_where_nothing_is(model, image, whole, tmp_path):
    labels = tiled(model, image, out=tmp_path / "new.npy", resume=True)
    np.testing.assert_array_equal(labels, whole)


def test_resuming_something_else_is_refused(model, image, tmp_path):
    path = tmp_path / "labels.npy"
    tiled(model, image, out=path)
    with pytest.raises(ValueError, match="labels.npy was started with another tiling"):
        tiled(model, image, out=path, resume=True, tile=32)
    with pytest.raises(ValueError, match="another image"):
        tiled(model, 255 - image, out=path, resume=True)
    other = keras.models.clone_model(model)
    with pytest.raises(ValueError, match="another model"):
        tiled(other, image, out=path, resume=True)
    with pytest.raises(ValueError, match="continues the file.*out=NoneType"):
        tiled(model, image, resume=True)
    (tmp_path / "labels.npy.tiles").unlink()
    with pytest.raises(ValueError, match="labels.npy.tiles.*not beside it"):
        tiled(model, image, out=path, resume=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tile": 0}, "`tile`.*at least 1.*got 0"),
        ({"tile": "large"}, "`tile` must be 'auto'.*'large'"),
        ({"tile": (1, 2, 3)}, "`tile`.*got \\(1, 2, 3\\)"),
        ({"halo": "none"}, "`halo` must be 'exact', 'blend'.*'none'"),
        ({"halo": -1}, "`halo`.*got -1"),
        (
            {"overlap": 15},
            "16 pixels .* multiples of 2 cannot share 15: `tile` .* 17, .* at most 14",
        ),
        ({"overlap": 2, "halo": 8}, "`overlap` is for halo='blend'"),
        ({"out": "labels.png"}, "suffix .npy; got labels.png"),
        ({"out": 3}, "`out` must be None.*got int"),
        ({"out": np.zeros((3, 4), "uint8")}, r"\(90, 70\) and type uint8; got \(3, 4\)"),
        ({"out": np.zeros((90, 70), "int8")}, "type uint8; got .* int8"),
    ],
)
def test_bad_options_are_refused(model, image, options, words):
    with pytest.raises(ValueError, match=words):
        tiled(model, image, **options)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((2, 4, 5, 3), "uint8"), r"\(2, 4, 5, 3\)"),
        (np.zeros((0, 5, 3), "uint8"), r"one pixel or more; got \(0, 5, 3\)"),
        (np.zeros((40, 50, 7), "uint8"), "images \\(H, W, 3\\)"),
        (np.full((40, 50, 3), 60000, "uint16"), "60000.*divided by 257"),
        (np.random.default_rng(0).random((40, 50, 3)), "scale 0-1.*image \\* 255"),
        (np.full((40, 50, 3), np.nan), "0-255"),
    ],
)
def test_bad_images_are_refused(model, bad, words):
    with pytest.raises(ValueError, match=words):
        tiled(model, bad)
    with pytest.raises(TypeError, match="`shape` and slicing.*int"):
        tiled(model, 3)


def test_the_cost_is_told(model, image, capsys):
    tiled(model, image, progress=True)
    assert "times the work of the whole image" in capsys.readouterr().out
    tiled(model, image, tile="auto", progress=True)
    assert not capsys.readouterr().out
