"""What is done to a net: copied, made fully convolutional, filled with another net's weights."""

from fcn_keras.surgery.convolutionalize import convolutionalize
from fcn_keras.surgery.copying import Copier
from fcn_keras.surgery.top import Top, find_top
from fcn_keras.surgery.transplant import transplant

__all__ = ["Copier", "Top", "convolutionalize", "find_top", "transplant"]
