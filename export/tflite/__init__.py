"""TFLite: exports a segmenter as one file of builtin operations, quantized or not, and runs it."""

from fcn_keras.export.tflite.converting import export_tflite
from fcn_keras.export.tflite.segmenter import Segmenter

__all__ = ["Segmenter", "export_tflite"]
