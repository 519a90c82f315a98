"""How often each class occurs, and the class weights that follow."""

import numpy as np


def class_pixels(dataset):
    """Counts a dataset's pixels class by class.

    Args:
        dataset: A `Dataset`.

    Returns:
        `(pixels, totals)`, int64 (num_classes,): pixels of each class, and the non-void pixels of
        all images that contain the class.

    Example:

    ```python
    pixels, totals = fcn_keras.data.class_pixels(fcn_keras.data.load("digits", split="train"))
    ```
    """
    count = dataset.labels.num_classes
    pixels, totals = np.zeros(count, "int64"), np.zeros(count, "int64")
    for index in range(len(dataset)):
        label = label_of(dataset, index)
        seen = np.bincount(label[label != dataset.labels.ignore].ravel(), minlength=count)
        pixels += seen
        totals[seen > 0] += seen.sum()
    return pixels, totals


def label_of(dataset, index):
    """The label map of one example, without reading its image."""
    mask = dataset.masks[index]
    return mask if dataset.in_memory else dataset.reader.read(mask)


def class_weights(choice, dataset):
    """Weights for the loss, one a class.

    Args:
        choice: "enet": 1 / ln(1.02 + p), p the class's share of the non-void pixels; or a list of
            numbers, which is checked and returned.
        dataset: The training `Dataset`.

    Returns:
        float32 (num_classes,).

    Raises:
        ValueError: for an unknown name, or a list of another length.

    Example:

    ```python
    weights = fcn_keras.data.class_weights("enet", fcn_keras.data.load("digits", split="train"))
    loss = fcn_keras.losses.CrossEntropy(class_weights=weights)
    ```

    Source: Paszke et al. (2016), ENet, section 5.
    """
    count = dataset.labels.num_classes
    if not isinstance(choice, str):
        weights = np.asarray(choice, "float32")
        if weights.shape != (count,) or not (weights >= 0).all() or not weights.any():
            raise ValueError(f"class_weights needs {count} numbers of at least 0, got {choice}.")
        return weights
    if choice != "enet":
        raise ValueError(f"class_weights must be 'enet' or a list of numbers, got {choice!r}.")
    pixels, _ = class_pixels(dataset)
    if not pixels.any():
        raise ValueError(f"{dataset.name} ({dataset.split}) holds nothing but void.")
    return (1 / np.log(1.02 + pixels / pixels.sum())).astype("float32")
