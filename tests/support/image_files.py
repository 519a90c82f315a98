"""Image files that Pillow reads but does not write: PNGs and TIFFs of 16 bits and of many bands."""

import struct
import zlib

_SHORT, _LONG, _TEXT = 3, 4, 2


def png(values):
    """A PNG of an array (H, W, channels) of uint8 or uint16, as bytes."""
    rows, columns, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    depth = 8 * values.dtype.itemsize
    big = values.astype(values.dtype.newbyteorder(">"))
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in big))
    header = struct.pack(">IIBBBBB", columns, rows, depth, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def tiff(values, *, extra=None, photometric=None, planar=False, order="<", description=None):
    """An uncompressed TIFF of an array (H, W, bands) of uint8 or uint16, as bytes.

    `extra` is the tag ExtraSamples: 0 unspecified, 2 alpha, one for each band beyond the colours.
    """
    rows, columns, bands = values.shape
    if photometric is None:
        photometric = 2 if bands >= 3 else 1
    planes = [values] if not planar else [values[..., band] for band in range(bands)]
    data = [plane.astype(plane.dtype.newbyteorder(order)).tobytes() for plane in planes]
    entries = {
        256: (_LONG, [columns]), 257: (_LONG, [rows]),
        258: (_SHORT, [8 * values.dtype.itemsize] * bands), 259: (_SHORT, [1]),
        262: (_SHORT, [photometric]), 277: (_SHORT, [bands]), 278: (_LONG, [rows]),
        279: (_LONG, [len(plane) for plane in data]), 284: (_SHORT, [2 if planar else 1]),
        273: (_LONG, [0] * len(data)),
    }  # fmt: skip
    if extra is not None:
        entries[338] = (_SHORT, extra)
    if description is not None:
        entries[270] = (_TEXT, description.encode() + b"\0")
    long_values = sum(len(_packed(order, *one)) for one in entries.values() if _is_long(order, one))
    start = 8 + 2 + 12 * len(entries) + 4 + long_values
    entries[273] = (_LONG, [start + sum(map(len, data[:n])) for n in range(len(data))])
    directory, behind, place = b"", b"", 8 + 2 + 12 * len(entries) + 4
    for tag, (kind, content) in sorted(entries.items()):
        packed = _packed(order, kind, content)
        directory += struct.pack(order + "HHI", tag, kind, len(content))
        if len(packed) > 4:
            directory += struct.pack(order + "I", place + len(behind))
            behind += packed
        else:
            directory += packed.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    count = struct.pack(order + "H", len(entries))
    return head + count + directory + struct.pack(order + "I", 0) + behind + b"".join(data)


def _packed(order, kind, content):
    if kind == _TEXT:
        return content
    return struct.pack(order + {_SHORT: "H", _LONG: "I"}[kind] * len(content), *content)


def _is_long(order, entry):
    return len(_packed(order, *entry)) > 4
