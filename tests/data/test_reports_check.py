"""`check-data` exits 1 where no training means anything; a training refuses such data."""

import numpy as np
import pytest

from fcn_keras import LabelSet, data, tasks, training
from fcn_keras.data import Dataset

SIZE = (16, 24)


@pytest.fixture
def folder(tmp_path, write):
    """Makes a folder of five train and two val images with masks given by the split."""

    def make(train, val=None, classes="bg\nobj\n", images=None):
        truth = np.zeros(SIZE, "uint8")
        truth[3:9, 4:12] = 1
        rng = np.random.default_rng(0)
        for split, count, mask in (("train", 5, train), ("val", 2, truth if val is None else val)):
            names = [f"{split}{number}" for number in range(count)]
            for number, name in enumerate(names):
                pixels = rng.integers(0, 256, (*SIZE, 3), "uint8")
                if images is not None:
                    pixels = np.full_like(pixels, images + number)
                write.png(tmp_path / "images" / f"{name}.png", pixels)
                write.png(tmp_path / "masks" / f"{name}.png", np.resize(mask, SIZE).astype("uint8"))
            write.text(tmp_path / f"{split}.txt", *names)
        (tmp_path / "classes.txt").write_text(classes)
        return tmp_path

    return make


TRUTH = np.eye(*SIZE, dtype="uint8")


@pytest.mark.parametrize(("train", "val", "classes", "message"), [
    ([255], [255], "a\nb\nc\n", "No pixel of train has a class: the masks hold nothing but void"),
    ([255], TRUTH, "a\nb\n", "255 means void by convention"),
    ([11], TRUTH, "a\nb\nvoid = 11\n", "No pixel of train has a class"),
    ([0], [0], "a\nb\n", "Every pixel of train that has a class is 'a'"),
    ([1, 255, 1, 1], TRUTH, "a\nb\nc\n", "Every pixel of train that has a class is 'b'"),
    ([0], [0], "a\n", "There is one class alone, 'a'"),
    (TRUTH, [255], "a\nb\nc\n", "No pixel of val has a class, so that nothing can be measured"),
])  # fmt: skip
def test_masks_that_teach_nothing(folder, check_data, train, val, classes, message):
    root = folder(np.array(train), np.array(val), classes)
    code, out = check_data(f"folder:{root}")
    assert code == 1 and "nothing is wrong" not in out
    assert message in out


def test_sound_data_stays_sound(folder, check_data):
    root = folder(TRUTH)
    code, out = check_data(f"folder:{root}")
    assert code == 0 and "nothing is wrong" in out and "note:" not in out


def test_one_class_in_val_alone_is_no_problem(folder):
    assert data.check("folder", folder(TRUTH, np.zeros(SIZE))).ok
    assert data.check("folder", folder(TRUTH, np.zeros(SIZE)), "val").ok


def test_images_of_one_colour(folder):
    (problem,) = data.check("folder", folder(TRUTH, images=40)).problems
    assert problem.kind == "content" and problem.split == "train"
    assert "Every image of train is of one colour (train0, train1, train2, ...)" in str(problem)


def test_one_image_of_one_colour_is_named(folder, write):
    root = folder(TRUTH)
    write.png(root / "images" / "train3.png", np.zeros((*SIZE, 3), "uint8"))
    report = data.check("folder", root)
    assert report.ok and report.warnings == ("1 image of train is of one colour: train3.",)


def in_memory(split, masks, count=12):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *SIZE, 3), "uint8")
    names = tuple(f"n{number}" for number in range(count))
    return Dataset("mine", split, LabelSet(("bg", "obj", "x")), names, images, masks)


def test_equal_masks_and_rare_classes_are_named():
    report = data.check(in_memory("train", [TRUTH] * 12))
    assert report.ok
    assert any("All 12 masks of train are equal, though" in text for text in report.warnings)
    assert any("Never occurs: x" in text for text in report.warnings)
    masks = [np.roll(TRUTH, number, 1) for number in range(12)]
    assert not any("equal" in text for text in data.check(in_memory("train", masks)).warnings)


def test_problems_of_many_files_are_not_explained_by_what_is_left(folder):
    root = folder(TRUTH)
    for number in range(4):
        (root / "masks" / f"train{number}.png").write_bytes(b"no mask")
    from PIL import Image

    Image.fromarray(np.zeros(SIZE, "uint8")).save(root / "masks" / "train4.png")
    assert {problem.kind for problem in data.check("folder", root).problems} == {"unreadable"}


@pytest.mark.parametrize(("values", "message"), [
    (7.0, "Every value of train is 7"),
    (np.nan, "No pixel of train has a value of 'depth'"),
])  # fmt: skip
def test_values_that_teach_nothing(tmp_path, write, values, message):
    for split, value in (("train", values), ("val", None)):
        for number in range(3):
            write.photo(tmp_path / "images" / f"{split}{number}.png")
            target = np.full((20, 30), value if value is not None else 0, "float32")
            if value is None:
                target[: number + 2] = 3
            (tmp_path / "targets").mkdir(exist_ok=True)
            np.save(tmp_path / "targets" / f"{split}{number}.npy", target)
        write.text(tmp_path / f"{split}.txt", *(f"{split}{number}" for number in range(3)))
    (problem,) = data.check("folder", tmp_path, regression="depth").problems
    assert problem.split == "train" and message in problem.message


def net(channels):
    import keras

    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, keras.layers.Conv2D(channels, 1)(inputs))


def trained(tmp_path, train, val=None, channels=3):
    options = {"epochs": 2, "batch_size": 4, "crop": None, "net": None, "verbose": 0}
    return training.train(net(channels), train, val, out=tmp_path / "run", **options)


def test_a_training_refuses_masks_of_nothing_but_void(tmp_path):
    void = in_memory("train", [np.full(SIZE, 255)] * 4, 4)
    sound = in_memory("val", [TRUTH] * 4, 4)
    with pytest.raises(ValueError, match=r"No pixel of the training data .*check-data"):
        trained(tmp_path, void)
    with pytest.raises(ValueError, match="No pixel of the validation data"):
        trained(tmp_path, sound, void)
    assert not (tmp_path / "run").exists()


def test_a_training_refuses_values_that_are_all_nan_and_one_class_alone(tmp_path):
    images, names = np.zeros((2, *SIZE, 3), "uint8"), ("a", "b")
    nan = np.full((2, *SIZE), np.nan, "float32")
    depths = Dataset("mine", "train", tasks.Regression("depth"), names, images, nan)
    with pytest.raises(ValueError, match="No pixel of the training data .*value of 'depth'"):
        trained(tmp_path, depths, channels=1)
    one = Dataset("mine", "train", LabelSet(("bg",)), names, images, np.zeros((2, *SIZE), "uint8"))
    with pytest.raises(ValueError, match="one class alone, 'bg'"):
        trained(tmp_path, one, channels=1)


def test_one_batch_without_a_valid_pixel_is_fine(tmp_path):
    masks = [np.full(SIZE, 255)] * 4 + [TRUTH] * 4
    rows = trained(tmp_path, in_memory("train", masks, 8))
    assert all(np.isfinite(row["loss"]) and row["mean_iou"] is not None for row in rows)


def test_a_training_that_never_saw_a_valid_pixel_ends_in_an_error(tmp_path, monkeypatch):
    from fcn_keras.training import loop

    void = in_memory("train", [np.full(SIZE, 255)] * 4, 4)
    monkeypatch.setattr(loop, "check_content", lambda *data: None)
    with pytest.raises(ValueError, match=r"No pixel counted in any of 2 epochs: mean_iou is NaN"):
        trained(tmp_path, void)


@pytest.mark.filterwarnings("always")
def test_a_training_on_one_class_warns(tmp_path):
    with pytest.warns(UserWarning, match="every training pixel that counts is 'bg'"):
        trained(tmp_path, in_memory("train", [np.zeros(SIZE, "uint8")] * 4, 4))
