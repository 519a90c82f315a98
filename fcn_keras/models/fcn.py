"""FCN-32s, 16s and 8s over any classifier: one loop, as in the paper's figure 3."""

import functools
import gc
import inspect
import itertools
import os

import keras
import numpy as np

from fcn_keras.layers import Logits
from fcn_keras.models.alignment import CaffeAlignment, SameAlignment
from fcn_keras.models.meaning import label_config
from fcn_keras.models.source import resolve
from fcn_keras.models.trunk import Tap, dense_trunk
from fcn_keras.surgery import transplant

L = keras.layers

_ARGUMENTS = """
    Args:
        num_classes: Number of classes, at least 2; void is not one of them.
        classifier: A registered name (`fcn_keras.classifiers.names()`; case and underscores do
            not matter) or a functional Keras classifier of yours, which is copied, not changed.
        weights: "imagenet", None (random), or the path of a weights file of the classifier.
            "imagenet" is not looked for with `init_from`. Ignored for a model of yours, whose own
            weights are kept.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works. Channel
            counts other than 3 need weights=None.
        alignment: "same": logits lie exactly on the pixels and a constant map stays constant to
            the border. "caffe": the published nets (100 pixels of padding, valid fc6, pooling
            that rounds up, computed crops); only for classifiers with an fc6.
        preprocess: "tf", "caffe", "torch", a Keras layer, or None: the registered classifier's
            own, or nothing for a model of yours that scales its input itself.
        init_from: A coarser FCN (model or .keras path) whose weights are transplanted:
            FCN-32s -> 16s -> 8s.
        skip_scales: Factors on the skips, coarsest first: (0.01, 0.0001) is the published
            at-once FCN-8s. Default: none.
        learn_upsampling: False: fixed bilinear. True: the inner upsamplings are learned from
            bilinear and the last is fixed, as in the paper. "all": the last is learned too.
        dropout: Rate behind each hidden layer of the head (fc6, fc7). Default: the classifier's
            (0.5 for VGG, 0.1 for vgg_slim).
        head_filters: None: the classifier's own fc6 and fc7, transplanted (others have none).
            0: no head. An int: a new head of that many filters.
        batch_norm_momentum: Momentum of every BatchNormalization. Keras's classifiers keep
            0.99-0.999, under which a short training evaluates with statistics that never arrived;
            None leaves theirs.
        score_initializer: Initializer of the score layers; zero in the paper.
        labels: A `LabelSet` that travels with the model.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: input RGB 0-255 (batch, H, W, C), any H and W; output float32
        logits (batch, H, W, num_classes), layer `score`. Score layers are named `score_fr`,
        `score_pool4`, `score_pool3` as in the published nets.

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
    learn_upsampling=False,
    dropout=None,
    head_filters=None,
    batch_norm_momentum=0.9,
    score_initializer="zeros",
    labels=None,
    name=None,
):
    _check_arguments(num_classes, input_shape, alignment, learn_upsampling)
    num_classes = int(num_classes)
    keep_head = head_filters is None
    if init_from is not None and weights == "imagenet":
        weights = None  # the coarser net brings every weight of the classifier
    source = resolve(classifier, weights, input_shape[-1], preprocess, keep_head)
    image = keras.Input(input_shape, name="image", dtype="float32")
    trunk = dense_trunk(
        image,
        source,
        alignment=alignment,
        head_filters=head_filters,
        dropout=dropout,
        batch_norm_momentum=batch_norm_momentum,
    )
    del source
    gc.collect()  # the classifier's weights were copied; a graph's cycles would keep them
    skips = _skips(trunk, stride, skip_scales)
    upsample = SameAlignment(image, trunk.nested) if alignment == "same" else CaffeAlignment(image)

    score = _score(trunk.deepest, num_classes, "score_fr", score_initializer)
    names = itertools.chain(["upscore2"], (f"upscore_pool{_depth(s.stride)}" for s, _ in skips))
    for (tap, scale), upscore in zip(skips, names, strict=False):
        pool = f"pool{_depth(tap.stride)}"
        if scale != 1:
            tap = Tap(L.Rescaling(scale, name=f"scale_{pool}")(tap.tensor), tap.stride, tap.offset)
        skip = _score(tap, num_classes, f"score_{pool}", score_initializer)
        fine = upsample(score, skip, bool(learn_upsampling), upscore)
        skip = upsample.aligned(skip, fine, f"score_{pool}c")
        fused = L.Add(name=f"fuse_{pool}")([fine.tensor, skip.tensor])
        score = Tap(fused, fine.stride, fine.offset)
    pixels = Tap(image, 1, (0, 0))
    fine = upsample(score, pixels, learn_upsampling == "all", f"upscore{score.stride}")
    logits = Logits(upsample.crop(fine, pixels), label_config(labels, num_classes), name="score")(
        [fine.tensor, image]
    )
    model = keras.Model(image, logits, name=name)
    if init_from is not None:
        _initialize(model, init_from)
    return model


def _score(tap, num_classes, name, initializer):
    layer = L.Conv2D(num_classes, 1, kernel_initializer=initializer, name=name)
    return Tap(layer(tap.tensor), tap.stride, tap.offset)


def _skips(trunk, stride, scales):
    """The taps to fuse, coarsest first, each with the factor on it."""
    if trunk.deepest.stride < stride:
        raise ValueError(
            f"The classifier's deepest stride is {trunk.deepest.stride}, so there is no "
            f"FCN-{stride}s of it. Use the builder of a finer stride."
        )
    taps = trunk.down_to(stride)
    if (taps[-1].stride if taps else trunk.deepest.stride) != stride:
        raise ValueError(
            f"The classifier has no map of stride {stride}; its strides are "
            f"{sorted(t.stride for t in (trunk.deepest, *trunk.finer))}."
        )
    scales = (1,) * len(taps) if scales is None else tuple(scales)
    if len(scales) != len(taps):
        raise ValueError(
            f"`skip_scales` needs one factor for each of the {len(taps)} skips of strides "
            f"{[t.stride for t in taps]}, got {scales}."
        )
    return list(zip(taps, scales, strict=True))


def _initialize(model, init_from):
    if isinstance(init_from, (str, os.PathLike)):
        if not os.path.exists(init_from):
            raise FileNotFoundError(f"`init_from`: there is no model file {str(init_from)!r}.")
        init_from = keras.models.load_model(init_from, compile=False)
    print(f"{model.name} from {init_from.name}: {transplant(init_from, model)}")


def _depth(stride):
    """The number of the pooling that ends a stride: 8 -> 3, 16 -> 4."""
    return stride.bit_length() - 1


def _check_arguments(num_classes, input_shape, alignment, learn_upsampling):
    whole = isinstance(num_classes, (int, np.integer)) and not isinstance(num_classes, bool)
    if not whole or num_classes < 2:
        raise ValueError(
            f"`num_classes` must be a whole number of at least 2, got {num_classes!r}. "
            "For one kind of object against the rest use 2: background and object."
        )
    if len(input_shape) != 3 or not isinstance(input_shape[-1], int):
        raise ValueError(
            f"`input_shape` must be (H, W, channels), H and W may be None, got {input_shape!r}."
        )
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
