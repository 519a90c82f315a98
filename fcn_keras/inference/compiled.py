"""A model as one compiled graph; predicting with it leaves the model as it was."""

import keras


class Compiled(keras.Model):
    """What wraps a model for `predict_on_batch`; subclasses give `call`."""

    def __init__(self, model, name):
        super().__init__(dtype="float32", name=name)
        self.model = model
        if keras.backend.backend() == "tensorflow":
            self.compile(jit_compile=False)  # XLA would compile anew for each image size
