"""predict_files: segments files and folders, and writes maps and pictures.

An unreadable file does not stop the others.
"""

import collections
import dataclasses
import itertools
import warnings
from pathlib import Path

from fcn_keras.checks import number, one_of, whole_number
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.data.images.search import find_images
from fcn_keras.data.images.survey import decided_reader
from fcn_keras.data.tools import POLYGON_FORMATS
from fcn_keras.inference.decoding import check_one_output, check_probabilities, labels_for
from fcn_keras.inference.polygons.formats import (
    COCO_FILE,
    SUFFIXES,
    path_of,
    write_coco,
    write_labels,
)
from fcn_keras.inference.postprocessing import build_predictor
from fcn_keras.inference.video import is_video, unpack_video
from fcn_keras.inference.writing import ENDINGS, Prediction, Work, Writing, named
from fcn_keras.progress import ProgressBar

ALONE = "It takes two frames, and there is no other with it."
TWICE = "It is named twice as the first frame of a pair, and has one result."


def predict_files(
    predictor,
    paths,
    out_dir,
    *,
    alpha=0.5,
    confidence=False,
    png_scale=None,
    formats=(),
    tolerance=1.0,
    smallest=16,
    pairs=None,
    image_reader=None,
    precision=None,
    progress=True,
):
    """Segments image files and folders of them, and writes the results into `out_dir`.

    For an image `street.jpg` and a net of classes it writes `street_labels.png` and
    `street_overlay.png`, with `confidence` also `street_confidence.png`; for a regression
    `street_values.npy` and `street_picture.png`, for depth the values as a 16-bit PNG; for optical
    flow `street_flow.flo`, the flow from `street.jpg` to the next frame, and `street_picture.png`;
    for boundaries `street_boundaries.png`, grey, 255 for the probability 1, and
    `street_picture.png`. Where two images have the same name, their folder or suffix is added.

    Args:
        predictor: A Keras model, a `Segmenter` such as `build_predictor` returns, or an object
            with `segment` and `labels`.
        paths: Files and folders, or one of them. Of a folder all images directly in it are taken;
            where it has none, those of its subfolders. A warning says what was not taken. A video
            file, which OpenCV or imageio reads, is written as a folder of frames into `out_dir`
            first.
        out_dir: The folder to write to; made if missing.
        alpha: Opacity of the colours in the overlay, 0 to 1.
        confidence: Whether the probability of each pixel's label is written too.
        png_scale: For a regression: None writes float32 to a .npy file; depths are written as PNG
            in steps of a millimetre (0.001 of the unit m). A number writes a 16-bit PNG,
            `street_values.png`, whose pixels times this number are the values in the task's
            unit; the number and the unit stand in the PNG's text as `scale` and `unit`. Values
            beyond 0 to 65535 times this number are an error of that image.
        formats: Formats of annotation tools in which the regions of a net of classes are written
            as polygons too: "labelme" (`street.json`, and labels.txt), "coco" (`coco.json` with
            all images), "geojson" (`street.geojson`, in pixels). Void, and a class 0 that is
            called background, have none.
        tolerance, smallest: See `fcn_keras.inference.regions_of`.
        pairs: Whether the net takes each image together with the next one: of files in the order in
            which they are named, of a folder in the order of their names. None: for nets of optical
            flow.
        image_reader: A `fcn_keras.data.ImageReader` with options for reading the files. Where it
            has none, files are read as in the training of the net.
        precision: None, "mixed" or "float32", as for `fcn_keras.segment`.
        progress: Whether a bar is shown, on a terminal.

    Returns:
        A list of `Prediction`, one for each image or pair, in order; see the `error` of each.

    Raises:
        FileExistsError: for a file of polygons that is there already; it may hold annotations.
        ValueError: if a result would overwrite one of the images; if the predictor has several
            outputs or does not tell its task; for `confidence` of a predictor without
            probabilities, or `png_scale` of one that is no regression of one channel.

    Example:

    ```python
    results = fcn_keras.inference.predict_files(model, ["photos/", "street.jpg"], "out")
    [result.error for result in results if result.error]
    ```
    """
    segmenter, out_dir = build_predictor(predictor, precision=precision), Path(out_dir)
    writing = _checked(
        segmenter, Writing(alpha, confidence, png_scale, _listed(formats), tolerance, smallest)
    )
    if isinstance(paths, (str, Path)):
        paths = [paths]
    paths, unread = _unpacked(paths, out_dir)
    pairs = segmenter.task.frames == 2 if pairs is None else pairs
    found = _pairs(paths, out_dir) if pairs else _found(paths, out_dir)
    found += unread
    stems = _unique_stems([result.path for result in found if not result.error])
    _refuse_overwriting(stems, out_dir)
    _refuse_annotations(stems, out_dir, writing.formats)
    out_dir.mkdir(parents=True, exist_ok=True)
    results = []
    read = (image_reader or ImageReader()).filled(segmenter.image_reader)
    read, _ = decided_reader(read, [*stems], strict=False)
    work = Work(segmenter, {path: out_dir / stem for path, stem in stems.items()}, writing, read)
    with ProgressBar(len(found), "pair" if pairs else "image", progress) as bar:
        for result in work.done(found):
            results.append(result)
            bar.step()
    if "labelme" in writing.formats:
        write_labels(out_dir, labels_for(segmenter.task))
    if "coco" in writing.formats:
        results = _with_coco(results, out_dir / COCO_FILE, labels_for(segmenter.task))
    return results


def _listed(formats):
    formats = (formats,) if isinstance(formats, str) else tuple(formats or ())
    return tuple(dict.fromkeys(one_of("formats", name, POLYGON_FORMATS) for name in formats))


def _with_coco(results, path, labels):
    """The results, after all of them were written as one file in COCO's format."""
    found = [(one.path, one.size, one.regions) for one in results if one.regions is not None]
    if not found:
        return results
    write_coco(path, found, labels)
    return [
        one
        if one.regions is None
        else dataclasses.replace(one, polygon_paths=(*one.polygon_paths, path))
        for one in results
    ]


def _found(paths, out_dir):
    """A `Prediction` for each image, or with the error of a path that has none."""
    found = find_images(paths, out_dir)
    for note in found.notes:
        warnings.warn(note, stacklevel=1)
    return [Prediction(path, error=error) for path, error in found.files]


def _unpacked(paths, out_dir):
    """The paths, videos as folders of their frames; and a `Prediction` of each unreadable one."""
    kept, unread = [], []
    for path in map(Path, paths):
        try:
            kept.append(unpack_video(path, out_dir) if is_video(path) else path)
        except (ImportError, OSError, ValueError) as error:
            unread.append(Prediction(path, error=str(error)))
    return kept, unread


def _pairs(paths, out_dir):
    """A `Prediction` for each image with the next one of its folder, or of the files in a row."""
    sequences = []
    for path in map(Path, paths):
        if path.is_dir() or not sequences or sequences[-1][0].is_dir():
            sequences.append([])
        sequences[-1].append(path)
    pairs, taken = [], set()
    for sequence in sequences:
        found = _found(sequence, out_dir)
        pairs += [result for result in found if result.error]
        frames = [result.path for result in found if not result.error]
        if len(frames) == 1:
            pairs.append(Prediction(frames[0], error=f"{frames[0]}: {ALONE}"))
        for first, second in itertools.pairwise(frames):
            error = f"{first}: {TWICE}" if first in taken else None
            pairs.append(Prediction(first, second=second, error=error))
            taken.add(first)
    return pairs


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
    if writing.formats:
        number("tolerance", writing.tolerance)
        whole_number("smallest", writing.smallest)
        if not labels_for(task):
            raise ValueError(f"Polygons are of classes; the predictor's task is {task}.")
    if writing.png_scale is None:
        return writing
    if labels_for(task) or task.channels != 1 or task.kind == "boundaries":
        raise ValueError(f"`png_scale` is for one value a pixel; the predictor's task is {task}.")
    if not number("png_scale", writing.png_scale):
        raise ValueError("`png_scale` must be above 0, got 0.")
    return writing


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
        for target in (named(out_dir / stem, ending) for ending in ENDINGS):
            if target.resolve() in images:
                raise ValueError(
                    f"The result of {path} would overwrite the image {target}. "
                    "Choose another output folder."
                )


def _refuse_annotations(stems, out_dir, formats):
    """Raises FileExistsError for files of polygons that are there, by whomever."""
    paths = [path_of(out_dir / stem, name) for stem in stems.values() for name in formats
             if name in SUFFIXES]  # fmt: skip
    paths += [out_dir / COCO_FILE] if "coco" in formats else []
    if there := [path for path in paths if path.exists()]:
        raise FileExistsError(
            f"{there[0]} is there already, and may hold annotations; choose another output folder, "
            "or remove it."
        )
