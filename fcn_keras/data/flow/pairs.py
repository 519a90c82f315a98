"""What the datasets of optical flow share: pairs of frames as a `Dataset`, and how they are split.

A pair is (name, first frame, second frame, flow), the last three paths.
"""

from pathlib import Path

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.flow.frames import CHANNELS, FrameReader, Frames
from fcn_keras.data.flow.reader import FlowReader
from fcn_keras.data.layout.splitting import held_out
from fcn_keras.tasks import Flow

AUGMENTATION = Augmentation(flip=True, scale=(0.9, 1.5), color=0.2)
ALL = "all"
SPLITS = ("train", "val")


def pair_dataset(name, split, pairs, hint, reader=None):
    """Returns the `Dataset` of some pairs.

    Args:
        name: The dataset's name.
        split: The split's name.
        pairs: A list of pairs; their flow may be missing.
        hint: What belongs where in the dataset's folder.
        reader: The `FlowReader` of the flow. Default: a plain one.

    Raises:
        FileNotFoundError: naming the first frame that is missing, and how many are.
    """
    frames = [path for _, *both, _ in pairs for path in both]
    if missing := [path for path in frames if not Path(path).is_file()]:
        raise FileNotFoundError(
            f"{name} ({split}): {len(missing)} of {len(frames)} frames are missing, such as "
            f"{missing[0]}. {hint}"
        )
    names, first, second, flow = zip(*pairs, strict=True)
    return Dataset(
        name, split, Flow(), names, tuple(map(Frames, first, second)), flow,
        reader or FlowReader(), AUGMENTATION, FrameReader(), CHANNELS, "uint8", hint,
    )  # fmt: skip


def chosen(dataset, split, pairs, group):
    """Returns the pairs of a split of a dataset that has no list of its own.

    "val" is a fifth of the groups, chosen by a hash of their names, "train" the others, "all" every
    pair.

    Args:
        dataset: The dataset's name, for the message.
        split: The split's name.
        pairs: A list of pairs.
        group: Function from a pair to what must not be divided: the name of its scene.

    Raises:
        ValueError: for another split.
    """
    if split == ALL:
        return pairs
    if split not in SPLITS:
        raise ValueError(f"{dataset} has no split {split!r}; it has train, val and all.")
    val = held_out(sorted({group(pair) for pair in pairs}))
    return [pair for pair in pairs if (group(pair) in val) == (split == "val")]
