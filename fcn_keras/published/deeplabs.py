"""load_deeplab: DeepLab over VGG16 with the weights of a .caffemodel of its authors' Caffe."""

from dataclasses import dataclass

from fcn_keras import models
from fcn_keras.data import voc
from fcn_keras.layers import Preprocess
from fcn_keras.named_rows import row_named
from fcn_keras.published import weights
from fcn_keras.published.caffemodel import CaffeModel
from fcn_keras.published.nets import VGG16
from fcn_keras.published.wire import CaffeModelError

MEAN = (104.008, 116.669, 122.675)  # blue, green, red
LAST = "fc8"  # the scores' layers begin with it; the name of the experiment follows


@dataclass(frozen=True)
class DeepLabFile:
    """A .caffemodel of DeepLab.

    Attributes:
        name: Its name.
        rates: Dilation of fc6 of each branch of v2; () for v1, DeepLab-LargeFOV.
        average_pool: Whether the net has the average pooling "pool5a" in front of fc6.
        classifier: The trunk: "vgg16", or a functional classifier with its layers' names.
    """

    name: str
    rates: tuple = ()
    average_pool: bool = False
    classifier: object = "vgg16"

    def branches(self):
        """Returns the ends of the names of the branches' layers: "" for v1, "_1", ... for v2."""
        return [f"_{n}" for n in range(1, len(self.rates) + 1)] or [""]

    def build(self, classes, filters):
        """Returns the net with random weights, for so many classes and filters of fc6."""
        options = {
            "weights": None,
            "head_filters": filters,
            "preprocess": Preprocess("caffe", mean=MEAN, dtype="float32", name="preprocess"),
            "labels": voc.LABELS if classes == voc.LABELS.num_classes else None,
            "name": self.name.replace("-", "_"),
        }
        if self.rates:
            return models.deeplab_v2(classes, self.classifier, aspp_rates=self.rates, **options)
        options["average_pool"] = self.average_pool
        return models.deeplab_v1(classes, self.classifier, **options)


_TABLE = (
    DeepLabFile("deeplab-largefov", average_pool=True),
    DeepLabFile("deeplab-largefov-without-pool5a"),
    DeepLabFile("deeplab-v2-aspp-l", (6, 12, 18, 24)),
    DeepLabFile("deeplab-v2-aspp-s", (2, 4, 8, 12)),
)


def deeplab_names():
    """Returns the names that `load_deeplab` takes, a list of str.

    Example:

    ```python
    for name in fcn_keras.published.deeplab_names():
        print(name)
    ```
    """
    return [row.name for row in _TABLE]


def get_deeplab(name):
    """Returns the `DeepLabFile` of a name; case does not matter, and underscores count as hyphens.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    return row_named(name, _TABLE, "There is no published DeepLab")


def load_deeplab(name, path):
    """Returns a DeepLab over VGG16 with the weights of a .caffemodel.

    The holes and the pooling "pool5a" have no weights, so that the name has to tell them. The
    number of classes is that of the file.

    Args:
        name: A name of `fcn_keras.published.deeplab_names()`, or a `DeepLabFile`.
        path: The .caffemodel file.

    Returns:
        A functional `keras.Model`: input float32 (batch, H, W, 3), RGB 0-255, any H and W; output
        float32 logits (batch, H, W, classes). At heights and widths of 8 k + 1 they equal those of
        Caffe, interpolated corner to corner, within rounding. Nets of 21 classes have the names of
        PASCAL VOC (`fcn_keras.labels_of`).

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: if there is no such file.
        CaffeModelError: for a file that is damaged, lacks a layer, or holds another net; the
            message names the layer and what was expected.

    Example:

    ```python
    import os

    file = "train2_iter_8000.caffemodel"
    if os.path.exists(file):
        model = fcn_keras.published.load_deeplab("deeplab-largefov", file)
    ```

    Source: Chen et al. (2015), and Chen et al. (2018).
    """
    row = get_deeplab(name) if isinstance(name, str) else name
    with CaffeModel(path) as file:
        try:
            return _filled(row, file)
        except CaffeModelError as error:
            raise CaffeModelError(f"{file.path}: {error}{_hint(row, file)}") from None


def _filled(row, file):
    names = _checked_names(row, file)
    first = names[f"score_{LAST}{row.branches()[0]}"]
    fc6 = names[f"fc6{row.branches()[0]}"]
    classes, filters = (weights.filters(file.layers[layer][0]) for layer in (first, fc6))
    if classes < 2:
        raise CaffeModelError(
            f"layer {first!r}: {row.name} needs 2 classes or more, the file has {classes}."
        )
    model = row.build(classes, filters)
    wanted = [
        (caffe, weights.forms(model.get_layer(ours)), file.layers[caffe])
        for ours, caffe in names.items()
    ]
    for caffe, forms, blobs in wanted:
        weights.check(caffe, forms, blobs, row.name)
    for _, forms, blobs in wanted:
        for form, blob in zip(forms, blobs, strict=True):
            weights.fill(form, blob)
    return model


def _checked_names(row, file):
    """{our layer: Caffe's}, exactly those of the file."""
    names, scores = dict(VGG16), [name for name in file.layers if name.startswith(LAST)]
    for branch in row.branches():
        names |= {f"fc{n}{branch}": f"fc{n}{branch}" for n in (6, 7)}
        ending = [name for name in scores if name.endswith(branch)]
        names[f"score_{LAST}{branch}"] = ending[0] if ending else f"{LAST}_voc12{branch}"
    missing = [name for name in names.values() if name not in file.layers]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise CaffeModelError(f"{row.name} needs a layer {missing[0]!r}{more}; the file has none.")
    unused = [name for name in file.layers if name not in names.values()]
    if unused:
        raise CaffeModelError(
            f"{row.name} has no layer {', '.join(map(repr, unused))}, but the file has."
        )
    return names


def _hint(row, file):
    """Returns a sentence that names the nets of the other version, if the file has its layers."""
    found = [other.name for other in _TABLE if f"fc6{other.branches()[0]}" in file.layers]
    if not found or row.name in found:
        return ""
    return f" This file looks like {' or '.join(found)}."
