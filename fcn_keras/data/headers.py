"""What kind of file an image is, from its first and last bytes: which decoder reads it rightly."""

PNG = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2


def plain_image(path):
    """Whether TensorFlow decodes the image as `read_image` does: a whole 8-bit RGB or grey PNG
    without transparency, or a whole JPEG without EXIF or Adobe data.
    """
    head, tail = _ends(path)
    if _is_png(head):
        plain = head[24] == 8 and head[25] in (GREY, RGB)
        return plain and b"IEND" in tail and b"tRNS" not in head and b"eXIf" not in head
    return (
        head[:3] == b"\xff\xd8\xff"
        and tail.endswith(b"\xff\xd9")
        and b"Exif\x00" not in head
        and b"Adobe" not in head
    )


def index_png(path):
    """Whether the mask is a whole 8-bit grey PNG, whose values are its labels."""
    head, tail = _ends(path)
    return _is_png(head) and head[24] == 8 and head[25] == GREY and b"IEND" in tail


def grey_steps(path):
    """What a reader multiplied the values of a grey PNG of 2 or 4 bits by: 85, 17, or else 1."""
    head, _ = _ends(path)
    return {2: 85, 4: 17}.get(head[24], 1) if _is_png(head) and head[25] == GREY else 1


def _ends(path):
    """The first 4096 and the last 12 bytes; nothing if there is no such file."""
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
            file.seek(-min(12, len(head)), 2)
            return head, file.read()
    except OSError:
        return b"", b""


def _is_png(head):
    return head[:8] == PNG and len(head) > 25
