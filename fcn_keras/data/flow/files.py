"""Files of optical flow: Middlebury's .flo, KITTI's 16-bit PNG, and .npy.

Sources: the description in Middlebury's flow-code (colorcode and README); the development kit of
KITTI's optical flow benchmark.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

from fcn_keras.data.images.npy import is_npy, read_npy
from fcn_keras.data.images.opening import opened, reading
from fcn_keras.data.images.wide_colors import is_wide_color, lower_bytes

TAG = b"PIEH"  # 202021.25 as a little-endian float
HEADER = struct.Struct("<4sii")
LARGEST = 1e9  # pixels; above it a .flo says that the flow is not known
UNKNOWN = 1e10
STEPS, ZERO = 64, 32768  # of a KITTI file: steps of a pixel, and the value of no motion
SUFFIXES = (".flo", ".png", ".npy")


def read_flow(path):
    """Returns the optical flow in a file.

    Args:
        path: A .flo file; a PNG of 16 bits a channel as KITTI has them; or a .npy file of float
            (H, W, 2).

    Returns:
        float32 (H, W, 2): how many pixels each pixel moves to the right and down; NaN where it is
        not known.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is damaged or holds no flow.

    Example:

    ```python
    flow = np.zeros((4, 6, 2), "float32")
    fcn_keras.data.write_flow("still.flo", flow)
    fcn_keras.data.read_flow("still.flo").shape     # (4, 6, 2)
    ```
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".flo":
        return _from_flo(path)
    if suffix == ".png":
        return _from_png(path)
    if is_npy(path):
        return _checked(read_npy(path), path)
    raise ValueError(f"{path}: optical flow is read from {', '.join(SUFFIXES)} files.")


def write_flow(path, flow):
    """Writes optical flow into a file.

    Args:
        path: Its suffix chooses the format: .flo keeps float32; .png is KITTI's, in steps of 1/64
            pixel; .npy.
        flow: Float (H, W, 2): how many pixels each pixel moves to the right and down; NaN where it
            is not known.

    Returns:
        The path.

    Raises:
        ValueError: for an array of another shape, another suffix, or flow beyond what the file
            holds: -512 to 511.98 pixels in a PNG.

    Example:

    ```python
    flow = np.full((4, 6, 2), 1.5, "float32")
    fcn_keras.data.read_flow(fcn_keras.data.write_flow("moved.png", flow))[0, 0]    # [1.5, 1.5]
    ```
    """
    flow, path = _checked(flow, "the flow"), Path(path)
    suffix = path.suffix.lower()
    if suffix == ".flo":
        height, width = flow.shape[:2]
        pixels = np.where(_known(flow)[..., None], flow, np.float32(UNKNOWN))
        path.write_bytes(HEADER.pack(TAG, width, height) + pixels.astype("<f4").tobytes())
    elif suffix == ".png":
        path.write_bytes(_png(_in_steps(flow, path)))
    elif suffix == ".npy":
        np.save(path, flow)
    else:
        raise ValueError(f"{path}: optical flow is written to {', '.join(SUFFIXES)} files.")
    return path


def _checked(flow, name):
    """The flow as float32 (H, W, 2), NaN in both channels where one is not known."""
    flow = np.asarray(flow)
    if flow.ndim != 3 or flow.shape[-1] != 2 or flow.dtype.kind not in "fiu":
        raise ValueError(
            f"{name}: optical flow is an array of numbers (H, W, 2), got {flow.dtype} {flow.shape}."
        )
    flow = flow.astype("float32")
    return np.where(_known(flow)[..., None], flow, np.float32("nan"))


def _known(flow):
    with np.errstate(invalid="ignore"):
        return (np.abs(flow) <= LARGEST).all(-1)  # False for NaN too


def _from_flo(path):
    data = Path(path).read_bytes()
    if len(data) < HEADER.size or data[:4] != TAG:
        raise ValueError(
            f"{path} is no .flo file: it begins with {data[:4]!r} in place of {TAG!r}."
        )
    _, width, height = HEADER.unpack_from(data)
    wanted = HEADER.size + 8 * width * height
    if width < 1 or height < 1 or len(data) != wanted:
        raise ValueError(
            f"{path} is damaged: {width}x{height} pixels (width x height) need {wanted} bytes, it "
            f"has {len(data)}."
        )
    flow = np.frombuffer(data, "<f4", offset=HEADER.size).reshape(height, width, 2)
    return _checked(flow, path)


def _from_png(path):
    with reading(path), opened(path) as image:
        wide = is_wide_color(image) and image.mode == "RGB"
        low = lower_bytes(lambda: opened(path)) if wide else None
        if low is None:
            raise ValueError(
                f"it is an image of mode {image.mode}; flow in a PNG has 16 bits in each of three "
                "channels, as KITTI's"
            )
        stored = np.asarray(image).astype("uint16") * np.uint16(256) + low
    flow = (stored[..., :2].astype("float32") - ZERO) / STEPS
    return np.where(stored[..., 2:] > 0, flow, np.float32("nan"))


def _in_steps(flow, path):
    """The three channels of a KITTI file, uint16 (H, W, 3)."""
    known = _known(flow)
    steps = np.rint(np.where(known[..., None], flow, 0) * float(STEPS)) + ZERO
    if steps.min(initial=0) < 0 or steps.max(initial=0) > 65535:
        most = float(np.abs(flow[known]).max())
        raise ValueError(
            f"{path}: a PNG holds flow of -512 to 511.98 pixels, and this one reaches {most:g}: "
            "write a .flo file."
        )
    stored = np.concatenate([steps, np.ones((*known.shape, 1))], -1)
    return np.where(known[..., None], stored, 0).astype("uint16")


def _png(pixels):
    """The bytes of a PNG of uint16 (H, W, 3), which Pillow does not write."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").reshape(height, -1).view("uint8")
    change = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), "uint8"))
    lines = np.concatenate([np.full((height, 1), 2, "uint8"), change], 1)  # filter 2: minus above
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
