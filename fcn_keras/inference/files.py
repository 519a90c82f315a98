"""predict_files: segments files and folders, and writes maps and pictures.

An unreadable file does not stop the others.
"""

import collections
import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fcn_keras import visualize
from fcn_keras.checks import number
from fcn_keras.data.formats import COMMON, is_image_name
from fcn_keras.data.images import to_input
from fcn_keras.inference.decoding import check_one_output, check_probabilities, labels_for
from fcn_keras.inference.inputs import shapes_of
from fcn_keras.inference.segmenters import as_segmenter
from fcn_keras.inference.segmenting import decoded_with_probabilities
from fcn_keras.progress import ProgressBar
from fcn_keras.tasks import entry_for
from fcn_keras.visualize.heat import save_confidence

LARGEST = 65535  # value of a pixel of a 16-bit PNG


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The result for one image: the files written, or the `error` that prevented them.

    Attributes:
        path: The image.
        label_path: The label map of classes, a PNG whose pixels are the labels, coloured by its
            palette.
        overlay_path: The image under its labels, with a legend of the classes present.
        confidence_path: The probability of each pixel's label as a grey PNG, 255 for certain, where
            it was asked for.
        values_path: The values of a regression: a .npy file of float32, or a 16-bit PNG.
        picture_path: The values in colours, with a scale.
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
    values_path: Path | None = None
    picture_path: Path | None = None
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Writing:
    """How results are written: the arguments of `predict_files`."""

    alpha: float = 0.5
    confidence: bool = False
    png_scale: float | None = None


def predict_files(
    predictor, paths, out_dir, *, alpha=0.5, confidence=False, png_scale=None, progress=True
):
    """Segments image files and folders of them, and writes the results into `out_dir`.

    For an image `street.jpg` and a net of classes it writes `street_labels.png` and
    `street_overlay.png`, with `confidence` also `street_confidence.png`; for a regression
    `street_values.npy` and `street_picture.png`. Where two images have the same name, their folder
    or suffix is added to it.

    Args:
        predictor: A Keras model, a `Segmenter` such as `build_predictor` returns, or an object
            with `segment` and `labels`.
        paths: Files and folders, or one of them. Of a folder all images directly in it are taken.
        out_dir: The folder to write to; made if missing.
        alpha: Opacity of the colours in the overlay, 0 to 1.
        confidence: Whether the probability of each pixel's label is written too.
        png_scale: For a regression: None writes float32 to a .npy file. A number writes a 16-bit
            PNG, `street_values.png`, whose pixels times this number are the values in the task's
            unit; the number and the unit stand in the PNG's text as `scale` and `unit`. Values
            beyond 0 to 65535 times this number are an error of that image.
        progress: Whether a bar is shown, on a terminal.

    Returns:
        A list of `Prediction`, one for each image, in order; see the `error` of each.

    Raises:
        ValueError: if a result would overwrite one of the images; if the predictor has several
            outputs or does not tell its task; for `confidence` of a predictor without
            probabilities, or `png_scale` of one that is no regression of one channel.

    Example:

    ```python
    results = fcn_keras.inference.predict_files(model, ["photos/", "street.jpg"], "out")
    [result.error for result in results if result.error]
    ```
    """
    segmenter, out_dir = as_segmenter(predictor), Path(out_dir)
    writing = _checked(segmenter, Writing(alpha, confidence, png_scale))
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
                result = _predict(segmenter, result.path, out_dir / stems[result.path], writing)
            results.append(result)
            bar.step()
    return results


def _checked(segmenter, writing):
    """The arguments, if they fit the task of the segmenter."""
    check_one_output(segmenter, "predict_files")
    task = segmenter.task
    if task is None:
        raise ValueError(
            "The predictor has neither a task nor `labels`, so that its results have no meaning; "
            "give it a LabelSet as `labels`."
        )
    if writing.confidence:
        check_probabilities(task, "`confidence`")
    if writing.png_scale is None:
        return writing
    if labels_for(task) or task.channels != 1:
        raise ValueError(f"`png_scale` is for one value a pixel; the predictor's task is {task}.")
    if not number("png_scale", writing.png_scale):
        raise ValueError("`png_scale` must be above 0, got 0.")
    return writing


def _predict(segmenter, path, target, writing):
    write = entry_for(segmenter.task, WRITERS, "way to write predictions")
    try:
        image = to_input(path, shapes_of(segmenter))
        return Prediction(path, **write(segmenter, image, target, writing))
    except (ValueError, OSError) as error:
        told = str(error)
        return Prediction(path, error=told if str(path) in told else f"{path}: {told}")


def _write_classes(segmenter, image, target, writing):
    """Writes label map, overlay and confidence; returns {field of `Prediction`: path}."""
    written, labels = {}, segmenter.labels
    if writing.confidence:
        label_map, probabilities = decoded_with_probabilities(segmenter, image)
        written["confidence_path"] = save_confidence(
            probabilities.max(-1), _named(target, "confidence.png")
        )
    else:
        label_map = segmenter.segment(image)
    written["label_path"] = visualize.save_label_map(
        label_map, labels, _named(target, "labels.png")
    )
    written["overlay_path"] = visualize.save_overlay(
        _visible(image), label_map, labels, _named(target, "overlay.png"), writing.alpha
    )
    return written


def _write_values(segmenter, image, target, writing):
    """Writes the values and a picture of them; returns {field of `Prediction`: path}."""
    task, values = segmenter.task, segmenter.segment(image)
    if writing.png_scale is None:
        values_path = _named(target, "values.npy")
        np.save(values_path, values)
    else:
        values_path = _named(target, "values.png")
        _save_png(values, writing.png_scale, task.unit, values_path)
    picture_path = visualize.save_overlay(
        _visible(image), values, task, _named(target, "picture.png"), alpha=1
    )
    return {"values_path": values_path, "picture_path": picture_path}


WRITERS = {"classes": _write_classes, "regression": _write_values}
ENDINGS = (
    "labels.png", "overlay.png", "confidence.png", "values.npy", "values.png", "picture.png"
)  # fmt: skip


def _named(target, ending):
    return target.with_name(f"{target.name}_{ending}")


def _visible(image):
    """The channels of an image that a picture can show: RGB or grey."""
    channels = image.shape[-1]
    return image if channels in (1, 3) else image[..., : 3 if channels > 3 else 1]


def _save_png(values, scale, unit, path):
    """Writes values as a 16-bit PNG that states its scale.

    Raises:
        ValueError: for values that it cannot hold.
    """
    lowest, highest = float(np.min(values)), float(np.max(values))
    if not (lowest >= -scale / 2 and highest <= (LARGEST + 0.5) * scale):
        raise ValueError(
            f"a 16-bit PNG of the scale {scale:g} holds values of 0 to {LARGEST * scale:g}, got "
            f"{lowest:g} to {highest:g}; choose another scale, or .npy."
        )
    stated = PngInfo()
    stated.add_text("scale", repr(float(scale)))
    stated.add_text("unit", unit)
    pixels = np.clip(np.rint(values / scale), 0, LARGEST).astype("uint16")
    Image.fromarray(pixels).save(path, pnginfo=stated)


def _find(paths):
    """A `Prediction` for each image, or with the error of a path that has none."""
    found = {}
    for path in map(Path, paths):
        if path.is_dir():
            images = [p for p in sorted(path.iterdir()) if is_image_name(p)]
            if not images:
                kinds = ", ".join(suffix[1:] for suffix in COMMON)
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
    """{path: name}: its stem, with more of the path where that is taken; letter case is ignored."""
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


def _refuse_overwriting(stems, out_dir):
    images = {path.resolve() for path in stems}
    for path, stem in stems.items():
        for target in (_named(out_dir / stem, ending) for ending in ENDINGS):
            if target.resolve() in images:
                raise ValueError(
                    f"The result of {path} would overwrite the image {target}. "
                    "Choose another output folder."
                )
