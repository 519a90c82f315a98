"""Video files as folders of frames, where OpenCV or imageio is installed to decode them."""

import importlib.util
from pathlib import Path

from PIL import Image

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")


def is_video(path):
    """Returns whether a path names a video file, by its suffix."""
    return Path(path).suffix.lower() in SUFFIXES and not Path(path).is_dir()


def unpack_video(path, folder):
    """Writes the frames of a video as PNGs.

    Args:
        path: A video file that OpenCV or imageio reads.
        folder: The folder to write into; `street.mp4` becomes `street_frames/street_00000.png`, ...

    Returns:
        The folder of the frames.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if neither OpenCV nor imageio is installed.
        ValueError: naming the file, if it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no video {path}.")
    target = Path(folder) / f"{path.stem}_frames"
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, frame in enumerate(_frames(path), start=1):
        name = target / f"{path.stem}_{count - 1:05d}.png"
        Image.fromarray(frame).save(name, compress_level=1)
    if not count:
        raise ValueError(f"{path} cannot be read as a video: it gives no frame.")
    return target


def _frames(path):
    """Yields the frames of a video, uint8 (H, W, 3), RGB."""
    if importlib.util.find_spec("cv2"):
        yield from _by_opencv(path)
    elif importlib.util.find_spec("imageio"):
        reader = importlib.import_module("imageio.v2").get_reader  # no dependency of the package
        for frame in reader(str(path)):
            yield frame[..., :3]
    else:
        raise ImportError(
            f"{path} is a video, which OpenCV or imageio reads: pip install 'fcn_keras[video]', or "
            "give a folder of its frames."
        )


def _by_opencv(path):
    import cv2

    video = cv2.VideoCapture(str(path))
    try:
        while True:
            found, frame = video.read()
            if not found:
                return
            yield frame[..., ::-1]
    finally:
        video.release()
