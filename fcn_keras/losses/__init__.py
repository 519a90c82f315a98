"""Losses of label maps with void and of maps of values, as Keras losses.

The losses from `MILSoftmax` to `Points` take weak labels, which say what classes pixels may have;
`Absent` to `Linear` are the constraints of `ConstrainedCNN`. `Sum` adds losses up; `Distillation`
adds the comparison with a teacher.

Each name loads its module when it is first used, so that the words of `--loss` need no Keras.
"""

import importlib

# One line a loss: its word in `--loss`, its class, its module.
BY_NAME = {
    "cross_entropy": ("CrossEntropy", "cross_entropy"),
    "focal": ("Focal", "focal"),
    "dice": ("Dice", "overlap"),
    "jaccard": ("Jaccard", "overlap"),
    "lovasz": ("Lovasz", "lovasz"),
    "ohem": ("OHEM", "ohem"),
    "absolute_error": ("AbsoluteError", "values"),
    "berhu": ("BerHu", "values"),
    "class_balanced": ("ClassBalanced", "class_balanced"),
    "cosine_distance": ("CosineDistance", "cosine"),
    "scale_invariant_log": ("ScaleInvariantLog", "scale_invariant"),
    "end_point_error": ("MultiLevelEndPointError", "end_point_error"),
    "mil": ("MILSoftmax", "mil"),
    "constrained": ("ConstrainedCNN", "constrained"),
    "em_fixed": ("EMFixed", "expectation_maximization"),
    "em_adapt": ("EMAdapt", "expectation_maximization"),
    "points": ("Points", "points"),
}
WEAK = ("mil", "constrained", "em_fixed", "em_adapt", "points")  # they take allowed classes
_MODULES = {
    **dict(BY_NAME.values()),
    **dict.fromkeys(("Absent", "Present", "Background", "Size", "Linear"), "constraints"),
    "Sum": "combined",
    "Distillation": "distillation",
    "for_task": "by_task",
}

__all__ = [*_MODULES]


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module 'fcn_keras.losses' has no attribute {name!r}")
    return getattr(importlib.import_module(f"fcn_keras.losses.{_MODULES[name]}"), name)


def __dir__():
    return sorted(__all__)
