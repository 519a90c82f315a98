"""Evaluation: the counts of every image, whatever the sizes, and a report that says what it is."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as sklearn_metrics

import fcn_keras

pytestmark = pytest.mark.backend
LABELS = fcn_keras.LabelSet(("road", "sky", "tree", "car"))


class Pairs(list):
    """A list of (image, truth) with labels, as a Dataset has them."""

    def __init__(self, pairs, labels=LABELS):
        super().__init__(pairs)
        self.labels = labels


class Oracle:
    """Reads the prediction out of the image's first channel."""

    labels = LABELS

    def segment(self, image):
        return image[..., 0]


class Batched(Oracle):
    def __init__(self):
        self.batches = []

    def segment_batch(self, images):
        self.batches.append([image.shape for image in images])
        return [self.segment(image) for image in images]


def made_pairs(count=11, seed=0, classes=4):
    """Images of three sizes whose first channel is a prediction that is right half of the time."""
    rng = np.random.default_rng(seed)
    pairs = []
    for index in range(count):
        size = ((5, 7), (6, 6), (1, 9))[index % 3]
        truth = rng.integers(0, classes, size, "uint8")
        guess = np.where(rng.random(size) < 0.5, truth, rng.integers(0, classes, size))
        truth[rng.random(size) < 0.2] = 255
        pairs.append((np.repeat(guess[..., None], 3, -1).astype("uint8"), truth))
    return pairs


def independent(pairs, classes=4):
    truth = np.concatenate([t.ravel() for _, t in pairs])
    guess = np.concatenate([i[..., 0].ravel() for i, _ in pairs])
    kept = truth != 255
    return sklearn_metrics.confusion_matrix(truth[kept], guess[kept], labels=range(classes))


@pytest.mark.parametrize("predictor", [Oracle(), Batched()])
@pytest.mark.parametrize("form", [Pairs, iter, "dicts"])
def test_counts_equal_scikit_learn(predictor, form):
    pairs = made_pairs()
    if form == "dicts":
        dataset = ({"image": image, "label": truth} for image, truth in pairs)
    else:
        dataset = form(pairs)
    report = fcn_keras.evaluate(predictor, dataset, progress=False)
    np.testing.assert_array_equal(report.scores.confusion, independent(pairs))
    assert report.num_images == len(pairs) and report.seconds > 0
    assert report.labels == LABELS


def test_images_of_one_size_go_together():
    predictor = Batched()
    fcn_keras.evaluate(predictor, Pairs(made_pairs(22)), batch_size=3, progress=False)
    assert max(map(len, predictor.batches)) == 3
    assert all(len(set(batch)) == 1 for batch in predictor.batches)


def test_few_images_wait_for_others_of_their_size():
    """A hundred sizes, each twice: memory must not grow with the dataset."""
    read, waiting = [], []

    class Counting(Oracle):
        def segment(self, image):
            waiting.append(len(read) - len(waiting))
            return super().segment(image)

    def pairs():
        for index in range(200):
            read.append(index)
            size = (1 + index % 100, 5)
            yield np.zeros((*size, 3), "uint8"), np.zeros(size, "uint8")

    report = fcn_keras.evaluate(Counting(), pairs(), progress=False)
    assert report.num_images == 200
    assert max(waiting) <= 40


def test_a_model_is_wrapped():
    import keras

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 3, padding="same")(inputs))
    pairs = made_pairs(7)
    expected = np.zeros((4, 4), int)
    for image, truth in pairs:
        guess = np.argmax(model.predict(image[None].astype("float32"), verbose=0)[0], -1)
        kept = truth != 255
        np.add.at(expected, (truth[kept], guess[kept]), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = fcn_keras.evaluate(model, Pairs(pairs), progress=False)
    np.testing.assert_array_equal(report.scores.confusion, expected)


def test_the_bar_shows_the_mean_iou(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    fcn_keras.evaluate(Oracle(), Pairs(made_pairs(5)))
    shown = capsys.readouterr().out
    assert "5/5" in shown and "mean_iou" in shown
    fcn_keras.evaluate(Oracle(), Pairs(made_pairs(5)), progress=False)
    assert not capsys.readouterr().out


def test_table_says_absent_and_over_how_many_classes():
    truth = np.array([[0, 0, 1, 255]], "uint8")
    guess = np.array([[0, 1, 1, 2]], "uint8")
    report = fcn_keras.evaluate(
        Oracle(), Pairs([(np.repeat(guess[..., None], 3, -1), truth)]), progress=False
    )
    table = report.table()
    assert "over 2 of 4 classes" in table
    assert "1 image, 3 pixels counted" in table
    rows = {line.split()[0]: line.split() for line in table.splitlines() if line}
    assert rows["road"][1:] == ["0.5000", "0.5000", "66.67", "%", "33.33", "%"]
    assert rows["sky"][1:] == ["0.5000", "1.0000", "33.33", "%", "66.67", "%"]
    assert rows["car"][1:3] == ["absent", "absent"]
    assert "mean IoU                0.5000" in table and "pixel accuracy          0.6667" in table


def test_json_holds_it_all(tmp_path):
    report = fcn_keras.evaluate(Oracle(), Pairs(made_pairs(classes=3)), progress=False)
    kept = json.loads(report.save_json(tmp_path / "report.json").read_text())
    assert kept["mean_iou"] == pytest.approx(report.scores.mean_iou)
    assert kept["num_classes_averaged"] == 3
    assert kept["classes"][3] == {
        "name": "car",
        "iou": None,
        "accuracy": None,
        "truth_share": 0.0,
        "predicted_share": 0.0,
    }
    assert kept["confusion"] == report.scores.confusion.tolist()
    assert fcn_keras.LabelSet.from_config(kept["labels"]) == LABELS


def test_one_class_taking_all_is_warned_of():
    truth = np.arange(200).reshape(10, 20) % 4
    image = np.zeros((10, 20, 3), "uint8")
    with pytest.warns(UserWarning, match="100.0 % of the predictions are 'road'.*25.0 %"):
        report = fcn_keras.evaluate(Oracle(), Pairs([(image, truth)]), progress=False)
    assert "Warning: 100.0 %" in report.table()


def test_nothing_counted_is_absent_everywhere():
    image, truth = np.zeros((2, 3, 3), "uint8"), np.full((2, 3), 255, "uint8")
    report = fcn_keras.evaluate(Oracle(), Pairs([(image, truth)]), progress=False)
    assert np.isnan(report.scores.mean_iou)
    assert "mean IoU                absent" in report.table()
    assert report.to_dict()["mean_iou"] is None


def test_what_cannot_be_compared_is_refused():
    image, truth = np.zeros((2, 3, 3), "uint8"), np.zeros((2, 3), "uint8")

    def evaluate(pairs, predictor=Oracle(), labels=LABELS):  # noqa: B008
        return fcn_keras.evaluate(predictor, Pairs(pairs, labels), progress=False)

    with pytest.raises(ValueError, match="Image 1: .*7"):
        evaluate([(image, truth), (image, truth + 7)])
    with pytest.raises(ValueError, match=r"Image 0: the prediction has shape \(2, 3\)"):
        evaluate([(image, truth[:1])])
    with pytest.raises(ValueError, match="no image"):
        evaluate([])
    with pytest.raises(ValueError, match="has 4 classes and the dataset 2"):
        evaluate([(image, truth)], labels=fcn_keras.LabelSet(("a", "b")))
    with pytest.raises(ValueError, match="not its batches"):
        evaluate([(image[None], truth[None])])
    with pytest.raises(TypeError, match="segment"):
        evaluate([(image, truth)], predictor=len)
    other = fcn_keras.LabelSet(("road", "sky", "bush", "car"))
    with pytest.warns(UserWarning, match="class 2 is 'tree' to the predictor and 'bush'"):
        evaluate([(np.eye(3, dtype="uint8")[:2, :, None].repeat(3, 2), truth)], labels=other)


class Certain(Oracle):
    """An oracle with probabilities: 0.7 for the class in the image's first channel."""

    def probabilities(self, images):
        return np.stack([np.eye(4)[image[..., 0]] * 0.6 + 0.1 for image in images])


@pytest.mark.parametrize("batch_size", [1, 3])
def test_membranes_are_measured_by_probabilities(batch_size):
    pairs = made_pairs()
    report = fcn_keras.evaluate(
        Certain(), Pairs(pairs), membranes="tree", batch_size=batch_size, progress=False
    )
    np.testing.assert_array_equal(report.scores.confusion, independent(pairs))
    metric = fcn_keras.metrics.PartitionMetric(thin=False)
    for image, truth in pairs:
        metric.update_state((truth != 2) & (truth != 255), np.where(image[..., 0] == 2, 0.3, 0.9))
    found = report.membranes.metrics[False].rand_score()
    assert found.score == pytest.approx(metric.rand_score().score)
    with pytest.raises(ValueError, match="Oracle gives labels alone; .* need probabilities"):
        fcn_keras.evaluate(Oracle(), Pairs(pairs), membranes=2, progress=False)


def test_instances_come_with_the_examples(tmp_path):
    """From a dict of each example, or from masks that number the objects."""
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(0, 2, (5, 1, 8), "uint8"), 6, 1)
    numbers = np.where(truth, np.arange(8) // 2 + 1, 0).astype("uint8")
    images = np.repeat(truth[..., None], 3, -1)
    for folder, arrays in (("images", images), ("masks", numbers)):
        (tmp_path / folder).mkdir()
        for index, array in enumerate(arrays):
            Image.fromarray(array).save(tmp_path / folder / f"{index}.png")
    dataset = fcn_keras.data.load("folder", tmp_path, "all", instances=True)
    parts = fcn_keras.data.joined([dataset.at([0, 1]), dataset.at([2, 3, 4])])
    dicts = [
        {"image": image, "label": label, "instances": number}
        for image, label, number in zip(images, truth, numbers, strict=True)
    ]

    class Two(Oracle):
        labels = dataset.labels

    count = sum(len(set(number.flat) - {0}) for number in numbers)
    for pairs in (dataset, parts, dicts, iter(dicts)):
        report = fcn_keras.evaluate(Two(), pairs, instances=True, progress=False)
        found = report.instances.metric.result()
        assert report.instances.with_masks and found.true.tolist() == [count]
    plain = fcn_keras.data.load("folder", tmp_path, "all", binary=True)
    report = fcn_keras.evaluate(Two(), plain, instances=True, progress=False)
    assert not report.instances.with_masks
    assert report.instances.metric.result().true[0] < count


def test_real_street_scenes_against_themselves(data_root):
    """The truth segmented as itself scores 1 on every class that occurs."""
    if not (data_root / "camvid").is_dir():
        pytest.skip(f"no CamVid under {data_root}")
    dataset = fcn_keras.data.load("camvid", data_root / "camvid", split="val")
    pairs = [dataset[index] for index in range(3)]
    echo = Pairs([(np.repeat(t[..., None], 3, -1), t) for _, t in pairs], dataset.labels)
    for image, truth in echo:
        image[truth == 255] = 0
    oracle = Oracle()
    oracle.labels = dataset.labels
    report = fcn_keras.evaluate(oracle, echo, progress=False)
    assert report.scores.mean_iou == 1 and report.scores.num_averaged >= 10


def test_labels_of_another_kind_are_left_alone():
    class Named(Oracle):
        labels = ["a", "b"]

    class Unknown(Pairs):
        def __len__(self):
            raise TypeError("The dataset length is unknown.")

        def __iter__(self):
            return iter(made_pairs(5))

    dataset = Unknown(made_pairs(5))
    assert fcn_keras.evaluate(Named(), dataset, progress=False).num_images == 5
