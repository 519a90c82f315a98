"""The command `fcn-keras evaluate`: measures a model on a dataset."""

import warnings
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
from fcn_keras.cli.recipe_options import (
    MEASURES,
    named_on_the_command_line,
    read_options,
    with_options,
)
from fcn_keras.cli.sources import load_dataset, load_library, print_picture
from fcn_keras.metrics.measures import check_measures

POST_PROCESSING = (
    "precision", "others", "combine", "scales", "flip", "rotate", "crf", "samples", "tile",
)  # fmt: skip


@with_options(MEASURES, before="others")
def evaluate(
    context: typer.Context,
    model: ModelPath,
    data: Annotated[str, typer.Option(metavar="NAME[:DIR]", help=DATA_HELP, show_default=False)],
    split: Annotated[str, typer.Option(help="Split to measure on.")] = "val",
    only: Only = None,
    exclude: Exclude = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for all figures, as JSON.")
    ] = None,
    confusion: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="File for a picture of the confusion matrix."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images of one size in a step, at most.")] = 4,
    output: Output = None,
    precision: postprocessing.Precision = None,
    others: postprocessing.With = None,
    combine: postprocessing.Combine = None,
    scales: postprocessing.Scales = None,
    flip: postprocessing.Flip = False,
    rotate: postprocessing.Rotate = False,
    crf: postprocessing.Crf = False,
    crf_options: postprocessing.CrfOptions = None,
    samples: postprocessing.Samples = None,
    tile: postprocessing.Tile = None,
    **given,
):
    """Measure a model on a dataset: four metrics and a line for each class.

    Images are evaluated as a whole, without void. A class that occurs neither in the truth nor in
    the predictions is absent and left out of the mean. Of a regression the errors are printed.

    --instances counts objects: true, predicted, found, missed, extra; AP 50 is found / (found +
    missed + extra), AP its mean over thresholds of the IoU from 0.5 to 0.95, PQ panoptic quality.

    --membranes scores how well predicted membranes divide the image into its true regions.

    [bold]Examples[/bold]

    fcn-keras evaluate runs/digits --data digits --split test

    fcn-keras evaluate runs/camvid --data camvid:CamVid --json val.json --confusion val.png

    fcn-keras evaluate runs/camvid --data camvid:CamVid --scales 0.75,1,1.25 --flip --crf

    fcn-keras evaluate runs/fcn --with runs/deconvnet --data camvid:CamVid

    fcn-keras evaluate runs/cells --data folder:cells,instances --instances --min-area 20

    fcn-keras evaluate runs/slices --data folder:slices,binary --membranes background

    fcn-keras evaluate runs/rooms --data nyud:NYUDv2,target=depth --max-depth 10
    """
    postprocessing.check_precision(precision)
    check_folder(json)
    check_picture(confusion, CHARTS)
    postprocessing.check_models(others, combine)
    measures = read_options(MEASURES, given, named_on_the_command_line(context))
    check_measures(measures)
    load_library()
    from fcn_keras import inference, visualize

    predictor = postprocessing.load_models(model, others, combine, output)
    dataset = load_dataset(data, split, only, exclude, predictor.image_reader)
    segmenter = postprocessing.build_predictor(
        predictor, scales, flip, rotate, crf, crf_options, samples, tile, precision
    )
    if confusion and segmenter.task is not None and segmenter.labels is None:
        raise ValueError(f"--confusion is for classes; the task of {model} is {segmenter.task}.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* of the predictions are")  # the table says it
        report = inference.evaluate(segmenter, dataset, batch_size=batch_size, **measures)
    try:  # neither is lost where the other fails
        saved = report.save_json(json, _evaluated(context, dataset)) if json else None
    finally:
        print(report.table())
    if saved:
        print(f"figures: {saved}")
    if confusion:
        scores, names = report.scores, report.labels
        print_picture(
            "confusion matrix", lambda: visualize.confusion_matrix(scores, names, confusion)
        )


def _evaluated(context, dataset):
    """Returns what the figures are about, for the JSON file: the data and the post-processing."""
    options = {name: context.params[name] for name in POST_PROCESSING if context.params[name]}
    data = {"name": dataset.name, "split": dataset.split, "images": len(dataset)}
    return {"data": data, "options": options}
