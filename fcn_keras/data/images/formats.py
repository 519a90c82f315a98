"""Which files are images, by their names: formats that Pillow decodes itself, and arrays.

Of other files it says why they are none, and what they must be converted to.
"""

import functools
import os
from pathlib import Path

from PIL import Image

NO_IMAGE = "no image"
ARRAYS = (".npy", ".npz")
COMMON = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".npy")
# EPS starts Ghostscript and WMF is drawn by Windows; the others are stubs, which cannot decode.
NOT_DECODED = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "PDF"})
_ALSO_DECODED = {"MPO"}  # read by another format's decoder
_RAW = "a camera's raw format: develop it to TIFF or JPEG"
_MICROSCOPY = "a microscope's format: export it as TIFF, or as .npy"
_MEDICAL = "a medical volume: save its slices as 16-bit PNG or .npy"
_VIDEO = "a video: save its frames as images"
_DRAWING = "a drawing or a document: save it as PNG"
_CONVERT = {
    ".heic": "HEIC: convert it to JPEG or PNG",
    ".jxl": "JPEG XL: convert it to PNG or JPEG",
    ".exr": "OpenEXR: save it as .npy, or as 16-bit PNG",
    ".jp3d": "JPEG 3D: save its slices as PNG or .npy",
    ".mat": "a MATLAB file: save its array as .npy",
    ".h5": "an HDF5 file: save its arrays as .npy",
    ".grib": "a weather model's file: save its bands as .npy",
    ".ecw": "ECW: convert it to GeoTIFF with gdal_translate",
    ".sid": "MrSID: convert it to GeoTIFF",
    ".xcf": "GIMP's own format: export it as PNG",
    ".kra": "Krita's own format: export it as PNG",
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef"), _RAW),
    **dict.fromkeys((".srw", ".raw", ".nrw", ".x3f", ".3fr", ".iiq"), _RAW),
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oib", ".oif", ".vsi", ".lsm"), _MICROSCOPY),
    **dict.fromkeys((".svs", ".ndpi", ".mrxs", ".scn", ".bif"), _MICROSCOPY),
    **dict.fromkeys((".dcm", ".dicom", ".nii", ".nrrd", ".mha", ".mhd", ".mgz"), _MEDICAL),
    **dict.fromkeys((".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv"), _VIDEO),
    **dict.fromkeys((".svg", ".pdf", ".eps", ".ps", ".ai", ".wmf", ".emf"), _DRAWING),
}  # fmt: skip
_ALIASES = {".heif": ".heic", ".hif": ".heic", ".hdf": ".h5", ".hdf5": ".h5", ".grb": ".grib"}
_LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini", "icon\r", "ehthumbs.db"}
_LEFT_FOLDERS = {"__macosx", "@eadir", "__pycache__"}
_BEGINNINGS = (  # (offset, bytes, what the file is)
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "EPS or PostScript"),
    (0, b"version https://git-lfs", "a pointer of Git LFS; fetch the file with git lfs pull"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "compressed with gzip"),
    (0, b"\x89HDF", "HDF5"),
    (0, b"\x93NUMPY", "a NumPy array; give it the suffix .npy"),
    (0, b"\x00\x05\x16\x07", "a companion file of macOS, no image"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypheix", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftyp", "a video, or HEIC"),
    (128, b"DICM", "DICOM"),
)


def suffixes():
    """Returns the suffixes of images, a frozenset in lower case.

    They are those of the formats that Pillow decodes itself, plugins that the process has
    registered included, .npy and .npz.
    """
    known = Image.registered_extensions()  # loads all plugins
    return _decoded(frozenset(known.items()), frozenset(Image.OPEN))


@functools.lru_cache(maxsize=4)
def _decoded(known, openable):
    wanted = (openable | _ALSO_DECODED) - NOT_DECODED
    return frozenset({suffix for suffix, name in known if name in wanted} | {*COMMON, *ARRAYS})


def is_image_name(path):
    """Returns whether a file counts as an image: by its suffix; hidden files do not."""
    suffix = os.path.splitext(path)[1].lower()
    return not is_left_over(path) and (suffix in COMMON or bool(suffix) and suffix in suffixes())


def is_left_over(path):
    """Returns whether a file or folder is of the system: hidden, a cache, a thumbnail."""
    name = os.path.basename(path).lower()
    return name.startswith(".") or name in _LEFT_BY_SYSTEMS or name in _LEFT_FOLDERS


def why_not(path):
    """Returns why a file is no image by its name, in a few words: what it is, what to do."""
    suffix = Path(path).suffix.lower()
    if suffix == ".gz" and Path(path).stem.lower().endswith(".nii"):
        suffix = ".nii"
    return _CONVERT.get(_ALIASES.get(suffix, suffix), NO_IMAGE)


def what_it_is(path):
    """Returns what an unreadable file is by its first bytes, such as "PDF"; "" where unknown."""
    try:
        with open(path, "rb") as file:
            head = file.read(256)
    except OSError:
        return ""
    if not head:
        return "empty"
    if not head.strip(b"\0"):
        return "filled with zeros"
    for offset, begin, name in _BEGINNINGS:
        if head[offset : offset + len(begin)].lower() == begin.lower():
            return name
    return ""
