"""Exports: a trained segmenter in forms that run without this package, and what runs them.

Installed as ``fcn_keras.export``. Each name loads its module when it is first used.
"""

import importlib

_PUBLIC = {
    "SavedModelPredictor": "saved_model",
    "export_saved_model": "saved_model",
    "export_tflite": "tflite",
    "export_web": "web",
    "load": "loading",
    "pack": "packing",
}
_ROOMS = ("saved_model", "serving", "tflite", "web")

__all__ = [*_PUBLIC, "serving"]


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"fcn_keras.export.{_PUBLIC[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"fcn_keras.export.{name}")
    raise AttributeError(f"module 'fcn_keras.export' has no attribute {name!r}")


def __dir__():
    return sorted({*__all__, *_ROOMS})
