"""A map of one cell is repeated over a reference of any size."""

import keras
import numpy as np
import pytest

from fcn_keras.geometry import halo, receptive_field
from fcn_keras.layers import RepeatToReference

L = keras.layers


@pytest.mark.backend
def test_each_cell_is_the_one_that_was_given(tmp_path):
    rng = np.random.default_rng(0)
    one, reference = rng.normal(size=(2, 1, 1, 5)), rng.normal(size=(2, 4, 7, 3))
    found = RepeatToReference()([one.astype("float32"), reference.astype("float32")])
    expected = np.broadcast_to(one, (2, 4, 7, 5))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="a map of one cell is repeated, got .2, 2, 1, 5."):
        RepeatToReference()([np.zeros((2, 2, 1, 5)), reference])
    image = keras.Input((None, None, 3))
    x = RepeatToReference()([L.GlobalAveragePooling2D(keepdims=True)(image), image])
    model = keras.Model(image, x)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    small = rng.uniform(0, 255, (1, 3, 2, 3)).astype("float32")
    expected = np.broadcast_to(small.mean((1, 2), keepdims=True), small.shape)
    np.testing.assert_allclose(again(small), expected, rtol=1e-5)


def test_geometry_knows_that_each_cell_depends_on_the_whole_image():
    image = keras.Input((None, None, 3))
    x = L.Conv2D(2, 3, 4, padding="same")(image)
    whole = L.GlobalAveragePooling2D(keepdims=True, name="mean")(x)
    model = keras.Model(image, RepeatToReference()([whole, x]))
    field = receptive_field(model)
    assert field.stride == (4, 4) and field.size == (np.inf, np.inf)
    with pytest.raises(ValueError, match="its layer 'mean' .* depends on the whole image"):
        halo(model)
