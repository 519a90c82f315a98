"""Strides, receptive fields, offsets, taps, crops and halos of convolutional nets.

All are computed in a walk over the functional Keras graph.
"""

from fcn_keras.geometry.crop import crop_offset
from fcn_keras.geometry.field import Field, receptive_field, receptive_fields, window
from fcn_keras.geometry.halo import Halo, halo
from fcn_keras.geometry.protocol import SpatialLayer
from fcn_keras.geometry.rules import register_rule
from fcn_keras.geometry.table import table
from fcn_keras.geometry.taps import taps

__all__ = [
    "Field",
    "Halo",
    "SpatialLayer",
    "crop_offset",
    "halo",
    "receptive_field",
    "receptive_fields",
    "register_rule",
    "table",
    "taps",
    "window",
]
