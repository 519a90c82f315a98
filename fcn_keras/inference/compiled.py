"""Compiled: a wrapper that predicts with a model in one graph and leaves the model unchanged.

On a CPU without 16-bit instructions a model that was trained in 16 bits computes in float32.
"""

import keras

from fcn_keras.precision import suited


class Compiled(keras.Model):
    """The base of wrappers for `predict_on_batch`; subclasses define `call` by `outputs_for`.

    Args:
        model: A Keras model.
        name: Name of the wrapper.
        policy: The dtype policy to compute in, as `fcn_keras.precision.suited` takes it.
    """

    def __init__(self, model, name, policy=None):
        super().__init__(dtype="float32", name=name)
        self.model, self._policy = model, policy
        if keras.backend.backend() == "tensorflow":
            self.compile(jit_compile=False)  # XLA would compile again for each image size

    def outputs_for(self, images):
        """Returns the model's outputs, computed in the precision that suits the processor."""
        with suited(self.model, self._policy):
            return self.model(images, training=False)
