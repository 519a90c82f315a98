"""Decoders over a classifier's maps, one file each, which `fcn_keras.segmenter` chooses by name."""

from fcn_keras.models.decoders.base import Decoder, decoded
from fcn_keras.models.decoders.fpn import FPN
from fcn_keras.models.decoders.linknet import LinkNet
from fcn_keras.models.decoders.pan import PAN
from fcn_keras.models.decoders.pspnet import PSPNet
from fcn_keras.models.decoders.unet import UNet
from fcn_keras.models.decoders.unet_plus_plus import UNetPlusPlus
from fcn_keras.models.decoders.upernet import UPerNet

__all__ = [
    "DECODERS",
    "FPN",
    "PAN",
    "Decoder",
    "LinkNet",
    "PSPNet",
    "UNet",
    "UNetPlusPlus",
    "UPerNet",
    "decoded",
]

DECODERS = {
    "unet": UNet,
    "unet++": UNetPlusPlus,
    "linknet": LinkNet,
    "fpn": FPN,
    "pspnet": PSPNet,
    "pan": PAN,
    "upernet": UPerNet,
}
