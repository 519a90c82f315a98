"""What the config.json of a run says."""

from datetime import UTC, datetime

import keras

from fcn_keras.training.replicas import replicas


def record(model, plan, train_data, val_data, weights, notes):
    """config.json of a run that begins, as a dict of JSON types."""
    return {
        "started": now(),
        "seed": plan.seed,
        "recipe": plan.to_config(),
        "class_weights": weights,
        "data": {"train": _described(train_data), "val": val_data and _described(val_data)},
        "model": {
            "name": model.name,
            "parameters": model.count_params(),
            "precision": keras.config.dtype_policy().name,
            "devices": replicas(model),
        },
        **(notes or {}),
        "resumed": [],
    }


def _described(dataset):
    return {"name": dataset.name, "split": dataset.split, "images": len(dataset)}


def now():
    """The time in UTC, to the second, as ISO 8601 writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
