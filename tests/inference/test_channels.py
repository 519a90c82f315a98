"""Every kind of segmenting takes whatever number of channels the net takes, from any source."""

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import inference, visualize
from fcn_keras.data import Dataset

pytestmark = pytest.mark.backend

L = keras.layers
LABELS = fcn_keras.LabelSet(("a", "b", "c"))
SIZE = (11, 14)
DEPTHS = (1, 2, 3, 4, 5)


def net(channels, dropout=0.0):
    """A net whose class is that of the brightest of some channels, pixel by pixel."""
    image = keras.Input((None, None, channels))
    x = L.Dropout(dropout, seed=1)(L.Rescaling(1 / 64)(image))
    x = L.Conv2D(3, 1, use_bias=False, name="score")(x)
    task = fcn_keras.tasks.Classes(LABELS)
    model = keras.Model(image, fcn_keras.layers.Logits(task_config=task.to_config())([x, image]))
    weights = np.zeros((1, 1, channels, 3), "float32")
    for label in range(3):
        weights[0, 0, label % channels, label] = 1 + label / 2
    model.get_layer("score").set_weights([weights])
    return model


@pytest.fixture(scope="module")
def nets():
    return {channels: net(channels) for channels in DEPTHS}


def image_of(channels, dtype="uint8"):
    return np.random.default_rng(channels).integers(2, 256, (*SIZE, channels)).astype(dtype)


def labels_of(image):
    """What the nets say of an image with their number of channels."""
    channels = image.shape[-1]
    scores = [image[..., n % channels].astype("float32") * (1 + n / 2) for n in range(3)]
    return np.argmax(scores, axis=0)


FEATURES = {
    "plain": {},
    "flip": {"flip": True},
    "scales": {"scales": (1.0,)},
    "scales and flip": {"scales": (1.0,), "flip": True},
    "tile": {"tile": 8},
    "tile, scales and flip": {"tile": 8, "scales": (1.0,), "flip": True},
}


@pytest.mark.parametrize("channels", [
    1, 4, *(pytest.param(n, marks=pytest.mark.backend("sweep")) for n in DEPTHS if n not in (1, 4)),
])  # fmt: skip
@pytest.mark.parametrize("feature", FEATURES)
def test_every_depth_goes_through_every_kind_of_segmenting(nets, channels, feature, tmp_path):
    """A net that works pixel by pixel says the same however it is asked."""
    options, expected = FEATURES[feature], labels_of(image_of(channels))
    for dtype in ("uint8", "float32"):
        image = image_of(channels, dtype)
        found = fcn_keras.segment(nets[channels], image, **options)
        np.testing.assert_array_equal(found, expected)
        _, sums = fcn_keras.segment(nets[channels], image, return_probabilities=True, **options)
        np.testing.assert_allclose(sums.sum(-1), 1, atol=1e-5)
    for suffix, save in ((".npy", np.save), (".npz", np.savez)):
        save(tmp_path / f"a{suffix}", image_of(channels))
        found = fcn_keras.segment(nets[channels], tmp_path / f"a{suffix}", **options)
        np.testing.assert_array_equal(found, expected)
    data = Dataset("made", "val", LABELS, ("a",), (image_of(channels),), (expected,))
    report = fcn_keras.evaluate(nets[channels], data, progress=False, **options)
    assert report.scores.pixel_accuracy == 1


@pytest.mark.parametrize("channels", DEPTHS)
def test_dropout_passes_of_every_depth(channels):
    model, image = net(channels, 0.5), image_of(channels)
    _, probabilities = fcn_keras.segment(model, image, samples=2, return_probabilities=True)
    assert probabilities.shape == (*SIZE, 3)
    assert inference.uncertainty(model, image, samples=2).mean.shape == (*SIZE, 3)


@pytest.mark.parametrize("channels", DEPTHS)
def test_a_crf_takes_grey_and_colour_and_refuses_the_rest_with_a_way_out(nets, channels):
    image = image_of(channels)
    if channels in (1, 3):
        found = fcn_keras.segment(nets[channels], image, crf={"steps": 1})
        assert found.shape == SIZE
        return
    for options in ({"crf": True}, {"crf": True, "flip": True}):
        with pytest.raises(ValueError, match=f"a model of {channels} channels.*dense_crf"):
            fcn_keras.segment(nets[channels], image, **options)
    data = Dataset("made", "val", LABELS, ("a",), (image,), (labels_of(image),))
    with pytest.raises(ValueError, match=f"a model of {channels} channels"):
        inference.tune_crf(nets[channels], data, images=1, steps=1, progress=False)


def test_a_crf_after_a_net_of_several_inputs_is_refused():
    inputs = {name: keras.Input((None, None, 3), name=name) for name in ("left", "right")}
    x = L.Concatenate()([L.Rescaling(1 / 64)(tensor) for tensor in inputs.values()])
    model = keras.Model(inputs, L.Conv2D(3, 1)(x))
    with pytest.raises(ValueError, match="a model of the inputs left, right"):
        fcn_keras.segment(model, {name: image_of(3) for name in inputs}, crf=True)


GREY = {1: lambda i: i, 3: lambda i: i.repeat(3, -1)}
COLOUR = {1: lambda i: np.asarray(Image.fromarray(i).convert("L"))[..., None], 3: lambda i: i}


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize(("stored", "known"), [(1, GREY), (3, COLOUR)])
def test_grey_and_colour_files_become_what_the_net_takes_or_are_refused(
    nets, tmp_path, stored, known, feature
):
    image = image_of(stored)
    path = tmp_path / "a.png"
    Image.fromarray(image[..., 0] if stored == 1 else image).save(path)
    for channels in DEPTHS:
        if channels in known:
            found = fcn_keras.segment(nets[channels], path, **FEATURES[feature])
            np.testing.assert_array_equal(found, labels_of(known[channels](image)))
        else:
            with pytest.raises(ValueError, match=rf"\(H, W, {channels}\); got shape .11, 14, 3"):
                fcn_keras.segment(nets[channels], path, **FEATURES[feature])


@pytest.mark.parametrize("feature", FEATURES)
def test_four_bands_for_a_net_of_three_are_not_taken_for_transparency(nets, tmp_path, feature):
    """Near infrared in the fourth channel would bleach the picture without a word."""
    np.save(tmp_path / "a.npy", image_of(4))
    for image in (image_of(4), image_of(4, "float32"), tmp_path / "a.npy"):
        with pytest.raises(ValueError, match="does not look like transparency"):
            fcn_keras.segment(nets[3], image, **FEATURES[feature])
    cut = image_of(4)
    cut[..., 3] = 255
    cut[:4, ..., 3] = 0
    seen = np.where(cut[..., 3:] > 0, cut[..., :3], np.uint8(255))
    found = fcn_keras.segment(nets[3], cut, **FEATURES[feature])
    np.testing.assert_array_equal(found, labels_of(seen))


@pytest.mark.parametrize("channels", DEPTHS)
def test_predicted_files_of_every_depth(nets, tmp_path, channels):
    """The overlay shows the first three channels, or the first where there are fewer."""
    image = image_of(channels)
    np.savez(tmp_path / "a.npz", image)
    (result,) = inference.predict_files(
        nets[channels], tmp_path / "a.npz", tmp_path / "out", alpha=0, progress=False
    )
    assert result.error is None
    np.testing.assert_array_equal(np.asarray(Image.open(result.label_path)), labels_of(image))
    shown = image[..., :3] if channels >= 3 else image[..., :1].repeat(3, -1)
    path = visualize.save_overlay(shown, labels_of(image), LABELS, tmp_path / "own.png", 0)
    overlays = [np.asarray(Image.open(p).convert("RGB")) for p in (result.overlay_path, path)]
    np.testing.assert_array_equal(*overlays)


def test_several_inputs_of_other_depths_go_through_every_average(tmp_path):
    """Colour and depth: a grey image for colour becomes RGB, a colour file for depth grey."""
    inputs = {name: keras.Input((None, None, n), name=name) for name, n in (("rgb", 3), ("d", 1))}
    x = L.Concatenate()([L.Rescaling(1 / 64)(tensor) for tensor in inputs.values()])
    x = L.Dropout(0.5, seed=1)(x)
    x = L.Conv2D(3, 1, use_bias=False, name="score")(x)
    task = fcn_keras.tasks.Classes(LABELS)
    logits = fcn_keras.layers.Logits(task_config=task.to_config())
    model = keras.Model(inputs, logits([x, inputs["rgb"]]))
    weights = np.zeros((1, 1, 4, 3), "float32")
    weights[0, 0, [0, 1, 3], [0, 1, 2]] = 1  # red, green or depth
    model.get_layer("score").set_weights([weights])
    rgb, depth = image_of(3), image_of(1)
    Image.fromarray(depth[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(rgb).save(tmp_path / "colour.png")
    luma = np.asarray(Image.fromarray(rgb).convert("L"))[..., None]
    scenes = [
        ({"rgb": rgb, "d": depth}, (rgb, depth)),
        ({"rgb": tmp_path / "colour.png", "d": tmp_path / "grey.png"}, (rgb, depth)),
        ({"rgb": depth[..., 0], "d": tmp_path / "colour.png"}, (depth.repeat(3, -1), luma)),
    ]
    for scene, (seen, measured) in scenes:
        expected = np.argmax(np.concatenate([seen[..., :2], measured], -1), -1)
        for options in ({}, {"flip": True}, {"scales": (1.0,)}, {"scales": (1.0,), "flip": True}):
            found = fcn_keras.segment(model, scene, **options)
            np.testing.assert_array_equal(found, expected)
        assert fcn_keras.segment(model, scene, samples=2, flip=True).shape == SIZE
        with pytest.raises(ValueError, match="takes a net of one input; .* has d, rgb"):
            fcn_keras.segment(model, scene, tile=8)
