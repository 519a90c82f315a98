"""torchvision's fcn_resnet50 and fcn_resnet101: a dilated ResNet, one 3x3 convolution, scores."""

import keras

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
_HEAD = {"head_conv": "classifier.0", "head_bn": "classifier.1", "score_fr": "classifier.4"}
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
    classes = count_classes(tensors, "classifier.4.weight", name)
    class_names = labels.VOC if classes == 21 else None
    model = fcn_resnet(classes, classifier or variant, name, class_names, preprocess)
    names = resnet_v1_5.torch_names(blocks or resnet_v1_5.BLOCKS[variant])
    names = {ours: f"backbone.{theirs}" for ours, theirs in names.items()} | _HEAD
    fill(model, tensors, names, name, _UNUSED)
    return model


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
