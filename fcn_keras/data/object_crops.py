"""Crops around objects: a training example becomes the surroundings of one of its objects.

The objects are the connected components of all classes but the first, which is the background.
Source: Noh, Hong, Han (2015), "Learning Deconvolution Network", section 4.2 (two-stage training).
"""

import numpy as np

from fcn_keras.checks import number as checked_number
from fcn_keras.checks import one_of
from fcn_keras.data.augmentation import OUTSIDE, cut, nearest, placed

MARGIN = 1.2  # of the paper: an object's box is enlarged by it
ROOM = 250 / 224  # of the paper: crops of 224 pixels lie at random in surroundings of 250
LEAST = 8  # rows and columns of an object, in pixels; less is noise of the masks
OTHERS = ("all", "background", "void")


def checked_objects(objects, margin, crop, task):
    """Returns the pair `(objects, margin)`, or None for crops anywhere, checked.

    Raises:
        ValueError: for another word, a margin below 1, no crop, or targets that are not classes.
    """
    if objects is None:
        return None
    one_of("objects", objects, OTHERS)
    checked_number("object_margin", margin, 1)
    if crop is None:
        raise ValueError(
            f"`objects` asks for crops around objects, and crop=None takes whole images: set a "
            f"crop such as (224, 224), or leave objects={objects!r} out."
        )
    if task.kind != "classes":
        raise ValueError(
            f"`objects` are found in masks of classes, and the task is {task}: leave "
            f"objects={objects!r} out."
        )
    return objects, margin


def around_object(tf, example, number, around, crop, task):
    """Returns the surroundings of a random object of an example.

    Args:
        tf: TensorFlow.
        example: `(image, target)` or `(image, target, weights)`, as `augmented` takes it.
        number: int64 scalar: the same number draws the same object.
        around: `(objects, margin)`: "all" keeps the labels of all objects, "background" and "void"
            set those of the others to the first class or to void; the object's box is enlarged by
            `margin`.
        crop: (H, W) of the crop that is taken from the surroundings.
        task: The `Classes` of the target.

    Returns:
        The example of `surroundings_size(crop)`: the box, enlarged and extended to the crop's
        proportions, resized. Beyond the image lies grey, where the target is void and the weights
        are 0. Of an image without an object the whole is taken.
    """
    window, void, dtype = surroundings_size(crop), task.invalid, example[1].dtype
    objects, margin = around

    def found(target, number):
        box, kept = random_object(target, int(number), objects, void)
        box_margin = margin if box is not None else 1.0
        box = box or (0, 0, *target.shape)
        return (*layout(box, target.shape, window, box_margin), kept)

    image, target, *weights = example
    places = tf.numpy_function(found, [target, number], (*(tf.int32,) * 4, dtype))
    first, extent, place, inner = (tf.ensure_shape(pair, (2,)) for pair in places[:4])
    kept = tf.ensure_shape(places[4], target.shape)
    shown = tf.image.resize(cut(tf, image, first, extent), inner)
    half = 0.5 if image.dtype.is_integer else 0.0  # a cast to whole numbers cuts off
    arrays = [tf.cast(shown + half, image.dtype)]
    arrays += [nearest(tf, cut(tf, array, first, extent), inner) for array in (kept, *weights)]
    fills = (OUTSIDE, void, 0)[: len(arrays)]
    arrays = placed(tf, arrays, fills, place, inner, tf.constant(window))
    shapes = [(*window, *array.shape[2:]) for array in example]
    return tuple(tf.ensure_shape(a, shape) for a, shape in zip(arrays, shapes, strict=True))


def surroundings_size(crop):
    """Returns (H, W) of the surroundings in which a crop lies at random: 250 for 224."""
    return tuple(round(side * ROOM) for side in crop)


def random_object(label, number, objects, void):
    """Returns the box of a random object of a label map, and the map as it is to be learned.

    Args:
        label: Class numbers and void, (H, W).
        number: The same number draws the same object.
        objects: "all", "background" or "void", as of `around_object`.
        void: The value of void.

    Returns:
        `(box, label)`: (top, left, bottom, right) in pixels, the last two exclusive, or None where
        there is no object of 8 pixels in height and width; and a label map of the same dtype.
    """
    from scipy import ndimage

    from fcn_keras.metrics.components import components

    found = []
    for value in np.unique(label):
        if value not in (0, void):
            parts = components(label == value, connectivity=8)
            boxes = enumerate(ndimage.find_objects(parts), start=1)
            found += [
                (box, parts, n) for n, box in boxes if min(s.stop - s.start for s in box) >= LEAST
            ]
    if not found:
        return None, label
    box, parts, one = found[np.random.default_rng(abs(number)).integers(len(found))]
    rows, columns = box
    if objects != "all":
        others = (label != 0) & (label != void) & (parts != one)
        label = np.where(others, np.array(void if objects == "void" else 0, label.dtype), label)
    return (rows.start, columns.start, rows.stop, columns.stop), label


def layout(box, size, window, margin):
    """Returns which part of an image fills which part of a window around a box.

    Args:
        box: (top, left, bottom, right) in pixels.
        size: (H, W) of the image.
        window: (H, W) of the window.
        margin: Factor by which the box is enlarged. The surroundings are as large, and larger
            along one axis where the proportions of the window ask for it.

    Returns:
        `(first, extent, place, inner)`, int32 (rows, columns): corner and size of the part in the
        image, corner and size of it in the window. Both are whole pixels.
    """
    box, size, window = (np.asarray(pair, "float64") for pair in (box, size, window))
    # pixels of the image for one of the window
    step = np.max((box[2:] - box[:2]) * margin / window)
    begin = (box[:2] + box[2:] - window * step) / 2
    low = np.clip(np.round(begin), 0, size - 1)
    high = np.clip(np.round(begin + window * step), low + 1, size)
    place = np.clip(np.round((low - begin) / step), 0, window - 1)
    stop = np.clip(np.round((high - begin) / step), place + 1, window)
    return tuple(pair.astype("int32") for pair in (low, high - low, place, stop - place))
