"""Drawn scenes: their truth against formulas, and against the frames themselves."""

import math

import numpy as np
import pytest
from scipy import ndimage

from fcn_keras import data
from fcn_keras.data.scenes import CLASSES, Layer, Shape, Texture, draw, render

STILL = np.eye(2, 3)


def texture(seed=0):
    rng = np.random.default_rng(seed)
    return Texture(
        np.full(3, 120.0), rng.uniform(-0.05, 0.05, (4, 2)), np.zeros(4), np.full((4, 3), 15.0)
    )


def moved(dx, dy):
    return np.array([[1, 0, dx], [0, 1, dy]])


def warped(values, flow):
    """`values` (H, W, C) at the places that the flow leads to, bilinear."""
    rows, columns = np.indices(flow.shape[:2])
    at = (rows + flow[..., 1], columns + flow[..., 0])
    planes = np.moveaxis(values.astype(float), -1, 0)
    return np.stack([ndimage.map_coordinates(p, at, order=1, mode="nearest") for p in planes], -1)


def inside(scene):
    """Pixels that stay visible, two pixels and more from every edge of the truth in both frames."""
    jumps = np.zeros(scene.occluded.shape, bool)
    jumps[:, 1:] |= (np.abs(np.diff(scene.backward_flow, axis=1)) > 0.2).any(-1)
    jumps[1:] |= (np.abs(np.diff(scene.backward_flow, axis=0)) > 0.2).any(-1)
    jumps = ndimage.binary_dilation(jumps, np.ones((3, 3)), 2)
    edges = ndimage.binary_dilation(scene.boundaries | scene.occluded, np.ones((3, 3)), 2)
    kept = ~edges & (warped(jumps[..., None], scene.flow)[..., 0] == 0)
    return kept & np.pad(np.ones(np.subtract(kept.shape, 4), bool), 2)


@pytest.mark.parametrize("seed", range(4))
def test_the_flow_leads_back_to_the_first_frame(seed):
    scene = draw(seed, motion=8)
    kept = inside(scene)
    assert kept.mean() > 0.3 and scene.occluded.mean() > 0.01
    error = (warped(scene.frames[1], scene.flow) - scene.frames[0])[kept]
    assert 10 * math.log10(255**2 / np.mean(error**2)) > 35
    still = (scene.frames[1].astype(float) - scene.frames[0])[kept]
    assert np.mean(still**2) > 10 * np.mean(error**2)
    there_and_back = scene.flow + warped(scene.backward_flow, scene.flow)
    assert np.abs(there_and_back[kept]).max() < 0.05


def test_without_motion_nothing_moves():
    scene = draw(5, motion=0)
    assert not scene.flow.any() and not scene.backward_flow.any() and not scene.occluded.any()
    np.testing.assert_array_equal(*scene.frames)


def test_a_square_that_moves_by_whole_pixels():
    """7x5 to the right by 3 and down by 2: 7 * 5 - 4 * 3 pixels of the ground become hidden."""
    square = Shape("rectangle", (20, 15), (3.5, 2.5))
    back = Layer(None, texture(), STILL, 9.0)
    front = Layer(square, texture(1), moved(3, 2), 2.0)
    scene = render([back, front], (32, 40))
    there = scene.labels == CLASSES.index("rectangle")
    assert there.sum() == 35 and there[13:18, 17:24].all()
    np.testing.assert_array_equal(scene.flow, np.where(there[..., None], (3, 2), 0))
    assert scene.occluded.sum() == 35 - 4 * 3 and not scene.occluded[there].any()
    np.testing.assert_array_equal(scene.frames[1][15:20, 20:27], scene.frames[0][13:18, 17:24])
    np.testing.assert_array_equal(scene.depth, np.where(there, 2, 9))
    uncovered = ~scene.occluded & ~there
    assert np.abs(scene.frames[1].astype(int) - scene.frames[0])[uncovered].max() == 0
    assert scene.backward_flow[19, 26].tolist() == [-3, -2]


def test_what_leaves_the_frame_is_occluded():
    scene = render([Layer(None, texture(), moved(4, -3), 9.0)], (32, 40))
    hidden = np.zeros((32, 40), bool)
    hidden[:3], hidden[:, -4:] = True, True
    np.testing.assert_array_equal(scene.occluded, hidden)
    np.testing.assert_array_equal(scene.frames[1][:-3, 4:], scene.frames[0][3:, :-4])


@pytest.mark.parametrize(
    "kind,area",
    [
        ("ellipse", math.pi),
        ("rectangle", 4),
        ("triangle", 0.75 * math.sqrt(3)),
        ("blob", math.pi * (1 + (0.15**2 + 0.1**2) / 2)),
    ],
)
def test_shapes_have_their_area(kind, area):
    shape = Shape(kind, (150.3, 140.8), (80, 50), 0.7, ((2, 0.15, 1.0), (3, 0.1, 2.0)))
    y, x = np.mgrid[:300, :300]
    assert shape.contains(x, y).sum() == pytest.approx(area * 80 * 50, rel=2e-3)


def test_nearer_objects_hide_the_others():
    scene = draw(7)
    numbers = np.unique(scene.instances)
    depths = [np.unique(scene.depth[scene.instances == number]) for number in numbers]
    assert len(numbers) > 3 and all(len(one) == 1 for one in depths)
    assert (np.diff(np.ravel(depths)) < 0).all()
    for number in numbers:
        assert len(np.unique(scene.labels[scene.instances == number])) == 1
    expected = np.zeros_like(scene.boundaries)
    for y, x in np.ndindex(expected.shape):
        beside = scene.instances[y : y + 2, x], scene.instances[y, x : x + 2]
        expected[y, x] = any(len(set(pair.tolist())) > 1 for pair in beside)
    np.testing.assert_array_equal(scene.boundaries, expected)


def test_the_same_seed_draws_the_same_scene():
    np.testing.assert_array_equal(draw(3).frames, draw(3).frames)
    assert (draw(3).frames != draw(4).frames).any()
    few, more = (data.load("scenes", count=count) for count in (2, 3))
    np.testing.assert_array_equal(few[1][0], more[1][0])
    np.testing.assert_array_equal(few[1][0], draw([0, 0, 1]).frames[0])
    assert (data.load("scenes", split="val", count=1)[0][0] != few[0][0]).any()


@pytest.mark.parametrize(
    "target,dtype,shape,channels",
    [
        ("classes", "uint8", (96, 128), 3),
        ("boundaries", "float32", (96, 128), 3),
        ("depth", "float32", (96, 128), 3),
        ("flow", "float32", (96, 128, 2), 6),
    ],
)
def test_every_truth_is_a_target(target, dtype, shape, channels):
    loaded = data.load("scenes", target=target, count=2)
    scene, (image, truth) = draw([0, 0, 1]), loaded[1]
    assert image.shape == (96, 128, channels) and truth.dtype == dtype and truth.shape == shape
    expected = scene.labels if target == "classes" else getattr(scene, target)
    np.testing.assert_array_equal(truth, expected)
    np.testing.assert_array_equal(image[..., -3:], scene.frames[int(target == "flow")])
    assert not data.check("scenes", target=target, count=2).problems


def test_impossible_scenes_are_refused():
    for options, message in (
        ({"target": "normals"}, "'classes', 'boundaries', 'depth', 'flow', got 'normals'"),
        ({"split": "all"}, "scenes has no split 'all'; it has train, val, test"),
        ({"size": (20, 64)}, "`size` must be a whole number of at least 32, got 20"),
        ({"motion": -1}, "`motion` must be a number of at least 0"),
        ({"count": 0}, "`count` must be a whole number of at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            data.load("scenes", **options)
    with pytest.raises(ValueError, match="first layer must be a background"):
        render([Layer(Shape("ellipse", (3, 3), (2, 2)), texture(), STILL, 2.0)], (32, 32))


@pytest.mark.parametrize("vary", (dict(flip=True), dict(flip=False, scale=(1.5, 1.5))))
def test_a_varied_pair_of_frames_still_has_its_flow(vary):
    scenes = data.load("scenes", target="flow", count=3, motion=8)
    batches = scenes.batches(1, crop=(96, 128), augment=data.Augmentation(**vary), seed=1)
    for frames, flow in batches.take(3):
        frames, flow = np.asarray(frames[0], float), np.asarray(flow[0])
        known = ~np.isnan(flow).any(-1)
        flow = np.where(known[..., None], flow, 0)
        off = np.abs(warped(frames[..., 3:], flow) - frames[..., :3]).mean(-1)[known]
        still = np.abs(frames[..., 3:] - frames[..., :3]).mean(-1)[known]
        assert np.median(off) < 0.3 * np.median(still)
