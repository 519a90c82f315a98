"""Whether what is asked of `export_tflite` can be done, before any work."""

from fcn_keras.export.tflite import contents
from fcn_keras.export.tflite.calibration import NEEDED

QUANTIZE = ("none", "float16", "dynamic", "int8", "int8-weights")
OUTPUTS = ("labels", "scores")


def check_target(path, overwrite):
    """A file is replaced only if asked for, and only a TFLite file."""
    if not path.exists():
        return
    if not overwrite:
        raise ValueError(
            f"{path} already exists. Choose another name, or replace it (--overwrite, "
            "overwrite=True)."
        )
    if not contents.is_tflite(path):
        raise ValueError(f"{path} exists and is no TFLite file, so it is not replaced.")


def check_options(quantize, calibration, output, float_layers, report):
    """Names that are known, and options that belong to them."""
    for name, value, known in (("quantize", quantize, QUANTIZE), ("output", output, OUTPUTS)):
        if value not in known:
            raise ValueError(f"`{name}` is one of {', '.join(map(repr, known))}; got {value!r}.")
    if quantize == "int8" and calibration is None:
        raise ValueError(NEEDED)
    if quantize != "int8" and (calibration is not None or float_layers or report):
        raise ValueError(
            "`calibration`, `float_layers` and `report` belong to quantize='int8'; "
            f"got quantize={quantize!r}."
        )


def checked_size(size, model):
    """(H, W) of the file, or None for any."""
    own = model.input_shape[1:3]
    if size is None:
        if None not in own:
            return tuple(own)
        if own != (None, None):
            raise ValueError(f"{model.name!r} takes {own}: give both, size=(H, W).")
        return None
    whole = isinstance(size, (tuple, list)) and len(size) == 2
    if not whole or any(int(n) != n or n < 1 for n in size):
        raise ValueError(f"`size` is (H, W), two whole numbers of at least 1, or None; got {size}.")
    if any(n not in (None, m) for n, m in zip(own, size, strict=True)):
        raise ValueError(
            f"{model.name!r} takes images of {own[0]}x{own[1]} only; got size={tuple(size)}."
        )
    return tuple(int(n) for n in size)


def check_mediapipe(output, size, model):
    """What MediaPipe would take without a word and answer wrongly, or refuse."""
    if output != "scores" or size is None:
        raise ValueError(
            "mediapipe=True needs output='scores' and a fixed size=(H, W): of labels its Image "
            "Segmenter makes an empty mask without a word, and open sizes it refuses; got "
            f"output={output!r}, size={size}."
        )
    if model.input_shape[-1] != 3:
        raise ValueError(
            f"MediaPipe gives images of 3 channels; {model.name!r} takes {model.input_shape[-1]}."
        )


def check_layers(float_layers, model):
    """Layers that the model has."""
    unknown = sorted({*float_layers} - {layer.name for layer in model.layers})
    if unknown:
        raise ValueError(
            f"`float_layers` names {', '.join(unknown)}, which {model.name!r} has not; it has "
            f"{', '.join(layer.name for layer in model.layers[-8:])}, ..."
        )
