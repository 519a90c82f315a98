"""What the tables of recipes are made of: a line, and values that several papers share."""

from dataclasses import dataclass

from fcn_keras.training.net import Net

CAFFE = {
    "optimizer": "caffe_sgd",
    "schedule": "constant",
    "warmup": 0.0,
    "weight_decay": 5e-4,
    "bias_rate": 2.0,
    "crop": None,
    "augment": False,
}
COARSER = "Start from the trained {}: init_from=, --init-from."


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


def net_of_the_paper(model, classifier, **options):
    """Returns a `Net` with the alignment of the published ones."""
    return Net(model, classifier, options={"alignment": "caffe", **options})
