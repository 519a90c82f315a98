"""Where each cell of a convolutional net looks: strides, receptive fields, offsets, taps, crops.

Everything comes from one walk over a functional Keras graph; no number is typed in.
"""

from fcn_keras.geometry.crop import crop_offset
from fcn_keras.geometry.field import Field, Fields, receptive_field, receptive_fields, window
from fcn_keras.geometry.halo import Halo, halo, recorded_halo
from fcn_keras.geometry.rules import register_rule
from fcn_keras.geometry.table import Table, table
from fcn_keras.geometry.taps import taps

__all__ = [
    "Field",
    "Fields",
    "Halo",
    "Table",
    "crop_offset",
    "halo",
    "receptive_field",
    "receptive_fields",
    "recorded_halo",
    "register_rule",
    "table",
    "taps",
    "window",
]
