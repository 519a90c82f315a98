"""FCN-32s, 16s and 8s over any classifier: one loop, as in the paper's figure 3."""

import functools
import inspect
import os

import keras
import numpy as np

from fcn_keras.layers import Logits
from fcn_keras.models.alignment import CaffeAlignment, SameAlignment
from fcn_keras.models.files import load_model
from fcn_keras.models.fusion import FeatureFusion, ScoreFusion
from fcn_keras.models.outputs import suffix_of, tasks_wanted
from fcn_keras.models.streams import open_streams
from fcn_keras.models.trunk import Tap
from fcn_keras.surgery import transplant

L = keras.layers

_ARGUMENTS = """
    Args:
        num_classes: Number of classes, at least 2; void is not one of them. Or a task, such as
            `fcn_keras.tasks.Regression("distance", unit="px")`. A dict
            (`{"semantic": 33, "distance": task}`) gives several outputs over one trunk.
        classifier: A registered name (`fcn_keras.classifiers.names()`; case and underscores do
            not matter) or a functional Keras classifier of yours, which is copied, not changed.
        weights: "imagenet", None (random), or the path of a weights file of the classifier.
            "imagenet" is not looked for with `init_from`. Ignored for a model of yours, whose own
            weights are kept.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works. One
            channel is grey; with more than three a pretrained first convolution is widened (early
            fusion). A dict (`{"color": (None, None, 3), "hha": (None, None, 3)}`) gives several
            inputs of one size, each with a trunk of its own, whose scores are averaged (late
            fusion).
        alignment: "same": logits lie exactly on the pixels and a constant map stays constant to
            the border. "caffe": the published nets (100 pixels of padding, valid fc6, pooling
            that rounds up, computed crops); only for classifiers with an fc6.
        preprocess: "tf", "caffe", "torch", a Keras layer, or None: the registered classifier's
            own, or nothing for a model of yours that scales its input itself. A dict where there
            are several inputs.
        init_from: A coarser FCN (model or .keras path) whose weights are transplanted:
            FCN-32s -> 16s -> 8s.
        skip_scales: Factors on the skips, coarsest first: (0.01, 0.0001) is the published
            at-once FCN-8s. Each is a number, or one a channel. Default: none.
        output_stride: 8, 16, ...: strides beyond it are removed from the classifier and the later
            kernels dilated, as in DeepLab, so that the deepest scores have this stride.
        learn_upsampling: False: fixed bilinear. True: the inner upsamplings are learned from
            bilinear and the last is fixed, as in the paper. "all": the last is learned too.
        dropout: Rate behind each hidden layer of the head (fc6, fc7). Default: the classifier's
            (0.5 for VGG, 0.1 for vgg_slim).
        head_filters: None: the classifier's own fc6 and fc7, transplanted (others have none).
            0: no head. An int: a new head of that many filters.
        batch_norm_momentum: Momentum of every BatchNormalization. Keras's classifiers keep
            0.99-0.999, under which a short training evaluates with statistics that never arrived;
            None leaves theirs.
        score_initializer: Initializer of the score layers. Default: zeros, as in the paper; with
            `decoder_filters` Glorot's.
        decoder_filters: None: scores are added, as in the paper. (128, 64): features are, so many
            a skip, coarsest first (an int for the same at all), each sum mixed by a 3x3
            convolution, and only the finest is scored: what U-Net and feature pyramids do, for
            thin things that scores of coarse cells lose. Needs alignment="same".
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

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
"""


def _fcn(
    num_classes,
    classifier="vgg16",
    stride=8,
    *,
    weights="imagenet",
    input_shape=(None, None, 3),
    alignment="same",
    preprocess=None,
    init_from=None,
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
    outputs = tasks_wanted(num_classes, labels)
    _check_choices(alignment, learn_upsampling)
    if init_from is not None and weights == "imagenet":
        weights = None  # the coarser net brings every weight of the classifier
    streams = open_streams(
        input_shape,
        preprocess,
        classifier,
        weights,
        alignment=alignment,
        head_filters=head_filters,
        dropout=dropout,
        batch_norm_momentum=batch_norm_momentum,
        output_stride=output_stride,
    )
    levels = _levels(streams, stride, skip_scales)
    filters = _decoder_filters(decoder_filters, len(levels) - 1, alignment)
    images = [stream.image for stream in streams]
    if alignment == "same":
        upsample = SameAlignment(images, all(stream.trunk.nested for stream in streams))
    else:
        upsample = CaffeAlignment(images)
    logits = {}
    for output, task in outputs.items():
        suffix = suffix_of(output)
        fusion = _fusion(task.channels, score_initializer, suffix, filters, batch_norm_momentum)
        config = task.to_config()
        logits[output] = _decoded(
            levels, images[0], fusion, upsample, learn_upsampling, suffix, config
        )
    model = keras.Model(
        {stream.name: stream.image for stream in streams} if streams[0].name else images[0],
        logits if None not in logits else logits[None],
        name=name,
    )
    upsample.check(model, [taps[0][1].stride for _, taps in levels])
    if init_from is not None:
        _initialize(model, init_from)
    return model


def _decoded(levels, image, fusion, upsample, learned, suffix, config):
    """The paper's figure 3: begin with the deepest map, then add the finer ones."""
    (_, deepest), *finer = levels
    score, upscore = fusion.deepest(deepest), "upscore2"
    for pool, taps in finer:
        skip = fusion.skip(taps, pool)
        coarse = fusion.narrowed(score, pool)
        fine = upsample(coarse, skip, bool(learned), f"{upscore}{suffix}")
        skip = upsample.aligned(skip, fine, f"score_{pool}c{suffix}")
        score, upscore = fusion.fused(fine, skip, pool), f"upscore_{pool}"
    score = fusion.scored(score)
    pixels = Tap(image, 1, (0, 0))
    if score.stride > 2:  # "upscore2" is the first, as in the published nets
        upscore = f"upscore{score.stride}"
    fine = upsample(score, pixels, learned == "all", f"{upscore}{suffix}")
    crop = Logits(upsample.crop(fine, pixels), config, name=f"score{suffix}")
    return crop([fine.tensor, image])


def _fusion(num_classes, initializer, suffix, filters, momentum):
    if filters is None:
        return ScoreFusion(num_classes, initializer, suffix)
    return FeatureFusion(num_classes, initializer, suffix, filters, momentum)


def _decoder_filters(given, skips, alignment):
    """One number a skip, or None."""
    if given is None:
        return None
    if alignment != "same":
        raise ValueError(f"`decoder_filters` needs alignment='same', got {alignment!r}.")
    filters = (given,) * skips if np.ndim(given) == 0 else tuple(given)
    if len(filters) != skips or any(not isinstance(n, int) or n < 1 for n in filters):
        raise ValueError(
            "`decoder_filters` needs one whole number of at least 1 for each of the "
            f"{skips} skips, got {given!r}."
        )
    return filters


def _levels(streams, stride, scales):
    """What is scored, deepest first: [(name, [(stream, tap), ...]), ...], skips scaled."""
    depths = [stream.trunk.deepest.stride for stream in streams]
    if depths[0] < stride:
        raise ValueError(
            f"The classifier's deepest stride is {depths[0]}, so there is no FCN-{stride}s of it. "
            "Use the builder of a finer stride."
        )
    skips = [stream.trunk.down_to(stride) for stream in streams]
    strides = [tap.stride for tap in skips[0]]
    if (strides[-1] if strides else depths[0]) != stride:
        trunk = streams[0].trunk
        raise ValueError(
            f"The classifier has no map of stride {stride}; its strides are "
            f"{sorted(t.stride for t in (trunk.deepest, *trunk.finer))}."
        )
    scales = (1,) * len(strides) if scales is None else tuple(scales)
    if len(scales) != len(strides):
        raise ValueError(
            f"`skip_scales` needs one factor for each of the {len(strides)} skips of strides "
            f"{strides}, got {scales}."
        )
    levels = [("fr", [(stream.name, stream.trunk.deepest) for stream in streams])]
    for number, scale in enumerate(scales):
        pool = f"pool{_depth(strides[number])}"
        taps = [
            (stream.name, _scaled(taps[number], scale, f"{pool}{suffix_of(stream.name)}"))
            for stream, taps in zip(streams, skips, strict=True)
        ]
        levels.append((pool, taps))
    return levels


def _scaled(tap, scale, name):
    if np.ndim(scale) == 0 and scale == 1:
        return tap
    scale = np.asarray(scale, "float32").tolist()
    return Tap(L.Rescaling(scale, name=f"scale_{name}")(tap.tensor), tap.stride, tap.offset)


def _initialize(model, init_from):
    if isinstance(init_from, (str, os.PathLike)):
        if not os.path.exists(init_from):
            raise FileNotFoundError(f"`init_from`: there is no model file {str(init_from)!r}.")
        init_from = load_model(init_from)
    print(f"{model.name} from {init_from.name}: {transplant(init_from, model)}")


def _depth(stride):
    """The number of the pooling that ends a stride: 8 -> 3, 16 -> 4."""
    return stride.bit_length() - 1


def _check_choices(alignment, learn_upsampling):
    if alignment not in ("same", "caffe"):
        raise ValueError(f"`alignment` must be 'same' or 'caffe', got {alignment!r}.")
    if learn_upsampling not in (False, True, "all"):
        raise ValueError(
            f"`learn_upsampling` must be False, True or 'all', got {learn_upsampling!r}."
        )


def _variant(stride):
    """Turns a documented stub into the builder of one stride, with the full signature."""

    def decorate(stub):
        @functools.wraps(stub)
        def build(num_classes, classifier="vgg16", **options):
            options.setdefault("name", stub.__name__)
            return _fcn(num_classes, classifier, stride, **options)

        build.__doc__ = stub.__doc__.replace("    ARGUMENTS\n", _ARGUMENTS.lstrip("\n"))
        signature = inspect.signature(_fcn)
        kept = [p for name, p in signature.parameters.items() if name != "stride"]
        build.__signature__ = signature.replace(parameters=kept)
        return build

    return decorate


@_variant(32)
def fcn32s():
    """FCN-32s: the deepest scores, upsampled 32 times.

    ARGUMENTS
    Example:

    ```python
    model = fcn_keras.fcn32s(num_classes=21, weights=None)
    ```

    Source: Long, Shelhamer, Darrell (2015), section 4.1.
    """


@_variant(16)
def fcn16s():
    """FCN-16s: the deepest scores and those of stride 16 (pool4), upsampled 16 times.

    ARGUMENTS
    Example:

    ```python
    model = fcn_keras.fcn16s(num_classes=21, classifier="resnet50", weights=None)
    ```

    Source: Long, Shelhamer, Darrell (2015), section 4.2.
    """


@_variant(8)
def fcn8s():
    """FCN-8s: scores of strides 32, 16 (pool4) and 8 (pool3) added, upsampled 8 times.

    ARGUMENTS
    Example:

    ```python
    model = fcn_keras.fcn8s(num_classes=11, classifier="vgg_slim", weights=None)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Long, Shelhamer, Darrell (2015), section 4.2.
    """


@_variant(4)
def fcn4s():
    """FCN-4s: FCN-8s and a skip of stride 4 (pool2), upsampled 4 times.

    ARGUMENTS
    Example:

    ```python
    model = fcn_keras.fcn4s(11, "vgg_slim", weights=None, decoder_filters=(128, 96, 64))
    ```

    Source: the loop of Long, Shelhamer, Darrell (2015), section 4.2, one step further. The paper
    stopped at 8, where adding finer scores had ceased to pay.
    """


@_variant(2)
def fcn2s():
    """FCN-2s: FCN-4s and a skip of stride 2 (pool1), upsampled twice.

    ARGUMENTS
    Example:

    ```python
    model = fcn_keras.fcn2s(11, "vgg_slim", weights=None, decoder_filters=(128, 96, 64, 32))
    ```

    Source: as `fcn4s`.
    """
