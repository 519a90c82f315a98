"""tune_crf: a search for the options of a dense CRF on held-out images."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from fcn_keras import metrics
from fcn_keras.checks import one_of, whole_number
from fcn_keras.crf import dense_crf
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.images.conversion import to_input
from fcn_keras.inference.crf import check_colors
from fcn_keras.inference.decoding import check_one_output, check_probabilities, decode_array
from fcn_keras.inference.segmenters import as_segmenter
from fcn_keras.progress import ProgressBar
from fcn_keras.tasks import Classes
from fcn_keras.visualize.search import candidates

START = {
    "bilateral_weight": 4,
    "bilateral_width": 40,
    "color_width": 8,
    "spatial_weight": 3,
    "spatial_width": 3,
}
CANDIDATES = {
    "bilateral_weight": (1, 2, 4, 6, 10),
    "bilateral_width": (10, 20, 40, 80, 120),
    "color_width": (3, 5, 8, 13, 20),
    "spatial_weight": (0, 1, 3, 6),
    "spatial_width": (1, 2, 3, 5),
}
MEASURES = ("mean_iou", "boundary_f1")


@dataclasses.dataclass(frozen=True)
class TunedCRF:
    """The result of a search for CRF options.

    Attributes:
        options: {name: number}, for `dense_crf`, `CRFPredictor` and `segment(crf=...)`.
        measure: "mean_iou" or "boundary_f1".
        score: The measure on the images with these options.
        plain: The measure on the images without a CRF.
        trials: A list of ({name: number}, score) of all trials, in their order.
        num_images: Number of images it was measured on.

    Example:

    ```python
    found = fcn_keras.inference.tune_crf(model, dataset, images=1, steps=1)
    print(found.table())
    ```
    """

    options: dict
    measure: str
    score: float
    plain: float
    trials: list
    num_images: int

    def table(self):
        """Returns as text what each candidate scores with the other options as found."""
        lines = [
            f"{self.num_images} image{'s' * (self.num_images != 1)}, {len(self.trials)} trials; "
            f"{self.measure.replace('_', ' ')} {self.plain:.4f} without a CRF, "
            f"{self.score:.4f} with",
            "",
        ]
        for name, chosen in self.options.items():
            beside = self.beside(name)
            if beside:
                cells = [
                    f"{value:g}{'*' if value == chosen else ''}: {score:.4f}"
                    for value, score in beside.items()
                ]
                lines.append(f"{name:18}" + "   ".join(cells))
        if self.score <= self.plain:
            lines += ["", "No CRF that was tried improves the score: leave it out."]
        return "\n".join(lines)

    def beside(self, name):
        """Returns {value: score} of the trials that differ from the options in `name` alone."""
        others = {k: v for k, v in self.options.items() if k != name}
        found = {
            trial[name]: score
            for trial, score in self.trials
            if name in trial and {k: v for k, v in trial.items() if k != name} == others
        }
        return {value: found[value] for value in sorted(found)} if len(found) > 1 else {}

    def draw(self, path):
        """Draws what each candidate of an option scores, and returns the path."""
        panels = {name: self.beside(name) for name in self.options if self.beside(name)}
        measure = self.measure.replace("_", " ").replace("iou", "IoU").replace("f1", "F1")
        return candidates(panels, self.options, self.plain, measure, path)

    def save(self, path):
        """Writes the options as JSON, for `--crf-options`, and returns the path."""
        Path(path).write_text(json.dumps(self.options, indent=2) + "\n", encoding="utf-8")
        return Path(path)


def tune_crf(
    model,
    dataset,
    *,
    measure="mean_iou",
    images=20,
    steps=10,
    start=None,
    candidates=None,
    progress=True,
):
    """Searches the weights and widths of a dense CRF on held-out images.

    One option after the other takes the best of its candidates while the others keep their
    values; this is repeated until a round changes nothing. The net runs once.

    Args:
        model: A Keras model, or a `Segmenter` with probabilities.
        dataset: A `fcn_keras.data.Dataset` that the net was not trained on.
        measure: "mean_iou", or "boundary_f1" at its published tolerance.
        images: Number of the dataset's images to use, spread evenly over it.
        steps: Number of mean field steps.
        start: {option: number} at the start; by default
            `fcn_keras.inference.tuning.START`.
        candidates: {option: numbers} to try; by default `fcn_keras.inference.tuning.CANDIDATES`.
        progress: Whether a bar is shown, on a terminal.

    Returns:
        A `TunedCRF`. Its score is on the images it was tuned on: measure on others.

    Raises:
        ValueError: for an unknown measure, no images, or a model without class probabilities.

    Example:

    ```python
    found = fcn_keras.inference.tune_crf(model, dataset, images=1, steps=1)
    labels = fcn_keras.segment(model, "street.jpg", crf=found.options)
    ```

    Source: Chen et al. (2015), DeepLab, section 4: coarse to fine on 100 held-out images.
    """
    one_of("measure", measure, MEASURES)
    whole_number("images", images, 1)
    if not len(dataset):
        raise ValueError("tune_crf needs images; the dataset has none.")
    candidates = CANDIDATES if candidates is None else candidates
    segmenter = as_segmenter(model)
    dataset = dataset.read_as(segmenter.image_reader) if isinstance(dataset, Dataset) else dataset
    check_one_output(segmenter, "tune_crf")
    check_probabilities(segmenter.task, "A dense CRF")
    check_colors(segmenter)
    if isinstance(dataset, Dataset) and segmenter.channels is not None:
        dataset = dataset.with_channels(segmenter.channels)
    examples = _examples(segmenter, dataset, min(images, len(dataset)))
    score = _scorer(measure, dataset.labels, examples)
    chosen = {**START, **(start or {}), "steps": steps}
    with ProgressBar(None, "trial", progress) as bar:
        trials = _Trials(score, lambda best: bar.step(1, **{measure: best}))
        best, before = trials(chosen), None
        while chosen != before:
            before = chosen
            for name, values in candidates.items():
                for value in values:
                    option = {**chosen, name: value}
                    if trials(option) > best:
                        chosen, best = option, trials(option)
    return TunedCRF(chosen, measure, best, score(None), trials.made, len(examples))


class _Trials:
    """Measures options, each combination once.

    Attributes:
        made: A list of (options, score).
    """

    def __init__(self, score, tell):
        self.made = []
        self._score, self._tell, self._known = score, tell, {}

    def __call__(self, options):
        key = tuple(sorted(options.items()))
        if key not in self._known:
            self._known[key] = self._score(options)
            self.made.append((options, self._known[key]))
            self._tell(max(self._known.values()))
        return self._known[key]


def _examples(segmenter, dataset, count):
    """(pixels, target, probabilities) of images spread evenly over the dataset."""
    found = []
    for index in np.unique(np.linspace(0, len(dataset) - 1, count).astype(int)):
        image, target = dataset[int(index)]
        (probabilities,) = segmenter.probabilities([image])
        found.append((to_input(image), np.asarray(target), probabilities))
    return found


def _scorer(measure, labels, examples):
    """Returns a function from CRF options, or None, to the measure over the examples."""
    count, task = labels.num_classes, Classes(labels)

    def score(options):
        confusion = np.zeros((count, count), np.int64)
        contours = metrics.BoundaryF1(count, ignore_class=labels.ignore)
        for pixels, truth, probabilities in examples:
            q = probabilities
            if options is not None:
                q = dense_crf(probabilities, pixels, from_logits=False, **options)
            predicted = decode_array(task, q)
            if measure == "mean_iou":
                confusion += metrics.confusion_matrix(truth, predicted, count, labels.ignore)
            else:
                contours.update_state(truth, predicted)
        if measure == "mean_iou":
            return float(metrics.scores(confusion).mean_iou)
        return float(contours.result())

    return score
