"""CRF-RNN: a segmenter followed by a CRF as RNN, trained end to end."""

import keras

from fcn_keras.layers import CRFAsRNN
from fcn_keras.models.outputs import check_single


def crf_rnn(fcn_model, *, name=None, **options):
    """Builds a segmenter followed by mean field in a fully connected CRF, to be trained together.

    Before training the result is that of `fcn_keras.crf.dense_crf` after the net. Training adds
    what the CRF's weights learn, and what the net learns from the CRF's gradients. Begin with a
    trained net, at a low rate, as the paper did. The model keeps the labels of the net.

    Args:
        fcn_model: A segmenter with one input, RGB 0-255 (batch, H, W, 3), and one output, logits
            (batch, H, W, num_classes) as large as the image: `fcn_keras.fcn8s(...)`. Its layers
            are shared, not copied: training trains them.
        name: Name of the model; by default that of the net and "_crf_rnn".
        **options: Of `fcn_keras.layers.CRFAsRNN`: iterations, inference_iterations, widths and
            first weights of the kernels.

    Returns:
        A functional `keras.Model`: RGB 0-255 to float32 logits (batch, H, W, num_classes); the
        CRF is its last layer, "crf_rnn".

    Raises:
        ValueError: for a net of several inputs or outputs, of other channels than RGB, with a CRF
            already, or an option out of range.

    Example:

    ```python
    fcn = fcn_keras.fcn32s(11, "vgg_slim", weights=None)
    model = fcn_keras.crf_rnn(fcn, iterations=2, inference_iterations=3, color_width=20)
    model(keras.ops.zeros((1, 24, 40, 3))).shape        # (1, 24, 40, 11)
    ```

    Source: Zheng et al. (2015), "Conditional random fields as recurrent neural networks",
    section 5.
    """
    check_single(fcn_model, "crf_rnn")
    if any(isinstance(layer, CRFAsRNN) for layer in fcn_model.layers):
        raise ValueError(f"{fcn_model.name!r} has a CRF as RNN already.")
    image, scores = fcn_model.inputs[0], fcn_model.outputs[0]
    if image.shape[-1] != 3:
        raise ValueError(
            f"crf_rnn compares colours, RGB; the input of {fcn_model.name!r} is {image.shape}. "
            "`fcn_keras.layers.CRFAsRNN` takes scores and an image of their size by themselves."
        )
    layer = CRFAsRNN(scores.shape[-1], name="crf_rnn", **options)
    return keras.Model(
        fcn_model.input, layer([scores, image]), name=name or f"{fcn_model.name}_crf_rnn"
    )
