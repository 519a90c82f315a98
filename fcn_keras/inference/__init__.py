"""Using a segmenter: one image, a folder of images, or a whole dataset against its truth.

Anything with ``segment(image)`` can be evaluated; a Keras model is wrapped in a `Predictor`.
"""

from fcn_keras.inference.evaluating import evaluate
from fcn_keras.inference.files import Prediction, predict_files
from fcn_keras.inference.predictor import Predictor, as_predictor, segment
from fcn_keras.inference.report import Report
from fcn_keras.inference.stitching import shift_and_stitch

__all__ = [
    "Prediction",
    "Predictor",
    "Report",
    "as_predictor",
    "evaluate",
    "predict_files",
    "segment",
    "shift_and_stitch",
]
