"""Flying Chairs: 22,872 pairs of frames in which drawn chairs move over photographs."""

from fcn_keras.data.flow.pairs import ALL, SPLITS, pair_dataset
from fcn_keras.data.layout.files import require

LIST = "FlyingChairs_train_val.txt"
HINT = (
    "Flying Chairs has data/ with NNNNN_img1.ppm, NNNNN_img2.ppm and NNNNN_flow.flo, and "
    f"{LIST} with 1 (train) or 2 (val) for each; both are published at "
    "https://lmb.informatik.uni-freiburg.de/resources/datasets/FlyingChairs.en.html."
)
# Ends of the names of both frames and the flow: of the release, and of the examples of FlowNet 2.0.
ENDINGS = (
    ("_img1.ppm", "_img2.ppm", "_flow.flo"),
    ("-img0.ppm", "-img1.ppm", "-gt.flo"),
)
OPTIONS = {}


def splits(root):
    """Returns train and val where their list is there, else all.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    return list(SPLITS) if _list(require(root, "flying-chairs", HINT)) else [ALL]


def load(root, split="train"):
    """Returns the 22,232 training or 640 validation pairs of Flying Chairs.

    Args:
        root: Folder of data/, or data/ itself.
        split: "train" or "val" of the published list, which lies in the folder or above data/;
            "all" is every pair.

    Returns:
        A `Dataset` of optical flow.

    Raises:
        FileNotFoundError: for missing folders and frames; the message says what was expected.
        ValueError: for an unknown split, or a list that is not of these pairs.

    Source: Dosovitskiy, Fischer et al. (2015), "FlowNet", section 4.2.
    """
    root = require(root, "flying-chairs", HINT)
    folder = root / "data" if (root / "data").is_dir() else root
    pairs = [
        (flow.name.removesuffix(end), *(folder / f"{flow.name.removesuffix(end)}{e}" for e in both),
         flow)
        for *both, end in ENDINGS
        for flow in sorted(folder.glob(f"*{end}"))
    ]  # fmt: skip
    if not pairs:
        raise FileNotFoundError(f"flying-chairs: {folder} has no flow. {HINT}")
    if split != ALL:
        pairs = _listed(pairs, root, split)
    return pair_dataset("flying-chairs", split, pairs, HINT)


def _list(root):
    return next((f / LIST for f in (root, root.parent) if (f / LIST).is_file()), None)


def _listed(pairs, root, split):
    path = _list(root)
    if path is None or split not in SPLITS:
        known = "train, val and all" if path else f"all; train and val need {LIST}"
        raise ValueError(f"flying-chairs has no split {split!r}; it has {known}.")
    numbers = path.read_text().split()
    if len(numbers) != len(pairs) or not {*numbers} <= {"1", "2"}:
        raise ValueError(
            f"{path} must have 1 or 2 for each of the {len(pairs)} pairs, and it has "
            f"{len(numbers)} words."
        )
    wanted = str(1 + SPLITS.index(split))
    return [pair for pair, number in zip(pairs, numbers, strict=True) if number == wanted]
