"""HED: a boundary map from every stride of a classifier, and their fusion.

image - block 1 - pool - block 2 - pool - block 3 - pool - block 4 - pool - block 5
           |               |               |               |               |
         score           score           score           score           score
           |            upsample x2     upsample x4     upsample x8    upsample x16
           +---------------+-------+-------+---------------+---------------+
                                 fusion                     (and each by itself, in training)
"""

import keras

from fcn_keras.data_format import channels_last
from fcn_keras.geometry.taps import STRIDES, convolved_strides, traced_taps
from fcn_keras.layers import CropToReference, Logits
from fcn_keras.models.alignment import ALIGNMENTS, CaffeAlignment, Tap
from fcn_keras.models.backbone import load_backbone
from fcn_keras.models.inputs import assembled, one_stream
from fcn_keras.models.options import check_options, task_made_for
from fcn_keras.tasks import Boundaries

L = keras.layers


class _Padded35(CaffeAlignment):
    """The alignment of the published net: 35 pixels of padding, for classifiers without fc6 too."""

    head_padding = "same"
    pad = 35

    @staticmethod
    def check_classifier(classifier, has_fc6):
        """Takes any classifier whose convolutions are padded."""


@channels_last()
def hed(
    classifier="vgg16",
    *,
    task=None,
    weights="imagenet",
    input_shape=(None, None, 3),
    alignment="same",
    merged=False,
    preprocess=None,
    batch_norm_momentum=0.9,
    labels=None,
    name="hed",
):
    """Builds HED, holistically-nested edge detection: a net that finds the boundaries of things.

    Every stride at which the classifier has convolutions gives a side output: the last map of the
    stride, reduced to one logit, upsampled bilinearly to the image. A convolution of 1x1 fuses
    them; its weights start at 1 / number of side outputs. The loss compares the fusion and each
    side output with the target.

    Args:
        classifier: A registered name or a functional Keras classifier of yours, as
            `fcn_keras.models.fcn`. VGG16 has side outputs of the strides 1, 2, 4, 8 and 16,
            ResNet50 of 2 to 32.
        task: A `fcn_keras.tasks.Boundaries`, or None.
        weights: As `fcn_keras.models.fcn`.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works.
        alignment: "same": every side output lies exactly on the pixels. "caffe": the published
            net: 35 pixels of padding, pooling that rounds up, computed crops; for classifiers of
            padded convolutions and poolings, such as VGG16.
        merged: Whether the net answers the mean of the probabilities of the fusion and all side
            outputs, as the paper's best result ("merged"), in place of the fusion's.
        preprocess, batch_norm_momentum: As `fcn_keras.models.fcn`.
        labels: None; boundaries have no classes.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, 1 + side outputs), the fusion first; over VGG16 14,716,171 parameters.
        `fcn_keras.segment` returns the probability of the fusion, float32 (H, W). The layers of
        the scores are "score_dsn1" to "score_dsn5" and "score_fuse".

    Raises:
        ValueError: for another task, arguments that do not fit, or a classifier that
            `alignment="caffe"` does not take.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.hed("vgg_slim", weights=None)
    fcn_keras.segment(model, np.zeros((97, 131, 3), "uint8")).shape     # (97, 131)
    ```

    Source: Xie, Tu (2015), "Holistically-nested edge detection", section 3 and figure 3; crops
    and starting values: train_val.prototxt of github.com/s9xie/hed.
    """
    if task is not None:
        task_made_for("hed", task)
    given = {"alignment": alignment, "merged": merged, "batch_norm_momentum": batch_norm_momentum}
    check_options("hed", given)
    if labels is not None:
        raise ValueError(f"`labels` names classes, which boundaries have not, got {labels!r}.")
    stream = one_stream(input_shape, preprocess, "hed")
    align = {**ALIGNMENTS, "caffe": _Padded35}[alignment]
    backbone = load_backbone(
        stream,
        classifier,
        weights,
        align,
        head_filters=0,
        batch_norm_momentum=batch_norm_momentum,
        before_pooling=True,
    )
    taps = _side_taps(stream.image, backbone)
    align, pixels = align([stream.image], backbone.nested), Tap(stream.image, 1, (0, 0))
    sides = [_side_output(tap, number, align, pixels) for number, tap in enumerate(taps, start=1)]
    fused = L.Conv2D(
        1,
        1,
        kernel_initializer=keras.initializers.Constant(1 / len(sides)),
        dtype="float32",
        name="score_fuse",
    )(L.Concatenate(name="side_outputs", dtype="float32")(sides))
    every = L.Concatenate(name="outputs", dtype="float32")([fused, *sides])
    last = Logits(0, Boundaries(len(sides), bool(merged)).to_config(), name="score")
    return assembled([stream], {None: last([every, stream.image])}, name)


def _side_taps(image, backbone):
    """The last map of each stride with convolutions, the finest first."""
    trunk = keras.Model(image, backbone.deepest.tensor)
    convolved = convolved_strides(trunk)
    full = traced_taps(trunk, before_pooling=True, strides=(1,)).get(1)
    taps = [] if full is None else [Tap(full.tensor, 1, full.fields.offset)]
    taps += sorted((*backbone.finer, backbone.deepest), key=lambda tap: tap.stride)
    taps = [tap for tap in taps if tap.stride in convolved]
    if not taps:
        raise ValueError(
            f"hed needs a classifier with convolutions at one of the strides 1, "
            f"{', '.join(map(str, STRIDES))}; this one has none."
        )
    return taps


def _side_output(tap, number, align, pixels):
    """The logit of a map at the image's pixels, (batch, H, W, 1)."""
    score = L.Conv2D(1, 1, kernel_initializer="zeros", name=f"score_dsn{number}")(tap.tensor)
    score = tap.with_tensor(score)
    if tap.stride > 1:
        score = align.upsampled(score, pixels, False, f"upsample_{tap.stride}")
    crop = align.crop(score, pixels)
    return CropToReference(crop, name=f"crop_dsn{number}")([score.tensor, pixels.tensor])
