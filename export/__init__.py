"""Taking a trained segmenter elsewhere: formats that run without this package.

Installed as ``fcn_keras.export``.
"""

from fcn_keras.export import serving
from fcn_keras.export.loading import load
from fcn_keras.export.saved_model import SavedModelPredictor, export_saved_model
from fcn_keras.export.tflite import export_tflite
from fcn_keras.export.web import export_web

__all__ = [
    "SavedModelPredictor",
    "export_saved_model",
    "export_tflite",
    "export_web",
    "load",
    "serving",
]
