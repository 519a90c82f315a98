"""Shift-and-stitch and filter rarefaction are two ways to one map."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.geometry import receptive_field, window
from fcn_keras.inference import shift_and_stitch
from fcn_keras.surgery import dilate

L = keras.layers
on_every_backend = pytest.mark.backend


def image(rows, columns, batch=1, seed=1):
    return np.random.default_rng(seed).normal(size=(batch, rows, columns, 3)).astype("f")


def net(build, seed=0):
    start = keras.Input((None, None, 3))
    model = keras.Model(start, build(start), name="net")
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        elif hasattr(getattr(layer, "bias", None), "assign"):
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
    return model


def unpadded(x):
    x = L.Conv2D(6, 5, strides=2, activation="relu")(x)
    x = L.MaxPooling2D(3, 2)(x)
    x = L.DepthwiseConv2D(3, activation="relu")(x)
    x = L.AveragePooling2D(2)(x)
    return L.Conv2D(4, 2)(x)


def vgg_like(x):
    for filters in (4, 6, 8):
        x = L.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D(2)(x)
    return L.Conv2D(4, 3, padding="same")(x)


def resnet_like(x):
    x = L.ReLU()(L.BatchNormalization()(L.Conv2D(6, 7, strides=2)(L.ZeroPadding2D(3)(x))))
    x = L.MaxPooling2D(3, 2)(L.ZeroPadding2D(1)(x))
    short = L.Conv2D(6, 1, strides=2)(x)
    main = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    return L.Add()([short, L.Conv2D(6, 3, padding="same")(main)])


def inception_like(x):
    x = L.Conv2D(6, 3, strides=2, activation="relu")(x)
    inside = [
        L.Conv2D(3, (1, 7), padding="same")(x),
        L.Conv2D(3, 1)(L.AveragePooling2D(3, 1, padding="same")(x)),
    ]
    x = L.ReLU()(L.Concatenate()(inside))
    return L.Concatenate()([L.Conv2D(4, 3, strides=2)(x), L.MaxPooling2D(3, 2)(x)])


def mobilenet_v2(x):
    """Keras's MobileNetV2 down to stride 16."""
    whole = keras.applications.MobileNetV2(
        input_tensor=x, weights=None, include_top=False, alpha=0.35
    )
    return whole.get_layer("block_7_add").output


def by_hand(model, x, factor, stride):
    """Each cell by itself: the net on the image cropped at the place that the cell stands for."""
    step = stride // factor
    rows, columns = ((n - receptive_field(model).size[0]) // step + 1 for n in x.shape[1:3])
    found = np.empty((len(x), rows, columns, model.output_shape[-1]), "f")
    for i, j in np.ndindex(rows, columns):
        found[:, i, j] = np.array(model(x[:, i * step :, j * step :]))[:, 0, 0]
    return found


def test_is_the_net_on_shifted_images():
    model, x = net(unpadded), image(36, 39, batch=2)
    expected = by_hand(model, x, 2, 8)
    np.testing.assert_allclose(shift_and_stitch(model, x, 2), expected, atol=1e-5)


@on_every_backend
@pytest.mark.parametrize("factor", [2, 8])
@pytest.mark.parametrize("size", [(61, 50)])
def test_equals_rarefaction_everywhere_without_padding(size, factor):
    model, x = net(unpadded), image(*size, batch=3)
    stitched = shift_and_stitch(model, x, factor, batch_size=2)
    dilated = dilate(model, 8 // factor)(x)
    assert stitched.dtype == "float32"
    assert stitched.shape == dilated.shape
    np.testing.assert_allclose(stitched, dilated, atol=1e-4)


@pytest.mark.parametrize("size", [(40, 57), (48, 64), (29, 35)])
def test_equals_rarefaction_at_any_size(size):
    model, x = net(unpadded), image(*size)
    for factor in (1, 4):
        dilated = np.array(dilate(model, 8 // factor)(x))
        stitched = shift_and_stitch(model, x, factor)
        assert stitched.shape == dilated.shape
        np.testing.assert_allclose(stitched, dilated, atol=1e-4)


@pytest.mark.parametrize(
    "build, factor, side",
    [
        (vgg_like, 8, 96),
        (resnet_like, 4, 96),
        (inception_like, 4, 64),
        (mobilenet_v2, 4, 320),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_equals_rarefaction_where_no_padding_is_seen(build, factor, side):
    model, x = net(build), image(side, side + 32)
    step = receptive_field(model).stride[0] // factor
    dense = dilate(model, step)
    stitched, dilated = shift_and_stitch(model, x, factor), np.array(dense(x))
    kept = np.minimum(stitched.shape, dilated.shape)
    if build is not inception_like:
        assert stitched.shape == dilated.shape
    for axis in (1, 2):
        seen = []
        for cell in range(kept[axis]):
            first, last = window(dense, (cell, cell))[axis - 1]
            if (
                first >= cell % factor * step and last < x.shape[axis]
            ):  # in the shifted image as well
                seen.append(cell)
        assert len(seen) >= 4
        stitched, dilated = (maps.take(seen, axis) for maps in (stitched, dilated))
    np.testing.assert_allclose(stitched, dilated, atol=1e-4)


def test_the_border_is_another_matter():
    """What moves in from outside differs from padding: there the two may not be compared."""
    model, x = net(vgg_like), image(64, 64)
    stitched, dilated = shift_and_stitch(model, x, 8), np.array(dilate(model, 1)(x))
    assert stitched.shape == dilated.shape == (1, 64, 64, 4)
    assert np.abs(stitched - dilated).max() > 1e-3


def test_a_padded_trunk_keeps_its_size():
    trunk = fcn_keras.classifiers.vgg_slim(include_top=False)
    x = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), "uint8")
    stitched = shift_and_stitch(trunk, x, 2)
    assert stitched.shape == (1, 4, 6, 128)
    np.testing.assert_allclose(
        stitched[:, ::2, ::2], trunk(x.astype("float32")), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    "build, shape, factor, message",
    [
        (unpadded, (1, 64, 64, 3), 3, "factor=3 .* stride of 'net', 8"),
        (unpadded, (1, 64, 64, 3), 16, "factor=16"),
        (unpadded, (1, 64, 64, 3), 0, "factor=0"),
        (unpadded, (64, 64, 3), 2, r"\(batch, any, any, 3\); got an array of shape \(64, 64, 3\)"),
        (unpadded, (1, 64, 64, 4), 2, r"shape \(1, 64, 64, 4\)"),
        (unpadded, (0, 64, 64, 3), 2, r"shape \(0, 64, 64, 3\)"),
        (unpadded, (1, 8, 64, 3), 2, "8x64"),
        (lambda x: L.GlobalMaxPooling2D()(unpadded(x)), (1, 64, 64, 3), 2, "one map"),
        (lambda x: [x, unpadded(x)], (1, 64, 64, 3), 2, "one map"),
    ],
)
def test_what_it_refuses(build, shape, factor, message):
    with pytest.raises(ValueError, match=message):
        shift_and_stitch(net(build), np.zeros(shape, "f"), factor)
