"""The number of pixels of each class, and class weights for the loss."""

import numpy as np

from fcn_keras.data import camvid

SEGNET_CAMVID = (
    0.2595, 0.1826, 4.5640, 0.1417, 0.9051, 0.3826, 9.6446, 1.8418, 0.6823, 6.2478, 7.3614,
)  # fmt: skip
CLASS_WEIGHTS = ("enet", "sqrt-enet", "median", "segnet-camvid")


def class_pixels(dataset, *, void=False):
    """Counts the pixels of each class in a dataset.

    Args:
        dataset: A `Dataset` of classes.
        void: Whether the totals include void pixels.

    Returns:
        `(pixels, totals)`, int64 (num_classes,): the pixels of each class, and the pixels (without
        void, or all) of the images that contain the class.

    Raises:
        ValueError: for a dataset without classes.

    Example:

    ```python
    pixels, totals = fcn_keras.data.class_pixels(fcn_keras.data.load("digits", split="train"))
    ```
    """
    count = _labels(dataset).num_classes
    pixels, totals = np.zeros(count, "int64"), np.zeros(count, "int64")
    for index in range(len(dataset)):
        label = dataset.read_target(index)
        seen = np.bincount(label[label != dataset.labels.ignore].ravel(), minlength=count)
        pixels += seen
        totals[seen > 0] += label.size if void else seen.sum()
    return pixels, totals


def _labels(dataset):
    if dataset.labels is None:
        raise ValueError(
            f"{dataset.name} ({dataset.split}) has no classes: its task is {dataset.task.kind!r}."
        )
    return dataset.labels


def class_weights(choice, dataset):
    """Returns a weight of the loss for each class.

    Args:
        choice: A name, or a list of numbers, which is checked and returned.
            "enet": 1 / ln(1.02 + p), where p is the class's share of the pixels without void.
            "sqrt-enet": the square roots of these, which favour rare classes half as much.
            "median": median(f) / f, where f is the number of the class's pixels over all pixels,
            void included, of the images that contain it. The median is over the classes that
            occur; a class that does not occur gets 1.
            "segnet-camvid": the weights with which SegNet was trained, for CamVid's 11 classes.
            They differ from "median" on CamVid's 367 training images.
        dataset: The training `Dataset`.

    Returns:
        float32 (num_classes,).

    Raises:
        ValueError: for an unknown name, a list of another length, other classes than CamVid's
            with "segnet-camvid", a dataset without classes, or one of nothing but void.

    Example:

    ```python
    weights = fcn_keras.data.class_weights("median", fcn_keras.data.load("digits", split="train"))
    loss = fcn_keras.losses.CrossEntropy(class_weights=weights)
    ```

    Source: "enet" is of Paszke et al. (2016), ENet, section 5; "median" of Eigen and Fergus
    (2015), section 4.3.2, as in Badrinarayanan, Kendall, Cipolla (2017), SegNet, section 3.
    """
    count = _labels(dataset).num_classes
    if not isinstance(choice, str):
        weights = np.asarray(choice, "float32")
        if weights.shape != (count,) or not (weights >= 0).all() or not weights.any():
            raise ValueError(f"class_weights needs {count} numbers of at least 0, got {choice}.")
        return weights
    if choice not in CLASS_WEIGHTS:
        raise ValueError(
            f"class_weights must be one of {', '.join(map(repr, CLASS_WEIGHTS))}, or a list of "
            f"numbers, got {choice!r}."
        )
    if choice == "segnet-camvid":
        return _segnet_camvid(dataset)
    pixels, totals = class_pixels(dataset, void=True)
    if not pixels.any():
        raise ValueError(f"{dataset.name} ({dataset.split}) holds nothing but void.")
    if choice in ("enet", "sqrt-enet"):
        power = 1.0 if choice == "enet" else 0.5
        return (np.log(1.02 + pixels / pixels.sum()) ** -power).astype("float32")
    occurs = pixels > 0
    frequency = pixels[occurs] / totals[occurs]
    weights = np.ones(count, "float32")
    weights[occurs] = np.median(frequency) / frequency
    return weights


def _segnet_camvid(dataset):
    names = tuple(name.lower() for name in dataset.labels.names)
    expected = tuple(name.lower() for name in camvid.LABELS.names)
    if names != expected:
        raise ValueError(
            f"class_weights 'segnet-camvid' are those of CamVid's classes {', '.join(expected)}; "
            f"{dataset.name} has {', '.join(names)}."
        )
    return np.array(SEGNET_CAMVID, "float32")
