"""A finer net, right after it took a coarser one's weights, scores as the coarser one did."""

import keras
import numpy as np
import pytest

from fcn_keras import fcn8s, fcn16s, fcn32s

L = keras.layers
pytestmark = pytest.mark.usefixtures("tiny_vgg")
BUILDERS = {32: fcn32s, 16: fcn16s, 8: fcn8s}
IMAGE = np.random.default_rng(3).integers(0, 256, (1, 97, 131, 3)).astype("float32")
CENTRE = {"tiny_vgg": lambda s: (s - 1) / 2, "strided": lambda s: s - 1}  # of cell 0 at stride s
CROPS = {16: 27, 8: 31}  # where the image begins in the published nets' last upsampling


def strided():
    """Five 3x3 convolutions of stride 2, whose first cells lie on pixels 1, 3, 7, 15 and 31."""
    start = keras.Input((64, 64, 3))
    x = L.Rescaling(1 / 255)(start)
    for number in range(5):
        x = L.Conv2D(6, 3, strides=2, padding="same", activation="relu", name=f"c{number}")(x)
    return keras.Model(start, L.Dense(2)(L.GlobalAveragePooling2D()(x)), name="strided")


def net(stride, classifier="tiny_vgg", **options):
    classifier = strided() if classifier == "strided" else classifier
    return BUILDERS[stride](3, classifier, weights=None, **options)


def tensor(model, layer):
    """What a layer of the net gives for the image, (H, W, classes) as float64."""
    if isinstance(layer, str):
        layer = model.get_layer(layer)
    value = keras.Model(model.input, layer.output)(IMAGE)
    return keras.ops.convert_to_numpy(value)[0].astype("float64")


def bilinear(cells, factor, offset):
    """(outputs, cells): output p reads the map at (p - offset) / factor, the edges continued."""
    places = (np.arange(cells * factor) - offset) / factor
    return np.stack([np.interp(places, np.arange(cells), one) for one in np.eye(cells)], axis=1)


def transposed(cells, factor):
    """(outputs, cells): each cell adds the published bilinear filter of 2 * factor taps."""
    taps = 1 - np.abs(np.arange(2 * factor) + 0.5 - factor) / factor
    matrix = np.zeros(((cells + 1) * factor, cells))
    for cell in range(cells):
        matrix[cell * factor :, cell][: 2 * factor] = taps
    return matrix


def upsampled(values, coarse, fine, size, alignment, classifier):
    """A map (h, w, classes) of one stride on the grid of another, `size` cells of it."""
    factor = coarse // fine
    centre = CENTRE[classifier]
    for axis in (0, 1):
        cells = values.shape[axis]
        if alignment == "same":
            matrix = bilinear(cells, factor, (centre(coarse) - centre(fine)) / fine)
        else:
            matrix = transposed(cells, factor)[CROPS[coarse] if fine == 1 else 0 :]
        values = np.moveaxis(np.tensordot(matrix[: size[axis]], values, (1, axis)), 0, axis)
    return values


CASES = pytest.mark.parametrize(
    ("classifier", "alignment"),
    [("tiny_vgg", "same"), ("tiny_vgg", "caffe"), ("strided", "same")],
)


@pytest.mark.sweep
@pytest.mark.parametrize("learned", [False, "all"])
@CASES
def test_fcn16s_begins_as_the_fcn32s_upsampled_in_two_steps(classifier, alignment, learned):
    options = {"alignment": alignment, "learn_upsampling": learned}
    coarse = net(32, classifier, score_initializer="he_normal", **options)
    fine = net(16, classifier, init_from=coarse, **options)
    assert not any(weight.any() for weight in fine.get_layer("score_pool4").get_weights())
    score = tensor(coarse, "score_fr")
    assert np.abs(score).max() > 0.01
    size = tensor(fine, "fuse_pool4").shape
    fused = upsampled(score, 32, 16, size, alignment, classifier)
    expected = upsampled(fused, 16, 1, IMAGE.shape[1:3], alignment, classifier)
    assert expected.shape == (97, 131, 3)
    np.testing.assert_allclose(tensor(fine, "score"), expected, atol=2e-5 * np.abs(score).max())


@pytest.mark.parametrize(("classifier", "alignment", "learned"), [
    ("tiny_vgg", "caffe", "all"), ("strided", "same", False),
    *(pytest.param(*case, marks=pytest.mark.sweep) for case in (
        ("tiny_vgg", "same", False), ("tiny_vgg", "same", "all"), ("tiny_vgg", "caffe", False),
        ("strided", "same", "all"),
    )),
])  # fmt: skip
def test_fcn8s_begins_as_the_fcn16s_upsampled_in_two_steps(classifier, alignment, learned):
    options = {"alignment": alignment, "learn_upsampling": learned}
    coarse = net(16, classifier, score_initializer="he_normal", **options)
    fine = net(8, classifier, init_from=coarse, **options)
    assert not any(weight.any() for weight in fine.get_layer("score_pool3").get_weights())
    fused = tensor(coarse, "fuse_pool4")
    skip = tensor(coarse, "score_pool4")
    assert np.abs(fused).max() > 0.01 and np.abs(skip).max() > 0.01
    size = tensor(fine, "fuse_pool3").shape
    finer = upsampled(fused, 16, 8, size, alignment, classifier)
    expected = upsampled(finer, 8, 1, IMAGE.shape[1:3], alignment, classifier)
    np.testing.assert_allclose(tensor(fine, "score"), expected, atol=2e-5 * np.abs(fused).max())


@pytest.mark.parametrize("alignment", ["same", "caffe"])
def test_learned_inner_upsamplings_are_handed_on(alignment):
    options = {"alignment": alignment, "learn_upsampling": True}
    coarse = net(16, score_initializer="he_normal", **options)
    inner = coarse.get_layer("upscore2")
    inner.set_weights([np.random.default_rng(0).normal(size=inner.kernel.shape)])
    fused = tensor(coarse, "fuse_pool4")
    fine = net(8, init_from=coarse, **options)
    np.testing.assert_allclose(tensor(fine, "fuse_pool4"), fused, atol=2e-5 * np.abs(fused).max())


def test_a_learned_final_filter_of_another_stride_is_reported_as_dropped(capsys):
    options = {"learn_upsampling": "all"}
    coarse = net(32, **options)
    capsys.readouterr()
    net(16, init_from=coarse, **options)
    printed = capsys.readouterr().out
    assert "dropped: upscore32" in printed
    assert "new: upscore2, score_pool4, upscore16" in printed


def test_three_stages_from_files(tmp_path):
    net(32, score_initializer="he_normal").save(tmp_path / "32.keras")
    net(16, init_from=tmp_path / "32.keras").save(tmp_path / "16.keras")
    last = net(8, init_from=str(tmp_path / "16.keras"))
    first = keras.models.load_model(tmp_path / "32.keras")
    score = tensor(first, "score_fr")
    np.testing.assert_allclose(tensor(last, "score_fr"), score, atol=2e-5 * np.abs(score).max())
    for stride, finer in ((32, 16), (16, 8)):
        size = tensor(last, f"fuse_pool{finer.bit_length() - 1}").shape
        score = upsampled(score, stride, finer, size, "same", "tiny_vgg")
    expected = upsampled(score, 8, 1, IMAGE.shape[1:3], "same", "tiny_vgg")
    np.testing.assert_allclose(tensor(last, "score"), expected, atol=1e-4 * np.abs(score).max())


def test_a_net_of_other_classes_is_refused():
    other = fcn32s(4, strided(), weights=None)
    with pytest.raises(ValueError, match="4 classes in 'score_fr', the new net 3.*new_classes"):
        net(16, "strided", init_from=other)
