"""Checks of the arguments of `export_tflite`, before any work."""

from fcn_keras.checks import one_of, whole_number
from fcn_keras.export.decoding import has_logits
from fcn_keras.export.options import QUANTIZE
from fcn_keras.export.tflite import contents
from fcn_keras.export.tflite.calibration import NEEDED


def check_target(path, overwrite):
    """Raises ValueError if the file exists and may not be replaced: it must be a TFLite file."""
    if not path.exists():
        return
    if not overwrite:
        raise ValueError(
            f"{path} already exists. Choose another name, or replace it (--overwrite, "
            "overwrite=True)."
        )
    if not contents.is_tflite(path):
        raise ValueError(f"{path} exists and is not a TFLite file, so it is not replaced.")


def check_quantization(quantize, calibration, float_layers=(), report=None):
    """Raises ValueError for an unknown kind, or options of int8 with another kind."""
    one_of("quantize", quantize, QUANTIZE)
    if quantize == "int8" and calibration is None:
        raise ValueError(NEEDED)
    if quantize != "int8" and (calibration is not None or float_layers or report):
        raise ValueError(
            "`calibration`, `float_layers` and `report` belong to quantize='int8', "
            f"got quantize={quantize!r}."
        )


def checked_size(size, model):
    """Returns (H, W) of the file, or None for any size.

    Raises:
        ValueError: if `size` is not two whole numbers, or not a size that the model takes.
    """
    own = model.input_shape[1:3]
    if size is None:
        if None not in own:
            return tuple(own)
        if own != (None, None):
            raise ValueError(f"{model.name!r} takes {own}: give both, size=(H, W).")
        return None
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ValueError(f"`size` must be (H, W), two whole numbers, or None, got {size!r}.")
    size = tuple(whole_number("size", side) for side in size)
    if any(n not in (None, m) for n, m in zip(own, size, strict=True)):
        raise ValueError(f"{model.name!r} takes images of {own[0]}x{own[1]} only, got size={size}.")
    return size


def check_logits(logits, task, model):
    """Raises ValueError for logits of a net whose outputs are none."""
    if logits and not has_logits(task):
        raise ValueError(
            f"`logits` belongs to classes; the outputs of {model.name!r}, which is made for "
            f"{task.kind}, are its map."
        )


def check_mediapipe(size, model):
    """Raises ValueError for what MediaPipe's Image Segmenter refuses."""
    if size is None:
        raise ValueError(
            "mediapipe=True needs a fixed size, since MediaPipe refuses open sizes: "
            "size=(H, W), --size HxW."
        )
    if model.input_shape[-1] != 3:
        raise ValueError(
            f"MediaPipe gives images of 3 channels; {model.name!r} takes {model.input_shape[-1]}."
        )


def check_layers(float_layers, model):
    """Raises ValueError for names of layers that the model does not have."""
    unknown = sorted({*float_layers} - {layer.name for layer in model.layers})
    if unknown:
        raise ValueError(
            f"{model.name!r} has no layers {', '.join(unknown)} for `float_layers`; it has "
            f"{', '.join(layer.name for layer in model.layers[-8:])}, ..."
        )
