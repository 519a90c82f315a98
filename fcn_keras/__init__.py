"""Fully Convolutional Networks for Keras 3: any ImageNet classifier in, a segmenter out.

The names below are the public ones; the rooms (``fcn_keras.data``, ...) load when first touched.
"""

import importlib
import os
import sys

__version__ = "0.1.0"

_PUBLIC = {
    "fcn32s": "models",
    "fcn16s": "models",
    "fcn8s": "models",
    "fcn4s": "models",
    "fcn2s": "models",
    "segnet": "models",
    "segnet_basic": "models",
    "deconvnet": "models",
    "deeplab_v1": "models",
    "deeplab_v2": "models",
    "deeplab_v3": "models",
    "deeplab_v3_plus": "models",
    "hed": "models",
    "unet": "models",
    "depth": "models",
    "segmenter": "models",
    "eigen_fergus": "models",
    "crf_rnn": "models",
    "flownet_s": "models",
    "flownet_c": "models",
    "multi_scale_input": "models",
    "convolutionalize": "surgery",
    "segment": "inference",
    "evaluate": "inference",
    "Predictor": "inference",
    "LabelSet": "labels",
    "labels_of": "models",
    "load": "export",
    "one_output": "models",
    "task_of": "models",
}
_ROOMS = (
    "checkpoints",
    "classifiers",
    "crf",
    "data",
    "export",
    "geometry",
    "inference",
    "labels",
    "layers",
    "losses",
    "metrics",
    "models",
    "published",
    "surgery",
    "tasks",
    "training",
    "visualize",
)
_SERIALIZABLE = (
    "layers",
    "losses",
    "metrics",
    "models.multi_scale_input",
    "training.muon",
    "training.optimizers",
    "training.schedules",
)

__all__ = ["__version__", *_PUBLIC, *_ROOMS]


def register():
    """Makes every layer, loss and metric of the package known to `keras.models.load_model`.

    `import fcn_keras` does it, except on the command line, which answers `--help` and wrong
    options before it loads Keras.
    """
    for room in _SERIALIZABLE:
        module = importlib.import_module(f"fcn_keras.{room}")
        for name in getattr(module, "__all__", ()):  # a room may load its names when touched
            getattr(module, name)


def _on_command_line():
    words = list(getattr(sys, "orig_argv", ()))
    program = os.path.basename((getattr(sys, "argv", None) or [""])[0])
    module = words[words.index("-m") + 1 :][:1] if "-m" in words else []
    return module == ["fcn_keras"] or program in ("fcn-keras", "fcn-keras.exe")


if not _on_command_line():
    register()


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"fcn_keras.{_PUBLIC[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"fcn_keras.{name}")
    raise AttributeError(f"module 'fcn_keras' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
