"""What kind of file an image is, from its first bytes: which decoder reads it rightly."""


def plain_image(path):
    """Whether TensorFlow decodes the image as `read_image` does: an 8-bit RGB or grey PNG, or a
    JPEG without EXIF orientation.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError:
        return True
    if _is_png(head):
        return head[24] == 8 and head[25] in (0, 2) and b"tRNS" not in head and b"eXIf" not in head
    return head[:3] == b"\xff\xd8\xff" and b"Exif\x00" not in head and b"Adobe" not in head


def index_png(path):
    """Whether the mask is an 8-bit grey PNG, whose values are its labels."""
    try:
        with open(path, "rb") as file:
            head = file.read(32)
    except OSError:
        return True
    return _is_png(head) and head[24] == 8 and head[25] == 0


def _is_png(head):
    return head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) > 25
