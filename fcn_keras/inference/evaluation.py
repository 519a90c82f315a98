"""evaluate: measures a segmenter on the targets of a dataset, image by image at full size.

Images of one size are segmented together; the next ones are read and the last ones are compared
meanwhile.
"""

import collections
import functools
import time
import warnings

import keras
import numpy as np

from fcn_keras import metrics
from fcn_keras.ahead import ahead
from fcn_keras.data.dataset import Dataset
from fcn_keras.inference.decoding import check_one_output, decode_array, labels_for
from fcn_keras.inference.postprocessing import build_predictor
from fcn_keras.labels import LabelSet
from fcn_keras.progress import ProgressBar
from fcn_keras.tasks import Classes

READ_AHEAD = 8  # examples
HELD = 32  # examples that wait for others of their size, at most


def evaluate(
    predictor,
    dataset,
    *,
    batch_size=4,
    precision=None,
    scales=None,
    flip=False,
    rotate=False,
    crf=None,
    samples=None,
    tile=None,
    progress=True,
    **measures,
):
    """Segments every image of a dataset and compares it with its target.

    Args:
        predictor: A Keras model, a `Segmenter`, or an object whose `segment(image)` returns a
            label map (H, W). If that has `segment_batch(images)` too, images of one size are
            segmented together.
        dataset: A `fcn_keras.data.Dataset`, or pairs (image, target): a sequence, or anything
            that can be iterated. Sizes may differ. Its `task`, or its `labels`, says what the
            targets mean; without either the predictor's task is taken.
        batch_size: Number of images of one size that are segmented together, at most.
        precision: None, "mixed" or "float32", as for `fcn_keras.segment`.
        scales, flip, rotate, crf, samples, tile: Post-processing, as for `fcn_keras.segment`:
            averages over scales, mirrored and turned images, a dense CRF, passes with Dropout on,
            and tiles.
        progress: Whether a bar with the score so far is shown, on a terminal.
        **measures: What is measured beside the four metrics of classes: the fields of
            `fcn_keras.metrics.Measures`, such as `boundary=True` or `instances=True`; for depth
            those of `fcn_keras.metrics.DepthMeasures`, such as `eigen_crop=True`; for boundaries
            `thresholds=33`, a third of the benchmark's 99.

    Returns:
        The report of `fcn_keras.metrics.report_for`, a `ClassReport` for classes, a `ValueReport`
        for a regression, a `DepthReport`, `FlowReport` or `BoundaryReport` for depth, optical flow
        or boundaries: `table()` is the text, `to_dict()` and `save_json(path)` give the figures.

    Raises:
        ValueError: if the dataset is empty, a measure is not one of the task, a prediction has
            another size than its target, a label is out of range, the tasks of predictor and
            dataset differ, or the model has several outputs (take one with
            `fcn_keras.one_output`).

    Example:

    ```python
    test = fcn_keras.data.load("digits", split="test")
    print(fcn_keras.evaluate(model, test).table())
    ```
    """
    segmenter = build_predictor(
        predictor,
        precision=precision,
        samples=samples,
        tile=tile,
        scales=scales,
        flip=flip,
        rotate=rotate,
        crf=crf,
    )
    check_one_output(segmenter, "Evaluation")
    if isinstance(dataset, Dataset):
        dataset = _as_taken(dataset, segmenter)
    task = _task(segmenter, dataset)
    asked = {name: one for name, one in measures.items() if one is not False and one is not None}
    report = metrics.report_for(task, **asked)
    start = time.perf_counter()
    with ProgressBar(_length(dataset), "image", progress) as bar:
        batches = _batches(_pairs(dataset, task, report), batch_size)
        predicted = _predicted(segmenter, task, batches, report.needs_probabilities)
        for scores in ahead(functools.partial(_add, report), predicted):
            bar.step(1, **scores)
        report.finish()
    if not report.num_images:
        raise ValueError("The dataset has no image to evaluate on.")
    report.seconds = time.perf_counter() - start
    if report.warning:
        warnings.warn(report.warning, stacklevel=2)
    return report


def _as_taken(dataset, segmenter):
    """The dataset with files read, and channels, as in the training of the segmenter."""
    dataset, channels = dataset.read_as(segmenter.image_reader), segmenter.channels
    if not isinstance(channels, int) or (dataset.channels, channels) == (4, 3):  # RGBA
        return dataset
    return dataset.with_channels(channels)


def _length(dataset):
    try:
        return len(dataset)
    except TypeError:  # what can only be iterated, or does not know its length
        return None


def _task(segmenter, dataset):
    """The dataset's task, checked against the segmenter's; where one is not known, the other."""
    truth, predicted = _task_of_pairs(dataset), segmenter.task
    if truth is None and predicted is None:
        raise ValueError(
            "Neither the dataset nor the predictor has a LabelSet as `labels` to name its classes."
        )
    if truth is None or predicted is None:
        return truth or predicted
    if truth.kind != predicted.kind:
        raise ValueError(
            f"The task of the predictor is {predicted}, that of the dataset is {truth}: they must "
            "be of one kind."
        )
    if not predicted.fits(truth):
        what = "classes" if labels_for(truth) else "channels"
        raise ValueError(
            f"The predictor has {predicted.channels} {what} and the dataset {truth.channels}: "
            "they must be the same."
        )
    difference = _difference(predicted, truth)
    if difference:
        warnings.warn(f"Predictor and dataset differ: {difference}.", stacklevel=3)
    return truth


def _task_of_pairs(dataset):
    """The task that a dataset tells, or that its class names imply; else None."""
    task = getattr(dataset, "task", None)
    labels = getattr(dataset, "labels", None)
    return task or (Classes(labels) if isinstance(labels, LabelSet) else None)


def _difference(predicted, truth):
    """In which the meanings of two tasks of one kind and size differ, as text, or None."""
    names, given = labels_for(predicted), labels_for(truth)
    if names is None:
        return None if predicted == truth else f"{predicted} and {truth}"
    if names.names in (given.names, LabelSet.numbered(names.num_classes).names):
        return None
    return next(
        f"class {i} is {a!r} to the predictor and {b!r} in the dataset"
        for i, (a, b) in enumerate(zip(names.names, given.names, strict=True))
        if a != b
    )


def _pairs(dataset, task, report):
    """Yields (name, image, target, more); a sequence is read ahead by a thread.

    `more` is what else the report takes, if it is there: {"instances": ...}, {"annotations": ...}.
    """
    if not hasattr(dataset, "__getitem__") or _length(dataset) is None:
        for index, item in enumerate(dataset):
            yield str(index), *_pair(item, task), _instances(item, report.takes_instances)
        return

    def example(index):
        item = dataset[index]
        if isinstance(dataset, Dataset) and report.takes_instances and dataset.numbers_objects:
            return item, {"instances": dataset.read_objects(index)}
        if isinstance(dataset, Dataset) and report.takes_annotations:
            return item, {"annotations": dataset.read_annotations(index)}
        return item, _instances(item, report.takes_instances)

    names, indices = getattr(dataset, "names", None), range(len(dataset))
    for index, (item, more) in zip(indices, ahead(example, indices, most=READ_AHEAD), strict=True):
        yield str(names[index] if names else index), *_pair(item, task), more


def _instances(item, wanted):
    """{"instances": those of a dict} if wanted, else {}."""
    if not wanted:
        return {}
    return {"instances": item.get("instances") if isinstance(item, dict) else None}


def _pair(item, task):
    image, target = (item["image"], item["label"]) if isinstance(item, dict) else item
    image = image if isinstance(image, dict) else np.asarray(image)
    target = np.asarray(target)
    if task.axes == 2 and target.ndim == 3 and target.shape[-1] == 1:
        target = target[..., 0]
    if target.ndim != task.axes:
        expected = "(H, W)" if task.axes == 2 else f"(H, W, {task.channels})"
        raise ValueError(
            f"Evaluation takes single images with targets {expected}; got targets of shape "
            f"{target.shape}. Pass the dataset, not its batches."
        )
    return image, target


def _batches(pairs, batch_size):
    """Groups what `_pairs` yields by image size; of many sizes, at most `HELD` images wait."""
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


def _predicted(segmenter, task, batches, with_probabilities):
    """Yields (name, target, prediction, more) of each image; as `_pairs`."""
    for names, images, targets, more in batches:
        if with_probabilities:
            probabilities = segmenter.probabilities(images)
            predictions = decode_array(task, probabilities)
            more = [
                {**one, "probabilities": of_image}
                for one, of_image in zip(more, probabilities, strict=True)
            ]
        elif len(images) > 1:
            predictions = segmenter.segment_batch(images)
        else:
            predictions = [segmenter.segment(image) for image in images]
        yield from zip(names, targets, predictions, more, strict=True)


def _add(report, predicted):
    """Adds an image to the report, and returns its scores so far."""
    name, target, prediction, more = predicted
    try:
        report.update(target, prediction, **more)
        return report.scores_so_far()
    except ValueError as error:
        raise ValueError(f"Image {name}: {error}") from error
