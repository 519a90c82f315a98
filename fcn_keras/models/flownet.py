"""FlowNetS and FlowNetC: from two frames to the optical flow between them.

frames                                                              flow of every pixel
  |                                                                      ^ bilinear
conv2 (stride 4) ------------------------ concatenated - predict_flow2 --+
  |                                            ^ upsampled features, flow3
conv3 (stride 8) --------- concatenated - predict_flow3
  |                             ^ upsampled features, flow4
 ...     ... ---- concatenated - ...
  |                    ^ upsampled features, flow6
conv6 (stride 64) - predict_flow6
"""

import keras

from fcn_keras.data_format import channels_last
from fcn_keras.layers import (
    BilinearUpsampling2D,
    Correlation2D,
    LeanHeNormal,
    Logits,
    PadToMultiple,
    SideOutputs,
    TakeFrame,
)
from fcn_keras.models.init_from import begin_with_all
from fcn_keras.models.inputs import assembled, one_stream, preprocessed, preprocessing_layer
from fcn_keras.models.options import check_options, task_made_for
from fcn_keras.tasks import Flow

L = keras.layers
SLOPE = 0.1  # of the LeakyReLU
DEEPEST, FINEST = 64, 4  # strides of the flow that is predicted
LEVELS = (6, 5, 4, 3, 2)
FILTERS = (64, 128, 256, 512, 512, 1024)


@channels_last()
def flownet_s(
    task=None,
    *,
    filters=FILTERS,
    scale=20.0,
    input_shape=(None, None, 6),
    preprocess=None,
    init_from=None,
    name="flownet_s",
):
    """Builds FlowNetS: two frames, stacked, go through one chain of convolutions.

    Ten convolutions lead down to a stride of 64 pixels. Flow is predicted there and at each finer
    stride up to 4, from the convolutions' map of this stride, upsampled features and the upsampled
    coarser flow. The finest flow is enlarged bilinearly to the pixels.

    In training the output has further channels: the flow of each level, which the loss of optical
    flow compares too (`fcn_keras.losses.MultiLevelEndPointError`).

    Args:
        task: None or `fcn_keras.tasks.Flow()`.
        filters: Filters of conv1 to conv6; those of the way up follow from them. A net of (8, 16,
            32, 64, 64, 128) has a 64th of the parameters.
        scale: Pixels of flow for 1 at the predicting layers. 20 in the paper; less, such as the
            largest displacement, for data that moves less.
        input_shape: (H, W, C) of both frames together; None leaves an axis open, so that any size
            from 1 works. C is even: 6 for two RGB frames, 2 for two grey ones.
        preprocess: As `fcn_keras.models.fcn`; the default is "tf", which scales to -1..1.
        init_from: A FlowNetS (model or .keras path) whose weights it starts from.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: frames 0-255 (batch, H, W, C), any H and W, to float32 flow
        (batch, H, W, 2) in pixels, from the first frame to the second. Layers have the names of
        the published net: "conv1", ..., "conv6_1", "predict_flow6", "upsample_flow6to5",
        "deconv5", ..., "predict_flow2".

    Raises:
        ValueError: for another task, or arguments that do not fit.

    Example:

    ```python
    model = fcn_keras.flownet_s(filters=(4, 8, 8, 16, 16, 16))
    model(keras.ops.zeros((1, 45, 60, 6))).shape        # (1, 45, 60, 2)
    ```

    Source: Dosovitskiy, Fischer et al. (2015), "FlowNet: Learning Optical Flow with Convolutional
    Networks", section 3 and figures 2 and 3.
    """
    given = {"filters": filters, "scale": scale}
    stream, image = _opened("flownet_s", task, given, input_shape, preprocess)
    x = _convolved(image, filters[0], 7, 2, "conv1")
    conv2 = _convolved(x, filters[1], 5, 2, "conv2")
    conv3 = _convolved(conv2, filters[2], 5, 2, "conv3")
    return _finished(stream, conv2, conv3, filters, scale, init_from, name)


@channels_last()
def flownet_c(
    task=None,
    *,
    filters=FILTERS,
    displacement=20,
    scale=20.0,
    input_shape=(None, None, 6),
    preprocess=None,
    init_from=None,
    name="flownet_c",
):
    """Builds FlowNetC: each frame has its own chain, and the correlation compares their maps.

    Three convolutions, shared by both frames, lead to a stride of 8 pixels. There every cell of
    the first frame is compared with 21x21 cells of the second (`fcn_keras.layers.Correlation2D`).
    The 441 results and 32 features of the first frame go on as in `flownet_s`.

    Args:
        task, scale, input_shape, preprocess, name: As `flownet_s`.
        filters: As `flownet_s`; the features beside the correlation are half as many as conv1 has.
        displacement: Largest displacement that is compared, in cells of 8 pixels, in steps of 2;
            20 in the paper, which is 160 pixels.
        init_from: A FlowNetC (model or .keras path) whose weights it starts from.

    Returns:
        A functional `keras.Model`, as `flownet_s`. The convolutions of both frames are "conv1",
        "conv2", "conv3", then come "corr", "conv_redir", "concat_corr" and "conv3_1".

    Raises:
        ValueError: for another task, or arguments that do not fit.

    Example:

    ```python
    model = fcn_keras.flownet_c(filters=(4, 8, 8, 16, 16, 16), displacement=4)
    model(keras.ops.zeros((1, 45, 60, 6))).shape        # (1, 45, 60, 2)
    ```

    Source: Dosovitskiy, Fischer et al. (2015), "FlowNet", section 3 and figure 2.
    """
    given = {"filters": filters, "scale": scale, "displacement": displacement}
    stream, image = _opened("flownet_c", task, given, input_shape, preprocess)
    sizes = zip(filters, (7, 5, 5), ("conv1", "conv2", "conv3"), strict=False)
    shared = [_Unit(count, size, 2, unit) for count, size, unit in sizes]
    first, second = (TakeFrame(number, name=f"frame{number + 1}")(image) for number in (0, 1))
    _, conv2, conv3 = _chain(shared, first)
    *_, other = _chain(shared, second)
    cost = Correlation2D(displacement, 2, name="corr")([conv3, other])
    cost = L.LeakyReLU(negative_slope=SLOPE, name="corr_activation")(cost)
    beside = _convolved(conv3, max(filters[0] // 2, 1), 1, 1, "conv_redir")
    x = L.Concatenate(name="concat_corr")([beside, cost])
    return _finished(stream, conv2, x, filters, scale, init_from, name)


class _Unit:
    """A convolution with (k - 1) / 2 zeros at each side and LeakyReLU; calls share the weights."""

    def __init__(self, filters, size, stride, name):
        margin = (size - 1) // 2
        self.layers = [
            *([L.ZeroPadding2D(margin, name=f"{name}_pad")] if margin else []),
            L.Conv2D(filters, size, stride, kernel_initializer=LeanHeNormal(), name=name),
            L.LeakyReLU(negative_slope=SLOPE, name=f"{name}_activation"),
        ]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def _chain(units, x):
    """What each of the units gives, one after the other."""
    maps = []
    for unit in units:
        x = unit(x)
        maps.append(x)
    return maps


def _convolved(x, filters, size, stride, name):
    return _Unit(filters, size, stride, name)(x)


def _opened(net, task, options, input_shape, preprocess):
    """The checked input: its `Stream`, and the scaled frames, padded to the deepest stride."""
    if task is not None:
        task_made_for(net, task)
    check_options(net, options)
    stream = one_stream(input_shape, preprocess, net)
    if stream.channels % 2:
        raise ValueError(
            f"`input_shape` of {net} has the channels of two frames, such as (None, None, 6), got "
            f"{input_shape!r}."
        )
    how = "tf" if stream.preprocess is None else stream.preprocess
    image = preprocessed(stream, preprocessing_layer(how, stream.suffix), grey=False)
    return stream, PadToMultiple(DEEPEST, name="pad")(image)


def _finished(stream, conv2, x, filters, scale, init_from, name):
    """The model, from the map of stride 8 on: the rest of the way down, and the way up."""
    x = _convolved(x, filters[2], 3, 1, "conv3_1")
    skips = [conv2, x]
    for number in (4, 5, 6):
        x = _convolved(x, filters[number - 1], 3, 2, f"conv{number}")
        x = _convolved(x, filters[number - 1], 3, 1, f"conv{number}_1")
        skips.append(x)
    flows = _refined(skips, (filters[0], filters[1], filters[2], filters[4]))
    pixels = [L.Rescaling(scale, dtype="float32", name=f"flow{n}")(flows[n]) for n in LEVELS[::-1]]
    full = BilinearUpsampling2D(FINEST, dtype="float32", name="upsample")(pixels[0])
    output = Logits(0, Flow().to_config(), name="score")([full, stream.image])
    factors = [2**n for n in LEVELS[::-1]]
    output = SideOutputs(factors, name="levels")([output, *pixels])
    model = assembled([stream], {None: output}, name)
    if init_from is not None:
        begin_with_all(model, init_from)
    return model


def _refined(skips, filters):
    """{level: flow}, coarsest first: figure 3 of the paper.

    Args:
        skips: The maps of levels 2 to 6.
        filters: Of the upsampled features of levels 2 to 5.
    """
    x, flows = skips[-1], {}
    for level in LEVELS:
        flows[level] = _predicted(x, f"predict_flow{level}")
        if level == LEVELS[-1]:
            return flows
        flow = _transposed(2, f"upsample_flow{level}to{level - 1}")(flows[level])
        features = _transposed(filters[level - 3], f"deconv{level - 1}")(x)
        features = L.LeakyReLU(negative_slope=SLOPE, name=f"deconv{level - 1}_activation")(features)
        x = L.Concatenate(name=f"concat{level - 1}")([skips[level - 3], features, flow])
    return flows


def _predicted(x, name):
    """The flow that features tell, which begins near zero."""
    begin = keras.initializers.VarianceScaling(0.01)
    return L.Conv2D(2, 3, padding="same", kernel_initializer=begin, name=name)(x)


def _transposed(filters, name):
    return L.Conv2DTranspose(filters, 4, strides=2, padding="same", name=name)
