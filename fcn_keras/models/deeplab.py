"""DeepLab v1: a classifier of stride 8, whose kernels have holes, and scores upsampled 8 times.

image - block 1 - pool 1 - block 2 - pool 2 - block 3 - pool 3 - block 4 - block 5 - fc6 - fc7
                                                                 stride 8: with holes        |
                                                                                    scores, logits

With several scales the image and the first four pooled maps are scored too, and the scores added.
"""

from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras.data_format import channels_last
from fcn_keras.geometry.field import trace
from fcn_keras.layers import CeilPooling2D, CropToReference, LeanHeNormal, PadToMultiple
from fcn_keras.models.alignment import SameAlignment, Tap, on_pixels
from fcn_keras.models.backbone import features_of, load_backbone, resolve, tap_of
from fcn_keras.models.init_from import begin_from, classifier_weights
from fcn_keras.models.inputs import assembled, one_stream, preprocessed
from fcn_keras.models.options import check_options
from fcn_keras.models.outputs import suffix_of, tasks_wanted
from fcn_keras.models.pooled_encoder import halving_poolings, hidden_layers
from fcn_keras.surgery.convolutionalize import copy_open
from fcn_keras.surgery.copying import Copier, with_batch_norm_momentum

L = keras.layers
STRIDE = 8
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


@dataclass(frozen=True)
class Trunk:
    """A classifier of stride 8.

    Attributes:
        deepest: `Tap` of its features.
        scales: KerasTensors, the finer maps that the multi-scale net scores: the preprocessed
            image, and what the first four poolings give.
        head: The classifier's fully connected layers, a tuple of `Hidden`.
        align: The `SameAlignment` that lays the scores on the pixels.
    """

    deepest: Tap
    scales: tuple
    head: tuple
    align: SameAlignment


@channels_last()
def deeplab_v1(
    num_classes,
    classifier="vgg16",
    *,
    variant="largefov",
    multi_scale=False,
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
        "head_filters": head_filters,
        "dropout": dropout,
        "batch_norm_momentum": batch_norm_momentum,
        "new_classes": new_classes,
    }
    check_options("deeplab_v1", given)
    weights = classifier_weights(weights, init_from, new_classes)
    stream = one_stream(input_shape, preprocess, "deeplab_v1")
    chosen, rate = VARIANTS[variant], RATE if dropout is None else dropout
    trunk = _trunk(stream, classifier, weights, chosen, batch_norm_momentum)
    features = [("fc8", _through_head(trunk, chosen, head_filters or chosen.filters, rate))]
    if multi_scale:
        for number, x in enumerate(trunk.scales):
            branch = _branch(x, stream.image, trunk.deepest, f"scale{number}", rate)
            features.append((f"scale{number}", branch))
    logits = {}
    for output, task in tasks.items():
        suffix = suffix_of(output)
        scores = trunk.deepest.with_tensor(_scores(features, task.channels, suffix))
        logits[output] = on_pixels(trunk.align, scores, stream.image, task, suffix=suffix)
    model = assembled([stream], logits, name)
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def _trunk(stream, classifier, weights, variant, momentum):
    """The `Trunk`; with the paper's poolings where the classifier has no other strides."""
    spec = resolve(classifier, weights, stream, keep_head=True)
    try:
        poolings = halving_poolings(spec.classifier, spec.classifier.name, "deeplab_v1")
    except ValueError:  # strides of other kinds
        return _dilated(stream, classifier, weights, momentum)
    corner = variant.pooling > 2  # cells on every 8th pixel, so that no size needs padding
    x = preprocessed(stream, spec.preprocess, spec.grey)
    if not corner:
        x = PadToMultiple(STRIDE, name="pad")(x)
    taken = {stream.image.name, *(layer.name for layer in keras.Model(stream.image, x).layers)}
    changes = with_batch_norm_momentum(momentum), _with_holes(spec.classifier)
    copy = _Copy(Copier(*changes, taken=taken), poolings, corner)
    deepest = tap_of(stream.image, features_of(spec.classifier, x, copy))
    scales = (x, *[*copy.pooled.values()][:POOLED])
    align = SameAlignment([stream.image], nested=not corner)
    return Trunk(deepest, scales, hidden_layers(spec), align)


def _dilated(stream, classifier, weights, momentum):
    """The `Trunk` of a classifier with strides of any kind, those beyond 8 removed."""
    options = {"head_filters": 0, "output_stride": STRIDE, "batch_norm_momentum": momentum}
    backbone = load_backbone(stream, classifier, weights, SameAlignment, **options)
    scales = tuple(tap.tensor for tap in reversed(backbone.finer))
    align = SameAlignment([stream.image], backbone.nested)
    return Trunk(backbone.deepest, scales, (), align)


class _Copy:
    """Calls what stands for a layer of a classifier whose only strides are poolings.

    Attributes:
        pooled: {pooling: KerasTensor}, what each pooling gives.
    """

    def __init__(self, copier, poolings, corner):
        self.copier = copier
        self.poolings = poolings
        self.corner = corner
        self.pooled = {}

    def __call__(self, layer, args, kwargs):
        if layer not in self.poolings:
            return copy_open(self.copier, layer, args, kwargs)
        strides = 2 if 2 ** (self.poolings.index(layer) + 1) <= STRIDE else 1

        def make(name):
            if self.corner:
                return CeilPooling2D(3, strides, padding=1, name=name)
            return L.MaxPooling2D(2, strides, padding="same", name=name)

        self.pooled[layer] = self.copier.new(layer.name, make, key=layer)(*args)
        return self.pooled[layer]


def _with_holes(classifier):
    """A change for `Copier`: holes for the convolutions of maps coarser than stride 8."""
    holes = {}
    for traced in trace(classifier)[0]:
        if isinstance(traced.operation, (L.Conv2D, L.DepthwiseConv2D)) and traced.parents:
            holes[traced.operation] = max(1, int(traced.parents[0].grids[0].stride) // STRIDE)

    def change(layer, config):
        if holes.get(layer, 1) > 1:
            config["dilation_rate"] = holes[layer]
        return config

    return change


def _through_head(trunk, variant, filters, rate):
    """The features after fc6 and fc7, which begin with the classifier's own where these fit."""
    x, convolutions = trunk.deepest.tensor, []
    units = (("fc6", variant.window, variant.hole), ("fc7", 1, 1))
    for number, (name, window, hole) in enumerate(units, start=6):
        convolve = L.Conv2D(
            filters,
            window,
            dilation_rate=hole,
            padding="same",
            activation="relu",
            kernel_initializer=LeanHeNormal(),
            name=name,
        )
        x = _dropped(convolve(x), rate, f"drop{number}")
        convolutions.append(convolve)
    if _fit(trunk.head, convolutions):
        for hidden, convolve in zip(trunk.head, convolutions, strict=True):
            convolve.set_weights(_decimated(hidden.weights, convolve.kernel.shape))
    return x


def _fit(head, convolutions):
    """Whether a pretrained head has two layers, which are at least as large as the net's."""
    return len(head) == len(convolutions) and all(
        hidden.weights and np.all(np.greater_equal(hidden.weights[0].shape, layer.kernel.shape))
        for hidden, layer in zip(head, convolutions, strict=True)
    )


def _decimated(weights, shape):
    """Evenly spaced cells, channels and filters of a larger kernel, and the filters' biases."""
    kernel, bias = weights
    for axis, count in enumerate(shape):
        chosen = np.linspace(0, kernel.shape[axis] - 1, count).round().astype(int)
        kernel = kernel.take(chosen, axis)
    return kernel, bias[chosen]


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
        x = _dropped(x, rate, f"{name}_drop{number}")
    return CropToReference(name=f"{name}_crop")([x, deepest.tensor])


def _scores(features, channels, suffix):
    """The sum of the scores of all features, a KerasTensor."""
    scores = [
        L.Conv2D(
            channels,
            1,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            name=f"score_{name}{suffix}",
        )(x)
        for name, x in features
    ]
    return L.Add(name=f"fuse_scales{suffix}")(scores) if len(scores) > 1 else scores[0]


def _dropped(x, rate, name):
    return L.Dropout(rate, name=name)(x) if rate else x
