"""The correlation of two maps against loops in NumPy."""

import keras
import numpy as np
import pytest

from fcn_keras import geometry
from fcn_keras.layers import Correlation2D

pytestmark = pytest.mark.backend


def maps(rows=6, columns=9, channels=5):
    return np.random.default_rng(0).normal(size=(2, 2, rows, columns, channels)).astype("float32")


@pytest.mark.parametrize(("displacement", "step"), [(2, 1), (4, 2), (20, 2)])
def test_each_channel_is_the_product_with_one_displaced_cell(displacement, step):
    first, second = maps()
    found = np.asarray(Correlation2D(displacement, step)([first, second]))
    moves = range(-displacement, displacement + 1, step)
    assert found.shape == (2, 6, 9, len(moves) ** 2)
    expected = np.zeros_like(found)
    for channel, (down, right) in enumerate((d, r) for d in moves for r in moves):
        for row, column in np.ndindex(6, 9):
            there = row + down, column + right
            if 0 <= there[0] < 6 and 0 <= there[1] < 9:
                product = first[:, row, column] * second[:, there[0], there[1]]
                expected[:, row, column, channel] = product.mean(-1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_in_a_graph_of_open_size_it_has_441_channels():
    first, second = (keras.Input((None, None, 3)) for _ in range(2))
    layer = Correlation2D(name="corr")
    net = keras.Model([first, second], layer([first, second]))
    assert net.output_shape == (None, None, None, 441)
    given = list(maps(4, 5, 3))
    copy = keras.Model.from_config(net.get_config())
    np.testing.assert_array_equal(np.asarray(copy(given)), np.asarray(net(given)))


def test_its_receptive_field_reaches_as_far_as_the_displacement():
    image = keras.Input((32, 32, 3))
    net = keras.Model(image, Correlation2D(4, 2)([image, image]))
    assert geometry.receptive_field(net, net.layers[-1].name).size == (9, 9)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="`step` must divide the displacement of 5, got 2"):
        Correlation2D(5, 2)
    with pytest.raises(
        ValueError, match=r"two maps of one shape, got \(1, 4, 5, 3\) and \(1, 4, 6"
    ):
        Correlation2D(4)([np.zeros((1, 4, 5, 3)), np.zeros((1, 4, 6, 3))])
