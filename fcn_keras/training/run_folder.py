"""The run folder that a training writes: its files, and what config.json says.

A file is first written beside its place and then renamed, so that a process killed at any moment
leaves the old one whole.
"""

import contextlib
import csv
import io
import json
import os
import platform
import zipfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import keras

from fcn_keras.data.images.reader import ImageReader
from fcn_keras.models import diagnosis
from fcn_keras.models.files import check_whole
from fcn_keras.text_files import read_json
from fcn_keras.training.optional_files import optional

PACKAGES = ("fcn_keras", "keras", "tensorflow", "jax", "torch", "numpy")
FIRST_COLUMNS = ("epoch", "seconds", "learning_rate")
_NEEDED = (
    ("recipe",), ("class_weights",), ("data", "train", "val"), ("model", "precision"), ("resumed",),
)  # fmt: skip


class RunFolder:
    """The files of a run.

    Attributes:
        path: The folder.
        config: config.json: the recipe, data, command, seed and versions. Its presence makes a
            folder a run.
        labels: labels.json: names and colours of the classes.
        last: model.keras: the last epoch's model with its optimizer and, inside, the history.
        best: best.keras: the model of the best validation, without optimizer.
        history: history.csv: one row an epoch.
        curves: curves.png. predictions: predictions.png. events: tensorboard/.
        card: README.md, the model card.

    Args:
        path: The folder; it need not exist yet.

    Example:

    ```python
    run = fcn_keras.training.RunFolder("runs/street")
    model = keras.models.load_model(run.model_path())
    ```
    """

    def __init__(self, path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.labels = self.path / "labels.json"
        self.last = self.path / "model.keras"
        self.best = self.path / "best.keras"
        self.history = self.path / "history.csv"
        self.curves = self.path / "curves.png"
        self.predictions = self.path / "predictions.png"
        self.events = self.path / "tensorboard"
        self.card = self.path / "README.md"

    def exists(self):
        """Returns whether a training was started here."""
        return self.config.is_file()

    def model_path(self):
        """Returns the path of the model to use: best.keras, or model.keras without validation.

        Raises:
            FileNotFoundError: if the folder holds neither.
        """
        for path in (self.best, self.last):
            if path.is_file():
                return path
        raise FileNotFoundError(
            f"There is no model in {self.path}: a run folder holds best.keras or model.keras."
            + diagnosis.in_folder(self.path)
        )

    def refuse_to_replace(self, overwrite=False):
        """Checks that a new run may be written here.

        Raises:
            FileExistsError: if a run is there and `overwrite` is not set.
        """
        if self.exists() and not overwrite:
            raise FileExistsError(
                f"{self.path} already holds a run. Resume it (--resume, resume=True), choose "
                "another folder, or replace it (--overwrite, overwrite=True)."
            )
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"{self.path} is a file, not a folder for a run.")

    def prepare(self, overwrite=False):
        """Makes the folder ready for a new training; raises as `refuse_to_replace` does."""
        self.refuse_to_replace(overwrite)
        self.path.mkdir(parents=True, exist_ok=True)
        old = [self.config, self.labels, self.last, self.best, self.history]
        for path in [*old, self.curves, self.predictions, *self.events.glob("events.*")]:
            path.unlink(missing_ok=True)

    def save_last(self, model, rows):
        """Writes model.keras with the optimizer and the history inside, then history.csv."""
        with aside(self.last) as path:
            model.save(path)
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr("history.json", json.dumps(rows))
        with optional("history.csv"):  # model.keras holds it too
            self.write_history(rows)

    def save_best(self, model):
        """Writes best.keras: the model without its optimizer."""
        if getattr(model, "inputs", None):
            named = isinstance(model.output, dict)
            outputs = model.output if named else _one(model.outputs)
            model = keras.Model(_one(model.inputs), outputs, name=model.name)
        with aside(self.best) as path:
            model.save(path)

    def read_history(self):
        """Returns the history that belongs to model.keras, a list of dicts.

        Raises:
            FileNotFoundError: if no model.keras was written.
            ValueError: if it is damaged.
        """
        if not self.last.is_file():
            raise FileNotFoundError(
                f"There is nothing to resume in {self.path}: it has no model.keras."
            )
        try:
            check_whole(self.last)
        except ValueError as error:
            instead = ""
            if self.best.is_file():
                instead = f" Or start a new run from {self.best} with --init-from (init_from=)."
            raise ValueError(f"{error}{instead}") from error
        with zipfile.ZipFile(self.last) as archive:
            if "history.json" not in archive.namelist():
                raise ValueError(
                    f"{self.last} has no history in it: no training of this package wrote it. "
                    "Start a new run from it with --init-from (init_from=)."
                )
            try:
                return json.loads(archive.read("history.json"))
            except ValueError as error:
                raise ValueError(f"{self.last} holds a damaged history ({error}).") from error

    def write_history(self, rows):
        """Writes history.csv; figures that an epoch did not measure stay empty."""
        names = dict.fromkeys([*FIRST_COLUMNS, *(name for row in rows for name in row)])
        text = io.StringIO()
        table = csv.DictWriter(text, list(names), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        self._write(self.history, text.getvalue())

    def write_card(self, text):
        """Writes README.md."""
        self._write(self.card, text)

    def write_config(self, config):
        """Writes config.json, with the versions of the packages that the training uses."""
        config = {**config, "versions": versions()}
        self._write(self.config, json.dumps(config, indent=2) + "\n")

    def read_config(self, whole=False):
        """Returns config.json as a dict.

        Args:
            whole: Whether to check that it has everything that a resumed run needs.

        Raises:
            FileNotFoundError: if no run is here.
            ValueError: if it is damaged; with `whole`, if another program wrote it.
        """
        if not self.exists():
            raise FileNotFoundError(f"There is no run in {self.path}: it has no config.json.")
        config = read_json(self.config)
        if not isinstance(config, dict):
            config = {}
        for part, *inside in _NEEDED if whole else ():
            found = config.get(part)
            missing = [name for name in inside if not isinstance(found, dict) or name not in found]
            if part not in config or missing:
                which = ".".join([part, *missing[:1]])
                raise ValueError(
                    f"{self.config} is not what a training wrote: it has no {which!r}. Copy it "
                    "again; without it the run cannot be resumed."
                )
        return config

    def _write(self, path, text):
        with aside(path) as beside:
            beside.write_text(text, encoding="utf-8")


def describe_run(model, plan, train_data, val_data, *, weights, devices, notes):
    """Returns config.json of a run that begins, as a dict of JSON types.

    Args:
        model: The compiled model.
        plan: The resolved `Recipe`, its teacher a `Teacher`.
        train_data, val_data: `fcn_keras.data.Dataset`; the second may be None.
        weights: One class weight for each class, or None.
        devices: Number of devices that share a batch.
        notes: Further entries, or None.
    """
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
            "devices": devices,
        },
        **({"teacher": plan.teacher.describe()} if plan.teacher is not None else {}),
        **(notes or {}),
        "resumed": [],
    }


def _described(dataset):
    described = {"name": dataset.name, "split": dataset.split, "images": len(dataset)}
    if dataset.form:
        described["weak"] = dataset.form
    reader = dataset.image_reader
    options = reader.to_config() if isinstance(reader, ImageReader) else {}
    return {**described, "image_reader": options} if options else described


def now():
    """Returns the time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions():
    """Returns the versions of Python, this package and those it uses, a dict of str."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return {**found, "backend": keras.backend.backend()}


def _one(tensors):
    return tensors[0] if len(tensors) == 1 else tensors


@contextlib.contextmanager
def aside(path):
    """Yields a path to write to, which then replaces `path` unless an error is raised.

    Args:
        path: A `Path`.
    """
    beside = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield beside
        with open(beside, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
