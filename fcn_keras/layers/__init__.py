"""Keras layers that segmentation nets need and Keras lacks, one layer per file."""

from fcn_keras.layers.bilinear import (
    BilinearInitializer,
    BilinearUpsampling2D,
)
from fcn_keras.layers.bin_pooling import BinPooling2D
from fcn_keras.layers.ceil_pooling import CeilPooling2D
from fcn_keras.layers.correlation import Correlation2D
from fcn_keras.layers.crf_rnn import CRFAsRNN
from fcn_keras.layers.crop import CropToReference
from fcn_keras.layers.dilated_pooling import DilatedPooling2D
from fcn_keras.layers.edge_padding import EdgePadding2D
from fcn_keras.layers.grouped_conv import GroupedConv2D
from fcn_keras.layers.lean_normal import LeanHeNormal
from fcn_keras.layers.local_response import LocalResponseNormalization
from fcn_keras.layers.logits import Logits
from fcn_keras.layers.mirror_padding import MirrorPadding2D
from fcn_keras.layers.pad_to_multiple import PadToMultiple
from fcn_keras.layers.pooling_indices import MaxPooling2DWithIndices, MaxUnpooling2D
from fcn_keras.layers.preprocessing import Preprocess
from fcn_keras.layers.repeating import RepeatToReference
from fcn_keras.layers.resizing import ResizeToReference
from fcn_keras.layers.scales import Rescale, ScaleMaximum
from fcn_keras.layers.side_outputs import SideOutputs
from fcn_keras.layers.take_frame import TakeFrame
from fcn_keras.layers.window_conv import WindowConv2D

__all__ = [
    "BilinearInitializer",
    "BilinearUpsampling2D",
    "BinPooling2D",
    "CRFAsRNN",
    "CeilPooling2D",
    "Correlation2D",
    "CropToReference",
    "DilatedPooling2D",
    "EdgePadding2D",
    "GroupedConv2D",
    "LeanHeNormal",
    "LocalResponseNormalization",
    "Logits",
    "MaxPooling2DWithIndices",
    "MaxUnpooling2D",
    "MirrorPadding2D",
    "PadToMultiple",
    "Preprocess",
    "RepeatToReference",
    "Rescale",
    "ResizeToReference",
    "SideOutputs",
    "ScaleMaximum",
    "TakeFrame",
    "WindowConv2D",
]
