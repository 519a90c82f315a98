"""Post-processing by a dense CRF over the pixels of the image."""

import numpy as np

from fcn_keras.crf import dense_crf
from fcn_keras.data.images.conversion import to_input
from fcn_keras.inference.decoding import check_probabilities
from fcn_keras.inference.inputs import shapes_of
from fcn_keras.inference.postprocessor import Postprocessor


class CRFPredictor(Postprocessor):
    """Refines class probabilities by mean field inference in a fully connected CRF.

    Args:
        model: A Keras model, or a `Segmenter` with probabilities, such as a `TTAPredictor`.
        **options: Options of `fcn_keras.crf.dense_crf`: steps, the kernels' widths and weights, ...

    Attributes:
        task, labels, halo, size, channels: As of any `Segmenter`.

    Raises:
        TypeError: for an option that `dense_crf` does not have.
        ValueError: for a model whose output is not classes, or that does not take grey or RGB
            images.

    Example:

    ```python
    from fcn_keras.inference.crf import CRFPredictor

    predictor = CRFPredictor(model, steps=5, bilateral_weight=4)
    labels = predictor.segment("street.jpg")
    ```

    Source: Krähenbühl and Koltun (2011); after a net as in Chen et al. (2015), DeepLab.
    """

    def __init__(self, model, **options):
        super().__init__(model)
        check_probabilities(self.task, "A dense CRF")
        check_colors(self.segmenter)
        dense_crf(np.zeros((1, 1, 2), "float32"), np.zeros((1, 1, 3), "uint8"), **options)
        self.options = options

    def activations(self, images):
        """Returns the refined probabilities, float32 (batch, H, W, num_classes)."""
        shapes = shapes_of(self.segmenter, images[0])
        arrays = [to_input(image, shapes, self.image_reader) for image in images]
        found = self.segmenter.probabilities(arrays)
        pixels = np.stack([to_input(array) for array in arrays])
        return dense_crf(found, pixels, from_logits=False, **self.options)


def check_colors(segmenter):
    """Raises ValueError for a `Segmenter` whose images have no colours that a CRF could compare."""
    channels = segmenter.channels
    if channels in (1, 3, None):
        return
    several = isinstance(channels, dict)
    got = f"the inputs {', '.join(channels)}" if several else f"{channels} channels"
    raise ValueError(
        f"A dense CRF compares the colours of grey or RGB images; got a model of {got}. Leave the "
        "CRF out, or choose three channels yourself: "
        "fcn_keras.crf.dense_crf(probabilities, image[..., :3], from_logits=False)."
    )
