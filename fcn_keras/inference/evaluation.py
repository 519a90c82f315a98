"""Measuring a segmenter against a dataset's truth, image by image at full size.

Images of one size go through the net together, and are read while the net is busy.
"""

import collections
import concurrent.futures
import time
import warnings

import keras
import numpy as np

from fcn_keras import metrics
from fcn_keras.inference.postprocessing import build_predictor
from fcn_keras.inference.predictor import check_one_output
from fcn_keras.labels import LabelSet
from fcn_keras.progress import ProgressBar
from fcn_keras.tasks import Classes

READ_AHEAD = 8
HELD = 32


def evaluate(
    predictor,
    dataset,
    *,
    batch_size=4,
    boundary=False,
    scales=None,
    flip=False,
    crf=None,
    samples=None,
    tile=None,
    progress=True,
):
    """Segments every image of a dataset and compares it with the truth.

    Args:
        predictor: A Keras model, or anything whose `segment(image)` gives a label map (H, W).
            Where it has `segment_batch(images)` too, images of one size go together.
        dataset: A `fcn_keras.data.Dataset`, or pairs (image, label map): a sequence, or anything
            that can be iterated. Sizes may differ. Its `labels` name the classes and the ignored
            value; without them the predictor's are taken.
        batch_size: How many images of one size go together, at most.
        boundary: Whether to compute the boundary F1 measure too, at the published tolerance (see
            `fcn_keras.metrics.BoundaryF1`).
        scales, flip, crf, samples, tile: As for `fcn_keras.segment`: scales to average over, the
            mirrored image too, a dense CRF behind, passes with Dropout on, and large images tile
            by tile.
        progress: Show a bar with the mean IoU so far, on a terminal.

    Returns:
        A `fcn_keras.metrics.ClassReport`.

    Raises:
        ValueError: if the dataset is empty, a prediction has another size than its truth, a label
            is out of range, predictor and dataset disagree in the number of classes, or the
            model has several outputs (take one with `fcn_keras.one_output`).

    Example:

    ```python
    test = fcn_keras.data.load("digits", split="test")
    print(fcn_keras.evaluate(model, test).table())
    ```
    """
    predictor = build_predictor(
        predictor, samples=samples, tile=tile, scales=scales, flip=flip, crf=crf
    )
    check_one_output(predictor, "evaluated at a time")
    labels = _labels(predictor, dataset)
    length = _length(dataset)
    report = metrics.report_for(Classes(labels), **({"boundary": True} if boundary else {}))
    start = time.perf_counter()
    with ProgressBar(length, "image", progress) as bar:
        for names, images, truths in _batches(_pairs(dataset), batch_size):
            predictions = _label(predictor, images)
            for name, truth, prediction in zip(names, truths, predictions, strict=True):
                _add(report, name, truth, prediction)
            bar.step(len(names), **report.scores_so_far())
    if not report.num_images:
        raise ValueError("The dataset holds no image to evaluate on.")
    report.seconds = time.perf_counter() - start
    if report.warning:
        warnings.warn(report.warning, stacklevel=2)
    return report


def _length(dataset):
    try:
        return len(dataset)
    except TypeError:  # what can only be iterated, or does not know its length
        return None


def _labels(predictor, dataset):
    """The dataset's label set, checked against the predictor's."""
    given = (getattr(owner, "labels", None) for owner in (dataset, predictor))
    truth, predicted = (labels if isinstance(labels, LabelSet) else None for labels in given)
    if truth is None and predicted is None:
        raise ValueError(
            "Neither the dataset nor the predictor has a LabelSet as `labels` to name its classes."
        )
    if truth is None or predicted is None:
        return truth or predicted
    if truth.num_classes != predicted.num_classes:
        raise ValueError(
            f"The predictor knows {predicted.num_classes} classes and the dataset "
            f"{truth.num_classes}: they must be the same ones."
        )
    numbered = type(predicted).numbered(predicted.num_classes).names
    if predicted.names not in (truth.names, numbered):
        different = next(
            f"class {i} is {a!r} to the predictor and {b!r} in the dataset"
            for i, (a, b) in enumerate(zip(predicted.names, truth.names, strict=True))
            if a != b
        )
        warnings.warn(
            f"Predictor and dataset name their classes differently: {different}.", stacklevel=3
        )
    return truth


def _pairs(dataset):
    """Yields (name, image, truth); a sequence is read ahead by a thread."""
    if not hasattr(dataset, "__getitem__") or _length(dataset) is None:
        for index, item in enumerate(dataset):
            yield str(index), *_pair(item)
        return
    names = getattr(dataset, "names", None)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as reader:
        pending, indices = collections.deque(), iter(range(len(dataset)))
        for index in indices:
            pending.append((index, reader.submit(dataset.__getitem__, index)))
            if len(pending) > READ_AHEAD:
                index, future = pending.popleft()
                yield str(names[index] if names else index), *_pair(future.result())
        while pending:
            index, future = pending.popleft()
            yield str(names[index] if names else index), *_pair(future.result())


def _pair(item):
    image, truth = (item["image"], item["label"]) if isinstance(item, dict) else item
    image = image if isinstance(image, dict) else np.asarray(image)
    truth = np.asarray(truth)
    if truth.ndim == 3 and truth.shape[-1] == 1:
        truth = truth[..., 0]
    if truth.ndim != 2:
        raise ValueError(
            "Evaluation takes single images with label maps (H, W); got labels of shape "
            f"{truth.shape}. Pass the dataset, not its batches."
        )
    return image, truth


def _batches(pairs, batch_size):
    """Groups (name, image, truth) by image size; of many sizes, at most `HELD` images wait."""
    groups, held = collections.defaultdict(list), 0
    for pair in pairs:
        size = tuple(array.shape for array in keras.tree.flatten(pair[1]))
        groups[size].append(pair)
        held += 1
        if len(groups[size]) >= batch_size:
            ready = size
        elif held >= HELD:
            ready = next(iter(groups))
        else:
            continue
        held -= len(groups[ready])
        yield zip(*groups.pop(ready), strict=True)
    for group in groups.values():
        yield zip(*group, strict=True)


def _label(predictor, images):
    if hasattr(predictor, "segment_batch") and len(images) > 1:
        return predictor.segment_batch(images)
    return [predictor.segment(image) for image in images]


def _add(report, name, truth, prediction):
    try:
        report.update(truth, prediction)
    except ValueError as error:
        raise ValueError(f"Image {name}: {error}") from error
