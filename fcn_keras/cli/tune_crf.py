"""The command `fcn-keras tune-crf`: searches the options of a dense CRF on held-out images."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli import postprocessing
from fcn_keras.cli.options import (
    CHARTS,
    DATA_HELP,
    Exclude,
    ModelPath,
    Only,
    Output,
    check_folder,
    check_picture,
)
from fcn_keras.cli.sources import load_dataset, load_library, print_picture


def tune_crf(
    model: ModelPath,
    data: Annotated[str, typer.Option(metavar="NAME[:DIR]", help=DATA_HELP, show_default=False)],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE.json", help="File for the options, which --crf-options reads."),
    ] = Path("crf.json"),
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="File for a picture of the scores of all candidates."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Split to tune on.")] = "val",
    only: Only = None,
    exclude: Exclude = None,
    measure: Annotated[
        str, typer.Option(metavar="mean_iou|boundary_f1", help="Metric to maximize.")
    ] = "mean_iou",
    images: Annotated[int, typer.Option(help="Number of images, evenly spread.")] = 20,
    steps: Annotated[int, typer.Option(help="Number of mean field iterations.")] = 10,
    output: Output = None,
    others: postprocessing.With = None,
    combine: postprocessing.Combine = None,
):
    """Search the weights and widths of a dense CRF on images that the net was not trained on.

    Prints the score of each candidate, with the other options as chosen, and says if no CRF helps.

    [bold]Examples[/bold]

    fcn-keras tune-crf runs/camvid --data camvid:CamVid --out crf.json --picture crf.png

    fcn-keras evaluate runs/camvid --data camvid:CamVid --crf-options crf.json
    """
    check_folder(out)
    check_picture(picture, CHARTS)
    postprocessing.check_models(others, combine)
    load_library()
    from fcn_keras import inference

    predictor = postprocessing.load_models(model, others, combine, output)
    dataset = load_dataset(data, split, only, exclude, predictor.image_reader)
    found = inference.tune_crf(predictor, dataset, measure=measure, images=images, steps=steps)
    try:  # neither is lost where the other fails
        saved = found.save(out)
    finally:
        print(found.table())
    print(f"options: {saved}")
    if picture:
        print_picture("picture", lambda: found.draw(picture))
