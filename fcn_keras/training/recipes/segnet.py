"""Recipes of SegNet and SegNet-Basic."""

from fcn_keras.training.net import Net
from fcn_keras.training.recipes.line import CAFFE, NamedRecipe

_SEGNET = {
    **CAFFE,
    "momentum": 0.9,
    "class_weights": "median",
    "normalization": "pixels",
    "refresh_batches": 100,
}
_SEGNET_SOURCE = (
    "Badrinarayanan, Kendall, Cipolla (2017), SegNet, section 3.3; prototxts of SegNet-Tutorial"
)
_SEGNET_ADVICE = (
    "The released CamVid nets were trained with class_weights='segnet-camvid'. Their statistics "
    "are averages over all training images: refresh_batches of at least images / batch_size."
)

RECIPES = (
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
)
