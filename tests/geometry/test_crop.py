"""The crop offsets of the published nets come out of the graph."""

import pytest

import fcn_keras
from fcn_keras.geometry import Field, crop_offset, receptive_field
from fcn_keras.geometry.field import Fields


@pytest.mark.parametrize(
    ("builder", "offsets"),
    [
        (fcn_keras.fcn32s, {"score": 19}),
        (fcn_keras.fcn16s, {"score_pool4c": 5, "score": 27}),
        (fcn_keras.fcn8s, {"score_pool4c": 5, "score_pool3c": 9, "score": 31}),
    ],
)
@pytest.mark.parametrize("learned", [False, "all"])
def test_published_offsets(builder, offsets, learned, tiny_vgg):
    model = builder(3, tiny_vgg, weights=None, alignment="caffe", learn_upsampling=learned)
    found = {name: model.get_layer(name).offset for name in offsets}
    assert found == {name: (offset, offset) for name, offset in offsets.items()}


@pytest.mark.sweep
def test_fcn32s_of_vgg16_is_the_papers_table():
    model = fcn_keras.fcn32s(21, weights=None, alignment="caffe")
    field = receptive_field(model, "fc7")
    assert field.size == (404, 404) and field.stride == (32, 32)
    assert round(model.count_params() / 1e6) == 134
    upscore = receptive_field(model, "upscore32")
    assert crop_offset(upscore.y, Field(1, 1, 0)) == 19


def test_fractional_offsets_and_both_axes():
    fine, coarse = Field(3, 2, 0.5), Field(3, 2, 3)
    assert crop_offset(fine, coarse) == 1.25
    assert crop_offset(Fields(fine, coarse), Fields(coarse, coarse)) == (1.25, 0)


def test_different_strides_are_refused():
    with pytest.raises(ValueError, match="stride 4.*stride 8"):
        crop_offset(Field(3, 4, 0), Field(3, 8, 0))
