"""The fully connected CRF, which moves the borders of score maps to the edges of the image.

Mean-field inference on a permutohedral lattice, in NumPy and SciPy, with fixed parameters.
"""

from fcn_keras.crf.dense import dense_crf
from fcn_keras.crf.features import pixel_features
from fcn_keras.crf.from_labels import dense_crf_from_labels, scores_from_labels
from fcn_keras.crf.lattice import permutohedral_lattice
from fcn_keras.crf.presets import PRESETS, preset

__all__ = [
    "PRESETS",
    "dense_crf",
    "dense_crf_from_labels",
    "permutohedral_lattice",
    "pixel_features",
    "preset",
    "scores_from_labels",
]
