"""The search for CRF options: what it tries, what it takes, and that its figures are those."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras.inference import tune_crf

FEW = {"bilateral_weight": (1, 5), "color_width": (4, 13)}


@pytest.fixture(scope="module")
def scenes():
    """Three scenes of a bright disc, whose truth a noisy net gets wrong in single pixels."""
    random = np.random.default_rng(5)
    rows, columns = np.mgrid[:36, :48]
    images, masks = [], []
    for place in (14, 24, 33):
        truth = ((rows - 18) ** 2 + (columns - place) ** 2 < 100).astype("uint8")
        image = np.where(truth[..., None], 200, 60) + random.integers(-8, 9, (36, 48, 3))
        images.append(image.astype("uint8"))
        truth[0] = 255
        masks.append(truth)
    labels = fcn_keras.LabelSet(("ground", "disc"))
    return fcn_keras.data.Dataset("discs", "val", labels, ("a", "b", "c"), images, masks)


class Noisy:
    """Scores by brightness, with noise that is the same for the same image."""

    labels = fcn_keras.LabelSet(("ground", "disc"))

    def segment(self, image, *, return_logits=False):
        noise = np.random.default_rng(int(image.sum())).normal(0, 1.5, (*image.shape[:2], 2))
        bright = (image[..., 0].astype("float64") - 130) / 100
        scores = noise + np.stack([-bright, bright], -1)
        return (scores.argmax(-1), scores) if return_logits else scores.argmax(-1)


def by_hand(scenes, options, boundary=False):
    report = fcn_keras.evaluate(Noisy(), scenes, crf=options, boundary=boundary, progress=False)
    return report.boundary.result() if boundary else report.scores.mean_iou


@pytest.fixture(scope="module")
def found(scenes):
    return tune_crf(Noisy(), scenes, candidates=FEW, steps=3, progress=False)


def test_the_scores_are_those_of_evaluation(found, scenes):
    assert found.plain == pytest.approx(by_hand(scenes, None), abs=1e-6)
    assert found.score == pytest.approx(by_hand(scenes, found.options), abs=1e-3)
    assert found.score > found.plain + 0.1
    assert found.num_images == 3


def test_the_best_trial_is_taken_and_none_repeated(found):
    scores = [score for _, score in found.trials]
    assert found.score == max(scores)
    assert dict(found.trials[scores.index(max(scores))][0]) == found.options
    keys = [tuple(sorted(options.items())) for options, _ in found.trials]
    assert len(keys) == len(set(keys))
    assert found.options["steps"] == 3
    beside = found.beside("color_width")
    assert (
        set(beside) == {4, 13, found.options["color_width"]}
        and beside[found.options["color_width"]] == found.score
    )


def test_boundaries_can_be_the_measure(scenes):
    found = tune_crf(
        Noisy(), scenes, measure="boundary_f1", candidates={"color_width": (4,)},
        images=2, steps=2, progress=False,
    )  # fmt: skip
    few = fcn_keras.data.Dataset(
        "discs", "val", scenes.labels, ("a", "c"), scenes.images[::2], scenes.targets[::2]
    )
    assert found.num_images == 2
    assert found.plain == pytest.approx(by_hand(few, None, boundary=True), abs=1e-6)


def test_a_crf_that_does_not_help_is_said_to(scenes):
    class Perfect(Noisy):
        def segment(self, image, *, return_logits=False):
            disc = image[..., 0] > 130
            scores = np.stack([~disc, disc], -1) * 20.0
            return (scores.argmax(-1), scores) if return_logits else scores.argmax(-1)

    found = tune_crf(Perfect(), scenes, candidates=FEW, steps=1, progress=False)
    assert found.plain == 1 and "leave it out" in found.table()


def test_wrong_choices_are_named(scenes):
    with pytest.raises(ValueError, match="'mean_iou', 'boundary_f1', got 'iou'"):
        tune_crf(Noisy(), scenes, measure="iou")
    with pytest.raises(ValueError, match="at least 1"):
        tune_crf(Noisy(), scenes, images=0)


def test_the_commands(command, tmp_path, monkeypatch, tiny_vgg):
    """tune-crf writes what evaluate reads; predict writes how sure it is."""
    monkeypatch.chdir(tmp_path)
    data = fcn_keras.data.load("digits", split="val")
    model = fcn_keras.fcn8s(11, tiny_vgg, weights=None, dropout=0.5, labels=data.labels)
    score = next(layer for layer in model.layers if layer.name.startswith("score"))
    score.set_weights([np.random.default_rng(0).normal(0, 1, w.shape) for w in score.get_weights()])
    model.save("net.keras")
    Image.fromarray(data[0][0]).save("digit.png")
    code, text, errors = command(
        "tune-crf", "net.keras", "--data", "digits", "--images", 1, "--steps", 1,
        "--out", "crf.json", "--picture", "crf.png",
    )  # fmt: skip
    assert code == 0, errors
    options = json.loads((tmp_path / "crf.json").read_text())
    assert options["steps"] == 1 and "bilateral_weight" in text
    assert Image.open("crf.png").width > 600
    words = ("predict", "net.keras", "digit.png", "--out", "out", "--confidence", "--flip")
    code, text, errors = command(*words, "--crf-options", "crf.json")
    assert code == 0, errors
    probabilities = fcn_keras.segment(
        keras.models.load_model("net.keras"), data[0][0], flip=True, crf=options,
        return_probabilities=True,
    )[1]  # fmt: skip
    written = np.array(Image.open("out/digit_confidence.png"))
    assert np.abs(written / 255 - probabilities.max(-1)).max() < 0.01
    code, text, errors = command(*words, "--samples", "2", "--scales", "0.5,1")
    assert code == 0, errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scales", "half"], "--scales takes numbers"),
        (["--scales", "0"], "positive numbers"),
        (["--crf-options", "steps"], "NAME=VALUE"),
        (["--crf=largefov"], "or a preset: deeplab, "),
        (["--crf", "deeplab-largefov", "--crf-options", "width=1"], "no option 'width'"),
        (["--crf-options", "stepps=3"], "no option 'stepps'; it has steps"),
        (["--crf-options", "gone.json"], "no file gone.json"),
        (["--samples", "0"], "at least 1, got 0"),
        (["--tile", "big"], "--tile takes a number of pixels"),
        (["--samples", "2"], "has no Dropout"),
    ],
)
def test_wrong_words_are_explained(command, tmp_path, monkeypatch, words, message, tiny_vgg):
    monkeypatch.chdir(tmp_path)
    fcn_keras.fcn32s(2, tiny_vgg, weights=None, dropout=0.0).save("net.keras")
    Image.new("RGB", (40, 32)).save("a.png")
    code, _, errors = command("predict", "net.keras", "a.png", "--out", "out", *words)
    assert code == 1 and message in errors
