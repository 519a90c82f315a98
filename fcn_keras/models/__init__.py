"""Builders of segmentation nets, one file a family.

The builders are imported when they are first used, so that `fcn_keras.models.options` can be read
without Keras.
"""

import importlib
import sys
import types

from fcn_keras.models.options import OPTIONS

_FILES = {
    "crf_rnn": "crf_rnn",
    "deconvnet": "deconvnet",
    "deeplab_v1": "deeplab",
    "depth": "depth",
    "deeplab_v2": "deeplab_v2",
    "deeplab_v3": "deeplab_v3",
    "deeplab_v3_plus": "deeplab_v3",
    "eigen_fergus": "eigen_fergus",
    "fcn": "fcn",
    "fcn16s": "fcn",
    "fcn2s": "fcn",
    "fcn32s": "fcn",
    "fcn4s": "fcn",
    "fcn8s": "fcn",
    "flownet_c": "flownet",
    "flownet_s": "flownet",
    "hed": "hed",
    "labels_of": "outputs",
    "load_model": "files",
    "multi_scale_input": "multi_scale_input",
    "one_output": "outputs",
    "segmenter": "segmenter",
    "segnet": "segnet",
    "segnet_basic": "segnet",
    "task_of": "outputs",
    "unet": "unet",
}

__all__ = ["NETS", *_FILES]


def __getattr__(name):
    if name == "NETS":
        value = {net: __getattr__(net) for net in OPTIONS}
    elif name in _FILES:
        value = getattr(importlib.import_module(f"fcn_keras.models.{_FILES[name]}"), name)
    else:
        raise AttributeError(f"module 'fcn_keras.models' has no attribute {name!r}")
    globals()[name] = value
    return value


class _Models(types.ModuleType):
    """The package: `fcn_keras.models.fcn` is the builder, never the file of the same name."""

    def __setattr__(self, name, value):
        """Sets an attribute, as `import` does with each file of a package."""
        if name in _FILES and isinstance(value, types.ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Models


def __dir__():
    return sorted(__all__)
