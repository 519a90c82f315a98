"""Optical flow: its files, pairs of frames, and the datasets of pairs in their layouts."""

from fcn_keras.data.flow.files import read_flow, write_flow
from fcn_keras.data.flow.frames import FrameReader, Frames
from fcn_keras.data.flow.reader import FlowReader

__all__ = ["FlowReader", "FrameReader", "Frames", "read_flow", "write_flow"]
