"""Finding a dataset's files: folders, lists of names, images and their masks."""

from pathlib import Path

from fcn_keras.data.images import SUFFIXES


def require(root, relative, dataset, published):
    """A folder or file that a dataset must have.

    Raises:
        FileNotFoundError: saying what was expected where, and where it is published.
    """
    if root is None:
        raise ValueError(f"{dataset} needs its folder: {dataset.lower()}:DIR, or root=DIR.")
    path = Path(root) / relative
    if not path.exists():
        raise FileNotFoundError(
            f"{dataset}: {path} was expected and is not there. "
            f"The dataset is published at {published}."
        )
    return path


def listed(root, filename, images):
    """Names from a list file (stems or paths, the first word of each line), or from a folder."""
    path = Path(root) / filename
    if path.exists():
        words = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
        names = [_stem(word) for word in words]
    else:
        names = sorted(p.stem for p in Path(images).iterdir() if p.suffix.lower() in SUFFIXES)
    if not names:
        raise ValueError(f"No images: {path if path.exists() else images} is empty.")
    return names


def _stem(word):
    name = Path(word).name
    return Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name


def paired(names, images, masks):
    """Paths of the image and the mask of each name.

    Raises:
        FileNotFoundError: naming the first image or mask that is missing, and how many are.
    """
    found = [by_stem(folder) for folder in (images, masks)]
    for paths, folder, kind in zip(found, (images, masks), ("image", "mask"), strict=True):
        missing = [name for name in names if name not in paths]
        if missing:
            raise FileNotFoundError(
                f"The {kind} of {missing[0]!r} is not in {folder} "
                f"({len(missing)} of {len(names)} are missing). "
                "fcn-keras check-data lists every missing file."
            )
    return tuple(tuple(paths[name] for name in names) for paths in found)


def by_stem(folder):
    """{stem: path} of the image files in a folder."""
    return {p.stem: p for p in sorted(Path(folder).iterdir()) if p.suffix.lower() in SUFFIXES}
