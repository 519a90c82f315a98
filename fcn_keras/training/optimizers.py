"""Optimizers with factors on the learning rate and decay of each layer, and Caffe's SGD.

Without factors each equals its Keras original.
"""

import contextlib
import fnmatch

import keras
from keras import ops

from fcn_keras.checks import number
from fcn_keras.training.choices import checked_momentum, checked_rates

_package = keras.saving.register_keras_serializable("fcn_keras")


class _Factors:
    """The (rate, decay) factors of each variable, by the optimizer's key for it."""

    def __init__(self, table):
        self.table = table


class PerLayer:
    """The base of the optimizers below: factors by the names of layers.

    Keras (3.12 to 3.15) has no factor on a variable. Its `MultiOptimizer`, from 3.14 on, divides
    the variables among several optimizers, and has no `learning_rate` of its own then, which
    schedules, callbacks and histories read.
    """

    def keep_factors(self, rates, bias_rate, decays):
        """Checks the factors and keeps them for `build`."""
        self.rates = checked_rates("rates", rates)
        self.decays = checked_rates("decays", decays)
        self.bias_rate = number("bias_rate", bias_rate)

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
        """Does nothing: `update_step` decays, where the layer's own rate is known."""

    def get_config(self):
        kept = {"rates": dict(self.rates), "decays": dict(self.decays)}
        return {**super().get_config(), **kept, "bias_rate": self.bias_rate}


@_package
class PerLayerSGD(PerLayer, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with a factor on the rate of each layer.

    Args:
        learning_rate: Float or a Keras `LearningRateSchedule`.
        rates: {glob: factor}: factors of 0 or more on the rate, by the names of layers. If several
            match, the last counts.
        bias_rate: Factor on the rate of every bias, on top of its layer's.
        decays: {glob: factor}: factors on the weight decay. Variables with fewer than two axes
            (biases, BatchNormalization) never decay.
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
    """Caffe's SGD: the decay is part of the gradient, and the rate is part of the momentum.

    With a layer's factors r on the rate and d on the decay, a step is
    v = momentum * v - r * learning_rate * (gradient + d * weight_decay * w);  w = w + v.
    (Keras's SGD shrinks the weights beside the momentum instead.) Accumulated gradients are
    averaged before the decay is added, as Caffe's `iter_size` does.

    Args:
        learning_rate: Float or a Keras `LearningRateSchedule`.
        momentum: In [0, 1).
        weight_decay: Factor of the L2 term's gradient; 0 or more.
        rates: {glob: factor}: Caffe's `lr_mult`, by the names of layers. If several match, the last
            counts; 0 keeps a layer unchanged.
        bias_rate: Factor on the rate of every bias, on top of its layer's.
        decays: {glob: factor}: Caffe's `decay_mult`. Variables with fewer than two axes never
            decay.
        name: Name of the optimizer.
        **options: Options of every Keras optimizer: clipnorm, use_ema, ...

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
        self.momentum = checked_momentum("momentum", momentum)
        self.weight_decay = number("weight_decay", weight_decay or 0.0)
        self.keep_factors(rates, bias_rate, decays)

    def build(self, variables):
        if self.built:
            return
        with _outside_graphs():
            super().build(variables)
            self.velocities = self.add_optimizer_variables(variables, "velocity")

    def apply(self, grads, trainable_variables=None):
        with _after(grads):
            super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        rate, decay = self._factors.table[self._var_key(variable)]
        learning_rate = ops.cast(learning_rate, variable.dtype) * rate
        gradient = ops.cast(gradient, variable.dtype)
        velocity = self.velocities[self._get_variable_index(variable)]
        decay = self.weight_decay * decay
        if _in_place_available() and self.momentum:
            _momentum_step(variable, velocity, gradient, learning_rate, self.momentum, decay)
            return
        gradient = gradient + variable * decay if decay else gradient
        self.assign(velocity, velocity * self.momentum - gradient * learning_rate)
        self.assign_add(variable, velocity)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


def factors_by_layer(what, factors, variables):
    """Returns one factor for each variable: that of the last glob that its layer matches, or 1.

    Args:
        what: The name of the factors, for the error.
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
    """Returns whether a layer's name, its path, or a model around it matches a glob."""
    return any(fnmatch.fnmatchcase(name, glob) for name in (path, *path.split("/")))


def _in_place_available():
    """Returns whether the backend has kernels that change variables in place: only TensorFlow.

    Written with `keras.ops`, each term of a step is a tensor as large as the weights; fc6 of VGG16
    alone has 411 MB. JAX donates the old weights instead.
    """
    return keras.backend.backend() == "tensorflow"


def _outside_graphs():
    """Returns a context that makes variables at once, not as part of a traced step.

    A step that makes them holds their first values a second time.
    """
    if not _in_place_available():
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.init_scope()


def _after(gradients):
    """Returns a context whose operations wait for all gradients, for `_momentum_step`.

    The backward pass reads the weights to the end. A kernel that meets a reader writes to a copy.
    """
    if not _in_place_available():
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.control_dependencies([g for g in gradients if g is not None])


def _momentum_step(variable, velocity, gradient, rate, momentum, decay):
    """Makes one step of momentum with decay that allocates no copy of the weights.

    velocity = momentum * velocity - rate * (gradient + decay * variable); variable += velocity

    Args:
        variable, velocity: Keras or TensorFlow variables of one shape and float dtype.
        gradient: Tensor of that shape and dtype.
        rate: Scalar tensor of that dtype.
        momentum: Float in (0, 1).
        decay: Float, 0 or more.
    """
    import tensorflow as tf

    if decay:
        weights = tf.convert_to_tensor(variable)
        tf.raw_ops.ResourceApplyGradientDescent(
            var=velocity.handle, alpha=rate * (decay / momentum), delta=weights
        )
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=variable.handle, accum=velocity.handle, lr=rate, grad=gradient, momentum=momentum
    )
