"""Surface normals of depth against planes and a sphere, read from files, mirrored."""

import numpy as np
import pytest

from fcn_keras import data, tasks
from fcn_keras.data import DepthReader, NormalsReader, normals_of_depth

FOCAL = 60.0


def rays(size):
    """The directions of the pixels' rays, (H, W, 3), with -1 along z."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    x, y = (x - (width - 1) / 2) / FOCAL, ((height - 1) / 2 - y) / FOCAL
    return np.stack([x, y, -np.ones(size)], -1)


@pytest.mark.parametrize("normal", [(0, 0, 1), (0.6, 0, 0.8), (0, 0.6, 0.8), (-0.36, 0.48, 0.8)])
def test_of_a_plane(normal):
    """A plane n · p = -3 is met by the ray d at the depth -3 / (n · d)."""
    depth = -3 / (rays((24, 31)) @ np.array(normal))
    assert (depth > 0).all()
    found = normals_of_depth(depth, FOCAL)
    np.testing.assert_allclose(found[1:-1, 1:-1] - np.array(normal), 0, atol=1e-5)
    assert np.isnan(found[0]).all() and np.isnan(found[:, -1]).all() and found.dtype == np.float32


def test_of_a_sphere():
    """Towards the right of a ball its normals point right, upwards in its upper half."""
    direction = rays((41, 41))
    centre, radius = np.array([0, 0, -5.0]), 1.5
    a, b = (direction**2).sum(-1), direction @ centre
    root = b**2 - a * (centre @ centre - radius**2)
    depth = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.nan)
    expected = (direction * depth[..., None] - centre) / radius
    found = normals_of_depth(depth, FOCAL)
    inside = ~np.isnan(found).any(-1) & (expected[..., 2] > 0.8)
    assert inside.sum() > 300
    assert (found[inside] * expected[inside]).sum(-1).min() > np.cos(np.radians(3))


def test_missing_depth_has_no_normal_and_no_neighbours():
    depth = np.full((7, 7), 2.0)
    depth[3, 3] = np.nan
    unknown = np.isnan(normals_of_depth(depth, FOCAL)).all(-1)[1:-1, 1:-1]
    cross = np.zeros((5, 5), bool)
    cross[2, 1:4] = cross[1:4, 2] = True
    np.testing.assert_array_equal(unknown, cross)


def test_in_a_folder_beside_depth(tmp_path, write):
    write.photo(tmp_path / "images" / "a.png")
    size = data.read_image(tmp_path / "images" / "a.png").shape[:2]
    write.png(tmp_path / "depth" / "a.png", np.full(size, 2000, "uint16"))
    options = {"depth": True, "scale": 0.001}
    normals = data.load("folder", tmp_path, "all", normals=525, **options)
    depth = data.load("folder", tmp_path, "all", **options)
    assert normals.task == tasks.Normals()
    _, targets = data.MultiTaskDataset({"depth": depth, "normals": normals})[0]
    assert targets["depth"][3, 3] == 2
    np.testing.assert_allclose(targets["normals"][3, 3], [0, 0, 1], atol=1e-6)
    with pytest.raises(ValueError, match="normals=525 are made of depths: it goes with depth"):
        data.load("folder", tmp_path, "all", normals=525, masks="depth")
    with pytest.raises(ValueError, match="`focal_length` must be .*got 0"):
        NormalsReader(0, DepthReader())
    with pytest.raises(ValueError, match=r"must be \(H, W\), got shape \(2, 3, 1\)"):
        normals_of_depth(np.ones((2, 3, 1)), 525)


def test_normals_are_mirrored_and_turned_with_their_image():
    task = tasks.Normals()
    depth = -3 / (rays((9, 9)) @ np.array([0.6, 0, 0.8]))
    there, mirrored = normals_of_depth(depth, FOCAL), normals_of_depth(depth[:, ::-1], FOCAL)
    np.testing.assert_allclose(task.mirrored(there[:, ::-1]), mirrored, atol=1e-6)
    clockwise = normals_of_depth(np.rot90(depth, -1), FOCAL)
    turned = task.turned(np.rot90(there, -1), cos=0.0, sin=1.0)
    np.testing.assert_allclose(turned, clockwise, atol=1e-6)
    assert task.scaled(there, 2) is there
    assert tasks.from_config(task.to_config()) == task and str(task) == "surface normals"
    lengths = np.linalg.norm(task.decode(7 * there), axis=-1)[1:-1, 1:-1]
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
