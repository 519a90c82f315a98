"""The work of predict_files: images are read, segmented and written, each beside the others."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fcn_keras import visualize
from fcn_keras.ahead import PIXELS, ahead
from fcn_keras.data.flow.files import write_flow
from fcn_keras.data.images.conversion import to_input
from fcn_keras.data.images.opening import UNREADABLE, opened
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.inference.decoding import labels_for
from fcn_keras.inference.inputs import shapes_of
from fcn_keras.inference.polygons.formats import write_each
from fcn_keras.inference.polygons.tracing import regions_of
from fcn_keras.inference.segmenting import decoded_with_probabilities
from fcn_keras.tasks import entry_for
from fcn_keras.threads import checked_threads
from fcn_keras.visualize.heat import save_confidence

LARGEST = 65535  # value of a pixel of a 16-bit PNG


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The result for one image: the files written, or the `error` that prevented them.

    Attributes:
        path: The image; of a pair the first frame.
        second: The second frame of a pair, or None.
        label_path: The label map of classes, a PNG whose pixels are the labels, coloured by its
            palette.
        overlay_path: The image under its labels, with a legend of the classes present; None, and
            a warning, where it could not be drawn.
        confidence_path: The probability of each pixel's label as a grey PNG, 255 for certain, where
            it was asked for.
        values_path: The values of a regression or of depth: a .npy file of float32, or a 16-bit
            PNG; optical flow as a .flo file.
        picture_path: The values in colours, with a scale; of flow with the colour wheel.
        polygon_paths: The files of polygons in the formats that were asked for; that of COCO holds
            all images.
        regions: The polygons as `fcn_keras.inference.Region`s where a format was asked for.
        size: (H, W) of the label map with the regions.
        error: One sentence that names the image, or None.

    Example:

    ```python
    for result in fcn_keras.inference.predict_files(model, "street.jpg", "predicted"):
        print(result.error or result.overlay_path)
    ```
    """

    path: Path
    second: Path | None = dataclasses.field(default=None, kw_only=True)
    label_path: Path | None = None
    overlay_path: Path | None = None
    confidence_path: Path | None = None
    values_path: Path | None = None
    picture_path: Path | None = None
    polygon_paths: tuple[Path, ...] = ()
    regions: tuple | None = dataclasses.field(default=None, repr=False)
    size: tuple[int, int] | None = None
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Writing:
    """How results are written: the arguments of `predict_files`."""

    alpha: float = 0.5
    confidence: bool = False
    png_scale: float | None = None
    formats: tuple[str, ...] = ()
    tolerance: float = 1.0
    smallest: int = 16


@dataclasses.dataclass(frozen=True)
class Work:
    """The work on some images: they are read, segmented and written, each beside the others.

    Threads read the next images and write the last results, while the net computes.

    Attributes:
        segmenter: The `Segmenter`.
        targets: {image: path of its results without their endings}.
        writing: The `Writing`.
        read: The `ImageReader` of the files.
    """

    segmenter: object
    targets: dict
    writing: Writing
    read: ImageReader

    def done(self, found):
        """Yields a `Prediction` for each of `found`, in order; those with an error as they are."""
        images = ahead(self._read, found, share=_share_of_file)
        results = (self._segmented(result, image) for result, image in images)
        writers = checked_threads(most=4)
        yield from ahead(self._written, results, threads=writers, share=_share_of_image)

    def _read(self, result):
        if result.error:
            return result, None
        image = result.path if result.second is None else (result.path, result.second)
        return self._attempt(result, to_input, image, shapes_of(self.segmenter), self.read)

    def _segmented(self, result, image):
        """(`Prediction`, image, what the net says): the last two are None after an error."""
        if result.error:
            return result, None, None
        compute, _ = entry_for(self.segmenter.task, KINDS, "way to write predictions")
        result, found = self._attempt(result, compute, self.segmenter, image, self.writing)
        return result, image, found

    def _written(self, segmented):
        result, image, found = segmented
        if result.error:
            return result
        _, write = KINDS[self.segmenter.task.kind]
        target = self.targets[result.path]
        result, paths = self._attempt(
            result, write, self.segmenter.task, image, found, target, self.writing
        )
        result = dataclasses.replace(result, **paths) if paths else result
        if result.error or not self.writing.formats:
            return result
        result, polygons = self._attempt(result, self._polygons, result.path, found[0], target)
        return dataclasses.replace(result, **polygons) if polygons else result

    def _polygons(self, path, label_map, target):
        """Writes the polygons of an image; returns {field of `Prediction`: value}."""
        wanted, labels = self.writing, labels_for(self.segmenter.task)
        regions = regions_of(label_map, labels, wanted.tolerance, wanted.smallest)
        size = label_map.shape
        paths = write_each(wanted.formats, target, path, size, regions, labels)
        return {"polygon_paths": paths, "regions": tuple(regions), "size": size}

    def _attempt(self, result, function, *arguments):
        """(result, what the function returned); after an error that names the image, (it, None)."""
        try:
            return result, function(*arguments)
        except (ValueError, OSError) as error:
            told, path = str(error), result.path
            return Prediction(path, error=told if str(path) in told else f"{path}: {told}"), None


def _share_of_file(result):
    """The share of the memory for waiting images that a file takes, by its header or its size."""
    try:
        with opened(result.path) as image:
            return image.width * image.height / PIXELS
    except UNREADABLE:
        return result.path.stat().st_size / PIXELS if result.path.is_file() else 0.0


def _share_of_image(segmented):
    image = segmented[1]
    return 0.0 if image is None else image.shape[0] * image.shape[1] / PIXELS


def _classes_of(segmenter, image, writing):
    """Returns the label map, and the probability of each pixel's label or None."""
    if not writing.confidence:
        return segmenter.segment(image), None
    label_map, probabilities = decoded_with_probabilities(segmenter, image)
    return label_map, probabilities.max(-1)


def _write_classes(task, image, found, target, writing):
    """Writes label map, overlay and confidence; returns {field of `Prediction`: path}."""
    written, labels = {}, labels_for(task)
    label_map, confidence = found
    if confidence is not None:
        path = named(target, "confidence.png")
        written["confidence_path"] = save_confidence(confidence, path)
    written["label_path"] = visualize.save_label_map(label_map, labels, named(target, "labels.png"))
    written["overlay_path"] = _picture(
        image, label_map, labels, named(target, "overlay.png"), writing.alpha
    )
    return written


def _values_of(segmenter, image, writing):
    return segmenter.segment(image)


def _write_values(task, image, values, target, writing):
    """Writes the values and a picture of them; returns {field of `Prediction`: path}."""
    scale = png_scale_for(task, writing.png_scale)
    if scale is None:
        values_path = named(target, "values.npy")
        np.save(values_path, values)
    else:
        values_path = named(target, "values.png")
        _save_png(values, scale, task.unit, values_path)
    picture_path = _picture(image, values, task, named(target, "picture.png"), alpha=1)
    return {"values_path": values_path, "picture_path": picture_path}


def _write_flow(task, image, flow, target, writing):
    """Writes optical flow and a picture of it; returns {field of `Prediction`: path}."""
    flow_path = write_flow(named(target, "flow.flo"), flow)
    picture_path = _picture(image, flow, task, named(target, "picture.png"), alpha=1)
    return {"values_path": flow_path, "picture_path": picture_path}


def _write_boundaries(task, image, values, target, writing):
    """Writes the probabilities as grey PNG and a picture; returns {field of `Prediction`: path}."""
    path = named(target, "boundaries.png")
    Image.fromarray(np.rint(255 * values).astype("uint8")).save(path)
    picture = _picture(image, values, task, named(target, "picture.png"), alpha=1)
    return {"values_path": path, "picture_path": picture}


def _picture(image, values, task, path, alpha):
    """The path of a picture of the result; None, with a warning, where it cannot be drawn."""
    try:
        return visualize.save_overlay(_visible(image), values, task, path, alpha)
    except Exception as error:  # whatever a font, a disk or a drawing may raise
        warnings.warn(f"{path} could not be drawn: {error}", stacklevel=1)
        return None


KINDS = {
    "classes": (_classes_of, _write_classes),
    "regression": (_values_of, _write_values),
    "depth": (_values_of, _write_values),
    "flow": (_values_of, _write_flow),
    "boundaries": (_values_of, _write_boundaries),
    "normals": (_values_of, _write_values),
}
MILLIMETRE = {"mm": 1.0, "cm": 0.1}  # in other units than metres


def png_scale_for(task, png_scale):
    """Returns the units for one step of a 16-bit PNG, or None for a .npy file.

    Args:
        task: A `Task`.
        png_scale: What was asked for, or None: depths are written in millimetres.
    """
    if png_scale is None and task.kind == "depth":
        return MILLIMETRE.get(task.unit, 0.001)
    return png_scale


ENDINGS = (
    "labels.png", "overlay.png", "confidence.png", "values.npy", "values.png", "flow.flo",
    "boundaries.png", "picture.png",
)  # fmt: skip


def named(target, ending):
    """Returns the path of a result: that of its target, with an ending."""
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
