"""Recipes of the two stages of DeconvNet."""

from fcn_keras.training.net import Net
from fcn_keras.training.recipes.line import CAFFE, COARSER, NamedRecipe

_DECONVNET = {
    **CAFFE,
    "momentum": 0.9,
    "schedule": "step",
    "learning_rate": 0.01,
    "batch_size": 8,
    "accumulate": 8,
    "crop": (224, 224),
    "refresh_batches": 500,
    "validate_every": 20,
}
_DECONVNET_SOURCE = (
    "Noh, Hong, Han (2015), DeconvNet, sections 4 and 5; solvers and prototxts of its authors"
)

RECIPES = (
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
        COARSER.format("net of the recipe deconvnet-objects"),
    ),
)
