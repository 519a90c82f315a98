"""Using a segmenter: one image, a folder of images, or a whole dataset against its truth.

Anything with ``segment(image)`` can be evaluated; a Keras model is wrapped in a `Predictor`.
"""

from fcn_keras.inference.evaluation import evaluate
from fcn_keras.inference.files import Prediction, predict_files
from fcn_keras.inference.postprocessing import CRFPredictor, Tiled, build_predictor
from fcn_keras.inference.predictor import Predictor, as_predictor
from fcn_keras.inference.segmenting import segment
from fcn_keras.inference.stitching import shift_and_stitch
from fcn_keras.inference.test_time_augmentation import TTAPredictor
from fcn_keras.inference.tiling import segment_tiled
from fcn_keras.inference.tuning import TunedCRF, tune_crf
from fcn_keras.inference.uncertainty import MCDropoutPredictor, Uncertainty, uncertainty

__all__ = [
    "TTAPredictor",
    "Prediction",
    "Predictor",
    "CRFPredictor",
    "MCDropoutPredictor",
    "Tiled",
    "TunedCRF",
    "Uncertainty",
    "as_predictor",
    "evaluate",
    "predict_files",
    "build_predictor",
    "segment",
    "segment_tiled",
    "shift_and_stitch",
    "tune_crf",
    "uncertainty",
]
