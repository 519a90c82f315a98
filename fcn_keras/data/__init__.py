"""Datasets for segmentation: one file for each dataset, one pipeline from examples to batches."""

from fcn_keras.data.augmentation import Augmentation
from fcn_keras.data.boundaries import BoundaryReader, boundaries_of
from fcn_keras.data.check import check
from fcn_keras.data.command_words import parse
from fcn_keras.data.convert import Conversion, convert
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.flow import FlowReader, FrameReader, Frames, read_flow, write_flow
from fcn_keras.data.images.reader import ImageReader, read_image
from fcn_keras.data.joined import joined
from fcn_keras.data.masks.instances import InstanceReader
from fcn_keras.data.masks.reader import LabelError, MaskReader, read_mask
from fcn_keras.data.multi_task import MultiTaskDataset
from fcn_keras.data.normals import NormalsReader, normals_of_depth
from fcn_keras.data.registry import load, names, options_of
from fcn_keras.data.statistics import class_pixels, class_weights
from fcn_keras.data.values import DepthReader, ValueReader
from fcn_keras.data.weak.dataset import WeakDataset, weaken
from fcn_keras.data.weight_maps import WeightMaps

__all__ = [
    "Augmentation",
    "Conversion",
    "BoundaryReader",
    "Dataset",
    "DepthReader",
    "FlowReader",
    "FrameReader",
    "Frames",
    "ImageReader",
    "InstanceReader",
    "LabelError",
    "MaskReader",
    "MultiTaskDataset",
    "NormalsReader",
    "ValueReader",
    "WeakDataset",
    "WeightMaps",
    "boundaries_of",
    "check",
    "class_pixels",
    "class_weights",
    "convert",
    "joined",
    "load",
    "names",
    "normals_of_depth",
    "options_of",
    "parse",
    "read_flow",
    "read_image",
    "read_mask",
    "weaken",
    "write_flow",
]
