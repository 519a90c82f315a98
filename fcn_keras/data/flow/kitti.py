"""KITTI's optical flow benchmarks of 2012 and 2015: street scenes with sparse flow from lidar."""

from pathlib import Path

from fcn_keras.data.flow.pairs import SPLITS, chosen, pair_dataset
from fcn_keras.data.layout.files import require
from fcn_keras.options import Option

HINT = (
    "KITTI has training/image_2/NNNNNN_10.png and NNNNNN_11.png (2015; in 2012 colored_0/) and "
    "training/flow_occ/NNNNNN_10.png, as published at https://www.cvlibs.net/datasets/kitti."
)
FRAMES = ("image_2", "colored_0", "image_0")  # of 2015, and of 2012 in colour and in grey
OPTIONS = {
    "visible": Option(
        "Leave out the flow of pixels that the second frame does not show (flow_noc).", kind=bool
    ),
}


def splits(root, **options):
    """Returns train and val.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    require(Path(root) / "training", "kitti-flow", HINT)
    return list(SPLITS)


def load(root, split="train", *, visible=False):
    """Returns the 194 pairs of KITTI 2012 or the 200 of 2015, those with published flow.

    Args:
        root: Folder of training/.
        split: "all" is every pair; "val" is a fifth of them, chosen by a hash of their names,
            "train" the others.
        visible: Whether pixels that the second frame does not show have no flow.

    Returns:
        A `Dataset` of optical flow, known at about a fifth of the pixels (half in 2012).

    Raises:
        FileNotFoundError: for missing folders and frames; the message says what was expected.
        ValueError: for an unknown split.

    Source: Geiger, Lenz, Urtasun (2012), "Are we ready for Autonomous Driving?"; Menze, Geiger
    (2015), "Object Scene Flow for Autonomous Vehicles".
    """
    training = require(Path(root) / "training", "kitti-flow", HINT)
    frames = next((training / name for name in FRAMES if (training / name).is_dir()), None)
    frames = require(frames or training / FRAMES[0], "kitti-flow", HINT)
    folder = "flow_noc" if visible else "flow_occ"
    flows = sorted(require(training / folder, "kitti-flow", HINT).glob("*_10.png"))
    if not flows:
        raise FileNotFoundError(f"kitti-flow: {training / folder} has no flow. {HINT}")
    pairs = []
    for flow in flows:
        name = flow.stem.removesuffix("_10")
        pairs.append((name, frames / flow.name, frames / f"{name}_11.png", flow))
    pairs = chosen("kitti-flow", split, pairs, lambda pair: pair[0])
    return pair_dataset("kitti-flow", split, pairs, HINT)
