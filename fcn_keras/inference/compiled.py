"""A model as one compiled graph; predicting with it leaves the model as it was.

What was trained in 16 bits computes in float32 on a CPU that has no instructions for them.
"""

import keras

from fcn_keras.precision import suited


class Compiled(keras.Model):
    """What wraps a model for `predict_on_batch`; subclasses give a `call` on `outputs_for`."""

    def __init__(self, model, name):
        super().__init__(dtype="float32", name=name)
        self.model = model
        if keras.backend.backend() == "tensorflow":
            self.compile(jit_compile=False)  # XLA would compile anew for each image size

    def outputs_for(self, images):
        """What the model makes of the images, in the precision that suits the processor."""
        with suited(self.model):
            return self.model(images, training=False)
