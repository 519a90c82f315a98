"""segmenter: any decoder over any classifier, each chosen by name."""

from functools import partial

from fcn_keras.data_format import channels_last
from fcn_keras.models.alignment import SameAlignment
from fcn_keras.models.arguments import checked_arguments
from fcn_keras.models.backbone import load_backbone
from fcn_keras.models.decoders import DECODERS, decoded
from fcn_keras.models.init_from import begin_from
from fcn_keras.models.inputs import assembled
from fcn_keras.models.outputs import tasks_wanted


@channels_last()
def segmenter(
    num_classes,
    classifier="mobilenet_v2",
    decoder="fpn",
    *,
    decoder_filters=None,
    encoder_depth=None,
    output_stride=None,
    dropout=None,
    decoder_normalization=None,
    batch_norm_momentum=0.9,
    weights="imagenet",
    input_shape=(None, None, 3),
    preprocess=None,
    init_from=None,
    new_classes=False,
    labels=None,
    name="segmenter",
):
    """Builds a decoder over a classifier: U-Net, U-Net++, LinkNet, FPN, PSPNet, PAN or UPerNet.

    The decoders have the widths and the parameters of segmentation_models.pytorch. Each map is
    upsampled onto the exact cells of the next, and images of any size are taken.

    Args:
        num_classes: Number of classes, a task, or {output: number or task}, as
            `fcn_keras.models.fcn`. Several outputs share all but the last convolution.
        classifier: A registered name or a functional Keras classifier of yours, as
            `fcn_keras.models.fcn`, whose weights are kept.
        decoder: "unet", "unet++", "linknet", "fpn", "pspnet", "pan" or "upernet"; each is a class
            of `fcn_keras.models.decoders`, which names its paper.
        decoder_filters: Number of features. Of "unet" and "unet++" one for each level, coarsest
            first (256, 128, 64, 32, 16 by default), of "fpn" those of the pyramid and of its
            branches (256, 128); else one number: of "linknet" the last (32), of "pspnet" 512, of
            "pan" 32, of "upernet" 256.
        encoder_depth: Number of the classifier's strides that are used: 3 ends at stride 8, 5 at
            stride 32. Default: all; of "pspnet" 3.
        output_stride: Stride of the deepest features in pixels: strides beyond it are removed and
            the later kernels dilated. Default: the classifier's; of "pan" 16. With 8, "pspnet" is
            that of its paper.
        dropout: Dropout rate: of the last features, of "unet" and "unet++" of the deepest. Default:
            0.2 for "fpn" and "pspnet", else 0.
        decoder_normalization: "batch", "group" or "none" behind each convolution of the decoder.
            Default: "group" for "fpn", else "batch".
        batch_norm_momentum: Momentum of every BatchNormalization; None for those of the
            classifier, and Keras's 0.99 for the decoder's.
        weights: As `fcn_keras.models.fcn`.
        input_shape: (H, W, C); None leaves an axis open, so that any size from 1 works.
        preprocess: As `fcn_keras.models.fcn`.
        init_from: A segmenter of the same decoder (model or .keras path) whose weights it starts
            from. "imagenet" weights are not loaded then.
        new_classes: Whether the classes are others than those of `init_from`.
        labels: A `LabelSet` that travels with the model, or {output: LabelSet}.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, C), any H and W, to float32 logits
        (batch, H, W, num_classes). "pspnet", "pan" and "upernet" pool the whole image, as do the
        statistics of "group", so that no exact tiles exist.

    Raises:
        ValueError: for arguments that do not fit; the message quotes the value.
        FileNotFoundError: for weights that are neither here nor reachable.

    Example:

    ```python
    model = fcn_keras.segmenter(11, "mobilenet_v2", "linknet", weights=None)
    model(keras.ops.zeros((1, 97, 131, 3))).shape       # (1, 97, 131, 11)
    ```

    Source: Iakubovskii (2019), "Segmentation Models Pytorch", version 0.6, for the defaults; the
    papers are named with the decoders.
    """
    tasks = tasks_wanted(num_classes, labels)
    options = {
        "decoder": decoder,
        "decoder_filters": decoder_filters,
        "encoder_depth": encoder_depth,
        "output_stride": output_stride,
        "dropout": dropout,
        "decoder_normalization": decoder_normalization,
        "batch_norm_momentum": batch_norm_momentum,
    }
    _, stream, weights = checked_arguments(
        "segmenter", options, input_shape, preprocess, weights, init_from, new_classes
    )
    kind = DECODERS[decoder]
    backbone = load_backbone(
        stream,
        classifier,
        weights,
        SameAlignment,
        head_filters=0,
        batch_norm_momentum=batch_norm_momentum,
        before_pooling=True,
        all_stages=kind.all_stages,
        **_reach(kind, encoder_depth, output_stride),
    )
    make = partial(
        kind,
        filters=decoder_filters,
        dropout=dropout,
        normalization=decoder_normalization,
        momentum=batch_norm_momentum,
    )
    logits = decoded(backbone, stream.image, make, tasks)
    model = assembled([stream], logits, name)
    if init_from is not None:
        begin_from(model, init_from, new_classes)
    return model


def _reach(kind, depth, output_stride):
    """How far a decoder's classifier goes: the given depth and stride, or the decoder's own.

    Whoever names one of them has no default for the other.
    """
    if depth is None and output_stride is None:
        return {"depth": kind.depth, "output_stride": kind.output_stride}
    return {"depth": depth, "output_stride": output_stride}
