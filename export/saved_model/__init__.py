"""SavedModels, which TensorFlow and TF Serving run without this package.

Modules that import TensorFlow are loaded when an export or a predictor needs them.
"""

from fcn_keras.export.saved_model.exporting import export_saved_model
from fcn_keras.export.saved_model.predictor import SavedModelPredictor
from fcn_keras.export.saved_model.versions import find_saved_model

__all__ = ["SavedModelPredictor", "export_saved_model", "find_saved_model"]
