"""The first table of the paper, from the nets themselves."""

import pytest

import fcn_keras
from fcn_keras import geometry


@pytest.mark.parametrize(
    ("classifier", "alignment", "layers", "millions", "field"),
    [
        ("alexnet", "same", 8, 57, 355),
        pytest.param("vgg16", "same", 16, 134, 404, marks=pytest.mark.sweep),
        ("googlenet", "same", 22, 6, 715),  # as trained; the paper prints the field of the next
        # With its 7x7 mean as a window of stride 1.
        pytest.param("googlenet", "caffe", 22, 6, 907, marks=pytest.mark.sweep),
    ],
)
def test_table_1(classifier, alignment, layers, millions, field):
    net = fcn_keras.fcn32s(21, classifier, weights=None, alignment=alignment)
    table = geometry.table(net, (500, 500))
    assert table.conv_layers == layers
    assert round(table.parameters_without_upsampling / 1e6) == millions
    assert table.deepest.fields.size == (field, field)
    assert table.deepest.fields.stride == (32, 32)
    assert f"{layers} conv layers" in str(table) and f"field {field}, max stride 32" in str(table)


@pytest.mark.sweep
def test_alexnet_is_the_same_net_in_both_alignments():
    net = fcn_keras.fcn32s(21, "alexnet", weights=None, alignment="caffe")
    table = geometry.table(net, (500, 500))
    assert (table.conv_layers, table.deepest.fields.size) == (8, (355, 355))
    without_fc8, score = 60_965_224 - 1000 * 4097, 21 * 4097
    assert table.parameters_without_upsampling == without_fc8 + score
