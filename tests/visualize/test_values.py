"""Pictures of maps of values against NumPy and Matplotlib's table of colours."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

from fcn_keras import tasks, visualize
from fcn_keras.labels import LabelSet
from fcn_keras.visualize import values as scales

pytestmark = pytest.mark.backend
DISTANCE = tasks.Regression("distance", unit="px")
COLORS = np.rint(255 * np.array(matplotlib.colormaps["viridis"].colors)).astype(int)
GREY = np.array(scales.NO_VALUE)


@pytest.fixture
def ramp():
    """Values 2 to 10 from left to right, the top left corner without any."""
    values = np.linspace(2, 10, 60)[None].repeat(40, 0).astype("float32")
    values[:5, :9] = np.nan
    return values


def expected(values, lowest, highest):
    """The colour of each value in a table of 256."""
    places = np.clip(np.floor((values - lowest) / (highest - lowest) * 256), 0, 255)
    colors = COLORS[np.nan_to_num(places).astype(int)]
    return np.where(np.isnan(values)[..., None], GREY, colors)


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_colours_are_those_of_the_table(ramp):
    painter = visualize.for_task(DISTANCE)
    painted = painter.paint(ramp)
    assert painted.dtype == np.uint8 and painted.shape == (40, 60, 3)
    np.testing.assert_allclose(painted.astype(int), expected(ramp.astype(float), 2, 10), atol=1)
    shown = painter.shown([ramp, np.array([[0.0, 4.0]])])
    assert shown == ((0.0, 10.0), True)
    painted = painter.paint(ramp, shown).astype(int)
    np.testing.assert_allclose(painted, expected(ramp.astype(float), 0, 10), atol=1)


def test_the_grey_of_no_value_is_no_colour_of_a_value():
    assert np.abs(COLORS - GREY).max(-1).min() > 20


def test_several_channels_are_shown_by_their_norm(ramp):
    task = tasks.Regression("flow", channels=2, unit="px")
    both = np.stack([0.6 * ramp, -0.8 * ramp], -1)
    painter = visualize.for_task(task)
    np.testing.assert_allclose(painter.shown([both])[0], (2, 10), rtol=1e-6)
    painted = painter.paint(both, ((2, 10), True)).astype(int)
    # Rounding may move a value into the next of the 256 colours, which is 4 levels away at most.
    assert np.abs(painted - expected(ramp.astype(float), 2, 10)).max() <= 5
    with pytest.raises(ValueError, match=r"2 channel\(s\) has 3 axes, got shape \(40, 60\)"):
        painter.paint(ramp)


def test_values_beyond_the_limits_and_constant_maps():
    painted = scales.colors_of([[-5, 0, 1, 7, np.inf]], (0, 1)).astype(int)
    np.testing.assert_allclose(painted[0], COLORS[[0, 0, 255, 255, 255]], atol=1)
    assert scales.limits_of([np.full((2, 2), 3.0)]) == (3.0, 4.0)
    assert scales.limits_of([np.full((2, 2), np.nan)]) == (0.0, 1.0)
    assert scales.limits_of([np.array([np.inf, 1, 2])]) == (1.0, 2.0)


def test_the_overlay_leaves_the_image_where_there_is_no_value(ramp):
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), "uint8")
    painter = visualize.for_task(DISTANCE)
    laid = painter.overlay(image, ramp, alpha=0.25)
    known = ~np.isnan(ramp)
    np.testing.assert_array_equal(laid[~known], image[~known])
    mixture = np.rint(0.75 * image + 0.25 * painter.paint(ramp).astype(float))
    np.testing.assert_allclose(laid[known], mixture[known], atol=1)
    with pytest.raises(ValueError, match="image is 40x60 and its map 39x60"):
        painter.overlay(image, ramp[1:])


@pytest.mark.parametrize("room", [{"height": 200}, {"width": 400}])
def test_the_bar_runs_through_all_colours(room):
    """The bar's middle line is the table; low values lie below, or on the left."""
    strip = np.asarray(scales.scale_bar((0, 8), "distance, px", text_size=12, **room)).astype(int)
    found = np.abs(strip[..., None, :] - COLORS[[1, 128, 254]]).max(-1) <= 4
    places = [np.argwhere(found[..., i]).mean(0) for i in range(3)]
    axis, sign = (1, 1) if "width" in room else (0, -1)
    steps = np.diff([place[axis] for place in places]) * sign
    assert (steps > 50).all() and steps[0] == pytest.approx(steps[1], rel=0.1)
    assert (strip == GREY).all(-1).sum() < 40, "only rims of letters"
    with_grey = scales.scale_bar((0, 8), "distance, px", text_size=12, unknown=True, **room)
    assert (np.asarray(with_grey) == GREY).all(-1).sum() > 80


def test_ticks_are_round_and_lie_within():
    assert scales._ticks((0, 8), 200, 18) == [0, 2, 4, 6, 8]
    for low, high in ((-3.7, 11.2), (0, 1e-4), (1e6, 1.5e6), (0, 1)):
        ticks = scales._ticks((low, high), 200, 18)
        assert 2 <= len(ticks) <= 7
        assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


@pytest.mark.parametrize("size", [(1, 1), (40, 60), (30, 900), (900, 30)])
def test_saved_overlays_have_the_bar(size, tmp_path):
    values = np.linspace(0, 1, np.prod(size)).reshape(size)
    path = visualize.save_overlay(np.zeros((*size, 3)), values, DISTANCE, tmp_path / "o.png", 1)
    picture = pixels_of(path)
    factor = max(1, -(-240 // max(size)))
    height, width = (n * factor for n in size)
    beside = picture[:, width:] if size[1] <= 2 * size[0] else picture[height:]
    assert (np.abs(beside - COLORS[128]).max(-1) <= 6).sum() > 5


def test_a_comparison_has_one_scale_for_all(tmp_path, ramp):
    image = np.zeros((40, 60, 3), "uint8")
    path = visualize.comparison(
        [image], [ramp], [np.full_like(ramp, 18)], DISTANCE, tmp_path / "c.png"
    )
    picture = pixels_of(path)
    column = (np.arange(picture.shape[1]) - 8) // 408
    brightest = (np.abs(picture - COLORS[255]).max(-1) <= 1).sum(0)
    assert brightest[column == 2].sum() > 400 * 260, "the prediction, 18 everywhere"
    assert brightest[column == 1].sum() == 0, "the truth, 10 at most"
    assert (picture == GREY).all(-1)[:, column == 1].sum() > 1000
    with pytest.raises(ValueError, match="the truth has shape"):
        visualize.comparison([image], [ramp.T], [ramp], DISTANCE, tmp_path / "c.png")


def test_a_label_set_and_its_task_are_drawn_alike(tmp_path):
    labels = LabelSet(("road", "sky"))
    image, label_map = np.zeros((40, 60, 3), "uint8"), np.eye(40, 60, dtype="uint8")
    drawn = [
        pixels_of(visualize.save_overlay(image, label_map, task, tmp_path / "o.png"))
        for task in (labels, tasks.Classes(labels))
    ]
    np.testing.assert_array_equal(*drawn)
    painter = visualize.for_task(tasks.Classes(num_classes=2))
    assert painter.labels.names == ("class 0", "class 1")


def test_a_task_without_a_picture_is_named():
    class Unknown(tasks.Task):
        kind = "smell"

    with pytest.raises(ValueError, match="no picture for the task 'smell'"):
        visualize.for_task(Unknown())
