"""Images of any size, segmented a tile at a time: exactly, by a halo, or blended.

Memory is that of one window; a run that was interrupted goes on where it was.
"""

from fcn_keras.inference.tiling.segmenting import segment_tiled

__all__ = ["segment_tiled"]
