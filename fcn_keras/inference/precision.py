"""The choice of a precision for what segments."""

from fcn_keras.inference.ensemble import Ensemble
from fcn_keras.inference.predictor import Predictor
from fcn_keras.inference.segmenters import UserSegmenter


def in_precision(segmenter, precision):
    """Returns a segmenter that computes in the given precision.

    Args:
        segmenter: A `Segmenter`. Of an `Ensemble` all members compute in it.
        precision: As of `Predictor`; None leaves it as it is.

    Raises:
        ValueError: for another precision; for one of a segmenter that is no Keras model.
    """
    if precision is None:
        return segmenter
    if isinstance(segmenter, Ensemble):
        return segmenter.with_members(lambda member: in_precision(member, precision))
    if not isinstance(segmenter, Predictor):
        told = segmenter.name if isinstance(segmenter, UserSegmenter) else type(segmenter).__name__
        raise ValueError(
            f"`precision` is for Keras models, and {told} computes as it was made: leave "
            f"precision={precision!r} out (an export has it as an option of its own)."
        )
    return segmenter.in_precision(precision)
