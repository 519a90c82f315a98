"""How sure a net is: Monte-Carlo dropout, the passes of a net whose Dropout stays on.

Source: Kendall, Badrinarayanan, Cipolla (2017), "Bayesian SegNet"; Gal and Ghahramani (2016).
"""

import dataclasses

import keras
import numpy as np

from fcn_keras.inference.predictor import Predictor, as_predictor
from fcn_keras.inference.probabilities import FromProbabilities, highest, pixels_of
from fcn_keras.labels import LabelSet
from fcn_keras.surgery.copying import give_weights

DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
)
SMALLEST = 1e-12


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """What several passes with Dropout on agree on, and where they differ.

    Attributes:
        labels: uint8 (H, W), the class of the highest mean probability.
        mean: float32 (H, W, num_classes), the mean of the passes' probabilities.
        variance: float32 (H, W, num_classes), their variance.
        entropy: float32 (H, W), the entropy of the mean in nats, 0 to ln(num_classes): all that
            is uncertain.
        mutual_information: float32 (H, W), the entropy of the mean less the mean entropy, in
            nats: what is uncertain because the net is, and more training images would settle.
        classes: The `LabelSet`.

    Example:

    ```python
    found = fcn_keras.inference.uncertainty(model, "street.jpg", samples=4)
    doubtful = found.entropy > 1.0
    ```
    """

    labels: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    entropy: np.ndarray
    mutual_information: np.ndarray
    classes: LabelSet


def uncertainty(model, image, *, samples=20, seed=0):
    """Monte-Carlo dropout: several passes with Dropout on, their mean and how far they differ.

    Args:
        model: A functional Keras segmenter with Dropout of a rate above 0, or a `Predictor` of
            one. Its BatchNormalization stays as it is in inference.
        image: As `fcn_keras.segment` takes it.
        samples: How many passes; 20 to 50 are usual.
        seed: Of the Dropout.

    Returns:
        An `Uncertainty`.

    Raises:
        ValueError: if the model has no Dropout, or `samples` is below 2.

    Example:

    ```python
    found = fcn_keras.inference.uncertainty(model, "street.jpg", samples=4)
    fcn_keras.visualize.save_heat_map(found.entropy, "entropy.png")
    ```

    Source: Kendall, Badrinarayanan, Cipolla (2017), "Bayesian SegNet", section 3.
    """
    if samples < 2:
        raise ValueError(f"`samples` must be at least 2, to see passes differ; got {samples!r}.")
    sampled = MCDropoutPredictor(model, samples, seed)
    total = squares = inner = 0.0
    for (passed,) in sampled.passes(pixels_of([image])):
        passed = passed.astype("float64")
        total, squares = total + passed, squares + passed**2
        inner = inner + _entropy(passed)
    mean = total / samples
    whole = _entropy(mean)
    return Uncertainty(
        labels=highest(mean),
        mean=mean.astype("float32"),
        variance=np.maximum(squares / samples - mean**2, 0).astype("float32"),
        entropy=whole.astype("float32"),
        mutual_information=np.maximum(whole - inner / samples, 0).astype("float32"),
        classes=sampled.labels,
    )


class MCDropoutPredictor(FromProbabilities):
    """Averages the class probabilities over passes with Dropout on.

    Args:
        model: A functional Keras segmenter with Dropout, or a `Predictor` of one.
        samples: How many passes.
        seed: Of the Dropout.

    Raises:
        ValueError: if the model has no Dropout of a rate above 0, or `samples` is below 1.

    Example:

    ```python
    labels = fcn_keras.inference.MCDropoutPredictor(model, samples=4).segment("street.jpg")
    ```
    """

    def __init__(self, model, samples, seed=0):
        predictor = as_predictor(model)
        if not isinstance(samples, int) or samples < 1:
            raise ValueError(f"`samples` must be a whole number of at least 1, got {samples!r}.")
        if not isinstance(getattr(predictor, "model", None), keras.Model):
            raise ValueError(
                f"Sampling needs a Keras model, whose Dropout it turns on; "
                f"{type(predictor).__name__} is none."
            )
        super().__init__(Predictor(with_dropout(predictor.model, seed), predictor.labels))
        self.samples = samples

    def passes(self, images):
        """Yields the probabilities of each pass, float32 (batch, H, W, num_classes)."""
        for _ in range(self.samples):
            yield self.predictor.probabilities(images)

    def probabilities(self, images):
        """The mean of the passes, float32 (batch, H, W, num_classes)."""
        return (sum(self.passes(images)) / self.samples).astype("float32")


def with_dropout(model, seed=0):
    """A copy of a functional model whose Dropout is on in inference too.

    Raises:
        ValueError: if there is none, or all of a rate of 0.
    """
    seeds = iter(range(seed, seed + 10_000))
    active = []

    def stay_on(layer):
        if not isinstance(layer, DROPOUTS) or not layer.rate:
            return layer.__class__.from_config(layer.get_config())
        active.append(layer.name)
        kind = type(f"Lasting{type(layer).__name__}", (_Lasting, type(layer)), {})
        return kind.from_config({**layer.get_config(), "seed": next(seeds)})

    copy = keras.models.clone_model(model, clone_function=stay_on, recursive=True)
    if not active:
        raise ValueError(
            f"{model.name!r} has no Dropout whose passes could differ: build it with dropout=0.5, "
            "or train it so."
        )
    give_weights(copy, model.get_weights())
    return copy


class _Lasting:
    """A Dropout layer that does not know of inference."""

    def call(self, inputs, training=False):
        return super().call(inputs, training=True)


def _entropy(probabilities):
    return -(probabilities * np.log(np.maximum(probabilities, SMALLEST))).sum(-1)
