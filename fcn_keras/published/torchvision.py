"""torchvision's FCN and DeepLabv3 over ResNet-50 and 101, and these ResNets.

The FCN is a dilated ResNet, one 3x3 convolution and scores; DeepLabv3 has an atrous pyramid.
"""

import keras

from fcn_keras import models
from fcn_keras.checkpoints.filling import count_classes, fill
from fcn_keras.classifiers import resnet_v1_5
from fcn_keras.models.alignment import ALIGNMENTS, on_pixels
from fcn_keras.models.backbone import load_backbone
from fcn_keras.models.inputs import assembled, open_streams
from fcn_keras.published import labels
from fcn_keras.tasks import Classes

L = keras.layers
OUTPUT_STRIDE = 8
FILES = {  # trained on COCO with the classes of PASCAL VOC
    "resnet50_v1_5": "fcn_resnet50_coco-1167a1af.pth",
    "resnet101_v1_5": "fcn_resnet101_coco-7ecb50ca.pth",
}
DEEPLAB_FILES = {  # likewise
    "resnet50_v1_5": "deeplabv3_resnet50_coco-cd0a2569.pth",
    "resnet101_v1_5": "deeplabv3_resnet101_coco-586e9e4e.pth",
}
_HEAD = {"head_conv": "classifier.0", "head_bn": "classifier.1", "score_fr": "classifier.4"}
_PYRAMID = {  # {our convolution: (torchvision's, its BatchNormalization)}
    "aspp_1x1": ("0.convs.0.0", "0.convs.0.1"),
    "aspp_rate12": ("0.convs.1.0", "0.convs.1.1"),
    "aspp_rate24": ("0.convs.2.0", "0.convs.2.1"),
    "aspp_rate36": ("0.convs.3.0", "0.convs.3.1"),
    "aspp_image": ("0.convs.4.1", "0.convs.4.2"),
    "aspp_project": ("0.project.0", "0.project.1"),
    "head_1": ("1", "2"),
}
_UNUSED = ("aux_classifier.", "backbone.fc.")


def fcn_resnet(num_classes, classifier, name, class_names=None, preprocess=None):
    """Returns torchvision's FCN over a ResNet, with random weights.

    Args:
        num_classes: Number of classes.
        classifier: A registered name, or a ResNet v1.5 without top.
        name: Name of the model.
        class_names: A `LabelSet`, or None.
        preprocess: None for that of the registered classifier, else as in `models.fcn`.

    Returns:
        A functional `keras.Model`: RGB 0-255 (batch, H, W, 3) to float32 logits
        (batch, H, W, num_classes), in alignment "torch".

    Source: torchvision/models/segmentation/fcn.py.
    """
    (stream,) = open_streams((None, None, 3), preprocess)
    alignment = ALIGNMENTS["torch"]
    trunk = {"head_filters": 0, "output_stride": OUTPUT_STRIDE}
    features = load_backbone(stream, classifier, None, alignment, **trunk).deepest
    x = features.tensor
    x = L.Conv2D(x.shape[-1] // 4, 3, padding="same", use_bias=False, name="head_conv")(x)
    x = L.BatchNormalization(momentum=0.9, epsilon=1e-5, name="head_bn")(x)
    x = L.Dropout(0.1, name="head_drop")(L.ReLU(name="head_relu")(x))
    scores = features.with_tensor(L.Conv2D(num_classes, 1, name="score_fr")(x))
    task = Classes(class_names, num_classes=num_classes)
    logits = on_pixels(alignment([stream.image]), scores, stream.image, task)
    return assembled([stream], {None: logits}, name)


def load_fcn(variant, tensors, classifier=None, blocks=None, preprocess=None):
    """Returns torchvision's FCN with the weights of its state dict.

    Args:
        variant: "resnet50_v1_5" or "resnet101_v1_5".
        tensors: {name: array}. The auxiliary classifier, which only helps training, is left out.
        classifier, blocks, preprocess: Another ResNet v1.5 without top, its bottlenecks a stage,
            and its preprocessing.

    Raises:
        CheckpointError: for tensors that do not fit.
    """
    name = f"fcn_{variant.partition('_')[0]}"
    classes, class_names = _classes(tensors, name)
    model = fcn_resnet(classes, classifier or variant, name, class_names, preprocess)
    fill(model, tensors, _trunk_names(variant, blocks) | _HEAD, name, _UNUSED)
    return model


def load_deeplab(variant, tensors, classifier=None, blocks=None, preprocess=None):
    """Returns torchvision's DeepLabv3 with the weights of its state dict.

    Args:
        variant, tensors, classifier, blocks, preprocess: As `load_fcn`.

    Returns:
        The model of `fcn_keras.deeplab_v3`, of stride 8 and in alignment "torch".

    Raises:
        CheckpointError: for tensors that do not fit.

    Source: torchvision/models/segmentation/deeplabv3.py.
    """
    name = f"deeplabv3_{variant.partition('_')[0]}"
    classes, class_names = _classes(tensors, name)
    model = models.deeplab_v3(
        classes,
        classifier or variant,
        output_stride=OUTPUT_STRIDE,
        aspp_filters=tensors["classifier.4.weight"].shape[1],
        alignment="torch",
        weights=None,
        preprocess=preprocess,
        labels=class_names,
        name=name,
    )
    names = {"score_conv": "classifier.4"}
    for ours, (convolution, normalization) in _PYRAMID.items():
        names[ours] = f"classifier.{convolution}"
        names[f"{ours}_bn"] = f"classifier.{normalization}"
    fill(model, tensors, _trunk_names(variant, blocks) | names, name, _UNUSED)
    return model


def _classes(tensors, name):
    """The number of classes of the file, and the names of PASCAL VOC where there are 21."""
    classes = count_classes(tensors, "classifier.4.weight", name)
    return classes, labels.VOC if classes == len(labels.VOC.names) else None


def _trunk_names(variant, blocks):
    """{our layer: torchvision's} of the ResNet, of its own blocks or of others."""
    names = resnet_v1_5.torch_names(blocks or resnet_v1_5.BLOCKS[variant])
    return {ours: f"backbone.{theirs}" for ours, theirs in names.items()}


def load_resnet(variant, tensors):
    """Returns torchvision's ResNet with its top and the weights of its state dict.

    Args:
        variant: "resnet50_v1_5" or "resnet101_v1_5".
        tensors: {name: array}.

    Raises:
        CheckpointError: for tensors that do not fit.
    """
    classes = count_classes(tensors, "fc.weight", variant)
    model = getattr(resnet_v1_5, variant)(classes=classes)
    fill(model, tensors, resnet_v1_5.torch_names(resnet_v1_5.BLOCKS[variant]), variant)
    return model
