"""Label maps from boxes and images: by the dense CRF, or by GrabCut of OpenCV."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from fcn_keras.crf import dense_crf
from fcn_keras.data.weak.relabelled import RelabelledDataset
from fcn_keras.progress import ProgressBar
from fcn_keras.threads import checked_threads

SURE = 20.0  # score of what a box says for sure
CENTRE = 0.2  # share of a box's area, in its middle, that is the object for sure
GRABCUT_STEPS = 5


@dataclass(frozen=True)
class MadeLabels(RelabelledDataset):
    """A dataset with label maps that were made from weak labels.

    Attributes:
        made: One label map (H, W) for each example.
    """

    made: tuple = field(default=(), kw_only=True)

    def relabelled(self, target, index):
        """Returns the label map of example `index`."""
        return self.made[index]

    def at(self, indices):
        """Returns the examples of these numbers, in this order, as a Dataset."""
        indices = tuple(indices)
        return replace(super().at(indices), made=tuple(self.made[i] for i in indices))


def made_from_boxes(dataset, maker, progress=True):
    """Returns a dataset with a label map for each example, made from its boxes and its image.

    Args:
        dataset: A `Dataset` of boxes.
        maker: "crf" or "grabcut".
        progress: Whether to show a bar on a terminal.

    Returns:
        A `MadeLabels`.

    Raises:
        ImportError: for "grabcut" without OpenCV.
    """
    make = MAKERS[maker]()
    outside = 0 if dataset.background else dataset.labels.ignore

    def one(index):
        image = dataset.read_image(index)
        image = np.repeat(image, 3, -1) if image.shape[-1] == 1 else image[..., :3]
        label = make(image.astype("uint8"), dataset.read_boxes(index), outside)
        return label.astype(dataset.labels.dtype)

    bar = ProgressBar(len(dataset), "image", progress)
    made = []
    with bar, ThreadPoolExecutor(checked_threads()) as pool:
        for label in pool.map(one, range(len(dataset))):
            made.append(label)
            bar.step()
    notes = (*dataset.notes, f"Label maps were made from the boxes by {maker}.")
    return MadeLabels.of(dataset, notes=notes, made=tuple(made))


def by_crf(image, boxes, outside):
    """Returns the label map of boxes after the dense CRF.

    The middle of each box is its object for sure, and what is in no box is not; elsewhere in a box
    object and background are as likely, and the CRF decides by colours and places. A pixel gets
    only a class of a box that it lies in.

    Args:
        image: RGB, uint8 (H, W, 3).
        boxes: `fcn_keras.data.weak.boxes.Box`es.
        outside: Label of what is no object.

    Returns:
        int32 (H, W).

    Source: Papandreou, Chen, Murphy, Yuille (2015), section 3.3 (Bbox-Seg).
    """
    size = image.shape[:2]
    if not boxes:
        return np.full(size, outside, "int32")
    classes = sorted({box.label for box in boxes})
    scores = np.full((*size, 1 + len(classes)), -SURE, "float32")
    scores[..., 0] = 0
    for box in sorted(boxes, key=lambda box: -box.area):
        place, label = _place(box), 1 + classes.index(box.label)
        scores[(*place, label)] = np.maximum(scores[(*place, label)], 0)
        scores[(*_middle(box), label)] = SURE
    refined = dense_crf(scores, image)
    best = np.where(scores > -SURE, refined, -1).argmax(-1)
    return np.array([outside, *classes], "int32")[best]


def by_grabcut(image, boxes, outside):
    """Returns the label map of boxes after GrabCut in each, smaller ones over larger ones.

    Args:
        image, boxes, outside: As `by_crf` takes them.

    Returns:
        int32 (H, W).

    Source: Rother, Kolmogorov, Blake (2004), "GrabCut".
    """
    import cv2

    label = np.full(image.shape[:2], outside, "int32")
    for box in sorted(boxes, key=lambda box: -box.area):
        mask = np.full(image.shape[:2], cv2.GC_BGD, "uint8")
        mask[_place(box)] = cv2.GC_PR_FGD
        mask[_middle(box)] = cv2.GC_FGD
        if (mask == cv2.GC_BGD).any():
            models = np.zeros((1, 65)), np.zeros((1, 65))
            cv2.setRNGSeed(0)
            mode = cv2.GC_INIT_WITH_MASK
            cv2.grabCut(image[..., ::-1].copy(), mask, None, *models, GRABCUT_STEPS, mode)
        label[(mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)] = box.label
    return label


def _place(box):
    """A box as slices."""
    return slice(max(box.top, 0), max(box.bottom, 0)), slice(max(box.left, 0), max(box.right, 0))


def _middle(box):
    """The middle of a box as slices: a share of its area, at least a pixel."""
    share = CENTRE**0.5
    sides = []
    for start, stop in ((box.top, box.bottom), (box.left, box.right)):
        half = max((stop - start) * share / 2, 0.5)
        centre = (start + stop) / 2
        sides.append(slice(max(int(centre - half), 0), max(int(np.ceil(centre + half)), 1)))
    return tuple(sides)


def _grabcut():
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise ImportError("GrabCut is OpenCV's: pip install opencv-python-headless.") from error
    return by_grabcut


MAKERS = {"crf": lambda: by_crf, "grabcut": _grabcut}
