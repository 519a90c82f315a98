"""FCN-32s, 16s and 8s over any classifier: one loop, as in the paper's figure 3."""

from typing import Unpack

import keras
import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.data_format import channels_last
from fcn_keras.models.alignment import ALIGNMENTS, on_pixels
from fcn_keras.models.backbone import load_backbone
from fcn_keras.models.init_from import begin_from, classifier_weights
from fcn_keras.models.inputs import assembled, open_streams
from fcn_keras.models.levels import Level, level_filters
from fcn_keras.models.options import FCNOptions, check_options
from fcn_keras.models.outputs import suffix_of, tasks_wanted
from fcn_keras.models.ways_up import AddedFeatures, AddedScores

L = keras.layers


@channels_last()
def fcn(
    num_classes,
    classifier="vgg16",
    stride=8,
    *,
    weights="imagenet",
    input_shape=(None, None, 3),
    alignment="same",
    preprocess=None,
    init_from=None,
    new_classes=False,
    skip_scales=None,
    output_stride=None,
    learn_upsampling=False,
    dropout=None,
    head_filters=None,
    batch_norm_momentum=0.9,
    score_initializer=None,
    decoder_filters=None,
    labels=None,
    name=None,
):
    """Builds a fully convolutional network over a classifier.

    The deepest features are scored and upsampled to the next finer map of the classifier, whose
    scores are added, and so on to the map of stride `stride`; the sum is upsampled to the image.
    `fcn32s`, `fcn16s`, `fcn8s`, `fcn4s` and `fcn2s` are this net at their stride.

    Args:
        num_classes: Number of classes, at least 2; void is not one of them. Or a task, such as
            `fcn_keras.tasks.Regression("distance", unit="px")`. A dict
            (`{"semantic": 33, "distance": task}`) gives several outputs over one trunk.
        classifier: A registered name (`fcn_keras.classifiers.names()`; case and underscores do
            not matter) or a functional Keras classifier of yours, which is copied, not changed.
        stride: Stride of the finest map that is scored, in pixels: 32, 16, 8, 4 or 2.
        weights: "imagenet"; "auto": imagenet where there are any; None: random; or the path of a
            weights file of the classifier. "imagenet" is not loaded with `init_from`. Ignored for
            a model of yours, whose own weights are kept.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works. One
            channel is grey; with more than three a pretrained first convolution is widened (early
            fusion). A dict (`{"color": (None, None, 3), "hha": (None, None, 3)}`) gives several
            inputs of one size, each with a trunk of its own, whose scores are averaged (late
            fusion).
        alignment: "same": logits lie exactly on the pixels and a constant map stays constant to
            the border. "caffe": the published nets (100 pixels of padding, valid fc6, pooling
            that rounds up, computed crops); only for classifiers with an fc6, and googlenet.
            "torch": nets of PyTorch, which resize maps by half pixels to the size needed.
        preprocess: "tf", "caffe", "torch", "lite" (modes of `layers.Preprocess`), a Keras layer,
            or None: the registered classifier's own, or nothing for a model of yours that scales
            its input itself. A dict where there are several inputs.
        init_from: The same or a coarser FCN (model or .keras path) whose weights are
            transplanted: FCN-32s -> 16s -> 8s.
        new_classes: Whether the classes are others than those of `init_from`: the score layers,
            and learned upsamplings of scores, begin anew, and everything else is transplanted.
        skip_scales: Factors on the skips, coarsest first: (0.01, 0.0001) is the published
            at-once FCN-8s. Each is a number, or one per channel. Default: none.
        output_stride: 8, 16, ...: strides beyond it are removed from the classifier and the later
            kernels dilated, as in DeepLab, so that the deepest scores have this stride.
        learn_upsampling: False: fixed bilinear. True: the inner upsamplings are learned from
            bilinear and the last is fixed, as in the paper. "all": the last is learned too.
        dropout: Dropout rate after each hidden layer of the head (fc6, fc7). Default: that of the
            classifier (0.5 for VGG, 0.1 for vgg_slim).
        head_filters: None: the classifier's own fc6 and fc7, transplanted (others have none).
            0: no head. An int: a new head of that many filters.
        batch_norm_momentum: Momentum of every BatchNormalization. Keras's classifiers keep
            0.99-0.999, under which a short training evaluates with statistics that lag behind;
            None leaves theirs.
        score_initializer: Initializer of the score layers. Default: zeros, as in the paper; with
            `decoder_filters` Glorot's.
        decoder_filters: None: scores are added, as in the paper. (128, 64): features are added
            instead, so many for each skip, coarsest first (an int: the same for all); each sum is
            mixed by a 3x3 convolution, and only the finest is scored, as in U-Net and feature
            pyramids. This helps with thin things. Needs alignment="same".
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model. Default: "fcn8s" for stride 8.

    Returns:
        A functional `keras.Model`: input RGB 0-255 (batch, H, W, C), any H and W; output float32
        logits (batch, H, W, num_classes), layer `score`. Score layers are named `score_fr`,
        `score_pool4`, `score_pool3` as in the published nets. With several outputs a dict of
        logits, layers `score_semantic`, ...; with several inputs a dict of images, and every
        layer of an input's own trunk ends in its name (`fc7_hha`).

    Raises:
        ValueError: for arguments that do not fit; the message quotes the value.
        FileNotFoundError: for weights that are neither here nor reachable; it says where to put
            them.

    Example:

    ```python
    model = fcn_keras.models.fcn(11, "vgg_slim", stride=16, weights=None)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Long, Shelhamer, Darrell (2015), section 4 and figure 3.
    """
    tasks = tasks_wanted(num_classes, labels)
    _check(stride, alignment, learn_upsampling, dropout, head_filters, batch_norm_momentum)
    check_options("fcn8s", {"new_classes": new_classes})
    weights = classifier_weights(weights, init_from, new_classes)
    trunk = {
        "head_filters": head_filters,
        "dropout": dropout,
        "batch_norm_momentum": batch_norm_momentum,
        "output_stride": output_stride,
    }
    streams = open_streams(input_shape, preprocess)
    align = ALIGNMENTS[alignment]
    backbones = {
        stream.name: load_backbone(stream, classifier, weights, align, **trunk)
        for stream in streams
    }
    levels = _levels(backbones, stride, skip_scales, decoder_filters, alignment)
    images = [stream.image for stream in streams]
    align = align(images, all(one.nested for one in backbones.values()))
    logits = {}
    for output, task in tasks.items():
        common = (task.channels, align, suffix_of(output), bool(learn_upsampling))
        way = AddedScores(*common, initializer=score_initializer)
        if decoder_filters is not None:
            way = AddedFeatures(
                *common, initializer=score_initializer, momentum=batch_norm_momentum
            )
        logits[output] = _decoded(way, levels, images[0], learn_upsampling == "all", task)
    model = assembled(streams, logits, name or f"fcn{stride}s")
    align.check(model, [next(iter(level.taps.values())).stride for level in levels])
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def fcn32s(num_classes, classifier="vgg16", **options: Unpack[FCNOptions]):
    """Builds FCN-32s: the deepest scores, upsampled 32 times.

    Args:
        num_classes, classifier: As `fcn_keras.models.fcn`.
        **options: The keyword arguments of `fcn_keras.models.fcn`.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, 3) to float32 logits
        (batch, H, W, num_classes); as `fcn_keras.models.fcn`.

    Raises:
        ValueError, FileNotFoundError: as `fcn_keras.models.fcn`.

    Example:

    ```python
    model = fcn_keras.fcn32s(num_classes=21, weights=None)
    ```

    Source: Long, Shelhamer, Darrell (2015), section 4.1.
    """
    return fcn(num_classes, classifier, 32, **options)


def fcn16s(num_classes, classifier="vgg16", **options: Unpack[FCNOptions]):
    """Builds FCN-16s: the deepest scores and those of stride 16 (pool4), upsampled 16 times.

    Args:
        num_classes, classifier: As `fcn_keras.models.fcn`.
        **options: The keyword arguments of `fcn_keras.models.fcn`.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, 3) to float32 logits
        (batch, H, W, num_classes); as `fcn_keras.models.fcn`.

    Raises:
        ValueError, FileNotFoundError: as `fcn_keras.models.fcn`.

    Example:

    ```python
    model = fcn_keras.fcn16s(num_classes=21, classifier="resnet50", weights=None)
    ```

    Source: Long, Shelhamer, Darrell (2015), section 4.2.
    """
    return fcn(num_classes, classifier, 16, **options)


def fcn8s(num_classes, classifier="vgg16", **options: Unpack[FCNOptions]):
    """Builds FCN-8s: scores of strides 32, 16 (pool4) and 8 (pool3) added, upsampled 8 times.

    Args:
        num_classes, classifier: As `fcn_keras.models.fcn`.
        **options: The keyword arguments of `fcn_keras.models.fcn`.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, 3) to float32 logits
        (batch, H, W, num_classes); as `fcn_keras.models.fcn`.

    Raises:
        ValueError, FileNotFoundError: as `fcn_keras.models.fcn`.

    Example:

    ```python
    model = fcn_keras.fcn8s(num_classes=11, classifier="vgg_slim", weights=None)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Long, Shelhamer, Darrell (2015), section 4.2.
    """
    return fcn(num_classes, classifier, 8, **options)


def fcn4s(num_classes, classifier="vgg16", **options: Unpack[FCNOptions]):
    """Builds FCN-4s: FCN-8s and a skip of stride 4 (pool2), upsampled 4 times.

    Args:
        num_classes, classifier: As `fcn_keras.models.fcn`.
        **options: The keyword arguments of `fcn_keras.models.fcn`.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, 3) to float32 logits
        (batch, H, W, num_classes); as `fcn_keras.models.fcn`.

    Raises:
        ValueError, FileNotFoundError: as `fcn_keras.models.fcn`.

    Example:

    ```python
    model = fcn_keras.fcn4s(11, "vgg_slim", weights=None, decoder_filters=(128, 96, 64))
    ```

    Source: the loop of Long, Shelhamer, Darrell (2015), section 4.2, one step further. The paper
    stopped at 8, where adding finer scores had ceased to pay.
    """
    return fcn(num_classes, classifier, 4, **options)


def fcn2s(num_classes, classifier="vgg16", **options: Unpack[FCNOptions]):
    """Builds FCN-2s: FCN-4s and a skip of stride 2 (pool1), upsampled twice.

    Args:
        num_classes, classifier: As `fcn_keras.models.fcn`.
        **options: The keyword arguments of `fcn_keras.models.fcn`.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, 3) to float32 logits
        (batch, H, W, num_classes); as `fcn_keras.models.fcn`.

    Raises:
        ValueError, FileNotFoundError: as `fcn_keras.models.fcn`.

    Example:

    ```python
    model = fcn_keras.fcn2s(11, "vgg_slim", weights=None, decoder_filters=(128, 96, 64, 32))
    ```

    Source: as `fcn4s`.
    """
    return fcn(num_classes, classifier, 2, **options)


def _decoded(way, levels, image, learned, task):
    """The paper's figure 3: begin with the deepest map, then add the finer ones."""
    x = way.scores(way.features(levels))
    upsampling = f"upscore{x.stride}" if x.stride > 2 else _upsampling(levels)
    last = {"upsampling": upsampling, "suffix": way.suffix, "learned": learned}
    return on_pixels(way.alignment, x, image, task, **last)


def _levels(backbones, stride, scales, filters, alignment):
    """The levels of a net, deepest first, their skips scaled."""
    first = next(iter(backbones.values()))
    strides = [tap.stride for tap in first.down_to(stride)]
    if first.deepest.stride < stride:
        raise ValueError(
            f"The classifier's deepest stride is {first.deepest.stride}, so there is no "
            f"FCN-{stride}s of it. Use the builder of a finer stride."
        )
    if stride not in (first.deepest.stride, *strides[-1:]):
        raise ValueError(
            f"The classifier has no map of stride {stride}; its strides are {first.strides}."
        )
    scales = _scales(scales, strides)
    filters = _filters(filters, len(strides), alignment)
    levels = [Level("fr", {name: backbone.deepest for name, backbone in backbones.items()})]
    for place, scale in enumerate(scales):
        pool = f"pool{strides[place].bit_length() - 1}"  # stride 8 ends with the third pooling
        taps = {
            name: _scaled(backbone.down_to(stride)[place], scale, f"{pool}{suffix_of(name)}")
            for name, backbone in backbones.items()
        }
        levels.append(Level(pool, taps, _upsampling(levels), filters[place]))
    return levels


def _upsampling(levels):
    """The name of the layer that upsamples the last level: "upscore2" is the first, as in the
    published nets.
    """
    return f"upscore_{levels[-1].name}" if len(levels) > 1 else "upscore2"


def _scales(given, strides):
    """One factor for each skip."""
    scales = (1,) * len(strides) if given is None else tuple(given)
    if len(scales) != len(strides):
        raise ValueError(
            f"`skip_scales` needs one factor for each of the {len(strides)} skips of strides "
            f"{strides}, got {scales}."
        )
    return scales


def _filters(given, skips, alignment):
    """A number of features for each skip, or None for each."""
    if given is None:
        return (None,) * skips
    if alignment != "same":
        raise ValueError(f"`decoder_filters` needs alignment='same', got {alignment!r}.")
    return level_filters(given, skips)


def _scaled(tap, scale, name):
    if np.ndim(scale) == 0 and scale == 1:
        return tap
    scale = np.asarray(scale, "float32").tolist()
    return tap.with_tensor(L.Rescaling(scale, name=f"scale_{name}")(tap.tensor))


def _check(stride, alignment, learn_upsampling, dropout, head_filters, batch_norm_momentum):
    whole_number("stride", stride)
    check_options(
        "fcn8s",
        {
            "alignment": alignment,
            "learn_upsampling": learn_upsampling,
            "dropout": dropout,
            "head_filters": head_filters,
            "batch_norm_momentum": batch_norm_momentum,
        },
    )
