"""MPI Sintel: 1,041 pairs of frames of an animated film, with large motion and its exact flow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fcn_keras.checks import one_of
from fcn_keras.data.flow.pairs import SPLITS, chosen, pair_dataset
from fcn_keras.data.flow.reader import FlowReader
from fcn_keras.data.images.opening import open_image
from fcn_keras.data.layout.files import require
from fcn_keras.options import Option

HINT = (
    "MPI Sintel has training/clean/SCENE/frame_NNNN.png, training/final/ alike, and "
    "training/flow/SCENE/frame_NNNN.flo, as unpacked from http://sintel.is.tue.mpg.de."
)
OPTIONS = {
    "rendering": Option(
        "Which frames: clean, or final with motion blur, fog and depth of field. Default: clean.",
        kind=str,
        choices=("clean", "final"),
    ),
}


@dataclass(frozen=True)
class SintelReader(FlowReader):
    """Reads the flow of Sintel, and leaves out the pixels that the folder invalid/ marks."""

    def read(self, path):
        """Returns the flow in a file, float32 (H, W, 2); see `FlowReader.read`."""
        flow, path = super().read(path), Path(path)
        mask = path.parents[2] / "invalid" / path.parent.name / f"{path.stem}.png"
        if mask.is_file():
            flow[np.asarray(open_image(mask).convert("L")) > 0] = np.nan
        return flow


def splits(root, **options):
    """Returns train and val.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    require(Path(root) / "training", "sintel", HINT)
    return list(SPLITS)


def load(root, split="train", *, rendering="clean"):
    """Returns pairs of frames of MPI Sintel, those with published flow.

    Args:
        root: Folder of training/.
        split: "all" is every pair; "val" is a fifth of the scenes, chosen by a hash of their names,
            "train" the others.
        rendering: "clean", or "final" with motion blur, fog and depth of field.

    Returns:
        A `Dataset` of optical flow; pixels that invalid/ marks have none.

    Raises:
        FileNotFoundError: for missing folders and frames; the message says what was expected.
        ValueError: for an unknown split or rendering.

    Source: Butler, Wulff, Stanley, Black (2012), "A Naturalistic Open Source Movie for Optical
    Flow Evaluation".
    """
    one_of("rendering", rendering, OPTIONS["rendering"].choices)
    frames = require(Path(root) / "training" / rendering, "sintel", HINT)
    flows = require(Path(root) / "training" / "flow", "sintel", HINT)
    pairs = []
    for flow in sorted(flows.glob("*/frame_*.flo")):
        scene, number = flow.parent.name, int(flow.stem.rpartition("_")[2])
        both = (frames / scene / f"frame_{n:04d}.png" for n in (number, number + 1))
        pairs.append((f"{scene}/{flow.stem}", *both, flow))
    if not pairs:
        raise FileNotFoundError(f"sintel: {flows} has no flow. {HINT}")
    pairs = chosen("sintel", split, pairs, lambda pair: pair[0].partition("/")[0])
    return pair_dataset("sintel", split, pairs, HINT, SintelReader())
