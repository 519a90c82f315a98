"""Videos as folders of frames."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras.inference import predict_files, video
from fcn_keras.tasks import Flow

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def film(tmp_path):
    """Four frames of 32x48 that become lighter."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (48, 32))
    for number in range(4):
        writer.write(np.full((32, 48, 3), (40 * number, 0, 200), "uint8"))  # blue, green, red
    writer.release()
    return path


class Still:
    """A segmenter of pairs that tells how much lighter blue becomes."""

    task, labels, halo, size, channels = Flow(), None, None, None, 6

    def segment(self, image):
        change = image[..., 5].astype("float32") - image[..., 2]
        return np.stack([change, np.zeros_like(change)], -1)


def test_a_video_is_unpacked_into_frames_in_their_order(film, tmp_path):
    folder = video.unpack_video(film, tmp_path / "out")
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"film_0000{number}.png" for number in range(4)]
    for number, name in enumerate(names):
        pixel = np.array(Image.open(folder / name))[16, 24].astype(int)
        assert np.abs(pixel - (200, 0, 40 * number)).max() < 8


def test_pairs_of_a_video_are_its_frames_one_after_the_other(film, tmp_path):
    results = predict_files(Still(), film, tmp_path / "out", progress=False)
    assert [result.error for result in results] == [None] * 3
    assert [result.values_path.name for result in results] == [
        f"film_0000{number}_flow.flo" for number in range(3)
    ]


def test_what_is_no_video_is_told(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="There is no video none.mp4"):
        video.unpack_video("none.mp4", tmp_path)
    (tmp_path / "empty.mp4").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="empty.mp4 cannot be read as a video: it gives no frame"):
        video.unpack_video(tmp_path / "empty.mp4", tmp_path)
    monkeypatch.setattr(video.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="empty.mp4 is a video, which OpenCV or imageio"):
        video.unpack_video(tmp_path / "empty.mp4", tmp_path)
