"""GoogLeNet, Inception v1 as Caffe trains it: nine modules of four branches, no fc6."""

import keras

from fcn_keras.classifiers.own import classifier, image_shape
from fcn_keras.data_format import channels_last
from fcn_keras.layers import CeilPooling2D, LeanHeNormal, LocalResponseNormalization

L = keras.layers

# Filters of each module's branches: 1x1; 3x3_reduce, 3x3; 5x5_reduce, 5x5; pool_proj.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLED = {"3b": "pool3_3x3_s2", "4e": "pool4_3x3_s2"}
HEADS = {"4a": "loss1", "4d": "loss2"}


@channels_last()
def googlenet(
    include_top=True,
    weights=None,
    input_shape=None,
    classes=1000,
    classifier_activation="softmax",
    auxiliary_heads=False,
    name="googlenet",
):
    """GoogLeNet, also called Inception v1, as `bvlc_googlenet` has it.

    A 7x7 and a 3x3 convolution with local response normalization, nine Inception modules, 3x3
    pooling of stride 2 that rounds up, and the mean over the last map. Layers have Caffe's names
    with "_" for "/": `conv1_7x7_s2`, `inception_3a_5x5_reduce`, ... `loss3_classifier`.
    6,998,552 parameters with 1000 classes, without auxiliary heads.

    Args:
        include_top: Whether the mean over the map, dropout of 0.4 and the classifying layer
            `loss3_classifier` are there.
        weights: None, or the path of a weights file saved from this net. A file with top also
            fills a net without; one with auxiliary heads fills only a net with them.
        input_shape: (H, W, C). Default (224, 224, 3) with top, (None, None, 3) without. At
            least 31x31.
        classes: Number of classes of the top.
        classifier_activation: Activation of the classifying layers; None for logits.
        auxiliary_heads: Whether the two further classifiers, on modules 4a and 4d, are there,
            which the net was trained with. They need the top and a known H and W.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: input (batch, H, W, C), BGR 0-255 less the means, as
        `Preprocess("caffe")` makes it; output (batch, classes), or `inception_5b_output`
        (batch, h, w, 1024) without top, 7x7 at the net's own size. With auxiliary heads the
        outputs are a dict of (batch, classes): "loss3_classifier", the net's answer, and
        "loss1_classifier" and "loss2_classifier".

    Raises:
        ValueError: for weights="imagenet", which Keras does not have; for auxiliary heads without
            a top or at an open size; for weights or an `input_shape` that do not fit.

    Example:

    ```python
    model = fcn_keras.classifiers.googlenet(
        classes=10, input_shape=(64, 64, 3), auxiliary_heads=True
    )
    loss = "sparse_categorical_crossentropy"
    heads = {"loss3_classifier": 1.0, "loss1_classifier": 0.3, "loss2_classifier": 0.3}
    model.compile("sgd", loss={head: loss for head in heads}, loss_weights=heads)
    # model.fit(images, {head: labels for head in heads}); then the classifier without heads is
    classifier = keras.Model(model.input, model.output["loss3_classifier"])
    ```

    Source: Szegedy et al. (2015), "Going Deeper with Convolutions", table 1 and section 5; the
    heads' weight of 0.3 is in section 5.
    """
    shape = image_shape("googlenet", 224, include_top, weights, input_shape)
    if auxiliary_heads and (not include_top or None in shape):
        raise ValueError(
            "`auxiliary_heads` need include_top=True and a known height and width, got "
            f"include_top={include_top!r} and input_shape={shape!r}."
        )
    image = keras.Input(shape, name="image")
    x, heads = _stem(image), {}
    for module, filters in MODULES.items():
        x = _inception(x, filters, f"inception_{module}")
        if auxiliary_heads and module in HEADS:
            head = HEADS[module]
            heads[f"{head}_classifier"] = _head(x, classes, classifier_activation, head)
        if module in POOLED:
            x = CeilPooling2D(3, 2, name=POOLED[module])(x)
    if include_top:
        x = L.GlobalAveragePooling2D(name="pool5")(x)
        x = L.Dropout(0.4, name="pool5_drop_7x7_s1")(x)
        x = L.Dense(classes, activation=classifier_activation, name="loss3_classifier")(x)
    outputs = {"loss3_classifier": x, **heads} if heads else x
    return classifier(image, outputs, weights, name)


def _stem(image):
    x = L.ZeroPadding2D(3, name="conv1_pad")(image)
    x = _convolution(x, 64, 7, "conv1_7x7_s2", strides=2, padding="valid")
    x = CeilPooling2D(3, 2, name="pool1_3x3_s2")(x)
    x = _normalized(x, "pool1_norm1")
    x = _convolution(x, 64, 1, "conv2_3x3_reduce")
    x = _convolution(x, 192, 3, "conv2_3x3")
    x = _normalized(x, "conv2_norm2")
    return CeilPooling2D(3, 2, name="pool2_3x3_s2")(x)


def _inception(x, filters, name):
    one, reduce3, three, reduce5, five, projected = filters
    pooled = L.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    branches = [
        _convolution(x, one, 1, f"{name}_1x1"),
        _convolution(_convolution(x, reduce3, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
        _convolution(_convolution(x, reduce5, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
        _convolution(pooled, projected, 1, f"{name}_pool_proj"),
    ]
    return L.Concatenate(name=f"{name}_output")(branches)


def _head(x, classes, activation, name):
    x = CeilPooling2D(5, 3, mode="average", name=f"{name}_ave_pool")(x)
    x = L.Flatten(name=f"{name}_flatten")(_convolution(x, 128, 1, f"{name}_conv"))
    x = L.Dense(1024, activation="relu", kernel_initializer=LeanHeNormal(), name=f"{name}_fc")(x)
    x = L.Dropout(0.7, name=f"{name}_drop_fc")(x)
    return L.Dense(classes, activation=activation, name=f"{name}_classifier")(x)


def _convolution(x, filters, size, name, *, strides=1, padding="same"):
    return L.Conv2D(
        filters,
        size,
        strides=strides,
        padding=padding,
        activation="relu",
        kernel_initializer=LeanHeNormal(),
        name=name,
    )(x)


def _normalized(x, name):
    return LocalResponseNormalization(2, alpha=2e-5, beta=0.75, name=name)(x)
