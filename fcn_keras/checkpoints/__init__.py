"""Files of weights that PyTorch and safetensors write, read without PyTorch.

Nothing in a file is run: a pickle may describe tensors and containers, and nothing else.
"""

from fcn_keras.checkpoints.errors import CheckpointError
from fcn_keras.checkpoints.reading import read_checkpoint

__all__ = ["CheckpointError", "read_checkpoint"]
