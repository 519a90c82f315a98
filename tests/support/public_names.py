"""What the package offers: the public names of its rooms."""

import importlib

ROOMS = (
    "", "checkpoints", "classifiers", "crf", "data", "export", "export.serving", "export.tflite",
    "export.web", "geometry", "inference", "labels", "layers", "losses", "metrics", "models",
    "published", "surgery", "training", "visualize",
)  # fmt: skip


def public():
    """{qualified name: object} of what the rooms offer, each object once."""
    found, seen = {}, set()
    for room in ROOMS:
        module = importlib.import_module(".".join(filter(None, ("fcn_keras", room))))
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if callable(value) and id(value) not in seen:
                seen.add(id(value))
                found[f"{module.__name__}.{name}"] = value
    return found
