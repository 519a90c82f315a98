"""Operations and parameters against hand-made sums."""

import keras
import pytest

import fcn_keras
from fcn_keras import geometry

pytestmark = pytest.mark.backend
L = keras.layers


def test_counts_by_hand():
    image = keras.Input((None, None, 3))
    x = L.Conv2D(8, 3, strides=2, padding="same", name="conv")(image)
    x = L.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = L.SeparableConv2D(4, 3, padding="same", use_bias=False, name="separable")(x)
    x = L.Conv2D(4, 1, groups=2, use_bias=False, name="grouped")(x)
    x = L.Conv2DTranspose(2, 4, strides=2, padding="same", use_bias=False, name="up")(x)
    rows = {row.name: row for row in geometry.table(keras.Model(image, x), (20, 30)).rows}
    cells = 10 * 15
    assert rows["conv"].flops == 2 * cells * 3 * 9 * 8 and rows["conv"].parameters == 224
    assert rows["depthwise"].flops == 2 * cells * 9 * 8
    assert rows["separable"].flops == 2 * cells * (9 * 8 + 8 * 4)
    assert rows["grouped"].flops == 2 * cells * 2 * 4
    assert rows["up"].flops == 2 * cells * 16 * 4 * 2
    assert rows["up"].shape == (20, 30, 2) and rows["up"].bytes == 4 * 20 * 30 * 2


@pytest.mark.backend("sweep")
def test_vgg16_is_what_the_literature_says():
    """15.35 GMACs of convolutions at 224x224 (13 layers), known from the net's descriptions."""
    net = keras.applications.VGG16(weights=None, include_top=False, input_shape=(None, None, 3))
    table = geometry.table(net, (224, 224))
    assert table.flops == pytest.approx(2 * 15.35e9, rel=0.005)
    assert table.parameters == net.count_params()


def test_the_text_names_what_matters():
    net = fcn_keras.fcn8s(5, "vgg_slim", weights=None)
    table = geometry.table(net, (97, 131))
    text = str(table)
    for word in ("fc7", "score_fr", "score_pool4", "score_pool3", "stride", "15.5", "GFLOPs"):
        assert word in text
    assert f"{net.count_params():,} parameters" in text
    assert len(table.text(every=True).splitlines()) > len(text.splitlines())
    assert table.rows[-1].shape == (97, 131, 5)


def test_the_longest_path_and_what_upsamples_are_counted_by_hand():
    image = keras.Input((None, None, 3))
    short = L.Conv2D(4, 1, strides=2, name="short")(image)
    x = L.DepthwiseConv2D(3, strides=2, padding="same")(image)
    x = L.BatchNormalization()(x)
    x = L.SeparableConv2D(4, 3, padding="same")(x)
    x = L.Conv2D(4, 3, padding="same")(L.Add()([x, short]))
    x = L.MaxPooling2D(2)(x)
    x = L.Dense(6, name="score")(x)
    x = L.Conv2DTranspose(6, 8, strides=4, padding="same")(x)
    net = keras.Model(image, x)
    table = geometry.table(net, (16, 16))
    assert table.conv_layers == 4  # depthwise, separable, 3x3, Dense
    assert table.parameters_without_upsampling == net.count_params() - (8 * 8 * 6 * 6 + 6)
    assert table.deepest.name == "score" and table.deepest.fields.stride == (4, 4)
    # 3, then 3 and 3 more at stride 2, then the 2x2 pooling
    assert table.deepest.fields.size == (3 + 2 * 2 + 2 * 2 + 2,) * 2
    assert "4 conv layers, 0.0M parameters without upsampling filters" in str(table)
    assert "receptive field 13, max stride 4" in str(table)


def test_a_gate_sees_the_whole_image():
    image = keras.Input((8, 8, 3))
    gate = L.Reshape((1, 1, 3))(L.GlobalAveragePooling2D()(image))
    net = keras.Model(image, L.Conv2D(2, 2, strides=2)(L.Multiply()([image, gate])))
    assert "receptive field the whole image, max stride 2" in str(geometry.table(net, (8, 8)))


def test_sizes_that_do_not_fit_are_refused():
    net = keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(2, 7), L.Conv2D(2, 7)])
    with pytest.raises(ValueError, match="5x5"):
        geometry.table(net, (5, 5))
