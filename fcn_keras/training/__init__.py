"""Training: recipes, the loop that writes a run folder, and what happens between epochs.

Each name loads its module when it is first used.
"""

import importlib

_PUBLIC = {
    "CaffeSGD": "optimizers",
    "DivergedError": "callbacks",
    "Licences": "model_card",
    "Muon": "muon",
    "Net": "net",
    "PerLayerAdam": "optimizers",
    "PerLayerAdamW": "optimizers",
    "PerLayerSGD": "optimizers",
    "PolyDecay": "schedules",
    "ProcessLostError": "distributed",
    "Recipe": "recipe",
    "RunFolder": "run_folder",
    "StepDecay": "schedules",
    "Teacher": "distillation",
    "compile_model": "compiling",
    "find_lr": "sweep",
    "fused_batch_norm": "batch_norm",
    "join": "distributed",
    "refresh_batch_norm": "batch_norm",
    "schedule": "schedules",
    "setup": "devices",
    "synchronized_batch_norm": "batch_norm",
    "teach": "distillation",
    "train": "loop",
    "weak_data": "weak.methods",
    "write_card": "model_card",
}

__all__ = [*_PUBLIC, "recipes"]


def __getattr__(name):
    if name == "recipes":
        return importlib.import_module("fcn_keras.training.recipes")
    if name in _PUBLIC:
        module = importlib.import_module(f"fcn_keras.training.{_PUBLIC[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'fcn_keras.training' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
