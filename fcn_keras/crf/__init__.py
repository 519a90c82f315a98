"""The fully connected CRF: scores become maps that follow the image's edges.

Mean-field inference on a permutohedral lattice, in NumPy and SciPy; nothing here is learned.
"""

from fcn_keras.crf.dense import dense_crf
from fcn_keras.crf.features import pixel_features
from fcn_keras.crf.lattice import Lattice, permutohedral_lattice

__all__ = ["Lattice", "dense_crf", "permutohedral_lattice", "pixel_features"]
