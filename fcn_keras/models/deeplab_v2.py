"""DeepLab v2: a classifier of stride 8, scored behind kernels with holes of several sizes.

image - classifier, stride 8, with holes - fc6 holes  6 - fc7 - scores -+
                                         - fc6 holes 12 - fc7 - scores -+- added, logits
                                         - fc6 holes 18 - fc7 - scores -+
                                         - fc6 holes 24 - fc7 - scores -+

Over a ResNet the scores themselves are 3x3 convolutions with these holes.
"""

from fcn_keras.data_format import channels_last
from fcn_keras.models.alignment import on_pixels
from fcn_keras.models.arguments import checked_arguments
from fcn_keras.models.dilated_trunk import hidden_features, load_trunk, summed_scores
from fcn_keras.models.init_from import begin_from
from fcn_keras.models.inputs import assembled
from fcn_keras.models.outputs import suffix_of, tasks_wanted

WINDOW = 3
FILTERS = 1024  # of fc6 and fc7 over VGG
RATE = 0.5  # of the Dropout


@channels_last()
def deeplab_v2(
    num_classes,
    classifier="vgg16",
    *,
    aspp_rates=(6, 12, 18, 24),
    head_filters=None,
    dropout=None,
    batch_norm_momentum=0.9,
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    labels=None,
    name="deeplab_v2",
):
    """Builds DeepLab v2: scores behind holes of several sizes are added (ASPP).

    Of VGG the poolings beyond stride 8 lose their stride, as in `deeplab_v1`; each branch has its
    own fc6, a 3x3 window with holes, and fc7. Of other classifiers, such as ResNet, the strides
    beyond 8 are removed, and a 3x3 convolution with holes gives the scores of each branch.

    Args:
        num_classes: Number of classes, a task, or {output: number or task}, as
            `fcn_keras.models.fcn`. Several outputs share all but the scores.
        classifier: A registered name or a functional Keras classifier of yours, as
            `fcn_keras.models.deeplab_v1`.
        aspp_rates: Dilation of each branch: (6, 12, 18, 24) is the paper's ASPP-L, (2, 4, 8, 12)
            its ASPP-S.
        head_filters: Filters of fc6 and fc7 of each branch; 0 for branches without them. Default:
            1024 where the classifier's only strides are max poolings of 2x2, as VGG's, else 0.
        dropout: Dropout rate after each fc6 and fc7. Default: 0.5.
        batch_norm_momentum: Momentum of every BatchNormalization of the classifier; None keeps
            it.
        weights: As `fcn_keras.models.fcn`. Each fc6 and fc7 begins as that of
            `fcn_keras.models.deeplab_v1`.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works.
        preprocess: As `fcn_keras.models.fcn`.
        init_from: A DeepLab v2 (model or .keras path) whose weights it starts from. "imagenet"
            weights are not loaded then.
        new_classes: Whether the classes are others than those of `init_from`.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). Layers "fc6_1", "fc7_1", "score_fc8_1", "fc6_2", ...

    Raises:
        ValueError: for arguments that do not fit; the message quotes the value.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.deeplab_v2(11, "resnet_slim", weights=None)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Chen, Papandreou, Kokkinos, Murphy, Yuille (2018), "DeepLab: Semantic Image Segmentation
    with Deep Convolutional Nets, Atrous Convolution, and Fully Connected CRFs", section 3.2.
    """
    tasks = tasks_wanted(num_classes, labels)
    given = {
        "aspp_rates": aspp_rates,
        "head_filters": head_filters,
        "dropout": dropout,
        "batch_norm_momentum": batch_norm_momentum,
    }
    options, stream, weights = checked_arguments(
        "deeplab_v2", given, input_shape, preprocess, weights, init_from, new_classes
    )
    holes, momentum = options["aspp_rates"], batch_norm_momentum
    trunk = load_trunk(stream, classifier, weights, "deeplab_v2", momentum=momentum)
    if head_filters is None:
        head_filters = FILTERS if trunk.pooled else 0
    features, scoring = [], {"window": WINDOW, "holes": holes}
    for number, hole in enumerate(holes, start=1):
        x = trunk.deepest.tensor
        if head_filters:
            rate, scoring = RATE if dropout is None else dropout, {}
            x = hidden_features(trunk, x, WINDOW, hole, head_filters, rate, f"_{number}")
        features.append((f"fc8_{number}", x))
    logits = {}
    for output, task in tasks.items():
        suffix = suffix_of(output)
        scores = summed_scores(features, task.channels, suffix, "fuse_rates", **scoring)
        scores = trunk.deepest.with_tensor(scores)
        logits[output] = on_pixels(trunk.align, scores, stream.image, task, suffix=suffix)
    model = assembled([stream], logits, name)
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model
