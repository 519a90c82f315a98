"""`fcn-keras find-lr`: a short training under a growing rate, and its picture."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli import train_options as o
from fcn_keras.cli.nets import build, check_model
from fcn_keras.cli.options import Exclude, Only, check_folder
from fcn_keras.cli.recipe_words import recipe_of, take_net
from fcn_keras.cli.sources import load_dataset, load_library
from fcn_keras.cli.training import named_on_the_command_line

SWEEP = "Sweep"


def find_lr(
    context: typer.Context,
    *,
    data: o.Data = "digits",
    split: o.Split = "train",
    only: Only = None,
    exclude: Exclude = None,
    model: o.Model = "fcn8s",
    classifier: o.Classifier = "vgg_slim",
    weights: o.Weights = "auto",
    alignment: o.Alignment = "same",
    output_stride: o.OutputStride = None,
    decoder_filters: o.DecoderFilters = None,
    init_from: o.InitFrom = None,
    dropout: o.Dropout = None,
    learn_upsampling: o.LearnUpsampling = False,
    recipe: o.RecipeName = None,
    batch_size: o.BatchSize = 8,
    accumulate: o.Accumulate = 1,
    crop: o.Crop = "auto",
    scale: o.Scale = None,
    flip: o.Flip = None,
    color: o.Color = None,
    augment: o.Augment = True,
    optimizer: o.Optimizer = "adamw",
    momentum: o.Momentum = None,
    weight_decay: o.WeightDecay = None,
    bias_rate: o.BiasRate = 1.0,
    rate: o.Rate = None,
    freeze: o.Freeze = None,
    loss: o.Loss = "cross_entropy",
    normalization: o.Normalization = "mean",
    class_weights: o.ClassWeights = "none",
    mixed_precision: o.MixedPrecision = False,
    seed: o.Seed = 0,
    lowest: Annotated[float, typer.Option(help="First rate.", rich_help_panel=SWEEP)] = 1e-6,
    highest: Annotated[float, typer.Option(help="Last rate.", rich_help_panel=SWEEP)] = 1.0,
    steps: Annotated[int, typer.Option(help="Batches.", rich_help_panel=SWEEP)] = 100,
    out: Annotated[
        Path, typer.Option(metavar="PICTURE", help="Where to draw it.", rich_help_panel=SWEEP)
    ] = Path("lr.png"),
):
    """Sweep the learning rate over a few steps, draw the loss, and suggest one.

    The suggestion is a tenth of the rate at which the smoothed loss is least: for --learning-rate
    of a training with the same other options. The net is not kept.

    [bold]Examples[/bold]

    fcn-keras find-lr --out lr.png

    fcn-keras find-lr --data camvid:CamVid --optimizer sgd --out lr.png

    fcn-keras find-lr --recipe heavy-32s --data voc:VOCdevkit --lowest 1e-14 --highest 1e-7
    """
    named = named_on_the_command_line(context)
    check_model(context.params)
    check_folder(out)
    load_library()
    import keras

    from fcn_keras import training

    given = take_net({"learning_rate": None, **context.params}, named)
    dataset = load_dataset(data, split, only, exclude)
    fields = {name: value for name, value in given.items() if name != "steps"}
    chosen = recipe_of(fields, named - {"steps"})
    training.setup("mixed" if given["mixed_precision"] else "float32")
    keras.utils.set_random_seed(seed)
    net = build(given, dataset.labels)
    print(f"{net.name}: {steps} steps from {lowest:g} to {highest:g}, {chosen.optimizer}")
    found = training.find_lr(net, dataset, chosen, lowest=lowest, highest=highest, steps=steps)
    print(f"suggested learning rate: {found.suggested:.2g}")
    if not found.bounded:
        print(f"the loss did not rise again up to {found.rates[-1]:g}: try a higher --highest")
    print(f"picture: {found.draw(out)}")
