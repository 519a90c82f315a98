"""`fcn-keras summary`: a net's geometry, parameters, multiplications and memory."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import MODELS, parse_filters, parse_size
from fcn_keras.cli.sources import load_library


def summary(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="MODEL", help="A .keras file or a run folder.", show_default=False),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="|".join(MODELS), help="The net, where there is no file.")
    ] = "fcn8s",
    classifier: Annotated[
        str,
        typer.Option(
            help="Any of keras.applications (vgg16, resnet50, ...), alexnet, googlenet, "
            "resnet_slim, vgg_slim."
        ),
    ] = "vgg16",
    num_classes: Annotated[int, typer.Option(help="Number of classes.")] = 21,
    alignment: Annotated[str, typer.Option(metavar="same|caffe", help="caffe: as published.")] = (
        "same"
    ),
    output_stride: Annotated[
        int | None, typer.Option(metavar="8|16", help="Remove the strides beyond it.")
    ] = None,
    decoder_filters: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Features fused in place of scores.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="HxW", help="Size of the image.")] = "500x500",
    every: Annotated[
        bool, typer.Option("--every", help="Every layer, not the milestones alone.")
    ] = False,
):
    """Show what a net is made of: where its cells look, its parameters, GFLOPs and memory.

    For each layer its stride, receptive field and offset in pixels of the image, its map at the
    given size, its parameters and operations. The net need not have weights.

    [bold]Examples[/bold]

    fcn-keras summary --model fcn32s --classifier vgg16 --size 500x500

    fcn-keras summary runs/camvid --size 360x480
    """
    pixels = parse_size(size, "--size")
    load_library()
    from fcn_keras import geometry
    from fcn_keras.export.loading import load_model

    options = {
        "alignment": alignment,
        "output_stride": output_stride,
        "decoder_filters": parse_filters(decoder_filters),
    }
    net = load_model(path) if path else _fresh(model, classifier, num_classes, options)
    print(geometry.table(net, pixels).text(every))


def _fresh(model, classifier, num_classes, options):
    from fcn_keras import models

    if model not in MODELS:
        raise ValueError(f"--model is one of {', '.join(MODELS)}; got {model!r}.")
    build = getattr(models, model)
    return build(num_classes, classifier, weights=None, **options)
