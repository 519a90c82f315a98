"""DeepLab v1: a classifier of stride 8, whose kernels have holes, and scores upsampled 8 times.

image - block 1 - pool 1 - block 2 - pool 2 - block 3 - pool 3 - block 4 - block 5 - fc6 - fc7
                                                                 stride 8: with holes        |
                                                                                    scores, logits

With several scales the image and the first four pooled maps are scored too, and the scores added.
"""

from dataclasses import dataclass

import keras

from fcn_keras.data_format import channels_last
from fcn_keras.layers import CropToReference, LeanHeNormal
from fcn_keras.models.alignment import on_pixels
from fcn_keras.models.arguments import checked_arguments
from fcn_keras.models.backbone import tap_of
from fcn_keras.models.dilated_trunk import dropped, hidden_features, load_trunk, summed_scores
from fcn_keras.models.init_from import begin_from
from fcn_keras.models.inputs import assembled
from fcn_keras.models.outputs import suffix_of, tasks_wanted

L = keras.layers
RATE = 0.5
BRANCH = 128  # filters of each branch of the multi-scale net
POOLED = 4  # poolings whose maps have a branch


@dataclass(frozen=True)
class Variant:
    """One of the paper's nets.

    Attributes:
        window: Rows and columns of fc6.
        hole: Its dilation.
        filters: Filters of fc6 and fc7.
        pooling: Rows and columns of the poolings.
    """

    window: int
    hole: int
    filters: int
    pooling: int = 2


VARIANTS = {
    "largefov": Variant(3, 12, 1024, pooling=3),
    "7x7": Variant(7, 4, 4096),
    "4x4": Variant(4, 8, 4096),
    "plain": Variant(4, 4, 4096),
}


@channels_last()
def deeplab_v1(
    num_classes,
    classifier="vgg16",
    *,
    variant="largefov",
    multi_scale=False,
    average_pool=False,
    head_filters=None,
    dropout=None,
    batch_norm_momentum=0.9,
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    labels=None,
    name="deeplab_v1",
):
    """Builds DeepLab v1: a classifier with holes instead of its last strides.

    The poolings beyond stride 8 lose their stride, the convolutions after them get holes, and fc6
    is a window with holes. Its scores are upsampled 8 times. The paper refines them by a dense CRF
    (`fcn_keras.crf`), which is no part of the net.

    Args:
        num_classes: Number of classes, a task, or {output: number or task}, as
            `fcn_keras.models.fcn`.
        classifier: A registered name or a functional Keras classifier of yours. Of one whose map
            shrinks by max poolings of window 2x2 alone (vgg16, vgg19, vgg_slim) the poolings are
            the paper's; of others the strides beyond 8 are removed (`fcn_keras.surgery.dilate`).
        variant: The paper's net. "largefov": fc6 of 3x3 with holes of 12, 1024 filters, and
            poolings of 3x3. "7x7": fc6 of 7x7 with holes of 4, "4x4": of 4x4 with holes of 8,
            "plain": of 4x4 with holes of 4; these have 4096 filters and poolings of 2x2.
        multi_scale: Whether the image and the maps of the first four poolings are scored too, each
            behind two convolutions of 128 filters, and the scores added ("MSc"). Of classifiers
            with other strides these are the maps of strides 2 and 4.
        average_pool: Whether the last map is averaged over windows of 3x3 cells, with zeros around
            it, in front of fc6. The paper does not mention it; the released LargeFOV has it
            ("pool5a"), and so a receptive field of 435.
        head_filters: Filters of fc6 and fc7. Default: those of the variant.
        dropout: Dropout rate after fc6, fc7 and the convolutions of the branches. Default: 0.5.
        batch_norm_momentum: Momentum of every BatchNormalization of the classifier; None keeps
            it.
        weights: As `fcn_keras.models.fcn`. Where the classifier is pretrained with a larger fc6 and
            fc7, as VGG16, these begin with evenly spaced cells and filters of them.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works.
        preprocess: As `fcn_keras.models.fcn`.
        init_from: A DeepLab (model or .keras path) whose weights it starts from, such as that
            without `multi_scale`. "imagenet" weights are not loaded then.
        new_classes: Whether the classes are others than those of `init_from`.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). Layers "fc6", "fc7" and "score_fc8", of the branches
        "scale0_1", "scale0_2", "score_scale0", ...

    Raises:
        ValueError: for arguments that do not fit; the message quotes the value.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.deeplab_v1(11, "vgg_slim", weights=None, head_filters=64)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Chen, Papandreou, Kokkinos, Murphy, Yuille (2015), "Semantic Image Segmentation with
    Deep Convolutional Nets and Fully Connected CRFs", sections 3 and 4.
    """
    tasks = tasks_wanted(num_classes, labels)
    given = {
        "variant": variant,
        "multi_scale": multi_scale,
        "average_pool": average_pool,
        "head_filters": head_filters,
        "dropout": dropout,
        "batch_norm_momentum": batch_norm_momentum,
    }
    _, stream, weights = checked_arguments(
        "deeplab_v1", given, input_shape, preprocess, weights, init_from, new_classes
    )
    chosen, rate = VARIANTS[variant], RATE if dropout is None else dropout
    pooling, momentum = chosen.pooling, batch_norm_momentum
    trunk = load_trunk(
        stream, classifier, weights, "deeplab_v1", pooling=pooling, momentum=momentum
    )
    x, filters = trunk.deepest.tensor, head_filters or chosen.filters
    if average_pool:
        x = L.ZeroPadding2D(1, name="pool5a_pad")(x)
        x = L.AveragePooling2D(3, 1, name="pool5a")(x)
    x = hidden_features(trunk, x, chosen.window, chosen.hole, filters, rate)
    features = [("fc8", x)]
    if multi_scale:
        for number, x in enumerate(trunk.finer[: POOLED + 1]):
            branch = _branch(x, stream.image, trunk.deepest, f"scale{number}", rate)
            features.append((f"scale{number}", branch))
    logits = {}
    for output, task in tasks.items():
        suffix = suffix_of(output)
        scores = summed_scores(features, task.channels, suffix, "fuse_scales")
        scores = trunk.deepest.with_tensor(scores)
        logits[output] = on_pixels(trunk.align, scores, stream.image, task, suffix=suffix)
    model = assembled([stream], logits, name)
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def _branch(x, image, deepest, name, rate):
    """Features of a finer map on the cells of the deepest."""
    tap = tap_of(image, x)
    step = deepest.stride // tap.stride
    starts = [
        round((a - b) / tap.stride) - 1 for a, b in zip(deepest.offset, tap.offset, strict=True)
    ]
    pads = [(max(0, -start), step + 1 + max(0, start)) for start in starts]
    x = L.ZeroPadding2D(pads, name=f"{name}_pad")(x)
    x = L.Cropping2D([(max(0, start), 0) for start in starts], name=f"{name}_start")(x)
    for number, window in enumerate((3, 1), start=1):
        x = L.Conv2D(
            BRANCH,
            window,
            strides=step if window > 1 else 1,
            activation="relu",
            kernel_initializer=LeanHeNormal(),
            name=f"{name}_{number}",
        )(x)
        x = dropped(x, rate, f"{name}_drop{number}")
    return CropToReference(name=f"{name}_crop")([x, deepest.tensor])
