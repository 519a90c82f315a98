"""Using a segmenter: one image, folders of images, a whole dataset against its targets.

What segments is a `Segmenter`: a Keras model becomes one as a `Predictor`, an export is one.
"""

from fcn_keras.inference.ensemble import Ensemble
from fcn_keras.inference.evaluation import evaluate
from fcn_keras.inference.files import predict_files
from fcn_keras.inference.polygons import Region, regions_of
from fcn_keras.inference.postprocessing import build_predictor
from fcn_keras.inference.predictor import Predictor
from fcn_keras.inference.protocol import Segmenter
from fcn_keras.inference.segmenters import as_segmenter
from fcn_keras.inference.segmenting import segment
from fcn_keras.inference.stitching import shift_and_stitch
from fcn_keras.inference.tiling import segment_tiled
from fcn_keras.inference.tuning import tune_crf
from fcn_keras.inference.uncertainty import uncertainty

__all__ = [
    "Ensemble",
    "Predictor",
    "Region",
    "Segmenter",
    "as_segmenter",
    "build_predictor",
    "evaluate",
    "predict_files",
    "regions_of",
    "segment",
    "segment_tiled",
    "shift_and_stitch",
    "tune_crf",
    "uncertainty",
]
