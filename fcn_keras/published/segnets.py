"""load_segnet: SegNet, SegNet-Basic and Bayesian SegNet with the weights of a caffe-segnet file.

caffe-segnet's "BN" layer has two arrays, scale and shift. In the authors' files the statistics
were folded into them; in the snapshot of a training they are as they were learned.
"""

from dataclasses import dataclass

import keras
import numpy as np

from fcn_keras import models
from fcn_keras.data import camvid, voc
from fcn_keras.labels import LabelSet
from fcn_keras.layers import Logits, Preprocess
from fcn_keras.models.pooled_encoder import convolution_unit
from fcn_keras.named_rows import row_named
from fcn_keras.published import weights
from fcn_keras.published.caffemodel import CaffeModel
from fcn_keras.published.nets import VGG16
from fcn_keras.published.wire import CaffeModelError

L = keras.layers

_HOST = "http://mi.eng.cam.ac.uk/~agk34/resources/SegNet/"
# The same 11 classes and, at place 3, the road markings.
DRIVING = LabelSet(
    (*camvid.LABELS.names[:3], "Road marking", *camvid.LABELS.names[3:]),
    (*camvid.LABELS.palette[:3], (255, 69, 0), *camvid.LABELS.palette[3:]),
)


@dataclass(frozen=True)
class SegNetFile:
    """A .caffemodel of caffe-segnet.

    Attributes:
        name: Its name, after the authors' file.
        basic: Whether it is SegNet-Basic, else SegNet over VGG16.
        labels: The names of the classes, or None.
        num_classes: Number of classes; None for that of the file.
        file: Name of the file on the authors' server; None for files of one's own.
        bayesian: Whether its net has the Dropout of Bayesian SegNet.
        head: Name of a convolution of 3x3 that follows `conv1_1_D`, which then is a layer like
            the others; None where `conv1_1_D` gives the scores.
        classifier: The encoder: "vgg16", or a functional classifier with its layers' names.
    """

    name: str
    basic: bool
    labels: LabelSet | None = None
    num_classes: int | None = None
    file: str | None = None
    bayesian: bool = False
    head: str | None = None
    classifier: object = "vgg16"

    @property
    def url(self):
        """The address of the file, or None."""
        return None if self.file is None else _HOST + self.file

    def units(self):
        """Returns {our layer: Caffe's} of the convolutions that BatchNormalization follows."""
        if self.basic:
            names = [
                *(f"conv{n}" for n in range(1, 5)),
                *(f"conv_decode{n}" for n in range(4, 0, -1)),
            ]
            return {name: name for name in names}
        decoder = [f"{name}_D" for name in reversed(VGG16.values())]
        decoder = decoder if self.head else decoder[:-1]
        return {**VGG16, **{name: name for name in decoder}}

    def score(self, file):
        """Returns Caffe's name of the convolution that gives the scores."""
        if not self.basic:
            return self.head or "conv1_1_D"
        # the authors' training files and inference files name it differently
        first, second = "conv_classifier", "dense_softmax_inner_prod"
        return second if second in file.layers else first


def _camvid(name, **more):
    file = name.replace("-", "_") + ".caffemodel"
    return SegNetFile(name, "basic" in name, camvid.LABELS, 11, file, "bayesian" in name, **more)


_TABLE = (
    _camvid("segnet-basic-camvid"),
    _camvid("bayesian-segnet-basic-camvid"),
    _camvid("bayesian-segnet-camvid", head="camvid"),
    SegNetFile("segnet-driving", False, DRIVING, 12, "segnet_weights_driving_webdemo.caffemodel"),
    SegNetFile("segnet-sun", False, None, 38, "segnet_sun.caffemodel", bayesian=True),
    SegNetFile(
        "segnet-sun-low-resolution", False, None, 38, "segnet_sun_low_resolution.caffemodel"
    ),
    SegNetFile("segnet-pascal", False, voc.LABELS, 21, "segnet_pascal.caffemodel"),
    SegNetFile("segnet", False),
    SegNetFile("segnet-basic", True),
    SegNetFile("bayesian-segnet", False, bayesian=True),
    SegNetFile("bayesian-segnet-basic", True, bayesian=True),
)


def segnet_names():
    """Returns the names that `load_segnet` takes, a list of str.

    Example:

    ```python
    for name in fcn_keras.published.segnet_names():
        print(name)
    ```
    """
    return [row.name for row in _TABLE]


def get_segnet(name):
    """Returns the `SegNetFile` of a name; case does not matter, and underscores count as hyphens.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    return row_named(name, _TABLE, "There is no published SegNet")


def load_segnet(name, path, statistics=None):
    """Returns a SegNet with the weights of a .caffemodel of caffe-segnet.

    The authors' files are for inference: scale and shift of each BN layer contain the statistics
    of the training images, and become a BatchNormalization of mean 0 and variance 1. The snapshot
    of a training (`*_iter_40000.caffemodel`) has arrays of the same shapes without them; nothing
    in a file tells the two apart.

    Args:
        name: A name of `fcn_keras.published.segnet_names()`, or a `SegNetFile`. "segnet",
            "segnet-basic" and the two Bayesian ones are for files of one's own, of any number of
            classes.
        path: The .caffemodel file.
        statistics: None for a file for inference. For the snapshot of a training: batches of
            training images (batch, H, W, 3), RGB 0-255, or (images, targets), over which the
            statistics are computed, as compute_bn_statistics.py of SegNet-Tutorial does.

    Returns:
        A functional `keras.Model`: input float32 (batch, H, W, 3), RGB 0-255, any H and W; output
        float32 logits (batch, H, W, classes), equal to Caffe's within rounding.

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: if there is no such file.
        CaffeModelError: for a file that is damaged, lacks a layer, or holds another net, and for
            one whose BatchNormalization BN-absorber.py has moved into the convolutions.

    Example:

    ```python
    import os

    file = "segnet_basic_camvid.caffemodel"
    if os.path.exists(file):
        model = fcn_keras.published.load_segnet("segnet-basic-camvid", file)
    ```

    Source: Badrinarayanan, Kendall, Cipolla (2017); the model zoo of
    github.com/alexgkendall/SegNet-Tutorial (licence CC BY-NC 4.0).
    """
    row = get_segnet(name) if isinstance(name, str) else name
    with CaffeModel(path) as file:
        try:
            model = _filled(row, file, folded=statistics is None)
        except CaffeModelError as error:
            raise CaffeModelError(f"{file.path}: {error}{_hint(row, file)}") from None
    if statistics is not None:
        from fcn_keras.training import refresh_batch_norm

        refresh_batch_norm(model, statistics)
    return model


def _filled(row, file, folded):
    units, score = row.units(), row.score(file)
    _check_layers(row, file, units, score)
    classes = weights.filters(file.layers[score][0])
    if row.num_classes not in (None, classes):
        shape = weights.shown([file.layers[score][0].shape])
        raise CaffeModelError(
            f"layer {score!r}: {row.name} has {row.num_classes} classes, the file's filters are "
            f"{shape}."
        )
    model = _built(row, classes)
    ours = next(layer.name for layer in model.layers if layer.name.startswith("score_"))
    convolutions = {**units, ours: score}
    wanted = [
        (caffe, weights.forms(model.get_layer(name)), file.layers[caffe])
        for name, caffe in convolutions.items()
    ]
    normalizations = {name: model.get_layer(f"{name}_bn") for name in units}
    for name, caffe in units.items():
        forms = weights.normalization(normalizations[name])
        wanted.append((f"{caffe}_bn", forms, file.layers[f"{caffe}_bn"]))
    for caffe, forms, blobs in wanted:
        weights.check(caffe, forms, blobs, row.name)
    for _, forms, blobs in wanted:
        for form, blob in zip(forms, blobs, strict=True):
            weights.fill(form, blob)
    for layer in normalizations.values():
        _fold(layer, folded)
    return model


def _built(row, classes):
    """The net with random weights; BGR of 0-255 without a mean, as the authors fed it."""
    options = {
        "preprocess": Preprocess("caffe", mean=(0, 0, 0), dtype="float32", name="preprocess"),
        "bayesian": row.bayesian,
        "labels": row.labels,
        "name": row.name.replace("-", "_"),
    }
    if row.basic:
        return models.segnet_basic(classes, **options)
    model = models.segnet(classes, row.classifier, weights=None, **options)
    return model if row.head is None else _with_head(model, row.head)


def _with_head(model, name):
    """The net with `conv1_1_D` as a layer like the others, and a convolution of its own behind."""
    scoring, last = model.get_layer("score_conv1_1_D"), model.get_layer("score")
    x = scoring.input
    x = convolution_unit(x, x.shape[-1], scoring.kernel_size, "conv1_1_D")
    scores = L.Conv2D(scoring.filters, 3, padding="same", name=f"score_{name}")(x)
    scores = Logits(0, last.task_config, name="score")([scores, model.input])
    return keras.Model(model.input, scores, name=model.name)


def _check_layers(row, file, units, score):
    needed = [name for caffe in units.values() for name in (caffe, f"{caffe}_bn")] + [score]
    missing = [name for name in needed if name not in file.layers]
    normalizations = [f"{caffe}_bn" for caffe in units.values()]
    if {*missing} == {*normalizations} or _absorbed(file, normalizations):
        raise CaffeModelError(
            "its BatchNormalization is gone: BN-absorber.py of SegNet-Tutorial has moved it into "
            "the convolutions and left zeros in its place, with which a net that normalizes gives "
            "nothing but zeros. Import the file that BN-absorber.py was given "
            "(test_weights.caffemodel of compute_bn_statistics.py)."
        )
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise CaffeModelError(f"{row.name} needs a layer {missing[0]!r}{more}; the file has none.")
    unused = [name for name in file.layers if name not in needed]
    if unused:
        raise CaffeModelError(
            f"{row.name} has no layer {', '.join(map(repr, unused))}, but the file has."
        )


def _absorbed(file, normalizations):
    """Whether scale and shift of some BN layer are all zero, as BN-absorber.py leaves them."""
    return any(
        name in file.layers and not any(blob.read().any() for blob in file.layers[name])
        for name in normalizations
    )


def _fold(layer, folded):
    """Sets the statistics; of a file for inference so that the layer is y = scale * x + shift."""
    layer.moving_mean.assign(np.zeros(layer.moving_mean.shape))
    layer.moving_variance.assign(np.ones(layer.moving_variance.shape))
    if folded:
        scale = keras.ops.convert_to_numpy(layer.gamma).astype("float64")
        layer.gamma.assign((scale * np.sqrt(1 + layer.epsilon)).astype("float32"))


def _hint(row, file):
    """Returns a sentence that names the other nets that the file fits, or ""."""
    found = [other.name for other in _TABLE if _fits(other, file)]
    if not found or _fits(row, file):
        return ""
    return f" This file looks like {' or '.join(found)}."


def _fits(row, file):
    """Returns whether the file has exactly the layers of the net, and its number of classes."""
    units, score = row.units(), row.score(file)
    names = {name for caffe in units.values() for name in (caffe, f"{caffe}_bn")}
    if names | {score} != set(file.layers):
        return False
    return row.num_classes in (None, weights.filters(file.layers[score][0]))
