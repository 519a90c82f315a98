"""Images that two datasets share: what is measured on them was trained on."""

import hashlib
import os
from pathlib import Path

import numpy as np

END = 4096  # bytes
FEW = 20_000


def image_keys(dataset):
    """Returns a key for each image of a dataset; equal keys are the same image.

    It is the file, with links followed; of an array its pixels.

    Args:
        dataset: A `fcn_keras.data.Dataset`.

    Returns:
        A list of hashable objects.
    """
    return [_key(dataset, image) for image in dataset.images]


def _key(dataset, image):
    if isinstance(image, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(image)).digest()
        return (image.shape, image.dtype.str, digest)
    if isinstance(image, Path) or os.path.isfile(image):
        return os.path.realpath(image)
    return (
        id(dataset.image_reader),
        image,
    )  # such as a record's name, which its reader understands


def shared_images(dataset, other):
    """Returns the indices in `other` of the images that are in `dataset` too.

    Of up to 20,000 images, copies of a file count too.

    Args:
        dataset: A `fcn_keras.data.Dataset`.
        other: A `Dataset`.

    Returns:
        A list of ints.

    Example:

    ```python
    train, val = (fcn_keras.data.load("digits", split=split) for split in ("train", "val"))
    fcn_keras.data.shared_images.shared_images(train, val)      # []
    ```
    """
    known = set(image_keys(dataset))
    found = {index for index, key in enumerate(image_keys(other)) if key in known}
    if len(dataset) + len(other) <= FEW:
        copies = {copy for _, copy in equal_files(files_of(dataset), files_of(other))}
        files = enumerate(other.images) if copies else ()
        found |= {index for index, image in files if isinstance(image, Path) and image in copies}
    return sorted(found)


def files_of(dataset):
    """Returns the images of a dataset that are files, a list of Paths."""
    return [image for image in dataset.images if isinstance(image, Path) and image.is_file()]


def equal_files(paths, others):
    """Returns pairs of files with equal bytes.

    Files of equal size are compared by their first and last bytes, and then as a whole.

    Args:
        paths: Paths of files.
        others: Paths of other files.

    Returns:
        A list of (path, other): for each of `others` that has an equal file the first of them.
    """
    candidates = [(path, other) for other, found in _by_size(paths, others) for path in found]
    pairs, heads, wholes = {}, {}, {}
    for path, other in candidates:
        if other in pairs or _cached(heads, path, _ends) != _cached(heads, other, _ends):
            continue
        if _cached(wholes, path, _digest) == _cached(wholes, other, _digest):
            pairs[other] = path
    return [(path, other) for other, path in pairs.items()]


def _by_size(paths, others):
    """Yields (other, those of `paths` that have its size)."""
    sizes = {}
    for path in paths:
        sizes.setdefault(os.path.getsize(path), []).append(path)
    for other in others:
        yield other, sizes.get(os.path.getsize(other), ())


def _cached(known, path, function):
    if path not in known:
        known[path] = function(path)
    return known[path]


def _ends(path):
    with open(path, "rb") as file:
        head = file.read(END)
        file.seek(max(os.path.getsize(path) - END, 0))
        return head + file.read()


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
