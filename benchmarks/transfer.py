"""Repeats what the FCN paper says about fine-tuning, with a pretrained MobileNetV2.

    python benchmarks/transfer.py --list
    python benchmarks/transfer.py --minutes 3 --rows horses:start,layers 'horses:labels-*'
    python benchmarks/transfer.py --minutes 3 --table

The data are CamVid and the Weizmann horses (two classes; trained on the first 180 photographs,
measured on the other 48), in the folder $FCN_KERAS_DATA (default ../shared). Each training writes
a JSON file when it is done and is not repeated; rows share trainings. The table and its pictures
are made from these files.

--minutes are those of two idle cores of an AMD EPYC with bfloat16. They become a number of epochs
by a constant, so that another machine repeats the same training, in its own time. All epochs are
at half the size; the scores are those of whole images at full size, segmented at half the size.
"""

import argparse
import dataclasses
import fnmatch
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import transfer_table
from transfer_rows import BATCH, CAMVID, FINE_TUNED, HORSES, ROWS, TRAININGS

ROOT = Path(os.environ.get("FCN_KERAS_DATA", "../shared"))
WEIGHTS = "weights/mobilenet_v2_imagenet_notop.weights.h5"
CLASSIFIER = "mobilenet_v2"
METRICS = ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou")
LATER_STAGES = 0.1  # factor on the learning rate
QUICK_IMAGES = 16


@dataclasses.dataclass(frozen=True)
class Data:
    """A data set of the benchmark.

    Attributes:
        window: (H, W) of a window that holds an image at full size.
        epochs_a_minute: Number of epochs in a minute of two idle cores of an AMD EPYC with
            bfloat16, from the CPU seconds of a step.
    """

    window: tuple[int, int]
    epochs_a_minute: float


DATA = {HORSES: Data((256, 288), 16.0), CAMVID: Data((360, 480), 3.5)}


@dataclasses.dataclass(frozen=True)
class Budget:
    """The length of all trainings.

    Attributes:
        minutes: Minutes of two idle cores; None for a few steps that only try the script.
        seed: Seed of weights, batches and augmentation.
    """

    minutes: float | None
    seed: int

    def epochs(self, data):
        """Returns the number of epochs on a data set, a key of `DATA`."""
        if self.minutes is None:
            return 1
        return max(1, round(self.minutes * DATA[data].epochs_a_minute))

    def file(self, out, data, training):
        """Returns the path of a training's JSON file."""
        length = "quick" if self.minutes is None else f"{self.minutes:g}min"
        return Path(out) / f"{data} {training} {length} seed{self.seed}.json"


def done(file):
    """Returns what a training wrote when it was done, or None; a broken file counts as none."""
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "mean_iou" in found else None


def write(file, found):
    """Writes a JSON file as a whole, so that a killed run leaves none that is cut short."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(found, indent=1), encoding="utf-8")
    unfinished.replace(file)


def chosen_rows(words):
    """Returns the rows that `--rows` names.

    Args:
        words: Such as "horses", "horses:0,3", "camvid:start" or "horses:labels-*": a data set and
            numbers, keys or globs of rows; a glob for the data set too. None for every row.

    Returns:
        [(data, `Row`), ...] in the order of the words, none of them twice.

    Raises:
        ValueError: for a word that names no row.
    """
    found = {}
    for word in words or ["*"]:
        data, _, rows = word.partition(":")
        for part in (rows or "*").split(","):
            pairs = [
                (name, row)
                for number, row in enumerate(ROWS)
                for name in row.data
                if fnmatch.fnmatchcase(name, data)
                and (part == str(number) or fnmatch.fnmatchcase(row.key, part))
            ]
            if not pairs:
                keys = ", ".join(f"{number} {row.key}" for number, row in enumerate(ROWS))
                raise ValueError(
                    f"--rows {word}: {part!r} names no row of {data!r}. Data sets: "
                    f"{', '.join(DATA)}; rows: {keys}."
                )
            found.update({(name, row.key): (name, row) for name, row in pairs})
    return list(found.values())


def planned(rows):
    """Returns the trainings of rows, each once: [(data, key of `TRAININGS`), ...]."""
    return list(dict.fromkeys((data, key) for data, row in rows for key in row.trainings))


def load(name, root):
    """Returns (training images, images to report on) of a data set."""
    import fcn_keras

    if name == CAMVID:
        return tuple(fcn_keras.data.load(CAMVID, root / CAMVID, split=s) for s in ("train", "val"))
    options = {"images": "rgb", "masks": "mask", "threshold": 128, "resize": "images"}
    every = fcn_keras.data.load("folder", root / HORSES, split="all", **options)
    every = dataclasses.replace(every, task=fcn_keras.LabelSet(("background", "horse")))
    return every.at(range(180)), every.at(range(180, 228))


def spread_evenly(data, count):
    """Returns `count` images of a data set, repeated until there are as many as before."""
    kept = [place * len(data) // count for place in range(count)]
    return data.at([kept[place % count] for place in range(len(data))])


def recipe_of(training, name, budget):
    """Returns the `Recipe` of a training's first stage on a data set."""
    from fcn_keras.training import Recipe

    height, width = DATA[name].window
    epochs = budget.epochs(name) / len(training.stages)
    batch_size = BATCH * training.batches
    if training.window == "crops":
        height, width, batch_size, epochs = height // 2, width // 2, 4 * batch_size, 4 * epochs
    if training.window == "shifted":
        height, width = height + 64, width + 64
    fixed = {"crop": (height, width), "epochs": max(1, round(epochs)), "batch_size": batch_size}
    return Recipe(**{**FINE_TUNED, **fixed, "seed": budget.seed, **training.recipe})


def fit(model, recipe, data):
    """Trains a net for the epochs of a recipe, all at half the size; returns its last loss."""
    import keras

    from fcn_keras.training import compile_model, refresh_batch_norm
    from fcn_keras.training.progressive_resizing import at_half_size

    keras.utils.set_random_seed(recipe.seed)
    compile_model(model, recipe, data)
    batches = at_half_size(recipe, data).batches(data, cache=True)
    history = model.fit(batches, epochs=recipe.epochs, shuffle=False, verbose=0)
    refresh_batch_norm(model, batches.take(20))
    return history.history["loss"][-1]


def measured(training, name, data, report, budget, weights):
    """Trains the nets of a training and returns the scores of the last one, with its settings."""
    import keras

    import fcn_keras

    keras.backend.clear_session()
    recipe, losses = recipe_of(training, name, budget), []
    fcn_keras.training.setup(recipe.precision)
    if training.images is not None:
        data = spread_evenly(data, training.images)
    start, cpu, model = time.perf_counter(), time.process_time(), None
    for stage in training.stages:
        rate = recipe.learning_rate * (1 if model is None else LATER_STAGES)
        keras.utils.set_random_seed(budget.seed)
        options = {"weights": weights, **training.net, "init_from": model, "labels": data.labels}
        model = fcn_keras.models.NETS[stage](data.labels.num_classes, CLASSIFIER, **options)
        losses.append(fit(model, recipe.changed(learning_rate=rate), data))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    scores = fcn_keras.evaluate(model, report, scales=(0.5,)).scores
    return {
        **{metric: float(getattr(scores, metric)) for metric in METRICS},
        "iou": dict(zip(data.labels.names, map(float, scores.iou), strict=True)),
        "loss": losses,
        "minutes": budget.minutes,
        "seed": budget.seed,
        "epochs": recipe.epochs * len(training.stages),
        "batch_size": min(recipe.batch_size, len(data)),
        "images": training.images or len(data),
        "learning_rate": recipe.learning_rate,
        "parameters": model.count_params(),
        "precision": keras.config.dtype_policy().name,
        "seconds": seconds,
        "cpu_seconds": cpu,
    }


def run(rows, budget, out, root, weights):
    """Trains what is not done yet of some rows, one training after another."""
    for name, key in planned(rows):
        file = budget.file(out, name, key)
        if done(file):
            print(f"{name} {key}: done before", flush=True)
            continue
        if not (root / name).is_dir():
            print(f"{name} {key}: left out, because {root / name} is not there", flush=True)
            continue
        data, report = load(name, root)
        if budget.minutes is None:
            data, report = data.take(QUICK_IMAGES), report.take(2)
        found = measured(TRAININGS[key], name, data, report, budget, weights)
        write(file, found)
        print(
            f"{name} {key}: mean IoU {found['mean_iou']:.3f}, {found['epochs']} epochs in "
            f"{found['seconds']:.0f} s ({found['cpu_seconds']:.0f} CPU s)",
            flush=True,
        )


def listed(rows, budget, out):
    """Returns rows with their numbers, and what of each is done, as text."""
    lines = []
    for number, row in enumerate(ROWS):
        told = []
        for name in (data for data, chosen in rows if chosen is row):
            finished = [key for key in row.trainings if done(budget.file(out, name, key))]
            told.append(f"{name} {len(finished)} of {len(row.trainings)} done")
        if told:
            lines.append(f"{number:2} {row.key:13} {row.title}: {', '.join(row.trainings)}")
            lines.append(f"{'':17}{'; '.join(told)}")
    return "\n".join(lines)


def weights_file(given, root):
    """Returns `given`, else the file of weights beside the data, else "imagenet"."""
    return given or (str(root / WEIGHTS) if (root / WEIGHTS).is_file() else "imagenet")


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", nargs="+", metavar="DATA[:ROW,...]", help="rows to run. Default: all"
    )
    parser.add_argument(
        "--minutes", type=float, default=12, help="length of a training, on two idle cores (12)"
    )
    parser.add_argument("--quick", action="store_true", help="one epoch of 16 images, as a trial")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and crops (0)")
    parser.add_argument(
        "--weights", help=f"weights file of {CLASSIFIER}; else that of --root, else imagenet"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help=f"folder of the data sets ({ROOT})")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/transfer"), help="folder for scores and table"
    )
    parser.add_argument("--list", action="store_true", help="print the rows and train nothing")
    parser.add_argument("--table", action="store_true", help="make the table and train nothing")
    args = parser.parse_args(words)
    if not args.minutes > 0:
        parser.error(f"--minutes must be above 0, got {args.minutes:g}.")
    try:
        rows = chosen_rows(args.rows)
    except ValueError as error:
        parser.error(str(error))
    budget = Budget(None if args.quick else args.minutes, args.seed)
    if args.list:
        print(listed(rows, budget, args.out))
        return
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.table:
        run(rows, budget, args.out, args.root, weights_file(args.weights, args.root))
    found = {
        pair: figures
        for pair in planned(chosen_rows(None))
        if (figures := done(budget.file(args.out, *pair)))
    }
    transfer_table.save(found, args.out)
    print((args.out / "table.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
