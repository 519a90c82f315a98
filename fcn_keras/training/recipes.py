"""The named recipes: the paper's, those of the published nets, and newer ones.

`fcn-keras recipes` prints this table; `get` and `train --recipe` use it.
"""

from dataclasses import dataclass

from fcn_keras.training.net import Net
from fcn_keras.training.recipe import Recipe

PAPER = "Long, Shelhamer, Darrell (2015), section 4.3"
SKIPS = "Long, Shelhamer, Darrell (2015), section 4.2; rates in the steps of the published solvers"
SOLVER = "solver.prototxt and train.prototxt of {}, fcn.berkeleyvision.org"


@dataclass(frozen=True)
class NamedRecipe:
    """A line of the table.

    Attributes:
        name: Its name.
        purpose: What it is for, one line.
        source: Where its values come from.
        fields: {field: value} of `Recipe` that differ from the defaults.
        net: The `Net` that it is meant for.
        advice: What else it needs, or "".
    """

    name: str
    purpose: str
    source: str
    fields: dict
    net: Net
    advice: str = ""


def names():
    """Returns the names of all recipes, a list of str in the table's order."""
    return list(_TABLE)


def entry(name):
    """Returns the line of a recipe in the table.

    Args:
        name: One of `names()`.

    Returns:
        A `NamedRecipe`.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    if name not in _TABLE:
        raise ValueError(f"There is no recipe {name!r}. Known recipes: {', '.join(_TABLE)}.")
    return _TABLE[name]


def get(name, **changes):
    """Returns a named recipe, with some fields replaced.

    Args:
        name: One of `names()`.
        **changes: Fields of `Recipe`. `epochs` replaces `steps`; another optimizer brings its own
            defaults; `net={"classifier": "vgg16"}` changes the recipe's net.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: for an unknown name or an impossible value.
        TypeError: for a field that a recipe does not have.

    Example:

    ```python
    recipe = fcn_keras.training.recipes.get("camvid", epochs=100)
    model = recipe.net(labels)
    ```
    """
    line = entry(name)
    return Recipe(name=name, net=line.net, **line.fields).changed(**changes)


def make_recipe(recipe=None, **changes):
    """Returns the recipe that a caller means.

    Args:
        recipe: A `Recipe`, the name of one, or None for `Recipe()`.
        **changes: Fields that are replaced.
    """
    if isinstance(recipe, str):
        return get(recipe, **changes)
    return (recipe or Recipe()).changed(**changes)


def _net(model, classifier, **options):
    return Net(model, classifier, options={"alignment": "caffe", **options})


_CAFFE = {
    "optimizer": "caffe_sgd",
    "schedule": "constant",
    "warmup": 0.0,
    "weight_decay": 5e-4,
    "bias_rate": 2.0,
    "crop": None,
    "augment": False,
}
_PAPER = {**_CAFFE, "momentum": 0.9, "batch_size": 20, "epochs": 175}
_HEAVY = {**_CAFFE, "momentum": 0.99, "normalization": "sum", "batch_size": 1, "steps": 100_000}
_SEGNET = {
    **_CAFFE,
    "momentum": 0.9,
    "class_weights": "median",
    "normalization": "pixels",
    "refresh_batches": 100,
}
_DECONVNET = {
    **_CAFFE,
    "momentum": 0.9,
    "schedule": "step",
    "learning_rate": 0.01,
    "batch_size": 8,
    "accumulate": 8,
    "crop": (224, 224),
    "refresh_batches": 500,
    "validate_every": 20,
}
_DEEPLAB = {
    **_CAFFE,
    "momentum": 0.9,
    "learning_rate": 1e-3,
    "rates": {"score*": 10.0},
    "crop": (321, 321),
    "loss": "cross_entropy(stride=8)",
}
_DEEPLAB_POLY = {
    **_DEEPLAB,
    "augment": {"scale": (0.5, 1.5), "color": 0.0, "flip": True},
    "schedule": "poly",
    "batch_size": 10,
    "steps": 20_000,
}
_VARIED = {"scale": (0.5, 2.0), "color": 0.2}
_BATCH = "20 images of 500x500 need much memory: batch_size=1, accumulate=20 is nearly the same."
_SEGNET_SOURCE = (
    "Badrinarayanan, Kendall, Cipolla (2017), SegNet, section 3.3; prototxts of SegNet-Tutorial"
)
_SEGNET_ADVICE = (
    "The released CamVid nets were trained with class_weights='segnet-camvid'. Their statistics "
    "are averages over all training images: refresh_batches of at least images / batch_size."
)
_DECONVNET_SOURCE = (
    "Noh, Hong, Han (2015), DeconvNet, sections 4 and 5; solvers and prototxts of its authors"
)
_DEEPLAB_SOURCE = "Chen et al. (2018), DeepLab, section 4.1"
_DEEPLAB_LOSS = "The loss is that of the map of stride 8, with the labels of its cells' own pixels."
_COARSER = "Start from the trained {}: init_from=, --init-from."
_TODAY = {
    "augment": _VARIED,
    "warmup": 2.0,
    "weight_decay": 0.01,
    "learning_rate": 1e-3,
    "schedule": "cosine",
}

_DECODER = ("narrow_*", "skip_*", "mix_*", "score*")  # the layers behind the classifier

_TABLE = {
    line.name: line
    for line in (
        NamedRecipe(
            "small-data",
            "training from random weights on tens to hundreds of images",
            "this package; choices that good small nets share on CamVid's 367 images",
            {**_TODAY, "epochs": 200, "ema": 0.99, "refresh_batches": 20},
            Net("fcn8s", "vgg_slim"),
        ),
        NamedRecipe(
            "rare-classes",
            "small-data where thin and rare classes matter more than mean IoU",
            "weights: Paszke et al. (2016), ENet; mining: Shrivastava et al. (2016)",
            {
                **_TODAY,
                "epochs": 200,
                "ema": 0.99,
                "refresh_batches": 20,
                "loss": "ohem(share=0.25)",
                "class_weights": "enet",
            },
            Net("fcn8s", "vgg_slim"),
        ),
        NamedRecipe(
            "camvid",
            "CamVid's 367 images from random weights, in one to two hours on two cores",
            "this package; Muon; progressive resizing as in Tan and Le (2021), EfficientNetV2",
            {
                **_TODAY,
                "augment": {"scale": (0.6, 1.7), "color": 0.4},
                "crop": (256, 320),
                "epochs": 200,
                "half_size": 0.5,
                "optimizer": "muon",
                "learning_rate": 3e-3,
                "weight_decay": 1.0,
                "warmup": 4.0,
                "class_weights": "sqrt-enet",
                "ema": 0.99,
                "refresh_batches": 20,
                "validate_every": 20,
                "precision": "mixed",
            },
            Net("fcn4s", "resnet_slim", options={"decoder_filters": (96, 64)}),
        ),
        NamedRecipe(
            "membranes",
            "cells and membranes in micrographs, from random weights on some 20 of them",
            "this package; weight maps and elastic deformation: Ronneberger et al. (2015), U-Net",
            {
                **_TODAY,
                "augment": {
                    "flip": True,
                    "scale": (0.8, 1.25),
                    "color": 0.3,
                    "rotate": "quarters",
                    "elastic": 8.0,
                },
                "crop": (256, 256),
                "batch_size": 4,
                "steps": 7000,
                "warmup": 10.0,
                "optimizer": "muon",
                "learning_rate": 2e-3,
                "weight_decay": 0.3,
                "weight_maps": (10.0, 5.0),
                "ema": 0.99,
                "refresh_batches": 20,
                "validate_every": 40,
                "precision": "mixed",
            },
            Net(
                "unet",
                options={
                    "filters": (24, 48, 96, 192, 384),
                    "padding": "same",
                    "batch_norm": True,
                },
            ),
            "Average over all positions: evaluate --flip --rotate.",
        ),
        NamedRecipe(
            "camvid-pretrained",
            "CamVid from ImageNet's MobileNetV2, in 60 to 75 minutes on two cores with bfloat16",
            "this package; rates by depth as in Orsic et al. (2019), SwiftNet",
            {
                **_TODAY,
                "augment": {"scale": (0.6, 1.7), "color": 0.4},
                "crop": (256, 320),
                "epochs": 240,
                "half_size": 0.5,
                "optimizer": "muon",
                "learning_rate": 3e-3,
                "rates": {"*": 0.2, **dict.fromkeys(_DECODER, 1.0)},
                "weight_decay": 1.0,
                "warmup": 4.0,
                "class_weights": "sqrt-enet",
                "ema": 0.99,
                "refresh_batches": 20,
                "validate_every": 20,
                "precision": "mixed",
            },
            Net("fcn4s", "mobilenet_v2", options={"decoder_filters": (128, 96, 64)}),
        ),
        NamedRecipe(
            "fine-tune",
            "training from a pretrained classifier: a low rate, ten times that on the score layers",
            "this package; ten times the rate as in DeepLab",
            {**_TODAY, "epochs": 60, "learning_rate": 1e-4, "rates": {"score*": 10.0}},
            Net("fcn8s", "resnet50"),
        ),
        NamedRecipe(
            "fine-tune-sgd",
            "the same with SGD and poly decay",
            "Chen et al. (2018), DeepLab, section 4: momentum 0.9, decay 5e-4, poly 0.9, crops 321",
            {
                **_TODAY,
                "epochs": 60,
                "optimizer": "sgd",
                "nesterov": False,
                "learning_rate": 1e-3,
                "schedule": "poly",
                "weight_decay": 5e-4,
                "rates": {"score*": 10.0},
                "bias_rate": 2.0,
                "crop": (321, 321),
                "batch_size": 10,
            },
            Net("fcn8s", "vgg16"),
        ),
        NamedRecipe(
            "small-memory",
            "two small crops in a batch, accumulated gradients, 16-bit multiplications",
            "this package",
            {
                **_TODAY,
                "epochs": 100,
                "batch_size": 2,
                "accumulate": 4,
                "crop": (160, 160),
                "precision": "mixed",
            },
            Net("fcn8s", "vgg_slim"),
        ),
        NamedRecipe(
            "paper-alexnet",
            "the paper's FCN-AlexNet",
            PAPER,
            {**_PAPER, "learning_rate": 1e-3},
            _net("fcn32s", "alexnet"),
            _BATCH,
        ),
        NamedRecipe(
            "paper-vgg16",
            "the paper's FCN-VGG16, that is FCN-32s",
            PAPER,
            {**_PAPER, "learning_rate": 1e-4},
            _net("fcn32s", "vgg16"),
            _BATCH,
        ),
        NamedRecipe(
            "paper-googlenet",
            "the paper's FCN-GoogLeNet",
            f"{PAPER}; the smaller of its two weight decays",
            {**_PAPER, "learning_rate": 5e-5, "weight_decay": 2e-4},
            _net("fcn32s", "googlenet"),
            _BATCH,
        ),
        NamedRecipe(
            "paper-vgg16-16s",
            "the paper's FCN-16s, at a hundredth of the rate",
            SKIPS,
            {**_PAPER, "learning_rate": 1e-6},
            _net("fcn16s", "vgg16", learn_upsampling=True),
            _COARSER.format("FCN-32s"),
        ),
        NamedRecipe(
            "paper-vgg16-8s",
            "the paper's FCN-8s, at a hundredth of FCN-16s's rate",
            SKIPS,
            {**_PAPER, "learning_rate": 1e-8},
            _net("fcn8s", "vgg16", learn_upsampling=True),
            _COARSER.format("FCN-16s"),
        ),
        NamedRecipe(
            "paper-last-layer",
            "the paper's ablation: only the score layers of FCN-VGG16 are trained",
            f"{PAPER}: 70% of the full result",
            {**_PAPER, "learning_rate": 1e-4, "freeze": "all but scores"},
            _net("fcn32s", "vgg16"),
            _BATCH,
        ),
        NamedRecipe(
            "heavy-32s",
            "the published FCN-32s: whole images one by one, summed loss",
            SOLVER.format("voc-fcn32s"),
            {**_HEAVY, "learning_rate": 1e-10},
            _net("fcn32s", "vgg16"),
        ),
        NamedRecipe(
            "heavy-16s",
            "the published FCN-16s",
            SOLVER.format("voc-fcn16s"),
            {**_HEAVY, "learning_rate": 1e-12},
            _net("fcn16s", "vgg16"),
            _COARSER.format("FCN-32s"),
        ),
        NamedRecipe(
            "heavy-8s",
            "the published FCN-8s",
            SOLVER.format("voc-fcn8s"),
            {**_HEAVY, "learning_rate": 1e-14},
            _net("fcn8s", "vgg16"),
            _COARSER.format("FCN-16s"),
        ),
        NamedRecipe(
            "heavy-atonce",
            "the published FCN-8s in one stage",
            SOLVER.format("voc-fcn8s-atonce"),
            {**_HEAVY, "learning_rate": 1e-10, "steps": 300_000},
            _net("fcn8s", "vgg16"),
            "Its skips are scaled: skip_scales=(0.01, 0.0001), in Python.",
        ),
        NamedRecipe(
            "light-alexnet",
            "the published FCN-AlexNet: mean loss, 20 accumulated gradients",
            SOLVER.format("voc-fcn-alexnet"),
            {
                **_CAFFE,
                "momentum": 0.9,
                "batch_size": 1,
                "accumulate": 20,
                "learning_rate": 1e-4,
                "steps": 100_000,
            },
            _net("fcn32s", "alexnet"),
        ),
        NamedRecipe(
            "segnet",
            "the paper's SegNet: whole images, weights of median frequency, recomputed statistics",
            _SEGNET_SOURCE,
            {
                **_SEGNET,
                "learning_rate": 1e-3,
                "batch_size": 4,
                "steps": 40_000,
                "validate_every": 10,
            },
            Net("segnet", "vgg16"),
            _SEGNET_ADVICE,
        ),
        NamedRecipe(
            "segnet-basic",
            "the paper's SegNet-Basic, from random weights at a rate of 0.1",
            _SEGNET_SOURCE,
            {
                **_SEGNET,
                "learning_rate": 0.1,
                "batch_size": 12,
                "steps": 10_000,
                "validate_every": 33,
            },
            Net("segnet_basic"),
            _SEGNET_ADVICE,
        ),
        NamedRecipe(
            "deconvnet-objects",
            "the paper's DeconvNet, first stage: crops around single objects",
            _DECONVNET_SOURCE,
            {
                **_DECONVNET,
                "augment": {"scale": None, "color": 0.0, "flip": True},
                "objects": "background",
                "steps": 20_000,
                "drops": (0.45, 0.9),
            },
            Net("deconvnet", "vgg16"),
            "The second stage is the recipe deconvnet.",
        ),
        NamedRecipe(
            "deconvnet",
            "the paper's DeconvNet, second stage: crops around objects with all labels",
            _DECONVNET_SOURCE + "; the scales stand for those of its object proposals",
            {
                **_DECONVNET,
                "augment": {"scale": (0.6, 1.5), "color": 0.0, "flip": True},
                "objects": "all",
                "steps": 40_000,
                "drops": (0.25, 0.5, 0.75),
            },
            Net("deconvnet", "vgg16"),
            _COARSER.format("net of the recipe deconvnet-objects"),
        ),
        NamedRecipe(
            "deeplab-v1",
            "the paper's DeepLab-LargeFOV: crops of 321, ten times the rate on the score layer",
            "Chen et al. (2015), DeepLab, section 5.1; solver of its authors",
            {
                **_DEEPLAB,
                "augment": {"scale": None, "color": 0.0, "flip": True},
                "schedule": "step",
                "drops": (1 / 3, 2 / 3),
                "batch_size": 20,
                "steps": 6000,
            },
            Net("deeplab_v1", "vgg16"),
            _DEEPLAB_LOSS,
        ),
        NamedRecipe(
            "deeplab-v1-poly",
            "DeepLab-LargeFOV by the later recipe: poly decay, smaller batches, images resized",
            _DEEPLAB_SOURCE,
            _DEEPLAB_POLY,
            Net("deeplab_v1", "vgg16"),
            _DEEPLAB_LOSS,
        ),
        NamedRecipe(
            "deeplab-v2",
            "the paper's DeepLab v2 over VGG16",
            _DEEPLAB_SOURCE,
            _DEEPLAB_POLY,
            Net("deeplab_v2", "vgg16"),
            _DEEPLAB_LOSS,
        ),
        NamedRecipe(
            "hed",
            "the paper's HED: whole images one by one, summed class-balanced loss of every output",
            "Xie, Tu (2015), HED, section 4; solver.prototxt of github.com/s9xie/hed",
            {
                **_CAFFE,
                "momentum": 0.9,
                "schedule": "step",
                "drops": (1 / 3, 2 / 3),
                "learning_rate": 1e-6,
                "weight_decay": 2e-4,
                "rates": {"block5_conv*": 100.0, "score_dsn*": 0.01, "score_fuse": 0.001},
                "normalization": "sum",
                "batch_size": 1,
                "accumulate": 10,
                "steps": 30_000,
                "augment": True,
            },
            _net("hed", "vgg16"),
            "The authors trained on 96 rotated, mirrored and scaled copies of each image. Over "
            "another classifier leave out the rate of block5_conv*.",
        ),
    )
}
