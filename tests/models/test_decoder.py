"""Features fused in place of scores, down to strides 4 and 2."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.geometry import receptive_field

pytestmark = pytest.mark.usefixtures("tiny_vgg")
BUILDERS = {
    "fcn16s": (40,),
    "fcn8s": (40, 24),
    "fcn4s": (40, 24, 16),
    "fcn2s": (40, 24, 16, 8),
}


def net(builder="fcn4s", **options):
    options = {"weights": None, "decoder_filters": BUILDERS[builder], **options}
    return getattr(fcn_keras, builder)(5, "tiny_vgg", **options)


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_stride_lies_on_the_pixels_and_is_scored_once(builder):
    model = net(builder)
    fields = receptive_field(model)
    assert fields.stride == (1, 1)
    assert fields.offset == (0, 0)
    scores = [layer for layer in model.layers if getattr(layer, "filters", None) == 5]
    assert [layer.name for layer in scores] == ["score_fused"]
    assert scores[0].input.shape[-1] == BUILDERS[builder][-1]


def test_one_number_is_for_every_skip():
    same = [net(decoder_filters=given).count_params() for given in (16, (16, 16, 16))]
    assert same[0] == same[1]


@pytest.mark.parametrize("axis", [1, 2])
def test_an_image_moved_by_the_stride_moves_the_logits(axis):
    rng = np.random.default_rng(0)
    model = net(score_initializer="glorot_uniform")
    image = rng.uniform(0, 255, (1, 640, 640, 3)).astype("float32").take(range(64), 3 - axis)
    whole = ops.convert_to_numpy(model(image))
    moved = ops.convert_to_numpy(model(image.take(range(32, 640), axis)))
    inner = range(256, 352)  # the receptive field ends before both borders
    np.testing.assert_allclose(
        moved.take(inner, axis),
        whole.take(range(288, 384), axis),
        atol=1e-4 * np.abs(whole).max(),
    )


@pytest.mark.parametrize(
    "classifier",
    [
        pytest.param("tiny_vgg", marks=pytest.mark.backend("sweep")),
        pytest.param("mobilenet_v2", marks=pytest.mark.sweep),
        pytest.param("inception_v3", marks=pytest.mark.sweep),
    ],
)
def test_other_classifiers_any_size(classifier, tmp_path):
    model = fcn_keras.fcn4s(
        5, classifier, weights=None, head_filters=0, decoder_filters=8, output_stride=None
    )
    image = np.random.default_rng(0).uniform(0, 255, (1, 97, 131, 3)).astype("float32")
    logits = ops.convert_to_numpy(model(image))
    assert logits.shape == (1, 97, 131, 5)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(again(image)), logits, atol=1e-5)


def test_several_inputs_and_outputs():
    shape = (64, 64, 3)
    model = fcn_keras.fcn8s(
        {"a": 3, "b": 4},
        "tiny_vgg",
        weights=None,
        input_shape={"left": shape, "right": shape},
        decoder_filters=(8, 6),
    )
    assert {name: tuple(t.shape) for name, t in model.output.items()} == {
        "a": (None, 64, 64, 3),
        "b": (None, 64, 64, 4),
    }


def test_scores_still_begin_at_zero_where_scores_are_added():
    model = net(decoder_filters=None)
    names = ["score_fr", "score_pool4", "score_pool3", "score_pool2"]
    assert all(not np.any(model.get_layer(name).get_weights()[0]) for name in names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decoder_filters": (8, 8)}, r"each of the 3 skips, got \(8, 8\)"),
        ({"decoder_filters": (8, 8, 0)}, "at least 1"),
        ({"decoder_filters": 8.0}, "got 8.0"),
        ({"decoder_filters": 8, "alignment": "caffe"}, "needs alignment='same', got 'caffe'"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        net(**options)
