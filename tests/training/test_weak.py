"""Trainings on weak labels: what a net is trained on, and what is refused before."""

import json

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data.weak.boxes import Box
from fcn_keras.training import Recipe, weak_data
from fcn_keras.training.checks import check_data, check_feasible
from fcn_keras.training.loss import takes_allowed
from fcn_keras.training.weak.from_boxes import by_crf, by_grabcut
from fcn_keras.training.weak.methods import METHODS, method_of


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", split="val", count=3)


@pytest.fixture(scope="module")
def disk():
    """A bright disk on dark ground: an image, its mask and its box."""
    rows, columns = np.mgrid[:48, :64]
    mask = (rows - 24) ** 2 + (columns - 30) ** 2 < 15**2
    noise = np.random.default_rng(0).normal(0, 6, (48, 64, 1))
    image = np.where(mask[..., None], [200, 180, 60], [40, 60, 90]) + noise
    top, left = np.argwhere(mask).min(0)
    bottom, right = np.argwhere(mask).max(0) + 1
    return image.clip(0, 255).astype("uint8"), mask, Box(2, top, left, bottom, right)


@pytest.mark.parametrize("make", [by_crf, by_grabcut])
def test_labels_from_a_box_are_the_object_in_it(make, disk):
    if make is by_grabcut:
        pytest.importorskip("cv2")
    image, mask, box = disk
    label = make(image, [box], outside=0)
    assert {*np.unique(label)} == {0, 2}
    box_alone = mask.sum() / box.area
    overlap = ((label == 2) & mask).sum() / ((label == 2) | mask).sum()
    assert overlap > 0.95 > box_alone
    assert not make(image, [], outside=0).any()


def test_every_method_has_a_loss_that_fits_its_labels(digits):
    for form, known in METHODS.items():
        for method in known.values():
            weak = takes_allowed(Recipe(loss=method.loss).loss)
            assert weak or form not in ("tags", "sizes")
    with pytest.raises(ValueError, match="no method 'mil' for boxes; there are crf, grabcut"):
        method_of("boxes", "mil")


def test_labels_are_made_once_and_selected(digits):
    made = weak_data(digits, "boxes", "crf", progress=False)
    first, second = made.read_target(0), made.read_target(1)
    np.testing.assert_array_equal(made.at([1])[0][1], second)
    assert made.labels_pixels and made.form is None and (first != second).any()
    truth = digits.read_target(0)
    assert ((first > 0) & (truth > 0)).sum() > 0.5 * (truth > 0).sum()
    batch = next(made.batches(1, shuffle=False).as_numpy_iterator())[1]
    np.testing.assert_array_equal(batch[0], first)


def test_a_recipe_gives_weak_losses_the_allowed_classes(digits):
    recipe = Recipe(batch_size=2, crop=(40, 40), loss="em_adapt")
    for form in ("tags", "points"):
        batch = next(recipe.batches(data.weaken(digits, to=form)).as_numpy_iterator())
        assert batch[1].shape == (2, 40, 40, 11)
    plain = recipe.changed(loss="focal").batches(data.weaken(digits, to="points"))
    assert next(plain.as_numpy_iterator())[1].shape == (2, 40, 40)


def test_what_does_not_go_together_is_refused(digits):
    tags = data.weaken(digits, to="tags")
    with pytest.raises(ValueError, match="are tags, which say nothing about single pixels"):
        Recipe(batch_size=2).batches(tags)
    with pytest.raises(ValueError, match="mil takes weak labels and lovasz takes label maps"):
        takes_allowed("mil + 0.5 * lovasz")
    with pytest.raises(ValueError, match="has tags in place of masks, and boxes cannot be made"):
        weak_data(tags, "boxes")


def test_boxes_are_no_truth_to_validate_against(digits):
    check_data(data.weaken(digits, to="boxes"), digits)
    check_data(digits, data.weaken(digits, to="points"))
    with pytest.raises(
        ValueError, match="has boxes in place of masks, and nothing can be measured"
    ):
        check_data(digits, data.weaken(digits, to="boxes"))


def test_contradicting_bounds_are_told_before_a_training(digits):
    from fcn_keras.losses import Absent, Background, ConstrainedCNN, CrossEntropy, Present

    tags = data.weaken(digits, to="tags")
    check_feasible(ConstrainedCNN("tags"), tags)
    check_feasible(CrossEntropy(), tags)
    crowded = ConstrainedCNN((Absent(), Present(0.6, slack=None), Background(0.6, 0.9)))
    with pytest.raises(ValueError, match="contradict each other in an image with the classes 0, "):
        check_feasible(crowded, tags)


@pytest.mark.training
def test_the_command_trains_on_tags_and_resumes(command, tmp_path, in_a_hurry, tiny_vgg):
    out, net = tmp_path / "run", ("--classifier", "tiny_vgg", "--batch-size", "2")
    words = ("--weak", "tags", "--weak-method", "em_adapt", *net, "--epochs", "1", "--out", out)
    code, output, errors = command("train", *words)
    assert code == 0, errors
    assert "The masks were weakened to tags" in output and "loss: em_adapt" in output
    config = json.loads((out / "config.json").read_text())
    assert config["data"]["train"]["weak"] == "tags"
    assert config["recipe"]["loss"] == "em_adapt"
    code, _, errors = command("train", "--resume", "--weak", "boxes", "--out", out)
    assert code == 1 and "with --weak tags; it cannot become boxes" in errors
    code, output, errors = command("train", "--resume", "--epochs", "2", "--out", out)
    assert code == 0 and "weakened to tags" in output, errors


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--weak", "clicks"), "Weak labels are one of tags, sizes, boxes, points, scribbles"),
        (("--weak", "points", "--weak-method", "crf"), "no method 'crf' for points"),
        (("--weak-method", "crf"), "--weak-method crf goes with --weak tags|sizes"),
        (("--weak", "tags", "--loss", "dice"), "leave out --loss dice"),
    ],
)
def test_the_command_refuses_what_does_not_fit(command, tmp_path, words, told):
    code, _, errors = command("train", *words, "--out", tmp_path / "run")
    assert code == 1 and told in " ".join(errors.split())
