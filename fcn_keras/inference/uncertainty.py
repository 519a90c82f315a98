"""Monte-Carlo dropout: how uncertain a net is, from passes with Dropout on.

Source: Kendall, Badrinarayanan, Cipolla (2017), "Bayesian SegNet"; Gal and Ghahramani (2016).
"""

import dataclasses

import keras
import numpy as np
import scipy.special

from fcn_keras.checks import whole_number
from fcn_keras.inference.decoding import decode_array
from fcn_keras.inference.postprocessor import Postprocessor, activations_of
from fcn_keras.inference.predictor import Predictor
from fcn_keras.inference.segmenters import as_segmenter
from fcn_keras.labels import LabelSet
from fcn_keras.surgery.copying import give_weights
from fcn_keras.tasks import Task

DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
)


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """The mean of several passes with Dropout on, and how far they differ.

    Attributes:
        labels: uint8 (H, W), the class of the highest mean probability; of other tasks the
            decoded mean, such as float32 (H, W).
        mean: float32 (H, W, channels), the mean of the passes' probabilities, or of the values of
            other tasks.
        variance: float32 (H, W, channels), their variance.
        entropy: float32 (H, W), the entropy of the mean probabilities in nats, 0 to
            ln(num_classes): the whole uncertainty. None for other tasks.
        mutual_information: float32 (H, W), the entropy of the mean minus the mean entropy, in
            nats: the uncertainty of the net's weights, which more training images would reduce.
            None for other tasks.
        classes: The `LabelSet`, None for other tasks.
        task: The `fcn_keras.tasks.Task`.

    Example:

    ```python
    found = fcn_keras.inference.uncertainty(model, "street.jpg", samples=4)
    doubtful = found.entropy > 1.0
    ```
    """

    labels: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    entropy: np.ndarray | None
    mutual_information: np.ndarray | None
    classes: LabelSet | None
    task: Task


def uncertainty(model, image, *, samples=20, seed=0):
    """Segments an image several times with Dropout on, and returns the mean and the uncertainty.

    Args:
        model: A functional Keras segmenter with Dropout of a rate above 0, or a `Predictor` of
            one. Its BatchNormalization works as in inference.
        image: As `fcn_keras.segment` takes it.
        samples: Number of passes; 20 to 50 are usual.
        seed: Seed of the Dropout.

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
    whole_number("samples", samples, 2)
    sampled = MCDropoutPredictor(model, samples, seed)
    task, has_probabilities = sampled.task, sampled.task.activation == "softmax"
    total = squares = inner = 0.0
    for (passed,) in sampled.passes([image]):
        passed = passed.astype("float64")
        total, squares = total + passed, squares + passed**2
        if has_probabilities:
            inner = inner + _entropy(passed)
    mean = total / samples
    entropy = information = None
    if has_probabilities:
        entropy = _entropy(mean)
        information = np.maximum(entropy - inner / samples, 0).astype("float32")
        entropy = entropy.astype("float32")
    return Uncertainty(
        labels=decode_array(task, mean),
        mean=mean.astype("float32"),
        variance=np.maximum(squares / samples - mean**2, 0).astype("float32"),
        entropy=entropy,
        mutual_information=information,
        classes=sampled.labels,
        task=task,
    )


class MCDropoutPredictor(Postprocessor):
    """Averages class probabilities, or the values of other tasks, over passes with Dropout on.

    Args:
        model: A functional Keras segmenter with Dropout, or a `Predictor` of one.
        samples: Number of passes.
        seed: Seed of the Dropout.

    Attributes:
        task, labels, halo, size, channels: As of any `Segmenter`.

    Raises:
        ValueError: if the model has no Dropout of a rate above 0, or `samples` is below 1.

    Example:

    ```python
    from fcn_keras.inference.uncertainty import MCDropoutPredictor

    labels = MCDropoutPredictor(model, samples=4).segment("street.jpg")
    ```
    """

    def __init__(self, model, samples, seed=0):
        predictor = as_segmenter(model)
        self.samples = whole_number("samples", samples, 1)
        if not isinstance(predictor, Predictor):
            raise ValueError(
                "Monte-Carlo dropout needs a Keras model, whose Dropout it turns on; "
                f"got {type(model).__name__}."
            )
        net = with_dropout(predictor.model, seed)
        same = (predictor.labels, predictor.image_reader, predictor.precision)
        super().__init__(Predictor(net, *same))

    @property
    def halo(self):
        """The `fcn_keras.geometry.Halo` of the net, or None where none is exact."""
        return self.segmenter.halo

    def passes(self, images):
        """Yields what each pass gives, float32 (batch, H, W, channels)."""
        for _ in range(self.samples):
            yield activations_of(self.segmenter, images)

    def activations(self, images):
        """Returns the mean of the passes, float32 (batch, H, W, channels)."""
        return (sum(self.passes(images)) / self.samples).astype("float32")


def with_dropout(model, seed=0):
    """Returns a copy of a functional model whose Dropout is on in inference too.

    Raises:
        ValueError: if there is none, or all of a rate of 0.
    """
    seeds = iter(range(seed, seed + 10_000))
    active = []

    def stay_on(layer):
        if not isinstance(layer, DROPOUTS) or not layer.rate:
            return layer.__class__.from_config(layer.get_config())
        active.append(layer.name)
        kind = type(f"Always{type(layer).__name__}", (_AlwaysOn, type(layer)), {})
        return kind.from_config({**layer.get_config(), "seed": next(seeds)})

    copy = keras.models.clone_model(model, clone_function=stay_on, recursive=True)
    if not active:
        raise ValueError(
            f"{model.name!r} has no Dropout of a rate above 0: build and train it with dropout=0.5."
        )
    give_weights(copy, model.get_weights())
    return copy


class _AlwaysOn:
    """Makes a Dropout layer work as in training."""

    def call(self, inputs, training=False):
        """Returns the inputs with some of them dropped."""
        return super().call(inputs, training=True)


def _entropy(probabilities):
    """Entropy in nats over the last axis."""
    return scipy.special.entr(probabilities).sum(-1)
