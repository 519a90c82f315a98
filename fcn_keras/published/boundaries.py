"""load_hed: HED with the weights of its authors' .caffemodel."""

from fcn_keras import models
from fcn_keras.layers import Preprocess
from fcn_keras.published import weights
from fcn_keras.published.caffemodel import CaffeModel
from fcn_keras.published.nets import VGG16
from fcn_keras.published.wire import CaffeModelError

NAME = "hed"
URL = "http://vcl.ucsd.edu/hed/hed_pretrained_bsds.caffemodel"
MEAN = (104.00699, 116.66877, 122.67892)  # of the channels B, G, R
UPSAMPLINGS = {f"upsample_{factor}": factor for factor in (2, 4, 8, 16)}
LAYERS = {
    **VGG16,
    **{f"score_dsn{n}": f"score-dsn{n}" for n in range(1, 6)},
    "score_fuse": "new-score-weighting",
}


def load_hed(path, *, merged=False, classifier="vgg16"):
    """Returns HED with the weights of hed_pretrained_bsds.caffemodel, or of a training of yours.

    Args:
        path: The .caffemodel file.
        merged: As `fcn_keras.hed`.
        classifier: "vgg16", or a functional classifier of its layers' names.

    Returns:
        `fcn_keras.hed` with `alignment="caffe"`: input float32 (batch, H, W, 3), RGB 0-255, any
        H and W; output float32 logits (batch, H, W, 6), the fusion and the five side outputs,
        equal to Caffe's within rounding.

    Raises:
        FileNotFoundError: if there is no such file.
        CaffeModelError: for a file that is damaged, lacks a layer, holds another net, or whose
            upsampling is not bilinear.

    Example:

    ```python
    import os

    file = "hed_pretrained_bsds.caffemodel"
    if os.path.exists(file):
        model = fcn_keras.published.load_hed(file)
    ```

    Source: Xie, Tu (2015); github.com/s9xie/hed (its licence is for research).
    """
    mean = Preprocess("caffe", mean=MEAN, dtype="float32", name="preprocess")
    with CaffeModel(path) as file:
        try:
            _check(file)
            model = models.hed(
                classifier, weights=None, alignment="caffe", merged=merged, preprocess=mean
            )
            wanted = [
                (caffe, weights.forms(model.get_layer(ours)), file.layers[caffe])
                for ours, caffe in LAYERS.items()
            ]
            for caffe, forms, blobs in wanted:
                weights.check(caffe, forms, blobs, NAME)
        except CaffeModelError as error:
            raise CaffeModelError(f"{file.path}: {error}") from None
        for _, forms, blobs in wanted:
            for form, blob in zip(forms, blobs, strict=True):
                weights.fill(form, blob)
    return model


def _check(file):
    """Refuses a file of other layers, or of learned upsampling."""
    known = {*LAYERS.values(), *UPSAMPLINGS}
    missing = [name for name in LAYERS.values() if name not in file.layers]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise CaffeModelError(f"{NAME} needs a layer {missing[0]!r}{more}; the file has none.")
    unused = [name for name in file.layers if name not in known]
    if unused:
        raise CaffeModelError(
            f"{NAME} has no layer {', '.join(map(repr, unused))}, but the file has."
        )
    for name, factor in UPSAMPLINGS.items():
        blobs = file.layers.get(name)
        if blobs and not weights.is_bilinear(blobs[0].read(), factor):
            raise CaffeModelError(f"layer {name!r}: the upsampling of {NAME} is bilinear.")
