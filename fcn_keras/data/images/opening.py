"""Opening image files with Pillow: only formats that it decodes itself, also very large ones."""

import contextlib
import struct
import threading

from PIL import Image, UnidentifiedImageError

from fcn_keras.data.images.formats import NOT_DECODED, what_it_is
from fcn_keras.data.images.tiff import why_unreadable
from fcn_keras.free_memory import free_memory

UNREADABLE = (  # what Pillow raises for damaged files
    UnidentifiedImageError, Image.DecompressionBombError, OSError, EOFError, SyntaxError,
    ValueError, TypeError, LookupError, struct.error,
)  # fmt: skip
PILLOWS_LIMIT = int(1024 * 1024 * 1024 // 4 // 3)  # Image.MAX_IMAGE_PIXELS as Pillow sets it
BYTES_PER_PIXEL = 8  # Pillow's image, four bytes, and the array beside it


class _Raised:
    """Raises `Image.MAX_IMAGE_PIXELS` while any thread of this package opens a file.

    A limit that the process has set itself is kept.
    """

    def __init__(self):
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self):
        with self._lock:
            if self._inside == 0 and Image.MAX_IMAGE_PIXELS == PILLOWS_LIMIT:
                Image.MAX_IMAGE_PIXELS = None
                self._mine = True
            elif self._inside == 0:
                self._mine = False
            self._inside += 1

    def __exit__(self, *error):
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._mine:
                Image.MAX_IMAGE_PIXELS = PILLOWS_LIMIT


raised_limit = _Raised()


@contextlib.contextmanager
def opened(path):
    """Gives the Pillow image of a file within it; the pixels are not yet decoded.

    Pillow's own limit of 179 million pixels does not apply; what does not fit into memory is
    refused.

    Raises:
        PIL.UnidentifiedImageError, OSError, ...: as `PIL.Image.open`.
        ValueError: for an image that does not fit into memory.
    """
    with raised_limit:
        try:
            image = _open(path)
        except Image.DecompressionBombError as error:
            raise Image.DecompressionBombError(
                f"{str(error).partition(', could')[0]}, which PIL.Image.MAX_IMAGE_PIXELS sets in "
                "this process. Set it to None, or cut the image into parts; `--tile auto`, "
                'tile="auto" in Python, segments large images in bounded memory'
            ) from None
    with image:
        _check_size(image)
        yield image


@contextlib.contextmanager
def reading(path):
    """Within it, what Pillow raises becomes a ValueError that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error


def open_image(path):
    """Returns the decoded Pillow image of a file, not yet converted.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read as an image.
    """
    with reading(path), opened(path) as image:
        image.load()
    return image


def _open(path):
    Image.preinit()
    tried = _decoded()
    try:
        return Image.open(path, formats=tried)
    except UnidentifiedImageError:
        Image.init()  # all plugins
        if _decoded() == tried:
            raise _unidentified(path) from None
    try:
        return Image.open(path, formats=_decoded())
    except UnidentifiedImageError:
        raise _unidentified(path) from None


def _decoded():
    return [name for name in Image.ID if name not in NOT_DECODED]


def _unidentified(path):
    kind = what_it_is(path)
    if reason := why_unreadable(path):
        return UnidentifiedImageError(reason)
    told = f"the file is {kind}" if kind else "cannot identify image file"
    return UnidentifiedImageError(told)


def _check_size(image):
    pixels = image.width * image.height
    if pixels <= 2 * PILLOWS_LIMIT:
        return
    needed, free = BYTES_PER_PIXEL * pixels / 1e9, free_memory() / 1e9
    if needed > free:
        raise ValueError(
            f"its {image.height}x{image.width} pixels need {needed:.1f} GB of memory, and "
            f"{free:.1f} GB are free. Cut it into parts, or save its array as .npy: "
            "fcn_keras.inference.segment_tiled reads such a file window by window"
        )
