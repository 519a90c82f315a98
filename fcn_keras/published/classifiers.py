"""load_classifier: VGG16, CaffeNet (AlexNet) and GoogLeNet with the weights of a .caffemodel."""

import keras

from fcn_keras import classifiers
from fcn_keras.checks import one_of
from fcn_keras.published import weights
from fcn_keras.published.caffemodel import CaffeModel
from fcn_keras.published.nets import VGG16
from fcn_keras.published.wire import CaffeModelError
from fcn_keras.surgery.top import find_top

CLASSIFIERS = ("vgg16", "alexnet", "googlenet")
_VGG16 = {**VGG16, "fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}


def load_classifier(name, path):
    """Returns an ImageNet classifier with the weights of its .caffemodel.

    The files are VGG_ILSVRC_16_layers.caffemodel, bvlc_reference_caffenet.caffemodel and
    bvlc_googlenet.caffemodel, or others with the same layers and any number of classes.
    Fully connected layers may be stored as inner products or as convolutions. The auxiliary
    heads of GoogLeNet are left out.

    Args:
        name: "vgg16", "alexnet" or "googlenet".
        path: The .caffemodel file.

    Returns:
        The classifier with its top, a functional `keras.Model`: input (batch, H, W, 3) at its own
        size, BGR 0-255 minus the means, the output of `layers.Preprocess("caffe")`; output (batch,
        classes), softmax. `fcn8s(classifier="vgg16", weights="vgg16.weights.h5")` takes the file
        that `save_weights("vgg16.weights.h5")` writes for 1000 classes.

    Raises:
        ValueError: for an unknown name.
        FileNotFoundError: if there is no such file.
        CaffeModelError: for a file that is damaged, or a layer that is missing or of another
            shape; the message names it and what was expected.

    Example:

    ```python
    import os

    file = "bvlc_reference_caffenet.caffemodel"
    if os.path.exists(file):
        fcn_keras.published.load_classifier("alexnet", file).save_weights("alexnet.weights.h5")
    ```

    Source: Simonyan and Zisserman (2015); Krizhevsky et al. (2012); Szegedy et al. (2015).
    """
    one_of("name", name, CLASSIFIERS)
    with CaffeModel(path) as file:
        try:
            last = "loss3/classifier" if name == "googlenet" else "fc8"
            blobs = file.layers.get(last) or _missing(name, last)
            classes = weights.filters(blobs[0])
            model = classifiers.get(name).build(weights=None, classes=classes)
            fill(model, file, name)
        except CaffeModelError as error:
            raise CaffeModelError(f"{file.path}: {error}") from None
    return model


def fill(model, file, needs):
    """Copies the weights of an open `CaffeModel` to a classifier, after checking all of them.

    Args:
        model: The classifier.
        file: The `CaffeModel`.
        needs: The name of the classifier, for messages.
    """
    caffe = {name.replace("/", "_"): name for name in file.layers}
    top = find_top(model)
    gathered = [layer for layer in top.layers if isinstance(layer, keras.layers.Dense)][:1]
    wanted = []
    for layer in model.layers:
        if not layer.weights:
            continue
        theirs = _VGG16.get(layer.name, layer.name)
        name = caffe.get(theirs) or _missing(needs, theirs)
        window = top.window if top.flattens and layer in gathered else None
        wanted.append((name, weights.forms(layer, window), file.layers[name]))
    for name, forms, blobs in wanted:
        weights.check(name, forms, blobs, needs)
    for _, forms, blobs in wanted:
        for form, blob in zip(forms, blobs, strict=True):
            weights.fill(form, blob)


def _missing(needs, name):
    raise CaffeModelError(f"{needs} needs a layer {name!r}; the file has none.")
