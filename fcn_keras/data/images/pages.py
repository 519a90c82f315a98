"""Files with several images in them: pages of a TIFF, frames of an animation."""

import re

PREVIEWS = 0.75  # of the first page's sides: smaller pages are thumbnails or levels of a pyramid
SUBFILE, DESCRIPTION = 254, 270  # TIFF tags
REDUCED, MASK = 1, 4  # bits of SUBFILE
NEVER = ("MPO", "HEIF", "PSD", "ICO", "ICNS", "CUR")  # the first image is the one that is meant


def count_pages(image):
    """Returns how many pages or frames of an opened Pillow image could be the one that is meant.

    Previews, smaller versions of a TIFF's first page and layers of PSD files do not count.
    """
    count = getattr(image, "n_frames", 1)
    if image.format == "TIFF":
        return _rival(image, count) or 1
    return 1 if image.format in NEVER else count


def choose_page(image, page):
    """Moves an opened Pillow image to the page that is to be read.

    Args:
        image: A Pillow image, not yet loaded.
        page: Number of the page, from 0; or None, where there must be but one. Smaller versions of
            the first page (thumbnails, a pyramid), and the second pictures of cameras and layers of
            PSD files do not count.

    Raises:
        ValueError: for a page that is not there, or for several where `page` is None.
    """
    count = getattr(image, "n_frames", 1)
    if page is not None:
        _seek(image, page, count)
    elif image.format == "TIFF":
        if rival := _rival(image, count):
            raise ValueError(
                f"it holds {rival} pages, and which one is the image is not known: for all images "
                "give page=0 (the first) or another page; on the command line folder:DIR,page=0, "
                "or predict --page 0. Bands that were saved as pages belong in a .npy file "
                "(H, W, channels)"
            )
    elif count > 1 and image.format not in NEVER:
        raise ValueError(
            f"it is an animation of {count} frames: page=0 reads the first one of all images; on "
            "the command line folder:DIR,page=0, or predict --page 0"
        )


def _seek(image, page, count):
    stack = _stacked(image) if image.format == "TIFF" else 0
    if page >= count:
        if page < stack:
            raise ValueError(
                f"of its {stack} pages (an ImageJ stack) only the first can be read; save page "
                f"{page} as a file of its own"
            )
        raise ValueError(f"it has no page {page} (page={page}): it holds {count}, counted from 0")
    if page:
        image.seek(page)


def _rival(image, count):
    """The number of pages of a TIFF if another could be meant as well as the first, else 0."""
    if count == 1:
        stack = _stacked(image)
        return stack if stack > 1 else 0
    width, height = image.size
    try:
        for page in range(1, count):
            image.seek(page)
            reduced = image.tag_v2.get(SUBFILE, 0) & (REDUCED | MASK)
            if not reduced and min(image.width / width, image.height / height) >= PREVIEWS:
                return count
    finally:
        image.seek(0)
    return 0


def _stacked(image):
    """The number of pages that ImageJ wrote behind one header."""
    text = str(image.tag_v2.get(DESCRIPTION, ""))
    found = re.search(r"^images=(\d+)", text, re.MULTILINE) if text.startswith("ImageJ=") else None
    return int(found[1]) if found else 0
