"""Optimizers whose rate and decay differ from layer to layer, and Caffe's SGD.

Each behaves as its Keras original wherever no factor is given.
"""

import fnmatch
import math

import keras
from keras import ops

from fcn_keras.training import in_place

_package = keras.saving.register_keras_serializable("fcn_keras")


class _Factors:
    """The (rate, decay) factors of each variable, by the optimizer's key for it."""

    def __init__(self, table):
        self.table = table


class PerLayer:
    """What the optimizers below share: factors by the names of layers.

    Keras (3.12 to 3.15) has no factor on a variable. Its `MultiOptimizer`, from 3.14 on, divides
    the variables among several optimizers, and has no `learning_rate` of its own then, which
    schedules, callbacks and histories read.
    """

    def keep_factors(self, rates, bias_rate, decays):
        """Checks the factors and keeps them for `build`."""
        self.rates = checked_factors("rates", rates)
        self.decays = checked_factors("decays", decays)
        self.bias_rate = _checked_factor("bias_rate", bias_rate)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        rates = factors_by_layer("rates", self.rates, variables)
        decays = factors_by_layer("decays", self.decays, variables)
        table = {}
        for variable, rate, decay in zip(variables, rates, decays, strict=True):
            rate = rate * self.bias_rate if variable.name == "bias" else rate
            table[self._var_key(variable)] = (rate, decay if len(variable.shape) > 1 else 0.0)
        self._factors = _Factors(table)

    def update_step(self, gradient, variable, learning_rate):
        rate, decay = self._factors.table[self._var_key(variable)]
        learning_rate = ops.cast(learning_rate, variable.dtype) * rate
        if self.weight_decay and decay:
            self.assign_sub(variable, variable * (learning_rate * (self.weight_decay * decay)))
        super().update_step(gradient, variable, learning_rate)

    def _apply_weight_decay(self, variables):
        """Nothing: `update_step` decays, as there the layer's own rate is known."""

    def get_config(self):
        kept = {"rates": dict(self.rates), "decays": dict(self.decays)}
        return {**super().get_config(), **kept, "bias_rate": self.bias_rate}


@_package
class PerLayerSGD(PerLayer, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with a factor on the rate of each layer.

    Args:
        learning_rate: Float or a Keras `LearningRateSchedule`.
        rates: {glob: factor}: factors of 0 or more on the rate, by the names of layers. Where
            several match, the last counts.
        bias_rate: Factor on the rate of every bias, on top of its layer's.
        decays: {glob: factor}: factors on the weight decay. What has less than two axes (biases,
            BatchNormalization) never decays.
        **options: As for the original: momentum, nesterov, weight_decay, use_ema, ...

    Raises:
        ValueError: for a factor that is no number of at least 0; when it is built, for a glob
            that no layer's name matches.

    Example:

    ```python
    optimizer = fcn_keras.training.PerLayerSGD(1e-3, momentum=0.9, rates={"score*": 10.0})
    ```

    Source: ten times the rate on the last layer is that of Chen et al. (2018), "DeepLab",
    section 4.
    """

    def __init__(self, learning_rate=0.01, rates=None, bias_rate=1.0, decays=None, **options):
        super().__init__(learning_rate, **options)
        self.keep_factors(rates, bias_rate, decays)


@_package
class PerLayerAdam(PerLayer, keras.optimizers.Adam):
    """`keras.optimizers.Adam` with a factor on the rate of each layer.

    Args:
        learning_rate: Float or a Keras `LearningRateSchedule`.
        rates, bias_rate, decays, **options: As for `PerLayerSGD`.

    Raises:
        ValueError: as `PerLayerSGD`.

    Example:

    ```python
    optimizer = fcn_keras.training.PerLayerAdam(1e-4, rates={"score*": 10.0})
    ```

    Source: Kingma and Ba (2015), "Adam".
    """

    def __init__(self, learning_rate=0.001, rates=None, bias_rate=1.0, decays=None, **options):
        super().__init__(learning_rate, **options)
        self.keep_factors(rates, bias_rate, decays)


@_package
class PerLayerAdamW(PerLayer, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with a factor on the rate of each layer.

    The decoupled decay is multiplied by the layer's rate too.

    Args:
        learning_rate: Float or a Keras `LearningRateSchedule`.
        rates, bias_rate, decays, **options: As for `PerLayerSGD`.

    Raises:
        ValueError: as `PerLayerSGD`.

    Example:

    ```python
    optimizer = fcn_keras.training.PerLayerAdamW(1e-4, weight_decay=0.01, rates={"score*": 10.0})
    ```

    Source: Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization".
    """

    def __init__(self, learning_rate=0.001, rates=None, bias_rate=1.0, decays=None, **options):
        super().__init__(learning_rate, **options)
        self.keep_factors(rates, bias_rate, decays)


@_package
class CaffeSGD(PerLayer, keras.optimizers.Optimizer):
    """Caffe's SGD: the decay is a part of the gradient, and the rate a part of the momentum.

    With a layer's factors r on the rate and d on the decay, a step is
    v = momentum * v - r * learning_rate * (gradient + d * weight_decay * w);  w = w + v.
    (Keras's SGD shrinks the weights beside the momentum instead.) Accumulated gradients are
    averaged before the decay is added, as Caffe's `iter_size` does.

    Args:
        learning_rate: Float or a Keras `LearningRateSchedule`.
        momentum: In [0, 1).
        weight_decay: Factor of the L2 term's gradient; 0 or more.
        rates: {glob: factor}: Caffe's `lr_mult`, by the names of layers. Where several match, the
            last counts; 0 keeps a layer as it is.
        bias_rate: Factor on the rate of every bias, on top of its layer's.
        decays: {glob: factor}: Caffe's `decay_mult`. What has less than two axes never decays.
        name: Name of the optimizer.
        **options: Of every Keras optimizer: clipnorm, use_ema, gradient_accumulation_steps, ...

    Raises:
        ValueError: for numbers out of range; when it is built, for a glob that no layer's name
            matches.

    Example:

    ```python
    optimizer = fcn_keras.training.CaffeSGD(1e-4, momentum=0.9, gradient_accumulation_steps=20)
    model.compile(optimizer, fcn_keras.losses.CrossEntropy())
    ```

    Source: Jia et al. (2014), "Caffe", the solver of the published nets; Long, Shelhamer, Darrell
    (2015), section 4.3: doubled rate for biases.
    """

    def __init__(
        self,
        learning_rate=1e-4,
        momentum=0.9,
        weight_decay=5e-4,
        rates=None,
        bias_rate=2.0,
        decays=None,
        name="caffe_sgd",
        **options,
    ):
        super().__init__(learning_rate=learning_rate, weight_decay=None, name=name, **options)
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be at least 0 and below 1, got {momentum!r}.")
        self.momentum = momentum
        self.weight_decay = _checked_factor("weight_decay", weight_decay or 0.0)
        self.keep_factors(rates, bias_rate, decays)

    def build(self, variables):
        if self.built:
            return
        with in_place.outside_graphs():
            super().build(variables)
            self.velocities = self.add_optimizer_variables(variables, "velocity")

    def apply(self, grads, trainable_variables=None):
        with in_place.after(grads):
            super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        rate, decay = self._factors.table[self._var_key(variable)]
        learning_rate = ops.cast(learning_rate, variable.dtype) * rate
        gradient = ops.cast(gradient, variable.dtype)
        velocity = self.velocities[self._get_variable_index(variable)]
        decay = self.weight_decay * decay
        if in_place.available() and self.momentum:
            in_place.momentum_step(
                variable, velocity, gradient, learning_rate, self.momentum, decay
            )
            return
        gradient = gradient + variable * decay if decay else gradient
        self.assign(velocity, velocity * self.momentum - gradient * learning_rate)
        self.assign_add(variable, velocity)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


def factors_by_layer(what, factors, variables):
    """One factor a variable: that of the last glob its layer's name matches, else 1.

    Args:
        what: What the factors are, for the error.
        factors: {glob: factor}, or the same in pairs.
        variables: Keras variables; the layer is read from their `path`.

    Returns:
        A list of floats.

    Raises:
        ValueError: for a glob that matches no layer.
    """
    found, used = [1.0] * len(variables), set()
    for glob, factor in dict(factors).items():
        for index, variable in enumerate(variables):
            if matches(glob, variable.path.rpartition("/")[0]):
                found[index] = factor
                used.add(glob)
    missing = [glob for glob in dict(factors) if glob not in used]
    if missing and variables:
        layers = list(dict.fromkeys(v.path.rpartition("/")[0] for v in variables))
        raise ValueError(
            f"`{what}`: no trainable layer's name matches {missing[0]!r}; there are "
            f"{', '.join(layers)}."
        )
    return found


def matches(glob, path):
    """Whether a layer's name, its path in the model, or a model around it matches a glob."""
    return any(fnmatch.fnmatchcase(name, glob) for name in (path, *path.split("/")))


def checked_factors(what, factors):
    """{glob: factor} as pairs (str, float).

    Raises:
        ValueError: for anything else.
    """
    if factors is None:
        return ()
    try:
        pairs = tuple(dict(factors).items())
    except (TypeError, ValueError):
        raise ValueError(f"`{what}` must be {{glob: factor}}, got {factors!r}.") from None
    return tuple((str(glob), _checked_factor(f"{what}[{glob!r}]", f)) for glob, f in pairs)


def _checked_factor(what, factor):
    number = isinstance(factor, (int, float)) and not isinstance(factor, bool)
    if not number or not factor >= 0 or not math.isfinite(factor):
        raise ValueError(f"`{what}` must be a number of at least 0, got {factor!r}.")
    return float(factor)
