"""The options of a decoder over a classifier."""

from typing import Annotated, Any

from fcn_keras.models.options.shared import DECODER_FILTERS, DROPOUT, MOMENTUM, StartOptions
from fcn_keras.options import Option

DECODERS = ("unet", "unet++", "linknet", "fpn", "pspnet", "pan", "upernet")


DECODER = Option(
    f"Decoder of a segmenter: {', '.join(DECODERS)}. Of a depth net one of these, or any net over "
    "a classifier.",
    metavar="NAME",
    flag="decoder",
    kind=str,
    default="fpn",
    shown="fpn; unet of a depth net",
    choices=DECODERS,
)


class SegmenterOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.segmenter`, which documents them."""

    decoder: Annotated[str, DECODER]
    decoder_filters: Annotated[Any, DECODER_FILTERS]
    encoder_depth: Annotated[
        int | None,
        Option(
            "Strides of the classifier that a segmenter uses: 3 ends at stride 8, 5 at stride 32.",
            least=1,
            shown="all; 3 for the decoder pspnet",
        ),
    ]
    output_stride: Annotated[
        int | None,
        Option(
            "Stride of the deepest features in pixels: strides beyond it are removed from the "
            "classifier, and the later kernels dilated.",
            metavar="8|16",
            least=1,
            shown="the classifier's; 16 for the decoder pan",
        ),
    ]
    dropout: Annotated[float | None, DROPOUT]
    decoder_normalization: Annotated[
        str | None,
        Option(
            "Normalization behind each convolution of a segmenter's decoder; group is for steps of "
            "one or two images.",
            choices=("batch", "group", "none"),
            shown="batch; group for the decoder fpn",
        ),
    ]
    batch_norm_momentum: Annotated[float | None, MOMENTUM]
