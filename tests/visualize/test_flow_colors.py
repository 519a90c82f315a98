"""Optical flow in colours, against values that flow-vis 0.1 (Tom Runia) computed."""

import zlib

import numpy as np
import pytest
from PIL import Image

from fcn_keras import tasks, visualize

FIVE = [  # of displacements (1.5 x, y), x and y from -2 to 2
    [[0, 91, 255], [78, 95, 255], [162, 113, 255], [214, 78, 255], [253, 0, 255]],
    [[31, 158, 255], [127, 173, 255], [208, 184, 255], [254, 127, 255], [255, 31, 171]],
    [[42, 216, 255], [148, 235, 255], [255, 255, 255], [255, 148, 148], [255, 42, 42]],
    [[31, 255, 212], [127, 255, 157], [255, 247, 184], [255, 170, 127], [255, 72, 31]],
    [[0, 255, 59], [136, 255, 78], [255, 240, 113], [255, 172, 78], [255, 85, 0]],
]


def around():
    y, x = np.mgrid[-2:3, -2:3]
    return np.stack([1.5 * x, y], -1)


def test_the_colours_are_those_of_flow_vis():
    np.testing.assert_array_equal(visualize.flow_colors(around()), FIVE)
    colors = visualize.flow_colors(np.random.default_rng(3).normal(size=(40, 50, 2)) * 4)
    assert int(colors.sum()) == 1288419 and zlib.crc32(colors.tobytes()) == 466926701


def test_a_maximum_is_kept_between_maps_and_what_is_beyond_is_darker():
    flow = np.array([[[2.0, 0.0], [0.0, 1.5], [-3.0, 0.4]]])
    colors = visualize.flow_colors(flow, largest=1 - 1e-5)
    np.testing.assert_array_equal(colors, [[[191, 0, 0], [191, 172, 0], [0, 176, 191]]])
    half = visualize.flow_colors(flow / 4, largest=1.0)
    assert (half >= visualize.flow_colors(flow / 4, largest=0.8)).all()


def test_no_motion_is_white_and_unknown_flow_black():
    flow = np.zeros((2, 3, 2))
    assert (visualize.flow_colors(flow) == 255).all()
    flow[0, 0, 1] = np.nan
    assert not visualize.flow_colors(flow)[0, 0].any()
    assert not visualize.flow_colors(np.full((2, 3, 2), np.nan)).any()
    with pytest.raises(ValueError, match=r"\(H, W, 2\), got shape \(2, 3\)"):
        visualize.flow_colors(flow[..., 0])


def test_the_key_is_the_wheel_itself(tmp_path):
    painter = visualize.for_task(tasks.Flow())
    flow = around()
    shown = painter.shown([flow])
    assert shown == (np.hypot(3, 2), False)
    key = np.asarray(painter.key(shown, 12))
    for color in ([255, 0, 0], [0, 209, 255]):  # right and left, at the rim
        assert (np.abs(key.astype(int) - color).max(-1) < 12).any()
    flow[0, 0] = np.nan
    assert painter.shown([flow])[1]
    assert np.asarray(painter.key(painter.shown([flow]), 12)).shape[0] > key.shape[0]
    image = np.full((5, 5, 6), 90, "uint8")
    laid = painter.overlay(image, flow, 1.0)
    assert (laid[0, 0] == 90).all() and (laid[2, 2] == 255).all()
    path = visualize.save_overlay(image, flow, tasks.Flow(), tmp_path / "flow.png", 1)
    assert Image.open(path).width > 240
