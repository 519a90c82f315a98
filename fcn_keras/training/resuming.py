"""Going on where a run was stopped."""

import dataclasses

import keras
import numpy as np

from fcn_keras.training import callbacks as between_epochs
from fcn_keras.training.checks import check_model, check_same_data
from fcn_keras.training.chosen import changed
from fcn_keras.training.compiling import compile_model, steps_of
from fcn_keras.training.recipe import Recipe
from fcn_keras.training.record import now
from fcn_keras.training.replicas import check_divisible, replicas


def pick_up(folder, train_data, val_data, given, notes):
    """Model, history, recipe and class weights of the run in a folder, ready to go on."""
    config = folder.read_config()
    rows = folder.read_history()
    saved = Recipe.from_config(config["recipe"])
    plan = _continued(saved, given, train_data, len(rows))
    check_same_data(config["data"], {"train": train_data, "val": val_data})
    keras.config.set_dtype_policy(config["model"]["precision"])
    model = keras.models.load_model(folder.last)
    check_model(model, train_data.labels)
    check_divisible(plan, replicas(model))
    state = [np.array(keras.ops.convert_to_numpy(v)) for v in model.optimizer.variables]
    weights = config["class_weights"]
    compile_model(model, plan, steps_of(plan, train_data), train_data.labels, weights)
    for variable, value in zip(model.optimizer.variables, state, strict=True):
        variable.assign(value)
    folder.write_history(rows)
    if rows and between_epochs.best_epoch(rows) == rows[-1]["epoch"]:
        folder.save_best(model)
    if rows and between_epochs.averages(model.optimizer):
        between_epochs.swap_averages(model)
    notes = dict(notes or {})
    entry = {"after_epoch": len(rows), "time": now(), "command": notes.pop("command", None)}
    renewed = {"recipe": plan.to_config(), "resumed": [*config["resumed"], entry]}
    folder.write_config({**config, **notes, **renewed})
    return model, rows, plan, weights


def _continued(saved, given, train_data, done):
    """The saved recipe, with more epochs where they were asked for."""
    if "epochs" in given:
        given = {"steps": None, **given}
    asked = changed(saved, given).resolved(train_data)
    asked_config, saved_config = asked.to_config(), saved.to_config()
    for name, value in saved_config.items():
        if name not in ("epochs", "steps") and name in given and asked_config[name] != value:
            raise ValueError(
                f"A resumed run keeps its recipe: {name} is {value!r} and cannot become "
                f"{asked_config[name]!r}. Leave it out, or start a new run."
            )
    if asked.epochs < done:
        raise ValueError(f"The run already has {done} epochs, more than epochs={asked.epochs}.")
    kept = {"epochs": asked.epochs, "steps": asked.steps, "augment": asked.augment}
    return dataclasses.replace(saved, **kept)
