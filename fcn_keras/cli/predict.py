"""The command `fcn-keras predict`: segments image files and folders."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.checks import number, one_of, whole_number
from fcn_keras.cli import postprocessing, reading
from fcn_keras.cli.options import Labels, ModelPath, Output
from fcn_keras.cli.sources import load_library

Images = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGES...",
        help="Image files, folders and videos. Of a folder without images its subfolders are "
        "taken.",
        show_default=False,
    ),
]
Pairs = Annotated[
    bool,
    typer.Option(
        "--pairs",
        help="Give the net each image together with the next one. Nets of optical flow always take "
        "pairs.",
    ),
]

Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="labelme|coco|geojson",
        help="Also write the regions as polygons for an annotation tool. Repeatable.",
    ),
]
Tolerance = Annotated[
    float,
    typer.Option(
        metavar="PIXELS", help="Greatest distance of a polygon from the border of its pixels."
    ),
]
Smallest = Annotated[
    int,
    typer.Option(metavar="N", help="Regions and holes of fewer pixels become no polygon."),
]


def predict(
    model: ModelPath,
    images: Images,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="Folder to write to.", show_default=False),
    ],
    alpha: Annotated[
        float, typer.Option(help="Opacity of the colours in the overlay, 0 to 1.")
    ] = 0.5,
    output: Output = None,
    labels: Labels = None,
    precision: postprocessing.Precision = None,
    confidence: Annotated[
        bool,
        typer.Option("--confidence", help="Also write the probability of each pixel's label."),
    ] = False,
    png_scale: Annotated[
        float | None,
        typer.Option(
            metavar="UNITS",
            help="Write the values of a regression as 16-bit PNG: units for one step of a pixel. "
            "Default: a .npy file; for depth a PNG in millimetres.",
        ),
    ] = None,
    formats: Formats = None,
    tolerance: Tolerance = 1.0,
    smallest: Smallest = 16,
    pairs: Pairs = False,
    others: postprocessing.With = None,
    combine: postprocessing.Combine = None,
    scales: postprocessing.Scales = None,
    flip: postprocessing.Flip = False,
    rotate: postprocessing.Rotate = False,
    crf: postprocessing.Crf = False,
    crf_options: postprocessing.CrfOptions = None,
    samples: postprocessing.Samples = None,
    tile: postprocessing.Tile = None,
    bits: reading.Bits = None,
    image_alpha: reading.Alpha = None,
    page: reading.Page = None,
):
    """Segment image files and write the results as files.

    For street.jpg the command writes street_labels.png, whose pixels are the class numbers and
    whose palette colours them, and street_overlay.png with a legend of the classes present;
    with --confidence also street_confidence.png, a grey image that is 255 where the highest
    probability is 1. For a regression it writes street_values.npy and street_picture.png with a
    scale, for depth the values as 16-bit PNG in millimetres, for boundaries street_boundaries.png,
    grey, 255 for the probability 1. A file that cannot be read is
    reported, and the others are processed.

    A net of optical flow takes pairs of frames: each image with the next one, of files as they are
    named, of a folder in the order of their names. It writes street_flow.flo, the flow from
    street.jpg to the next frame in pixels, and street_picture.png with the colour wheel.

    With --format the regions of the classes are polygons for an annotation tool, to be corrected
    there: labelme in street.json, geojson in street.geojson, coco in one coco.json.

    Files are read as in the training of the net; --bits, --image-alpha and --page are for files
    that can be understood in several ways.

    [bold]Examples[/bold]

    fcn-keras predict runs/camvid street.jpg --out out

    fcn-keras predict runs/camvid/best.keras photos/ more/night.png --out out

    fcn-keras predict runs/camvid street.jpg --flip --crf --confidence --out out

    fcn-keras predict runs/fcn street.jpg --with runs/deconvnet --crf --out out

    fcn-keras predict runs/distance street.jpg --png-scale 0.01 --out out

    fcn-keras predict runs/parts photos/ --format labelme --out prelabelled

    fcn-keras predict runs/flow --pairs frame1.png frame2.png --out out
    """
    postprocessing.check_models(others, combine)
    postprocessing.check_precision(precision)
    _check_results(out, formats, tolerance, smallest)
    load_library()
    from fcn_keras import inference
    from fcn_keras.data import ImageReader

    segmenter = postprocessing.load_models(model, others, combine, output, labels)
    if segmenter.task is None:
        raise ValueError(f"{model} does not tell its classes: give a file with --labels.")
    asked = (scales, flip, rotate, crf, crf_options, samples, tile, precision)
    segmenter = postprocessing.build_predictor(segmenter, *asked)
    written = {"alpha": alpha, "confidence": confidence, "png_scale": png_scale}
    written.update(formats=formats or (), tolerance=tolerance, smallest=smallest)
    read = {"pairs": pairs or None, "image_reader": ImageReader(bits, image_alpha, page)}
    results = inference.predict_files(segmenter, images, out, **written, **read)
    _report(results, out, segmenter.task, png_scale)


def _check_results(out, formats, tolerance, smallest):
    """Refuses impossible options of the files to write before the net is loaded."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"--out is a folder for the results; {out} is a file.")
    if formats:
        from fcn_keras.data.tools import POLYGON_FORMATS

        for name in formats:
            one_of("--format", name, POLYGON_FORMATS)
    number("--tolerance", tolerance)
    whole_number("--smallest", smallest)


def _report(results, out, task, png_scale):
    """Prints how many images, or pairs, there were, what the pixels of a PNG of values mean, and
    the errors of images; with any the program ends with 1.
    """
    from fcn_keras.inference.writing import png_scale_for

    done = sum(not result.error for result in results)
    pairs = any(result.second for result in results)
    what = "pairs of frames computed" if pairs else "images segmented"
    print(f"{done} of {len(results)} {what} into {out}")
    png_scale = png_scale_for(task, png_scale)
    if png_scale is not None:
        print(f"values: pixel x {png_scale:g} {task.unit}".rstrip())
    errors = [result.error for result in results if result.error]
    for error in errors:
        print(f"fcn-keras: {error}", file=sys.stderr)
    if errors:
        raise typer.Exit(1)
