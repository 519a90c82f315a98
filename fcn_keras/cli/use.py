"""`fcn-keras evaluate` and `predict`: what is done with a trained model."""

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli import refinement
from fcn_keras.cli.options import (
    DATA_HELP,
    Exclude,
    Labels,
    ModelPath,
    Only,
    Output,
    check_folder,
)
from fcn_keras.cli.sources import load_dataset, load_library, load_predictor


def evaluate(
    model: ModelPath,
    data: Annotated[str, typer.Option(metavar="NAME[:DIR]", help=DATA_HELP, show_default=False)],
    split: Annotated[str, typer.Option(help="Split to measure on.")] = "val",
    only: Only = None,
    exclude: Exclude = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all figures as JSON.")
    ] = None,
    confusion: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the confusion matrix.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images of one size that go together.")] = 4,
    output: Output = None,
    boundary: Annotated[
        bool, typer.Option("--boundary", help="Measure how well boundaries are met too.")
    ] = False,
    scales: refinement.Scales = None,
    flip: refinement.Flip = False,
    crf: refinement.Crf = False,
    crf_options: refinement.CrfOptions = None,
    samples: refinement.Samples = None,
    tile: refinement.Tile = None,
):
    """Measure a model on a dataset: the four metrics, and a line for each class.

    Whole images, void left out; a class that occurs neither in the truth nor in the predictions
    is absent and not part of the mean.

    [bold]Examples[/bold]

    fcn-keras evaluate runs/digits --data digits --split test

    fcn-keras evaluate runs/camvid --data camvid:CamVid --json val.json --confusion val.png

    fcn-keras evaluate runs/camvid --data camvid:CamVid --scales 0.75,1,1.25 --flip --crf
    """
    load_library()
    from fcn_keras import inference, visualize

    for target in (json, confusion):
        check_folder(target)
    dataset = load_dataset(data, split, only, exclude)
    predictor = load_predictor(model, output)
    predictor = refinement.behind(predictor, scales, flip, crf, crf_options, samples, tile)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* of the predictions are")  # the table says it
        report = inference.evaluate(predictor, dataset, batch_size=batch_size, boundary=boundary)
    print(report.table())
    if json:
        print(f"figures: {report.save_json(json)}")
    if confusion:
        print(
            "confusion matrix: "
            f"{visualize.confusion_matrix(report.scores, report.labels, confusion)}"
        )


def predict(
    model: ModelPath,
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGES...", help="Files and folders.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to write.", show_default=False)
    ],
    alpha: Annotated[
        float, typer.Option(help="How much of the colour covers the image, 0 to 1.")
    ] = 0.5,
    output: Output = None,
    labels: Labels = None,
    confidence: Annotated[
        bool,
        typer.Option("--confidence", help="Also write how probable each pixel's label is."),
    ] = False,
    scales: refinement.Scales = None,
    flip: refinement.Flip = False,
    crf: refinement.Crf = False,
    crf_options: refinement.CrfOptions = None,
    samples: refinement.Samples = None,
    tile: refinement.Tile = None,
):
    """Segment images: for each a label map and an overlay with the legend of its classes.

    street.jpg becomes street_labels.png, whose pixels are the labels and whose palette shows
    them, and street_overlay.png; with --confidence also street_confidence.png, grey, 255 where
    the net is certain. What cannot be read is reported, and the rest is done.

    [bold]Examples[/bold]

    fcn-keras predict runs/camvid street.jpg --out out

    fcn-keras predict runs/camvid/best.keras photos/ more/night.png --out out

    fcn-keras predict runs/camvid street.jpg --flip --crf --confidence --out out
    """
    load_library()
    from fcn_keras import inference

    predictor = load_predictor(model, output, labels)
    if predictor.labels is None:
        raise ValueError(f"{model} does not tell its classes: give a file with --labels.")
    predictor = refinement.behind(predictor, scales, flip, crf, crf_options, samples, tile)
    results = inference.predict_files(predictor, images, out, alpha=alpha, confidence=confidence)
    failed = [result for result in results if result.error]
    print(f"{len(results) - len(failed)} of {len(results)} images segmented into {out}")
    for result in failed:
        print(f"fcn-keras: {result.error}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)
