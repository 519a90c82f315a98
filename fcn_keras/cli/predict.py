"""The command `fcn-keras predict`: segments image files and folders."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli import postprocessing
from fcn_keras.cli.options import Labels, ModelPath, Output
from fcn_keras.cli.sources import load_library


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
    scales: postprocessing.Scales = None,
    flip: postprocessing.Flip = False,
    crf: postprocessing.Crf = False,
    crf_options: postprocessing.CrfOptions = None,
    samples: postprocessing.Samples = None,
    tile: postprocessing.Tile = None,
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
    from fcn_keras import export, inference

    predictor = export.load(model, output=output, labels=labels)
    if predictor.labels is None:
        raise ValueError(f"{model} does not tell its classes: give a file with --labels.")
    predictor = postprocessing.build_predictor(
        predictor, scales, flip, crf, crf_options, samples, tile
    )
    results = inference.predict_files(predictor, images, out, alpha=alpha, confidence=confidence)
    failed = [result for result in results if result.error]
    print(f"{len(results) - len(failed)} of {len(results)} images segmented into {out}")
    for result in failed:
        print(f"fcn-keras: {result.error}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)
