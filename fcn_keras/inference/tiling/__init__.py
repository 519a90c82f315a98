"""Segmentation of images of any size, tile by tile: exactly, with a halo, or blended.

Memory is that of one window; an interrupted run can be continued.
"""

from fcn_keras.inference.tiling.segmenting import Tiled, segment_tiled

__all__ = ["Tiled", "segment_tiled"]
