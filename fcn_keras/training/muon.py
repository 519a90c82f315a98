"""The optimizer Muon: orthogonal steps for kernels, AdamW for all other variables."""

import math

import keras
from keras import ops

from fcn_keras.training.choices import checked_momentum
from fcn_keras.training.optimizers import PerLayer, matches

# a, b, c of a x + b x^3 + c x^5, whose iteration moves singular values in (0, 1] close to 1
QUINTIC = (3.4445, -4.7750, 2.0315)
LEAST_SIDE = 16  # least rows and columns of an orthogonalized matrix; depthwise kernels are thin
RMS = 0.2  # root mean square of the entries of AdamW's steps


class _Muon(keras.optimizers.Optimizer):
    """The steps of Muon; `PerLayer` adds the rates and decays of layers."""

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum")
        self.velocities = [
            None
            if self._is_matrix(variable)
            else self.add_variable_from_reference(variable, name="velocity")
            for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        gradient = ops.cast(gradient, variable.dtype)
        momentum, velocity = self.momentums[index], self.velocities[index]
        if velocity is None:
            step = self._orthogonal_step(gradient, momentum)
        else:
            step = self._adam_step(gradient, momentum, velocity)
        self.assign_sub(variable, learning_rate * step)

    def _is_matrix(self, variable):
        if len(variable.shape) < 2:
            return False
        name = variable.path.rpartition("/")[0]
        rows, columns = _sides(variable.shape)
        small = min(rows, columns) < LEAST_SIDE
        return not small and not any(matches(glob, name) for glob in self.adamw_layers)

    def _orthogonal_step(self, gradient, momentum):
        self.assign(momentum, momentum * self.momentum + gradient)
        rows, columns = _sides(gradient.shape)
        ahead = ops.reshape(gradient + momentum * self.momentum, (rows, columns))
        scale = RMS * max(rows, columns) ** 0.5
        return ops.reshape(orthogonalized(ahead) * scale, gradient.shape)

    def _adam_step(self, gradient, momentum, velocity):
        count = ops.cast(self.iterations + 1, gradient.dtype)
        self.assign(momentum, momentum * self.beta_1 + gradient * (1 - self.beta_1))
        self.assign(velocity, velocity * self.beta_2 + ops.square(gradient) * (1 - self.beta_2))
        mean = momentum / (1 - ops.power(ops.cast(self.beta_1, gradient.dtype), count))
        square = velocity / (1 - ops.power(ops.cast(self.beta_2, gradient.dtype), count))
        return mean / (ops.sqrt(square) + self.epsilon)


@keras.saving.register_keras_serializable("fcn_keras")
class Muon(PerLayer, _Muon):
    """Momentum with orthogonal steps for kernels; AdamW for the other variables.

    A kernel's momentum, with Nesterov's look ahead, is treated as a matrix with a row for each
    input of a filter and a column for each filter, and all its singular values are set to about 1,
    so that all directions learn at the same speed. The step is 0.2 * sqrt(longer side) times that
    matrix, about as long as AdamW's, so that AdamW's rates and decay can be used. From random
    weights and in few epochs it reaches much more than AdamW; a step costs some additional matrix
    products of the kernels, independent of the batch.

    Args:
        learning_rate: Float or a Keras `LearningRateSchedule`.
        momentum: Momentum of the orthogonal steps, in [0, 1).
        beta_1, beta_2, epsilon: Parameters of the AdamW steps.
        weight_decay: Decoupled decay, multiplied by the rate; 0 or more.
        adamw_layers: Globs of layers whose kernels AdamW trains, such as the score layers.
            Kernels with fewer than 16 rows or columns are always among them.
        rates, bias_rate, decays: As for `PerLayerSGD`.
        name: Name of the optimizer.
        **options: Options of every Keras optimizer: clipnorm, use_ema, ...

    Raises:
        ValueError: for numbers out of range; when it is built, as `PerLayerSGD`.

    Example:

    ```python
    optimizer = fcn_keras.training.Muon(3e-3, weight_decay=0.01)
    model.compile(optimizer, fcn_keras.losses.CrossEntropy())
    ```

    Source: Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks"; the
    step's length is that of Liu et al. (2025), "Muon is Scalable for LLM Training", section 2.2.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        momentum=0.95,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        weight_decay=0.01,
        adamw_layers=("score*", "upscore*"),
        rates=None,
        bias_rate=1.0,
        decays=None,
        name="muon",
        **options,
    ):
        super().__init__(
            learning_rate=learning_rate, weight_decay=weight_decay, name=name, **options
        )
        for what, value in (("momentum", momentum), ("beta_1", beta_1), ("beta_2", beta_2)):
            checked_momentum(what, value)
        self.momentum, self.beta_1, self.beta_2 = momentum, beta_1, beta_2
        self.epsilon, self.adamw_layers = epsilon, tuple(adamw_layers)
        self.keep_factors(rates, bias_rate, decays)

    def get_config(self):
        own = ("momentum", "beta_1", "beta_2", "epsilon")
        config = {**super().get_config(), **{name: getattr(self, name) for name in own}}
        return {**config, "adamw_layers": list(self.adamw_layers)}


def orthogonalized(matrix, steps=5):
    """Returns a matrix with the same singular vectors and singular values of about 1 (0.7 to 1.2).

    Args:
        matrix: A tensor (rows, columns).
        steps: Number of Newton-Schulz iterations. After five, singular values that were below
            1/1000 of the matrix's norm are still below 0.7.

    Returns:
        A tensor (rows, columns), of the same dtype.
    """
    rows, columns = matrix.shape
    x = ops.transpose(matrix) if rows > columns else matrix
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(steps):
        square = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * square + c * ops.matmul(square, square), x)
    return ops.transpose(x) if rows > columns else x


def _sides(shape):
    """Returns (inputs of a filter, filters) of a kernel."""
    return math.prod(shape[:-1]), shape[-1]
