"""Recipes of the FCN paper and of the nets that its authors published."""

from fcn_keras.training.recipes.line import CAFFE, COARSER, NamedRecipe, net_of_the_paper

PAPER = "Long, Shelhamer, Darrell (2015), section 4.3"
_PAPER = {**CAFFE, "momentum": 0.9, "batch_size": 20, "epochs": 175}
_HEAVY = {**CAFFE, "momentum": 0.99, "normalization": "sum", "batch_size": 1, "steps": 100_000}
_BATCH = "20 images of 500x500 need much memory: batch_size=1, accumulate=20 is nearly the same."
SKIPS = "Long, Shelhamer, Darrell (2015), section 4.2; rates in the steps of the published solvers"
SOLVER = "solver.prototxt and train.prototxt of {}, fcn.berkeleyvision.org"

RECIPES = (
    NamedRecipe(
        "paper-alexnet",
        "the paper's FCN-AlexNet",
        PAPER,
        {**_PAPER, "learning_rate": 1e-3},
        net_of_the_paper("fcn32s", "alexnet"),
        _BATCH,
    ),
    NamedRecipe(
        "paper-vgg16",
        "the paper's FCN-VGG16, that is FCN-32s",
        PAPER,
        {**_PAPER, "learning_rate": 1e-4},
        net_of_the_paper("fcn32s", "vgg16"),
        _BATCH,
    ),
    NamedRecipe(
        "paper-googlenet",
        "the paper's FCN-GoogLeNet",
        f"{PAPER}; the smaller of its two weight decays",
        {**_PAPER, "learning_rate": 5e-5, "weight_decay": 2e-4},
        net_of_the_paper("fcn32s", "googlenet"),
        _BATCH,
    ),
    NamedRecipe(
        "paper-vgg16-16s",
        "the paper's FCN-16s, at a hundredth of the rate",
        SKIPS,
        {**_PAPER, "learning_rate": 1e-6},
        net_of_the_paper("fcn16s", "vgg16", learn_upsampling=True),
        COARSER.format("FCN-32s"),
    ),
    NamedRecipe(
        "paper-vgg16-8s",
        "the paper's FCN-8s, at a hundredth of FCN-16s's rate",
        SKIPS,
        {**_PAPER, "learning_rate": 1e-8},
        net_of_the_paper("fcn8s", "vgg16", learn_upsampling=True),
        COARSER.format("FCN-16s"),
    ),
    NamedRecipe(
        "paper-last-layer",
        "the paper's ablation: only the score layers of FCN-VGG16 are trained",
        f"{PAPER}: 70% of the full result",
        {**_PAPER, "learning_rate": 1e-4, "freeze": "all but scores"},
        net_of_the_paper("fcn32s", "vgg16"),
        _BATCH,
    ),
    NamedRecipe(
        "heavy-32s",
        "the published FCN-32s: whole images one by one, summed loss",
        SOLVER.format("voc-fcn32s"),
        {**_HEAVY, "learning_rate": 1e-10},
        net_of_the_paper("fcn32s", "vgg16"),
    ),
    NamedRecipe(
        "heavy-16s",
        "the published FCN-16s",
        SOLVER.format("voc-fcn16s"),
        {**_HEAVY, "learning_rate": 1e-12},
        net_of_the_paper("fcn16s", "vgg16"),
        COARSER.format("FCN-32s"),
    ),
    NamedRecipe(
        "heavy-8s",
        "the published FCN-8s",
        SOLVER.format("voc-fcn8s"),
        {**_HEAVY, "learning_rate": 1e-14},
        net_of_the_paper("fcn8s", "vgg16"),
        COARSER.format("FCN-16s"),
    ),
    NamedRecipe(
        "heavy-atonce",
        "the published FCN-8s in one stage",
        SOLVER.format("voc-fcn8s-atonce"),
        {**_HEAVY, "learning_rate": 1e-10, "steps": 300_000},
        net_of_the_paper("fcn8s", "vgg16"),
        "Its skips are scaled: skip_scales=(0.01, 0.0001), in Python.",
    ),
    NamedRecipe(
        "light-alexnet",
        "the published FCN-AlexNet: mean loss, 20 accumulated gradients",
        SOLVER.format("voc-fcn-alexnet"),
        {
            **CAFFE,
            "momentum": 0.9,
            "batch_size": 1,
            "accumulate": 20,
            "learning_rate": 1e-4,
            "steps": 100_000,
        },
        net_of_the_paper("fcn32s", "alexnet"),
    ),
)
