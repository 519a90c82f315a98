"""The command `fcn-keras demo`: all steps from handwritten digits to a tested SavedModel."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.sources import load_library

GOAL = 0.85
CHECKED = 8


def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write into.")] = Path(
        "runs/demo"
    ),
    epochs: Annotated[int, typer.Option(help="Number of training epochs.")] = 7,
    images: Annotated[int, typer.Option(help="Number of training scenes.")] = 600,
    seed: Annotated[
        int, typer.Option(help="Seed of the random weights, the order of examples and the crops.")
    ] = 0,
):
    """Train an FCN-8s on handwritten digits, measure, draw and export it, in a few minutes.

    Needs no files and no network. The exit code is 1 if the mean IoU on unseen digits is below
    0.85, or if the exported and the trained model give different labels. An earlier demo is
    replaced.

    [bold]Example[/bold]

    fcn-keras demo --out runs/demo
    """
    load_library()
    import keras

    from fcn_keras import data, export, fcn8s, inference, training, visualize

    train_data = data.load("digits", split="train", count=images)
    val_data, test_data = (data.load("digits", split=split) for split in ("val", "test"))
    keras.utils.set_random_seed(seed)
    labels, run = train_data.labels, training.RunFolder(out)
    net = fcn8s(labels.num_classes, "vgg_slim", weights=None, labels=labels)
    started = time.perf_counter()
    training.train(
        net,
        train_data,
        val_data,
        out=out,
        overwrite=True,
        epochs=epochs,
        batch_size=4,
        learning_rate=3e-3,
        seed=seed,
    )
    minutes = (time.perf_counter() - started) / 60

    trained = inference.Predictor(keras.models.load_model(run.best, compile=False))
    print(f"\ntrained in {minutes:.1f} minutes; now {len(test_data)} images of unseen digits:")
    report = inference.evaluate(trained, test_data)
    report.save_json(out / "test.json")
    print(report.table())
    visualize.confusion_matrix(report.scores, report.labels, out / "confusion.png")
    photos, truths = zip(*(test_data[i] for i in range(CHECKED)), strict=True)
    labelled = [trained.segment(photo) for photo in photos]
    visualize.comparison(photos, truths, labelled, test_data.labels, out / "unseen.png")

    shutil.rmtree(out / "saved_model", ignore_errors=True)
    directory = export.export_saved_model(trained.model, out / "saved_model")
    exported = export.SavedModelPredictor(directory)
    agreement = _agreement(labelled, [exported.segment(photo) for photo in photos])
    _conclude(out, report.scores.mean_iou, agreement)


def _agreement(maps, others):
    """Returns the share of pixels that have the same label in both."""
    same = sum(int((a == b).sum()) for a, b in zip(maps, others, strict=True))
    return same / sum(a.size for a in maps)


def _conclude(out, mean_iou, agreement):
    print(f"""
mean IoU on unseen digits   {mean_iou:.4f}   (at least {GOAL} expected)
SavedModel and model agree on {agreement:.4%} of the pixels

{out}/
  best.keras        the model: fcn-keras predict {out} IMAGES... --out FOLDER
  predictions.png   validation images, truth and prediction
  unseen.png        the same for unseen digits;  confusion.png, test.json: their figures
  curves.png        loss and mean IoU over the epochs;  history.csv, tensorboard/
  saved_model/      for tf.saved_model.load and TF Serving""")
    if mean_iou < GOAL:
        raise ValueError(f"the mean IoU on unseen digits is {mean_iou:.4f}, below {GOAL}.")
    if agreement < 0.9999:
        raise ValueError(f"the SavedModel agrees with the model on {agreement:.4%} only.")
