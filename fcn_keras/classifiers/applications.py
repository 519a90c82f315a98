"""The table of `keras.applications`: preprocessing and sizes of each family."""

import re

import keras

EFFICIENT_NET = dict(zip("01234567", (224, 240, 260, 300, 380, 456, 528, 600), strict=True))
EFFICIENT_NET_V2 = {"B0": 224, "B1": 240, "B2": 260, "B3": 300, "S": 384, "M": 480, "L": 480}

# Functions; mode of `layers.Preprocess`, None where the classifier scales its pixels itself;
# native size; further fields of `Classifier`.
_FAMILIES = (
    ("VGG16 VGG19", "caffe", 224, {"head": (4096, 4096)}),
    ("ResNet50 ResNet101 ResNet152", "caffe", 224, {}),
    ("ResNet50V2 ResNet101V2 ResNet152V2", "tf", 224, {}),
    ("MobileNet MobileNetV2", "tf", 224, {}),
    ("MobileNetV3Small MobileNetV3Large", None, 224, {}),
    ("DenseNet121 DenseNet169 DenseNet201", "torch", 224, {}),
    ("InceptionV3 InceptionResNetV2", "tf", 299, {"smallest": 75}),
    ("Xception", "tf", 299, {"smallest": 71}),
    ("NASNetMobile", "tf", 224, {"built_at": 224}),
    ("NASNetLarge", "tf", 331, {"built_at": 352}),
    *((f"EfficientNetB{n}", None, size, {}) for n, size in EFFICIENT_NET.items()),
    *((f"EfficientNetV2{n}", None, size, {}) for n, size in EFFICIENT_NET_V2.items()),
    ("ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge", None, 224, {}),
)


def rows():
    """Yields the fields of a `Classifier`, a dict, for each classifier of the installed Keras."""
    for functions, preprocess, size, more in _FAMILIES:
        for function in functions.split():
            build = getattr(keras.applications, function, None)
            if build is not None:
                fields = {"build": build, "preprocess": preprocess, "size": size, **more}
                yield {"name": registered_name(function), **fields}


def registered_name(function):
    """Returns the registered name of a Keras function: efficientnet_v2_b0 of EfficientNetV2B0."""
    word = r"V\d|B\d|[SML]$|Tiny|Small|Base|XLarge|Large|Mobile|ResNetV"
    return re.sub(rf"(?<=[a-z0-9])(?={word})", "_", function).lower()
