"""ResNet v1.5, the ResNet of torchvision: the stride of a stage is in its first 3x3 convolution."""

import hashlib
from pathlib import Path

import keras

from fcn_keras.checkpoints import CheckpointError
from fcn_keras.classifiers.own import classifier, image_shape

L = keras.layers

WIDTH = 64  # filters of the stem and of the first stage's bottlenecks
BLOCKS = {"resnet50_v1_5": (3, 4, 6, 3), "resnet101_v1_5": (3, 4, 23, 3)}
# torchvision's files of ImageNet weights; a name ends with the beginning of the file's SHA-256.
ADDRESS = "https://download.pytorch.org/models/"
FILES = {"resnet50_v1_5": "resnet50-0676ba61.pth", "resnet101_v1_5": "resnet101-63fe2227.pth"}
_DOCUMENTATION = """ResNet-{depth} as torchvision has it, also called v1.5.

    Bottlenecks with their stride in the 3x3 convolution (Keras's `ResNet{depth}` has it in the
    first 1x1), symmetric padding, no biases before BatchNormalization.

    Args:
        include_top: Whether average pooling and the classifying layer `predictions` are there.
        weights: None; "imagenet" (torchvision's IMAGENET1K_V1, {file}, which is downloaded to
            Keras's folder); or the path of a torchvision file, or of a weights file saved from
            this net. A file with top also fills a net without.
        input_shape: (H, W, C). Default (224, 224, 3) with top, (None, None, 3) without.
        classes: Number of classes of the top.
        classifier_activation: Activation of the classifying layer; None for logits.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: input (batch, H, W, C), as `Preprocess("torch")` makes it;
        output (batch, classes), or the last map (batch, h, w, 2048) without top.

    Raises:
        CheckpointError: for a torch file that does not fit.
        ValueError: for weights or an `input_shape` that do not fit.

    Example:

    ```python
    trunk = fcn_keras.classifiers.{variant}(include_top=False)
    trunk.output_shape                                   # (None, None, None, 2048)
    ```

    Source: He et al. (2016), "Deep Residual Learning"; torchvision/models/resnet.py.
    """


def resnet(image, blocks, width=WIDTH):
    """Returns the last map of a ResNet v1.5 over an image, a KerasTensor.

    Args:
        image: KerasTensor (batch, H, W, C).
        blocks: Number of bottlenecks in each stage.
        width: Filters of the stem and of the first stage's bottlenecks.
    """
    x = _convolved(image, width, 7, "conv1", strides=2)
    x = L.ReLU(name="conv1_relu")(x)
    x = L.ZeroPadding2D(1, name="pool1_pad")(x)
    x = L.MaxPooling2D(3, 2, name="pool1")(x)
    for stage, count in enumerate(blocks):
        for block in range(count):
            strides = 2 if stage and not block else 1
            x = _bottleneck(x, width * 2**stage, strides, f"conv{stage + 2}_block{block + 1}")
    return x


def torch_names(blocks):
    """Returns {our layer: its name in torchvision's files} of a ResNet with its top."""
    names = {"conv1_conv": "conv1", "conv1_bn": "bn1", "predictions": "fc"}
    for stage, count in enumerate(blocks):
        for block in range(count):
            ours, theirs = f"conv{stage + 2}_block{block + 1}", f"layer{stage + 1}.{block}"
            names[f"{ours}_0_conv"] = f"{theirs}.downsample.0"
            names[f"{ours}_0_bn"] = f"{theirs}.downsample.1"
            for n in (1, 2, 3):
                names[f"{ours}_{n}_conv"] = f"{theirs}.conv{n}"
                names[f"{ours}_{n}_bn"] = f"{theirs}.bn{n}"
    return names


def _bottleneck(x, filters, strides, name):
    branch = L.ReLU(name=f"{name}_1_relu")(_convolved(x, filters, 1, f"{name}_1"))
    branch = _convolved(branch, filters, 3, f"{name}_2", strides=strides)
    branch = L.ReLU(name=f"{name}_2_relu")(branch)
    branch = _convolved(branch, 4 * filters, 1, f"{name}_3")
    if strides > 1 or x.shape[-1] != 4 * filters:
        x = _convolved(x, 4 * filters, 1, f"{name}_0", strides=strides)
    return L.ReLU(name=f"{name}_out")(L.Add(name=f"{name}_add")([x, branch]))


def _convolved(x, filters, size, name, strides=1):
    if size > 1:
        x = L.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = L.Conv2D(
        filters,
        size,
        strides,
        use_bias=False,
        kernel_initializer={
            "class_name": "VarianceScaling",
            "config": {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
        },
        name=f"{name}_conv",
    )(x)
    return L.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def _downloaded(variant):
    """The path of torchvision's ImageNet weights, which are downloaded once."""
    name = FILES[variant]
    path = Path(keras.utils.get_file(name, ADDRESS + name, cache_subdir="models"))
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(name.removesuffix(".pth").rpartition("-")[2]):
        raise CheckpointError(
            f"{path}: the file is not what {ADDRESS}{name} should be (its SHA-256 begins with "
            f"{found[:8]}). Remove it, so that it is downloaded again."
        )
    return path


def _builder(variant):
    """Returns the function that builds a net of `BLOCKS`."""
    blocks = BLOCKS[variant]

    def build(
        include_top=True,
        weights=None,
        input_shape=None,
        classes=1000,
        classifier_activation="softmax",
        name=variant,
    ):
        if weights == "imagenet":
            if include_top and classes != 1000:
                raise ValueError(
                    f"weights='imagenet' has a top of 1000 classes, got classes={classes!r}."
                )
            weights = _downloaded(variant)
        shape = image_shape(variant, 224, include_top, weights, input_shape)
        image = keras.Input(shape, name="image")
        x = resnet(image, blocks)
        if include_top:
            x = L.GlobalAveragePooling2D(name="avg_pool")(x)
            x = L.Dense(classes, activation=classifier_activation, name="predictions")(x)
        return classifier(image, x, weights, name, torch_names(blocks), spare=("fc.",))

    build.__name__ = build.__qualname__ = variant
    depth = variant.removeprefix("resnet").partition("_")[0]
    build.__doc__ = _DOCUMENTATION.format(variant=variant, depth=depth, file=FILES[variant])
    return build


resnet50_v1_5, resnet101_v1_5 = map(_builder, BLOCKS)
