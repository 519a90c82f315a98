"""Finding the options of a dense CRF on held-out images, one option after the other."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from fcn_keras import metrics, visualize
from fcn_keras.crf import dense_crf
from fcn_keras.inference.predictor import as_predictor
from fcn_keras.inference.probabilities import highest, pixels_of, probabilities_of
from fcn_keras.progress import ProgressBar

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
    """What a search for CRF options found.

    Attributes:
        options: {name: number}, for `dense_crf`, `CRFPredictor` and `segment(crf=...)`.
        measure: "mean_iou" or "boundary_f1".
        score: Of the images with these options.
        plain: Of the images without a CRF.
        trials: Every one: a list of ({name: number}, score), in the order tried.
        num_images: How many images it was measured on.

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
        """The options, what each candidate of an option scores beside them, as text."""
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
            lines += ["", "No CRF that was tried helps on these images: leave it out."]
        return "\n".join(lines)

    def beside(self, name):
        """{value: score} of the trials that differ from the options in `name` alone."""
        others = {k: v for k, v in self.options.items() if k != name}
        found = {
            trial[name]: score
            for trial, score in self.trials
            if name in trial and {k: v for k, v in trial.items() if k != name} == others
        }
        return {value: found[value] for value in sorted(found)} if len(found) > 1 else {}

    def draw(self, path):
        """Draws what each candidate of an option scores; returns the path."""
        panels = {name: self.beside(name) for name in self.options if self.beside(name)}
        measure = self.measure.replace("_", " ").replace("iou", "IoU").replace("f1", "F1")
        return visualize.candidates(panels, self.options, self.plain, measure, path)

    def save(self, path):
        """Writes the options as JSON, for `--crf-options`; returns the path."""
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

    One option after the other takes the best of its candidates while the others stay; then all
    over again, until a round changes nothing. The net runs once.

    Args:
        model: A Keras model, or anything that gives scores.
        dataset: A `fcn_keras.data.Dataset` that the net was not trained on.
        measure: "mean_iou", or "boundary_f1" at its published tolerance.
        images: How many of the dataset's images to use, evenly spread over it.
        steps: Of the mean field.
        start: {option: number} where it starts; by default
            `fcn_keras.inference.tuning.START`.
        candidates: {option: numbers} to try; by default `fcn_keras.inference.tuning.CANDIDATES`.
        progress: Show a bar, on a terminal.

    Returns:
        A `TunedCRF`. Its score is on the images it was tuned on: measure on others.

    Raises:
        ValueError: for an unknown measure, or no images.

    Example:

    ```python
    found = fcn_keras.inference.tune_crf(model, dataset, images=1, steps=1)
    labels = fcn_keras.segment(model, "street.jpg", crf=found.options)
    ```

    Source: Chen et al. (2015), DeepLab, section 4: coarse to fine on 100 held-out images.
    """
    if measure not in MEASURES:
        raise ValueError(f"`measure` must be one of {', '.join(MEASURES)}, got {measure!r}.")
    if images < 1 or not len(dataset):
        raise ValueError(
            f"tune_crf needs images: at least 1, got {images} of a dataset of {len(dataset)}."
        )
    candidates = CANDIDATES if candidates is None else candidates
    examples = _examples(as_predictor(model), dataset, min(images, len(dataset)))
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
    """Scores options, each once.

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


def _examples(predictor, dataset, count):
    """(pixels, truth, probabilities) of images evenly spread over the dataset."""
    found = []
    for index in np.unique(np.linspace(0, len(dataset) - 1, count).astype(int)):
        image, truth = dataset[int(index)]
        (pixels,) = pixels_of([image])
        found.append((pixels, np.asarray(truth), probabilities_of(predictor, [pixels])[0]))
    return found


def _scorer(measure, labels, examples):
    """A function from CRF options, or None, to the measure over the examples."""
    count = labels.num_classes

    def score(options):
        confusion = np.zeros((count, count), np.int64)
        contours = metrics.BoundaryF1(count, ignore_class=labels.ignore)
        for pixels, truth, probabilities in examples:
            q = probabilities
            if options is not None:
                q = dense_crf(probabilities, pixels, from_logits=False, **options)
            predicted = highest(q)
            if measure == "mean_iou":
                confusion += metrics.confusion_matrix(truth, predicted, count, labels.ignore)
            else:
                contours.update_state(truth, predicted)
        if measure == "mean_iou":
            return float(metrics.scores(confusion).mean_iou)
        return float(contours.result())

    return score
