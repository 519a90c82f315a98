"""Segmenting files and folders: for each image a label map and an overlay, as PNG.

One unreadable file does not stop the others.
"""

import collections
import dataclasses
from pathlib import Path

from fcn_keras import visualize
from fcn_keras.data.images import SUFFIXES, is_image_name, to_input
from fcn_keras.inference.postprocessing import with_probabilities
from fcn_keras.inference.predictor import as_predictor
from fcn_keras.progress import ProgressBar


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What became of one image: the files written, or the `error` that prevented them.

    Attributes:
        path: The image.
        label_path: The label map, a PNG whose pixels are the labels, coloured by its palette.
        overlay_path: The image under its labels, with a legend of the classes present.
        confidence_path: The probability of each pixel's label as a grey PNG, 255 for certain, where
            it was asked for.
        error: One sentence that names the image, or None.

    Example:

    ```python
    for result in fcn_keras.inference.predict_files(model, "street.jpg", "predicted"):
        print(result.error or result.overlay_path)
    ```
    """

    path: Path
    label_path: Path | None = None
    overlay_path: Path | None = None
    confidence_path: Path | None = None
    error: str | None = None


def predict_files(predictor, paths, out_dir, *, alpha=0.5, confidence=False, progress=True):
    """Segments image files and folders of them into `out_dir`.

    For an image `street.jpg` it writes `street_labels.png` and `street_overlay.png`, with
    `confidence` also `street_confidence.png`; where two images share a name, their folder or
    suffix goes with it.

    Args:
        predictor: A Keras model, or anything with `segment` and `labels`, such as what
            `build_predictor` gives.
        paths: Files and folders, or one of them. Of a folder all images directly in it are taken.
        out_dir: The folder to write to; made if missing.
        alpha: How much of the colour covers the image in the overlay, 0 to 1.
        confidence: Also write how probable each pixel's label is.
        progress: Show a bar, on a terminal.

    Returns:
        A list of `Prediction`, one an image, in order; see each one's `error`.

    Raises:
        ValueError: if a result would overwrite one of the images; with `confidence`, if the
            predictor gives labels alone.

    Example:

    ```python
    results = fcn_keras.inference.predict_files(model, ["photos/", "street.jpg"], "out")
    [result.error for result in results if result.error]
    ```
    """
    predictor, out_dir = as_predictor(predictor), Path(out_dir)
    if confidence:
        predictor = with_probabilities(predictor)
    if isinstance(paths, (str, Path)):
        paths = [paths]
    found = _find(paths)
    stems = _unique_stems([result.path for result in found if not result.error])
    _refuse_overwriting(stems, out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    results = []
    with ProgressBar(len(found), "image", progress) as bar:
        for result in found:
            if not result.error:
                result = _predict(
                    predictor, result.path, out_dir / stems[result.path], alpha, confidence
                )
            results.append(result)
            bar.step()
    return results


def _predict(predictor, path, target, alpha, confidence):
    label_path, overlay_path, confidence_path = _targets(target)
    try:
        image = to_input(path)
        if confidence:
            label_map, probabilities = predictor.segment(image, return_probabilities=True)
            visualize.save_confidence(probabilities.max(-1), confidence_path)
        else:
            label_map, confidence_path = predictor.segment(image), None
        visualize.save_label_map(label_map, predictor.labels, label_path)
        visualize.save_overlay(image, label_map, predictor.labels, overlay_path, alpha)
    except (ValueError, OSError) as error:
        told = str(error)
        return Prediction(path, error=told if str(path) in told else f"{path}: {told}")
    return Prediction(path, label_path, overlay_path, confidence_path)


def _find(paths):
    """A `Prediction` for each image to do, or with the error of a path that leads to none."""
    found = {}
    for path in map(Path, paths):
        if path.is_dir():
            images = [p for p in sorted(path.iterdir()) if is_image_name(p)]
            if not images:
                kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
                found[path] = Prediction(path, error=f"{path} holds no image ({kinds}).")
        elif path.exists():
            images = [path]
        else:
            images = []
            found[path] = Prediction(path, error=f"{path} does not exist.")
        for image in images:
            found.setdefault(image.resolve(), Prediction(image))
    return list(found.values())


def _unique_stems(paths):
    """A name for each path: its stem, longer where that is taken, whatever the case of letters."""
    makers = (
        lambda path: path.stem,
        lambda path: f"{path.resolve().parent.name}-{path.stem}",
        lambda path: f"{path.resolve().parent.name}-{path.stem}-{path.suffix[1:]}",
    )
    stems, taken, left = {}, set(), list(paths)
    for make in makers:
        counts = collections.Counter(make(path).casefold() for path in left)
        for path in left:
            name = make(path)
            if counts[name.casefold()] == 1 and name.casefold() not in taken:
                stems[path] = name
                taken.add(name.casefold())
        left = [path for path in left if path not in stems]
    for path in left:
        number = 2
        while (name := f"{makers[-1](path)}-{number}").casefold() in taken:
            number += 1
        stems[path] = name
        taken.add(name.casefold())
    return stems


def _targets(target):
    kinds = ("labels", "overlay", "confidence")
    return tuple(target.with_name(f"{target.name}_{kind}.png") for kind in kinds)


def _refuse_overwriting(stems, out_dir):
    images = {path.resolve() for path in stems}
    for path, stem in stems.items():
        for target in _targets(out_dir / stem):
            if target.resolve() in images:
                raise ValueError(
                    f"The result of {path} would overwrite the image {target}. "
                    "Choose another output folder."
                )
