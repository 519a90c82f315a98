"""The Keras metrics: against NumPy's count, in training, after loading, on two outputs, merged."""

import keras
import numpy as np
import pytest

from fcn_keras import metrics
from fcn_keras.metrics import counting

pytestmark = pytest.mark.backend

ALL = (
    metrics.PixelAccuracy,
    metrics.MeanAccuracy,
    metrics.MeanIoU,
    metrics.FrequencyWeightedIoU,
)
NAMES = [metric.default_name for metric in ALL]


def batch(seed=0, num_classes=4, size=(2, 12, 10)):
    """uint8 truth with a void row, and float32 logits."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, size).astype("uint8")
    truth[:, 0] = 255
    return truth, rng.normal(size=(*size, num_classes)).astype("float32")


def expected(truth, prediction, num_classes=4, ignore_class=255):
    counts = metrics.confusion_matrix(truth, prediction, num_classes, ignore_class)
    return metrics.scores(counts, ignore_class)


def segmenter(num_classes=4, outputs=None):
    """A net that only looks at each pixel; with `outputs` names it has several heads."""
    image = keras.Input((None, None, 3))
    if outputs is None:
        return keras.Model(image, keras.layers.Conv2D(num_classes, 1, name="score")(image))
    heads = {name: keras.layers.Conv2D(num_classes, 1, name=name)(image) for name in outputs}
    return keras.Model(image, heads)


def images(seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (2, 12, 10, 3)).astype("float32")


@pytest.fixture
def countings(monkeypatch):
    """A list that grows by one whenever a batch's pixels are really counted."""
    calls = []
    count = counting._count
    monkeypatch.setattr(counting, "_count", lambda *args: calls.append(1) or count(*args))
    return calls


@pytest.mark.parametrize("as_logits", [True, False])
@pytest.mark.parametrize("metric_class", ALL)
def test_each_alone_over_two_batches(metric_class, as_logits):
    metric = metric_class(4)
    pairs = [batch(0), batch(1)]
    for truth, logits in pairs:
        metric.update_state(truth, logits if as_logits else logits.argmax(-1))
    truth = np.concatenate([truth for truth, _ in pairs])
    prediction = np.concatenate([logits.argmax(-1) for _, logits in pairs])
    value = getattr(expected(truth, prediction), metric.name)
    assert float(metric.result()) == pytest.approx(value, rel=1e-5)
    assert getattr(metric.scores(), metric.name) == value
    metric.reset_state()
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "uint16", "float32", "int8"])
def test_label_dtypes(dtype):
    truth, logits = batch()
    ignore = [255, 127]
    truth[:, 0] = 127 if dtype == "int8" else 255
    metric = metrics.ConfusionMatrix(4, ignore)
    metric.update_state(truth.astype(dtype), logits.argmax(-1).astype(dtype))
    scores = expected(truth, logits.argmax(-1), ignore_class=ignore)
    np.testing.assert_array_equal(metric.confusion(), scores.confusion)
    np.testing.assert_array_equal(metric.result(), scores.confusion)


def test_per_class_iou_and_absent_classes():
    truth = np.array([[[0, 0, 1, 1, 255]]], "uint8")
    prediction = np.array([[[0, 2, 1, 1, 3]]], "uint8")
    metric = metrics.PerClassIoU(4)
    metric.update_state(truth, prediction)
    np.testing.assert_allclose(metric.result(), [0.5, 1, 0, np.nan])
    for metric_class, value in zip(ALL, [3 / 4, 3 / 4, 1.5 / 3, (2 * 0.5 + 2) / 4], strict=True):
        metric = metric_class(4)
        metric.update_state(truth, prediction)
        assert float(metric.result()) == pytest.approx(value)


def test_truth_with_a_channel_and_ignored_values_beyond_the_dtype():
    truth, logits = batch()
    metric = metrics.MeanIoU(4, ignore_class=[255, 65535, 1])
    metric.update_state(truth[..., None], logits)
    value = expected(truth, logits.argmax(-1), ignore_class=[1, 255]).mean_iou
    assert float(metric.result()) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("metric_class", ALL)
def test_all_void_is_nan(metric_class):
    truth, logits = batch()
    metric = metric_class(4)
    metric.update_state(np.full_like(truth, 255), logits)
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize(
    "truth, prediction, words",
    [
        ([[[0, 7]]], [[[0, 1]]], "1 pixel of the truth"),
        ([[[0, -1]]], [[[0, 1]]], "1 pixel of the truth"),
        ([[[0, 0.5]]], [[[0, 1]]], "1 pixel of the truth"),
        ([[[0, 1]]], [[[4, 4]]], "2 pixels of the prediction"),
        ([[[0, 1]]], [[[0, 0.3]]], "1 pixel of the prediction"),
    ],
)
def test_labels_out_of_range_are_never_counted_in_silence(truth, prediction, words):
    four = metrics.segmentation(4)
    for metric in four:
        metric.update_state(np.array(truth), np.array(prediction))
        assert np.isnan(float(metric.result()))
        with pytest.raises(ValueError, match=words):
            metric.confusion()
        metric.reset_state()
        metric.update_state(*batch())
        assert np.isfinite(float(metric.result()))


@pytest.mark.parametrize(
    "truth, prediction",
    [
        ((2, 4, 5), (2, 4, 5, 3)),
        ((2, 4, 5), (2, 4, 1)),
        ((4, 5), (2, 4, 5)),
        ((1, 4, 5), (2, 4, 5)),
    ],
)
def test_shapes_that_do_not_fit(truth, prediction):
    with pytest.raises(ValueError, match="got truth"):
        metrics.MeanIoU(4).update_state(np.zeros(truth, "uint8"), np.zeros(prediction, "uint8"))


def test_sample_weights_are_refused():
    truth, logits = batch()
    with pytest.raises(ValueError, match="takes no sample_weight"):
        metrics.MeanIoU(4).update_state(truth, logits, sample_weight=np.ones(2))


def test_exact_past_two_to_the_31():
    metric = metrics.PixelAccuracy(2)
    metric.update_state(np.zeros((1, 1, 3)), np.array([[[0, 0, 1]]]))
    others = []
    for _ in range(33):
        twin = metrics.PixelAccuracy(2)
        twin.merge_state([metric])
        metric.merge_state([twin])
        others.append(int(metric.confusion()[0, 0]))
    assert others == [2 ** (n + 2) for n in range(33)]
    assert metric.confusion()[0, 1] == 2**33
    assert float(metric.result()) == pytest.approx(2 / 3)
    metric.update_state(np.ones((1, 1, 1)), np.ones((1, 1, 1)))
    assert metric.confusion()[1, 1] == 1


def test_merging_refuses_another_number_of_classes():
    with pytest.raises(ValueError, match="5 classes into one of 4"):
        metrics.MeanIoU(4).merge_state([metrics.MeanIoU(5)])


def test_four_metrics_count_a_batch_once(countings):
    truth, logits = (keras.ops.convert_to_tensor(x) for x in batch())
    four = metrics.segmentation(4)
    for round_of_updates in (1, 2):
        for metric in four:
            metric.update_state(truth, logits)
        assert all(metric.confusion().sum() == 220 * round_of_updates for metric in four)
    assert len(countings) == 1


def test_arrays_that_change_in_place_are_counted_each_time():
    truth, logits = batch()
    first, second = metrics.MeanIoU(4), metrics.MeanIoU(4)
    first.update_state(truth, logits)
    truth[:] = 255
    second.update_state(truth, logits)
    assert second.confusion().sum() == 0


def test_what_is_ignored_keeps_counts_apart():
    truth, logits = (keras.ops.convert_to_tensor(x) for x in batch())
    with_void, without = metrics.MeanIoU(4, 255), metrics.MeanIoU(4, [255, 0])
    with_void.update_state(truth, logits)
    without.update_state(truth, logits)
    assert with_void.confusion().sum() == 220
    assert without.confusion()[0].sum() == 0


@pytest.mark.parametrize("jit_compile", [
    True, pytest.param(False, marks=pytest.mark.backend("sweep")),
])  # fmt: skip
def test_training_counts_once_a_step_and_evaluates_right(countings, jit_compile):
    model = segmenter()
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255),
        metrics=metrics.segmentation(4),
        jit_compile=jit_compile,
    )
    truth, _ = batch()
    history = model.fit(
        images(), truth, batch_size=1, epochs=2, verbose=0, validation_data=(images(), truth)
    ).history
    assert set(NAMES) | {f"val_{name}" for name in NAMES} <= set(history)
    if jit_compile or keras.backend.backend() == "tensorflow":
        assert len(countings) <= 4  # once in each traced step, and when Keras infers shapes
    scores = expected(truth, keras.ops.convert_to_numpy(model(images())).argmax(-1))
    results = model.evaluate(images(), truth, batch_size=1, return_dict=True, verbose=0)
    for name in NAMES:
        assert results[name] == pytest.approx(getattr(scores, name), rel=1e-5)
        assert history[f"val_{name}"][-1] == pytest.approx(results[name])


def test_right_after_loading_together_and_alone(tmp_path, countings):
    truth, _ = batch()
    for chosen in (slice(None), slice(3, 0, -2)):
        model = segmenter()
        model.compile("sgd", "mse", metrics=metrics.segmentation(4, [255, 3])[chosen])
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        countings.clear()
        results = loaded.evaluate(images(), truth[..., None], verbose=0, return_dict=True)
        assert len(countings) <= 2
        prediction = keras.ops.convert_to_numpy(loaded(images())).argmax(-1)
        scores = expected(truth, prediction, ignore_class=[3, 255])
        for name in NAMES[chosen]:
            assert results[name] == pytest.approx(getattr(scores, name), rel=1e-5)
        again = loaded.evaluate(images(), truth[..., None], verbose=0, return_dict=True)
        assert again == pytest.approx(results)


@pytest.mark.parametrize("split_group", [False, True])
def test_two_outputs_and_after_loading(tmp_path, split_group):
    model = segmenter(outputs=["coarse", "fine"])
    group, other = metrics.segmentation(4), metrics.segmentation(4)
    chosen = {"coarse": group, "fine": other}
    if split_group:
        chosen = {"coarse": group[:2], "fine": group[2:]}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    model.compile("sgd", {"coarse": loss, "fine": loss}, metrics=chosen)
    model.save(tmp_path / "model.keras")
    truths = {"coarse": batch(3)[0], "fine": batch(4)[0]}
    predictions = model(images())
    for compiled in (model, keras.models.load_model(tmp_path / "model.keras")):
        results = compiled.evaluate(images(), truths, verbose=0, return_dict=True)
        for output, logits in predictions.items():
            scores = expected(truths[output], keras.ops.convert_to_numpy(logits).argmax(-1))
            for metric in chosen[output]:
                value = getattr(scores, metric.name)
                assert results[f"{output}_{metric.name}"] == pytest.approx(value, rel=1e-5)


def test_right_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = segmenter()
        four = metrics.segmentation(4)
        model.compile("sgd", "mse", metrics=four)
    finally:
        keras.config.set_dtype_policy("float32")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, (8, 64, 64)).astype("uint8")
    logits = keras.ops.cast(keras.ops.one_hot(truth, 4), "float16")
    for metric in four:
        metric.update_state(truth, logits)
        metric.update_state(truth[:, ::-1], logits)
        scores = expected(np.stack([truth, truth[:, ::-1]]), np.stack([truth, truth]))
        assert float(metric.result()) == pytest.approx(getattr(scores, metric.name), rel=1e-5)


def test_best_checkpoint_knows_that_more_is_better(tmp_path):
    model = segmenter()
    model.compile("sgd", "mse", metrics=[metrics.MeanIoU(4)])
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="val_mean_iou", save_best_only=True
    )
    truth, _ = batch()
    inputs = dict(validation_data=(images(), truth[..., None]), verbose=0)
    model.fit(images(), truth[..., None], callbacks=[checkpoint], **inputs)
    assert checkpoint.monitor_op(1, 0)


@pytest.mark.parametrize("metric_class", [*ALL, metrics.PerClassIoU, metrics.ConfusionMatrix])
def test_config_round_trip(metric_class):
    metric = metric_class(3, ignore_class=np.array([255, 7]), name="mine", dtype="float64")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(copy) is metric_class
    assert copy.get_config() == metric.get_config()
    assert copy.get_config()["ignore_class"] == [7, 255]
    assert metric_class(3).name == metric_class.default_name


@pytest.mark.parametrize("num_classes", [0, -1, 2.5, "21", None, True])
def test_a_wrong_number_of_classes_is_named(num_classes):
    with pytest.raises(ValueError, match="`num_classes` must be a whole number"):
        metrics.MeanIoU(num_classes)


def test_above_255_classes_void_is_65535():
    truth = np.full((1, 4, 4), 255, "int32")
    metric = metrics.MeanIoU(300)
    assert metric.ignore_class == 65535
    metric.update_state(truth, truth)
    assert float(metric.result()) == 1.0
    assert metrics.MeanIoU(255).ignore_class == 255
    assert metrics.confusion_matrix(truth, truth, 300)[255, 255] == 16
