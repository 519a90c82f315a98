"""The options of the FCNs."""

from typing import Annotated, Any

from fcn_keras.models.options.shared import DECODER_FILTERS, DROPOUT, StartOptions, checked_momentum
from fcn_keras.options import Option


class FCNOptions(StartOptions, total=False):
    """The options of `fcn_keras.models.fcn` and of `fcn32s` to `fcn2s`; `fcn` documents them."""

    alignment: Annotated[
        str,
        Option(
            "Alignment of logits and pixels: same keeps them exactly on each other, caffe is that "
            "of the published nets, torch resizes by half pixels as the nets of PyTorch.",
            default="same",
            choices=("same", "caffe", "torch"),
        ),
    ]
    skip_scales: Annotated[
        tuple | None, Option("Factors on the skips, coarsest first.", python_only=True)
    ]
    output_stride: Annotated[
        int | None,
        Option(
            "Stride of the deepest scores in pixels: strides beyond it are removed from the "
            "classifier, and the later kernels dilated.",
            metavar="8|16",
            least=1,
            shown="the classifier's",
        ),
    ]
    learn_upsampling: Annotated[
        bool | str,
        Option(
            "Learns the inner upsamplings, starting from bilinear, as in the paper.",
            default=False,
            choices=(False, True, "all"),
        ),
    ]
    dropout: Annotated[float | None, DROPOUT]
    head_filters: Annotated[
        int | None,
        Option(
            "Filters of a new head in front of the scores; 0 for none.",
            shown="the classifier's own head",
            python_only=True,
        ),
    ]
    batch_norm_momentum: Annotated[
        float | None,
        Option(
            "Momentum of every BatchNormalization; None keeps the classifier's.",
            default=0.9,
            check=checked_momentum,
            python_only=True,
        ),
    ]
    score_initializer: Annotated[Any, Option("Initializer of the score layers.", python_only=True)]
    decoder_filters: Annotated[Any, DECODER_FILTERS]
