"""Files of optical flow: round trips, OpenCV's reading and writing, and real files."""

import struct

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data


def some_flow(largest=300.0):
    flow = np.random.default_rng(0).uniform(-largest, largest, (5, 7, 2)).astype("float32")
    flow[1, 2] = np.nan
    return flow


def test_a_flo_file_is_tag_size_and_interleaved_floats(tmp_path):
    flow = some_flow(1e4)
    content = data.write_flow(tmp_path / "a.flo", flow).read_bytes()
    assert struct.unpack("<fii", content[:12]) == (202021.25, 7, 5) and len(content) == 12 + 8 * 35
    values = np.array(struct.unpack(f"<{2 * 35}f", content[12:])).reshape(5, 7, 2)
    assert (np.abs(values[1, 2]) > 1e9).all()
    known = ~np.isnan(flow)
    np.testing.assert_array_equal(values[known], flow[known])
    np.testing.assert_array_equal(data.read_flow(tmp_path / "a.flo"), flow)


def test_kittis_png_is_opencvs(tmp_path):
    cv2 = pytest.importorskip("cv2")
    flow = some_flow()
    stored = cv2.imread(str(data.write_flow(tmp_path / "a.png", flow)), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    valid, v, u = np.moveaxis(stored.astype(int), -1, 0)  # OpenCV has the channels reversed
    known = ~np.isnan(flow).any(-1)
    np.testing.assert_array_equal(valid, known)
    steps = np.rint(flow[known] * 64) + 32768
    np.testing.assert_array_equal(np.stack([u, v], -1)[known], steps)
    assert (u[~known] == 0).all() and (v[~known] == 0).all()
    stored[0, 0] = 1, 32768, 32768  # no motion is a value like others
    cv2.imwrite(str(tmp_path / "b.png"), stored)
    again = data.read_flow(tmp_path / "b.png")
    assert not again[0, 0].any() and np.isnan(again[1, 2]).all()
    known[0, 0] = False
    assert np.abs(again - flow)[known].max() <= 1 / 128


def test_what_holds_no_flow_is_refused(tmp_path):
    path = data.write_flow(tmp_path / "a.flo", np.zeros((5, 7, 2)))
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    with pytest.raises(ValueError, match=r"a.flo is damaged: 7x5 pixels .* need 292 bytes, it .*8"):
        data.read_flow(path)
    path.write_bytes(b"PNG." + content[4:])
    with pytest.raises(ValueError, match=r"no .flo file: it begins with b'PNG.'"):
        data.read_flow(path)
    Image.new("RGB", (7, 5)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png .*mode RGB; flow in a PNG has 16 bits"):
        data.read_flow(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.jpg: optical flow is read from .flo, .png"):
        data.read_flow(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"\(H, W, 2\), got float64 \(5, 7\)"):
        data.write_flow(path, np.zeros((5, 7)))
    with pytest.raises(ValueError, match="-512 to 511.98 pixels, and this one reaches 600"):
        data.write_flow(tmp_path / "b.png", np.full((5, 7, 2), 600.0))


def test_npy_files_hold_flow_too(tmp_path):
    flow = some_flow()
    np.testing.assert_array_equal(data.read_flow(data.write_flow(tmp_path / "a.npy", flow)), flow)


def test_real_files(data_root, tmp_path):
    folder = data_root / "flow"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    flow = data.read_flow(folder / "middlebury/RubberWhale/flow10.flo")
    assert flow.shape == (388, 584, 2) and 0 < np.isnan(flow).mean() < 0.05
    assert 4 < np.nanmax(np.hypot(*np.moveaxis(flow, -1, 0))) < 5
    copy = data.write_flow(tmp_path / "copy.flo", flow)
    np.testing.assert_array_equal(data.read_flow(copy), flow)
    kitti = data.read_flow(folder / "kitti/flow_gt.png")
    cv2 = pytest.importorskip("cv2")
    stored = cv2.imread(str(folder / "kitti/flow_gt.png"), cv2.IMREAD_UNCHANGED)
    known = stored[..., 0] > 0
    np.testing.assert_array_equal(~np.isnan(kitti).any(-1), known)
    wanted = (stored[..., :0:-1].astype("float64") - 32768) / 64
    np.testing.assert_array_equal(kitti[known], wanted[known])
    again = cv2.imread(str(data.write_flow(tmp_path / "a.png", kitti)), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(again[known], stored[known] * (1, 1, 1))
