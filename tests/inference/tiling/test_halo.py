"""The halo of a net: enough, no stride too much, and refused where there is none."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fcn_keras
from fcn_keras.geometry import Halo, halo
from fcn_keras.geometry.halo import recorded_halo
from fcn_keras.layers import CeilPooling2D, DilatedPooling2D, PadToMultiple

pytestmark = pytest.mark.backend

L = keras.layers
HERE = 40  # where the changed pixels end, a multiple of every stride below


def ones(x, window, **options):
    """A convolution that adds up its window: no weight can hide a pixel that it sees."""
    return L.Conv2D(1, window, use_bias=False, kernel_initializer="ones", **options)(x)


def segmenter(body):
    """A net of ones that pads to 8, and cuts its upsampled map to the image."""
    image = keras.Input((None, None, 1))
    x = body(PadToMultiple(8)(image))
    x = L.Concatenate()([x, x])
    return keras.Model(image, fcn_keras.layers.Logits()([x, image]))


BODIES = {
    "one convolution": lambda x: ones(x, 3, padding="same"),
    "strided": lambda x: L.UpSampling2D(2)(ones(x, 3, strides=2, padding="same")),
    "dilated": lambda x: ones(x, 3, padding="same", dilation_rate=5),
    "a cropped map": lambda x: ones(L.Cropping2D(3)(L.ZeroPadding2D(3)(x)), 5, padding="same"),
    "a shifted map": lambda x: ones(
        L.ZeroPadding2D(((0, 9), (0, 9)))(L.Cropping2D(((9, 0), (9, 0)))(x)), 3, padding="same"
    ),
    "valid, then same": lambda x: ones(ones(L.ZeroPadding2D(2)(x), 5), 3, padding="same"),
    "pooled by eight": lambda x: L.UpSampling2D(8, interpolation="bilinear")(L.AvgPool2D(8)(x)),
    "average, rounded up": lambda x: L.UpSampling2D(2)(
        CeilPooling2D(3, 2, mode="average")(ones(x, 3, padding="same"))
    ),
    "dilated pooling": lambda x: ones(
        DilatedPooling2D(3, 1, 2, padding=((2, 2), (2, 2)), mode="average")(x), 3, padding="same"
    ),
    "learned upsampling": lambda x: L.Conv2DTranspose(
        1, 4, strides=2, padding="same", use_bias=False, kernel_initializer="ones"
    )(L.AvgPool2D(2)(x)),
}


def brute_force(model, axis):
    """Pixels that a window's own padding reaches, before and after, by comparing answers."""
    rng = np.random.default_rng(0)
    image = rng.integers(1, 9, (1, 120, 16, 1)).astype("float32")
    cut = (slice(None), slice(HERE, 80))
    if axis:
        image, cut = image.transpose(0, 2, 1, 3), (slice(None), slice(None), slice(HERE, 80))
    whole, part = (keras.ops.convert_to_numpy(model(x)) for x in (image, image[cut]))
    other = tuple(n for n in (0, 1, 2, 3) if n != 1 + axis)
    differs = np.flatnonzero(np.abs(whole[cut] - part).max(axis=other) > 1e-3)
    middle = 20
    before = max([n + 1 for n in differs if n < middle], default=0)
    return before, max([HERE - n for n in differs if n >= middle], default=0)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("body", BODIES)
def test_the_halo_is_what_padding_reaches(body, axis):
    model = segmenter(BODIES[body])
    found = halo(model)
    step = found.stride[axis]
    reached = brute_force(model, axis)
    for pixels, kept in zip(reached, (found.before[axis], found.after[axis]), strict=True):
        assert kept == -(-pixels // step) * step, (reached, found)


def test_a_receptive_field_alone_would_not_do():
    """A cell that a crop removed lies inside the window, and yet the window has it not."""
    model = segmenter(BODIES["a shifted map"])
    field = fcn_keras.geometry.receptive_field(model).y
    assert field.size == 3 and field.offset == 9  # sees pixels 8 to 10, none before its own
    assert brute_force(model, 0)[0] == 1 and halo(model).before == (8, 8)


@pytest.mark.backend("sweep")
def test_vgg_by_hand():
    """A cell of fc7 sees 404 pixels, 186 before its own 32; upsampling reads one cell more."""
    first = 32 * -(-186 // 32)  # of the first cell that sees only pixels of the window
    before = 32 * -(-(first + 16) // 32)  # the pixels before its centre read the cell before it
    for build in (fcn_keras.fcn32s, fcn_keras.fcn8s):
        found = halo(build(3, "vgg_slim", weights=None))
        assert found == Halo((before, before), (before, before), (32, 32))


def test_squeeze_and_excitation_is_named():
    image = keras.Input((None, None, 4))
    x = L.Conv2D(4, 3, padding="same")(image)
    gate = L.Dense(4)(L.Reshape((1, 1, 4))(L.GlobalAveragePooling2D(name="squeeze")(x)))
    model = keras.Model(image, L.Multiply()([x, gate]), name="gated")
    with pytest.raises(ValueError, match="'gated'.*'squeeze' .GlobalAveragePooling2D.*whole image"):
        halo(model)


def test_group_normalization_is_named():
    image = keras.Input((None, None, 4))
    model = keras.Model(image, L.GroupNormalization(2, name="grouped")(image))
    with pytest.raises(ValueError, match="'grouped' .*GroupNormalization"):
        halo(model)


def test_unfit_models_are_refused(tiny_vgg):
    with pytest.raises(ValueError, match=r"64x64 only.*input_shape=\(None, None, 3\)"):
        halo(fcn_keras.fcn32s(2, tiny_vgg, weights=None, input_shape=(64, 64, 3)))
    image = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="half.*outputs of the image's size"):
        halo(keras.Model(image, L.MaxPooling2D(2, name="half")(image)))


@pytest.fixture(scope="module")
def slim():
    return fcn_keras.fcn8s(2, "vgg_slim", weights=None)


@settings(deadline=None, max_examples=5)
@given(size=st.tuples(st.integers(1, 999), st.integers(1, 999)))
def test_nets_that_pad_have_one_halo(slim, size):
    assert halo(slim, size) == halo(slim)


def test_a_net_that_does_not_pad_wants_the_images_remainder():
    """SAME convolutions of stride 2 lie elsewhere at odd sizes: windows must be odd too."""
    image = keras.Input((None, None, 1))
    x = L.UpSampling2D(2)(ones(image, 3, strides=2, padding="same"))
    model = keras.Model(image, fcn_keras.layers.CropToReference()([x, image]))
    even, odd = halo(model, (100, 100)), halo(model, (100, 101))
    assert even.after == (2, 2) and odd.after[1] % 2 == 1 and odd.after[0] == even.after[0]


def test_a_halo_as_json():
    found = Halo((32, 64), (0, 32), (32, 32))
    assert Halo.from_config(found.to_config()) == found
    for config in ({"before": [1, 1]}, 3, {"before": 1, "after": 2, "stride": 3}):
        with pytest.raises(ValueError, match="`before`, `after` and `stride`"):
            Halo.from_config(config)


def test_a_subclassed_model_has_no_recorded_halo():
    class Net(keras.Model):
        def call(self, images):
            return images

    with pytest.raises(ValueError, match="not a functional"):
        halo(Net())
    assert recorded_halo(Net()) is None
