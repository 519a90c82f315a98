"""Middlebury's optical flow: eight pairs of frames with dense, exact flow."""

from fcn_keras.data.flow.pairs import ALL, pair_dataset
from fcn_keras.data.layout.files import require

HINT = (
    "Middlebury has other-data/SCENE/frame10.png and frame11.png and other-gt-flow/SCENE/"
    "flow10.flo, as unpacked from https://vision.middlebury.edu/flow/data; or all three in SCENE/."
)
OPTIONS = {}


def splits(root):
    """Returns all.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    require(root, "middlebury", HINT)
    return [ALL]


def load(root, split=ALL):
    """Returns the pairs of Middlebury's evaluation whose flow is published.

    Args:
        root: Folder of other-data/ and other-gt-flow/, or of a folder for each scene.
        split: "all".

    Returns:
        A `Dataset` of optical flow.

    Raises:
        FileNotFoundError: for missing folders and frames; the message says what was expected.
        ValueError: for another split.

    Source: Baker et al. (2011), "A Database and Evaluation Methodology for Optical Flow".
    """
    root = require(root, "middlebury", HINT)
    if split != ALL:
        raise ValueError(f"middlebury has no split {split!r}; it has {ALL}.")
    truth = root / "other-gt-flow" if (root / "other-gt-flow").is_dir() else root
    frames = root / "other-data" if truth != root else root
    pairs = []
    for flow in sorted(truth.glob("*/flow10.flo")):
        scene = flow.parent.name
        both = (frames / scene / f"frame{number}.png" for number in (10, 11))
        pairs.append((scene, *both, flow))
    if not pairs:
        raise FileNotFoundError(f"middlebury: {truth} has no SCENE/flow10.flo. {HINT}")
    return pair_dataset("middlebury", split, pairs, HINT)
