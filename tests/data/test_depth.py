"""Depth as a target: files, missing depth, augmentation, NYUDv2, real frames."""

import numpy as np
import pytest

from fcn_keras import data, tasks
from fcn_keras.data import Augmentation, Dataset, DepthReader

MILLIMETRES = np.array([[0, 1500, 2250], [65535, 1, 0]], "uint16")
METRES = np.array([[np.nan, 1.5, 2.25], [65.535, 0.001, np.nan]], "float32")


@pytest.fixture
def folder(tmp_path, write):
    """A data set of depth in files: a 16-bit PNG, a .npy and a PFM file of the same depths."""
    tall = np.kron(MILLIMETRES, np.ones((10, 10), "uint16"))
    for name in "abcdef":
        write.photo(tmp_path / "images" / f"{name}.png")
    size = data.read_image(tmp_path / "images" / "a.png").shape[:2]
    depths = np.resize(tall, size)
    for name in "abcd":
        write.png(tmp_path / "depth" / f"{name}.png", depths)
    np.save(tmp_path / "depth" / "e.npy", depths)
    header = f"Pf\n{size[1]} {size[0]}\n-1.0\n".encode()
    (tmp_path / "depth" / "f.pfm").write_bytes(header + depths[::-1].astype("<f4").tobytes())
    expected = np.where(depths == 0, np.nan, depths / 1000).astype("float32")
    return tmp_path, expected


def test_png_npy_and_pfm_are_the_same_depths(folder):
    root, expected = folder
    found = data.load("folder", root, "all", depth=True, scale=0.001)
    assert found.task == tasks.Depth("m")
    for _, target in found:
        np.testing.assert_allclose(target, expected, rtol=1e-6)
        np.testing.assert_array_equal(np.isnan(target), np.isnan(expected))
    assert not data.check("folder", root, depth=True, scale=0.001).problems


def test_in_commands(check_data, folder):
    root, _ = folder
    code, printed = check_data(f"folder:{root},depth,scale=0.001")
    assert code == 0 and "depth in m" in printed and "65.535" in printed


def test_missing_depth_is_no_number():
    reader = DepthReader(scale=0.001, void=(65535,))
    np.testing.assert_array_equal(
        reader.convert(MILLIMETRES, "a.png"), np.where(METRES > 65, np.nan, METRES)
    )
    infinite = np.array([[np.inf, 2.0, np.nan]], "float32")
    np.testing.assert_array_equal(DepthReader().convert(infinite, "a"), [[np.nan, 2, np.nan]])
    np.testing.assert_array_equal(
        DepthReader(void=(-1,)).convert(np.array([[-1.0, 2]]), "a"), [[np.nan, 2]]
    )
    with pytest.raises(data.LabelError, match="a.png holds depths below 0, such as -1.*void=VALUE"):
        DepthReader().convert(np.array([[-1.0, 2]]), "a.png")


def test_what_does_not_go_together_is_refused(folder):
    root, _ = folder
    for options, message in (
        ({"depth": True, "regression": "x"}, "regression and depth exclude each other"),
        ({"depth": True, "binary": True}, "binary=True is for classes; .* with depth"),
        ({"unit": "m", "masks": "depth"}, "unit and scale go with regression=NAME, or with depth"),
    ):
        with pytest.raises(ValueError, match=message):
            data.load("folder", root, **options)
    with pytest.raises(FileNotFoundError, match=r"depth/ \(for each image one 16-bit PNG"):
        data.load("folder", root, depth=True, masks="nothing")


def test_scaling_an_image_divides_depth_and_mixes_nothing():
    """The image's red channel is its depth, so that image and target can be compared."""
    pytest.importorskip("tensorflow")
    rng = np.random.default_rng(0)
    depth = np.where(np.arange(64) < 32, 4.0, 8.0)[None].repeat(48, 0).astype("float32")
    depth[rng.random(depth.shape) < 0.3] = np.nan
    image = np.zeros((48, 64, 3), "uint8")
    image[..., 0] = np.where(np.arange(64) < 32, 40, 80)
    found = Dataset("mine", "train", tasks.Depth(), ("a",), [image], [depth])
    factors = set()
    augment = Augmentation(flip=True, scale=(0.5, 2.0))
    for images, targets in found.batches(1, crop=(32, 32), augment=augment).repeat(8).take(8):
        red, target = images.numpy()[0, ..., 0], targets.numpy()[0]
        inside = np.isin(red, (40, 80)) & ~np.isnan(target)
        ratio = red[inside] / 10 / target[inside]
        assert np.ptp(ratio) < 1e-4, "one factor for all pixels, and no depth but 4 and 8"
        factors.add(round(float(ratio[0]), 3))
        assert 0.45 < ratio[0] < 2.2
    assert len(factors) > 3
    batches = found.batches(1, augment=Augmentation(flip=True)).repeat(4).take(4)
    assert all(set(np.unique(t[~np.isnan(t)])) == {4, 8} for _, (t,) in batches.as_numpy_iterator())


def test_the_task_scales_targets_and_outputs_alike():
    task, values = tasks.Depth(), np.array([[2.0, np.nan, 6.0]])
    np.testing.assert_allclose(task.scaled(values, 2), [[1, np.nan, 3]])
    np.testing.assert_allclose(task.scaled(values, (1.0, 4.0)), [[1, np.nan, 3]])
    outputs = task.encode(values)
    np.testing.assert_allclose(task.decode(task.scaled_outputs(outputs, 2)), task.scaled(values, 2))
    assert task.mirrored(values) is values
    np.testing.assert_array_equal(task.valid([[1, 0, -1, np.nan, np.inf]]), [[1, 0, 0, 0, 0]])
    assert tasks.from_config(task.to_config()) == task and str(task) == "depth in m"


def test_real_frames(data_root):
    root = data_root / "rgbd"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    options = {"images": "color", "masks": "depth", "depth": True, "scale": 0.0002}
    found = data.load("folder", root, "all", **options)
    assert len(found) == 5
    image, depth = found[0]
    assert image.shape == (480, 640, 3) and depth.shape == (480, 640)
    assert 1 < depth.min() < np.median(depth) < depth.max() < 5
