"""Fully Convolutional Networks for Keras 3: any ImageNet classifier in, a segmenter out.

The names below are the public ones; the rooms (``fcn_keras.data``, ...) load when first touched.
"""

import importlib

__version__ = "0.1.0"

_PUBLIC = {
    "fcn32s": "models",
    "fcn16s": "models",
    "fcn8s": "models",
    "convolutionalize": "surgery",
    "segment": "inference",
    "evaluate": "inference",
    "Predictor": "inference",
    "LabelSet": "labels",
    "labels_of": "models",
}
_ROOMS = (
    "classifiers",
    "data",
    "export",
    "geometry",
    "inference",
    "labels",
    "layers",
    "losses",
    "metrics",
    "models",
    "surgery",
    "training",
    "visualize",
)
_SERIALIZABLE = ("layers", "losses", "metrics")

__all__ = ["__version__", *_PUBLIC, *_ROOMS]

for _room in _SERIALIZABLE:  # so that load_model knows them after a plain `import fcn_keras`
    importlib.import_module(f"fcn_keras.{_room}")


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"fcn_keras.{_PUBLIC[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"fcn_keras.{name}")
    raise AttributeError(f"module 'fcn_keras' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
