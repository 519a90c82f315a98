"""Training: recipes, the loop that writes a run folder, and what happens between epochs."""

from fcn_keras.training.batch_norm import refresh_batch_norm
from fcn_keras.training.callbacks import DivergedError
from fcn_keras.training.fused import fused_batch_norm
from fcn_keras.training.loop import train
from fcn_keras.training.precision import set_precision
from fcn_keras.training.recipe import Recipe, compile_model
from fcn_keras.training.run_folder import RunFolder
from fcn_keras.training.schedules import PolyDecay, schedule

__all__ = [
    "DivergedError",
    "PolyDecay",
    "Recipe",
    "RunFolder",
    "compile_model",
    "fused_batch_norm",
    "refresh_batch_norm",
    "schedule",
    "set_precision",
    "train",
]
