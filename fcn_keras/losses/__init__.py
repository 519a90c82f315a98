"""Losses on label maps with void: what Keras lacks, or has only for one-hot truth without void.

All take labels and logits as `CrossEntropy` does, and add up with `Sum`.
"""

from fcn_keras.losses.combined import Sum
from fcn_keras.losses.cross_entropy import CrossEntropy
from fcn_keras.losses.focal import Focal
from fcn_keras.losses.lovasz import Lovasz
from fcn_keras.losses.ohem import OHEM
from fcn_keras.losses.overlap import Dice, Jaccard

__all__ = ["CrossEntropy", "Dice", "Focal", "Jaccard", "Lovasz", "OHEM", "Sum"]
