"""The options of `fcn-keras train`, one name each."""

from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import DATA_HELP, MODELS

DATA, MODEL, RECIPE, RUN = "Data", "Model", "Recipe", "Run"

Data = Annotated[str, typer.Option(metavar="NAME[:DIR]", help=DATA_HELP, rich_help_panel=DATA)]
Split = Annotated[str, typer.Option(help="Split to train on.", rich_help_panel=DATA)]
ValData = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:DIR]",
        help="Validation data, if it is not --data; none trains without validation.",
        rich_help_panel=DATA,
    ),
]
ValSplit = Annotated[str, typer.Option(help="Split to validate on.", rich_help_panel=DATA)]
ValOnly = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="As --only, of the validation.", rich_help_panel=DATA),
]
ValExclude = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="As --exclude, of the validation.", rich_help_panel=DATA),
]
Model = Annotated[
    str, typer.Option(metavar="|".join(MODELS), help="The net.", rich_help_panel=MODEL)
]
Classifier = Annotated[
    str,
    typer.Option(
        help="Any of keras.applications (vgg16, resnet50, ...), alexnet, googlenet, or resnet_slim "
        "and vgg_slim, which train from nothing.",
        rich_help_panel=MODEL,
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        metavar="auto|imagenet|none|FILE",
        help="Weights of the classifier; auto is imagenet where there are any.",
        rich_help_panel=MODEL,
    ),
]
Alignment = Annotated[
    str, typer.Option(metavar="same|caffe", help="caffe: as published.", rich_help_panel=MODEL)
]
OutputStride = Annotated[
    int | None,
    typer.Option(
        metavar="8|16",
        help="Remove the classifier's strides beyond it, and dilate what follows.",
        rich_help_panel=MODEL,
    ),
]
DecoderFilters = Annotated[
    str | None,
    typer.Option(
        metavar="N,N,...",
        help="Fuse so many features a skip, coarsest first, in place of scores.",
        rich_help_panel=MODEL,
    ),
]
InitFrom = Annotated[
    Path | None,
    typer.Option(
        metavar="MODEL",
        help="Start from a coarser FCN: a .keras file or a run folder.",
        rich_help_panel=MODEL,
    ),
]
Dropout = Annotated[
    float | None,
    typer.Option(help="Rate in the head (default: the classifier's)", rich_help_panel=MODEL),
]
LearnUpsampling = Annotated[
    bool,
    typer.Option(
        "--learn-upsampling",
        help="Learn the inner ones, as in the paper.",
        rich_help_panel=MODEL,
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="Everything below, and the net, from a named recipe, where no option says otherwise: "
        "fcn-keras recipes.",
        rich_help_panel=RECIPE,
    ),
]
Epochs = Annotated[int, typer.Option(help="Epochs in all.", rich_help_panel=RECIPE)]
Steps = Annotated[
    int | None,
    typer.Option(help="Updates in all, in place of --epochs.", rich_help_panel=RECIPE),
]
Accumulate = Annotated[
    int,
    typer.Option(help="Steps whose gradients make one update.", rich_help_panel=RECIPE),
]
BatchSize = Annotated[int, typer.Option(help="Crops a step.", rich_help_panel=RECIPE)]
Crop = Annotated[
    str,
    typer.Option(
        metavar="HxW|auto|none",
        help="Training crops; auto is 256x320, or the first image's size if smaller; "
        "none is whole images of one size.",
        rich_help_panel=RECIPE,
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        metavar="LOW:HIGH|none",
        help="Random scale (default: the dataset's)",
        rich_help_panel=RECIPE,
    ),
]
Flip = Annotated[
    bool | None,
    typer.Option(
        "--flip/--no-flip", help="Mirror (default: the dataset's)", rich_help_panel=RECIPE
    ),
]
Color = Annotated[
    float | None,
    typer.Option(
        help="Strength of random brightness, contrast and saturation, 0 to 1 "
        "(default: the dataset's)",
        rich_help_panel=RECIPE,
    ),
]
Augment = Annotated[
    bool,
    typer.Option("--augment/--no-augment", help="Vary the crops.", rich_help_panel=RECIPE),
]
Optimizer = Annotated[
    str,
    typer.Option(
        metavar="adamw|adam|sgd|muon|caffe_sgd",
        help="muon learns fast from nothing; caffe_sgd is Caffe's.",
        rich_help_panel=RECIPE,
    ),
]
Momentum = Annotated[
    float | None,
    typer.Option(
        help="Of sgd, muon and caffe_sgd (default: 0.9, muon 0.95)", rich_help_panel=RECIPE
    ),
]
BiasRate = Annotated[
    float, typer.Option(help="Factor on the rate of biases.", rich_help_panel=RECIPE)
]
Rate = Annotated[
    list[str] | None,
    typer.Option(
        "--rate",
        metavar="GLOB=FACTOR",
        help="Factor on the rate of the layers of these names. Repeatable.",
        rich_help_panel=RECIPE,
    ),
]
Freeze = Annotated[
    list[str] | None,
    typer.Option(
        "--freeze",
        metavar="GLOB",
        help="Do not train the layers of these names; 'all but scores' trains the last layers "
        "alone. Repeatable.",
        rich_help_panel=RECIPE,
    ),
]
Loss = Annotated[
    str,
    typer.Option(
        metavar="LOSS",
        help="cross_entropy, focal, dice, jaccard, lovasz, ohem; 'focal(gamma=3)', "
        "'cross_entropy + 0.5 * lovasz'.",
        rich_help_panel=RECIPE,
    ),
]
Normalization = Annotated[
    str,
    typer.Option(metavar="mean|sum", help="Of the loss over the pixels.", rich_help_panel=RECIPE),
]
Ema = Annotated[
    float | None,
    typer.Option(
        metavar="MOMENTUM",
        help="Validate and keep a running average of the weights, such as 0.99.",
        rich_help_panel=RECIPE,
    ),
]
HalfSize = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Share of the epochs, the first, on crops of half the size, which cost a quarter.",
        rich_help_panel=RECIPE,
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        help="Highest rate (default: 1e-3, sgd 1e-2, caffe_sgd 1e-4; a tenth from pretrained "
        "weights)",
        rich_help_panel=RECIPE,
    ),
]
Schedule = Annotated[
    str,
    typer.Option(metavar="cosine|poly|step|constant", help="Of the rate.", rich_help_panel=RECIPE),
]
Warmup = Annotated[
    float | None,
    typer.Option(
        metavar="EPOCHS",
        help="Linear warm-up (default: 1, at most a tenth of the epochs)",
        rich_help_panel=RECIPE,
    ),
]
WeightDecay = Annotated[
    float | None,
    typer.Option(
        help="Decay of the kernels (default: adamw 0.01, adam 0, both sgd 5e-4)",
        rich_help_panel=RECIPE,
    ),
]
ClassWeights = Annotated[
    str,
    typer.Option(
        metavar="none|NAME|W,W,...",
        help="Weights of the classes in the loss; enet is 1 / ln(1.02 + share of the class), "
        "sqrt-enet its square root, median the median frequency over the class's own.",
        rich_help_panel=RECIPE,
    ),
]
MixedPrecision = Annotated[
    bool,
    typer.Option(
        "--mixed-precision/--no-mixed-precision",
        help="16-bit multiplications: on GPUs, and on CPUs that have bfloat16.",
        rich_help_panel=RECIPE,
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        metavar="auto|float32|mixed_float16|mixed_bfloat16",
        help="auto is 16-bit multiplications on GPUs that are faster by it; --mixed-precision "
        "asks for them on CPUs and older GPUs too.",
        rich_help_panel=RUN,
    ),
]
Devices = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|N|NAME,NAME",
        help="What to train on: auto is all GPUs, else the CPU; names are as gpu:0.",
        rich_help_panel=RUN,
    ),
]
RefreshBatchNorm = Annotated[
    int,
    typer.Option(
        metavar="BATCHES",
        help="Recompute BatchNormalization statistics over so many batches before each validation.",
        rich_help_panel=RECIPE,
    ),
]
Seed = Annotated[int, typer.Option(help="Of weights, order and crops.", rich_help_panel=RECIPE)]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="The run folder.", rich_help_panel=RUN)]
ValidateEvery = Annotated[
    int,
    typer.Option(
        metavar="EPOCHS",
        help="Validate so often, and after the last epoch.",
        rich_help_panel=RUN,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on after the last finished epoch, as the run was started.",
        rich_help_panel=RUN,
    ),
]
OnError = Annotated[
    str,
    typer.Option(
        metavar="raise|skip",
        help="At an image or mask that cannot be read: stop, or warn and go on without it.",
        rich_help_panel=DATA,
    ),
]
Cache = Annotated[
    str,
    typer.Option(
        metavar="none|memory|PATH",
        help="Keep decoded training images: in memory, or in files that begin with PATH.",
        rich_help_panel=DATA,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the run in the folder.", rich_help_panel=RUN),
]
