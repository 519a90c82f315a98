"""The options of each net, declared once: signatures, commands, docs and checks are made from it.

Needs no Keras.
"""

from dataclasses import replace

from fcn_keras.checks import positive
from fcn_keras.models.options.deconvnet import DeconvNetOptions
from fcn_keras.models.options.deeplab import DeepLabOptions, DeepLabV2Options, DeepLabV3Options
from fcn_keras.models.options.eigen_fergus import EigenFergusOptions
from fcn_keras.models.options.fcn import FCNOptions
from fcn_keras.models.options.flownet import FlowNetCOptions, FlowNetOptions
from fcn_keras.models.options.hed import HEDOptions
from fcn_keras.models.options.segmenter import DECODER, DECODERS, SegmenterOptions
from fcn_keras.models.options.segnet import SegNetOptions
from fcn_keras.models.options.shared import CLASSIFIER
from fcn_keras.models.options.unet import UNET_ALONE, UNetOptions
from fcn_keras.options import Option, declared

# For each net of `fcn_keras.models.NETS` its options, {name: Option}.
OPTIONS = {
    name: {"classifier": CLASSIFIER, **declared(FCNOptions)}
    for name in ("fcn32s", "fcn16s", "fcn8s", "fcn4s", "fcn2s")
}
OPTIONS["segnet"] = {"classifier": CLASSIFIER, **declared(SegNetOptions)}
OPTIONS["segnet_basic"] = {  # it has its own encoder, which nobody trained before
    name: one for name, one in declared(SegNetOptions).items() if name != "weights"
}
OPTIONS["deconvnet"] = {"classifier": CLASSIFIER, **declared(DeconvNetOptions)}
OPTIONS["deeplab_v1"] = {"classifier": CLASSIFIER, **declared(DeepLabOptions)}
OPTIONS["deeplab_v2"] = {"classifier": CLASSIFIER, **declared(DeepLabV2Options)}
for _net in ("deeplab_v3", "deeplab_v3_plus"):
    OPTIONS[_net] = {
        "classifier": replace(CLASSIFIER, default="resnet50"),
        **declared(DeepLabV3Options),
    }
OPTIONS["deeplab_v3_plus"]["separable"] = replace(
    OPTIONS["deeplab_v3"]["separable"],
    default=True,  # as in its paper
)
OPTIONS["segmenter"] = {
    "classifier": replace(CLASSIFIER, default="mobilenet_v2"),
    **declared(SegmenterOptions),
}
OPTIONS["unet"] = {"classifier": replace(CLASSIFIER, default=None), **declared(UNetOptions)}
OPTIONS["flownet_s"] = declared(FlowNetOptions)
OPTIONS["flownet_c"] = declared(FlowNetCOptions)
OPTIONS["eigen_fergus"] = {"classifier": CLASSIFIER, **declared(EigenFergusOptions)}

# The nets that are made for one task, by its kind; their builders take it as `task`.
MADE_FOR = {"depth": "depth", "flownet_s": "flow", "flownet_c": "flow", "hed": "boundaries"}

# What `fcn_keras.models.depth` puts over a classifier: a net, or a decoder of a segmenter.
_OVER_CLASSIFIERS = [
    net for net, one in OPTIONS.items() if "classifier" in one and net not in MADE_FOR
]
DEPTH_DECODERS = tuple(
    name for name in dict.fromkeys([*_OVER_CLASSIFIERS, *DECODERS]) if name != "segmenter"
)
OPTIONS["depth"] = {
    "classifier": CLASSIFIER,
    "decoder": replace(DECODER, default="unet", choices=DEPTH_DECODERS),
    "start_depth": Option(
        "About the depth that an untrained depth net answers, such as the mean of the data.",
        metavar="UNITS",
        flag="start-depth",
        kind=float,
        shown="1",
        check=lambda name, value: value if value is None else positive(name, value),
    ),
    **{
        name: one
        for net in _OVER_CLASSIFIERS
        for name, one in OPTIONS[net].items()
        if name not in ("classifier", "decoder", "labels", "new_classes", *UNET_ALONE)
    },
}
OPTIONS["hed"] = {"classifier": CLASSIFIER, **declared(HEDOptions)}

# Of a net that takes a classifier or has its own way down: the options that need the one, and
# those that need the other.
_WITH_CLASSIFIER = {"unet": ("weights", "decoder_filters")}
_WITHOUT_CLASSIFIER = {"unet": UNET_ALONE}


def check_options(net, options):
    """Returns the options of a net, each checked against its declaration.

    Args:
        net: A name of `OPTIONS`.
        options: {option: value}.

    Raises:
        ValueError: for an unknown net, an option that the net does not have, or a value that is
            not possible; the message lists the possible ones.
    """
    if net not in OPTIONS:
        raise ValueError(f"There is no net {net!r}. Known nets: {', '.join(OPTIONS)}.")
    unknown = [name for name in options if name not in OPTIONS[net]]
    if unknown:
        raise ValueError(
            f"The net {net!r} has no option {unknown[0]!r}. It has {', '.join(OPTIONS[net])}."
        )
    return {name: OPTIONS[net][name].checked(name, value) for name, value in options.items()}


def net_of_decoder(decoder):
    """Returns the net that one of `DEPTH_DECODERS` is, and its options: {} or {"decoder": name}."""
    return (decoder, {}) if decoder in OPTIONS else ("segmenter", {"decoder": decoder})


def task_made_for(net, task):
    """Returns a task, checked against the one that a net of `MADE_FOR` is made for.

    Raises:
        ValueError: for another task, or a number of classes.
    """
    wanted = MADE_FOR[net]
    if getattr(task, "kind", None) != wanted:
        what = f"{task} classes" if isinstance(task, int) else task
        raise ValueError(
            f"The net {net!r} is made for {wanted}, got {what}. Take data of {wanted}, or another "
            "net."
        )
    return task


def needs_classifier(net):
    """Returns whether a net is built over a classifier only; other nets have a way down too."""
    one = OPTIONS[net].get("classifier")
    return one is not None and one.default is not None


def unused(net, classifier):
    """Returns the options of a net that mean nothing with, or without, a classifier.

    Args:
        net: A name of `OPTIONS`.
        classifier: Its classifier, or None.
    """
    return (_WITH_CLASSIFIER if classifier is None else _WITHOUT_CLASSIFIER).get(net, ())


def check_use(net, classifier, names):
    """Raises ValueError for an option that means nothing with, or without, a classifier.

    Args:
        net: A name of `OPTIONS`.
        classifier: Its classifier, or None.
        names: The options that were given.
    """
    for name in unused(net, classifier):
        if name in names:
            others = [other for other in OPTIONS[net] if other not in unused(net, classifier)]
            wrong = (
                f"`{name}` goes with a classifier, such as classifier='mobilenet_v2'; without one "
                if classifier is None
                else f"`{name}` is for a {net} without a classifier; over {name_of(classifier)!r} "
            )
            raise ValueError(f"{wrong}it has {', '.join(others)}.")


def name_of(classifier):
    """Returns the name of a classifier that is given by it or as a Keras model."""
    return classifier if isinstance(classifier, str) else classifier.name
