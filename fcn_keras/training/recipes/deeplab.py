"""Recipes of DeepLab v1 and v2."""

from fcn_keras.training.net import Net
from fcn_keras.training.recipes.line import CAFFE, NamedRecipe

_DEEPLAB = {
    **CAFFE,
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
_DEEPLAB_SOURCE = "Chen et al. (2018), DeepLab, section 4.1"
_DEEPLAB_LOSS = "The loss is that of the map of stride 8, with the labels of its cells' own pixels."

RECIPES = (
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
)
