"""Cross-entropy with void and class weights, against its formula in float64 and Keras's own."""

import keras
import numpy as np
import pytest
from keras import ops

from fcn_keras.losses import CrossEntropy

pytestmark = pytest.mark.backend


def by_hand(labels, logits, ignored=(255,), weights=None):
    """Loss and gradient in float64, from the formula."""
    logits = logits.astype("float64")
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    softmax = odds / odds.sum(-1, keepdims=True)
    counted = ~np.isin(labels, ignored)
    safe = np.where(counted, labels, 0).astype(int)
    one_hot = np.eye(logits.shape[-1])[safe]
    pixel = counted * (1.0 if weights is None else np.asarray(weights)[safe])
    entropy = -np.log((softmax * one_hot).sum(-1))
    gradient = (softmax - one_hot) * pixel[..., None] / pixel.sum()
    return (entropy * pixel).sum() / pixel.sum(), gradient


@pytest.mark.parametrize("weights", [None, [1.0, 0.5, 4.0, 0.0]])
@pytest.mark.parametrize("ignore_class", [255, [255, 2], [1]])
def test_value_and_gradient_follow_the_formula(weights, ignore_class, example, value_and_gradient):
    labels, logits = example()
    if ignore_class == [1]:
        labels[labels == 255] = 1
    value, gradient = value_and_gradient(CrossEntropy(ignore_class, weights), labels, logits)
    expected, expected_gradient = by_hand(labels, logits, np.ravel(ignore_class), weights)
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-6)


def test_a_stride_counts_every_nth_row_and_column(example, value_and_gradient):
    labels, logits = example()
    loss = CrossEntropy(stride=2)
    value, gradient = value_and_gradient(loss, labels, logits)
    expected, on_the_grid = by_hand(labels[:, ::2, ::2], logits[:, ::2, ::2])
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient[:, ::2, ::2], on_the_grid, atol=1e-6)
    assert not gradient[:, 1::2].any() and not gradient[:, :, 1::2].any()
    weights = np.zeros(labels.shape, "float32")
    assert float(loss(labels, logits, weights)) == 0  # weight maps lose the same pixels
    weights[:, ::2, ::2] = 3
    assert float(loss(labels, logits, weights)) == pytest.approx(3 * expected, rel=1e-5)
    assert CrossEntropy.from_config(loss.get_config()).stride == 2
    with pytest.raises(ValueError, match="`stride` must be a whole number of at least 1, got 0"):
        CrossEntropy(stride=0)
    with pytest.raises(ValueError, match="they must be equal"):
        loss(labels[:, 1:], logits)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_without_weights_it_is_keras(dtype, example):
    labels, logits = example(1)
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    ours = CrossEntropy()(labels.astype(dtype), logits)
    assert float(ours) == pytest.approx(float(theirs(labels, logits)), rel=1e-5)
    assert float(CrossEntropy()(labels[..., None], logits)) == pytest.approx(float(ours))


def test_only_the_ratios_of_weights_matter(example):
    labels, logits = example(2)
    one = CrossEntropy(class_weights=[1, 2, 3, 4])(labels, logits)
    ten = CrossEntropy(class_weights=[10, 20, 30, 40])(labels, logits)
    assert float(one) == pytest.approx(float(ten), rel=1e-5)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.0, 0.0]])
def test_an_all_void_batch_is_zero_without_nan(weights, example, value_and_gradient):
    labels, logits = example()
    labels[:] = 255 if weights is None else 3
    value, gradient = value_and_gradient(CrossEntropy(255, weights), labels, logits)
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@pytest.mark.parametrize("label", [4, 254, -1, 0.5])
def test_a_label_out_of_range_is_nan_with_finite_gradients(label, example, value_and_gradient):
    labels, logits = example()
    labels = labels.astype("float32")
    labels[0, 4, 4] = label
    value, gradient = value_and_gradient(CrossEntropy(), labels, logits)
    assert np.isnan(value)
    assert np.isfinite(gradient).all()


def test_extreme_logits_stay_finite(value_and_gradient):
    labels = np.array([[[0, 1, 1]]], "uint8")
    logits = np.array([[[[1e4, -1e4], [1e4, -1e4], [-np.inf, 0.0]]]], "float32")
    value, gradient = value_and_gradient(CrossEntropy(), labels, logits)
    assert value == pytest.approx((0 + 2e4 + 0) / 3)
    np.testing.assert_allclose(gradient, [[[[0, 0], [1 / 3, -1 / 3], [0, 0]]]], atol=1e-6)


def test_float32_under_mixed_precision(example):
    labels, logits = example(3, shape=(4, 64, 64))
    half = logits.astype("float16")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        value = CrossEntropy(class_weights=[1, 2, 3, 4])(labels, ops.convert_to_tensor(half))
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    expected, _ = by_hand(labels, half, weights=[1, 2, 3, 4])
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_sample_weights_multiply_as_in_keras(example):
    labels, logits = example(4)
    loss = CrossEntropy()
    weighted = loss(labels, logits, sample_weight=np.array([1.0, 0.0]).reshape(2, 1, 1))
    alone = by_hand(labels[:1], logits[:1])[0]
    assert float(weighted) == pytest.approx(alone / 2, rel=1e-5)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_trains_and_loads(tmp_path, jit_compile, example):
    labels, _ = example()
    images = np.random.default_rng(5).uniform(size=(2, 5, 7, 3)).astype("float32")
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1)])
    weights = np.array([1, 2, 3, 4], "float32")
    model.compile("sgd", CrossEntropy([255, 254], weights), jit_compile=jit_compile)
    before = model.evaluate(images, labels, verbose=0)
    assert model.fit(images, labels, verbose=0).history["loss"][0] == pytest.approx(before)
    after = model.evaluate(images, labels, verbose=0)
    assert after < before
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(images, labels, verbose=0) == pytest.approx(after, rel=1e-6)
    assert loaded.loss.get_config() == model.loss.get_config()
    assert loaded.loss.class_weights == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "weights", [[], [[1.0, 2.0]], [1.0, -1.0], [1.0, float("nan")], 2.0, "enet"]
)
def test_wrong_class_weights_are_named(weights):
    with pytest.raises(ValueError, match="`class_weights` must be one finite number"):
        CrossEntropy(class_weights=weights)


def test_shapes_that_do_not_fit_are_named(example):
    labels, logits = example()
    with pytest.raises(ValueError, match=r"3 values but the logits have 4 classes"):
        CrossEntropy(class_weights=[1, 2, 3])(labels, logits)
    with pytest.raises(ValueError, match=r"labels of shape \(2, 5\)"):
        CrossEntropy()(labels[..., 0], logits)
    with pytest.raises(ValueError, match="`ignore_class`"):
        CrossEntropy(ignore_class=-1)


def test_above_255_classes_255_is_a_class():
    labels = np.full((1, 2, 2), 255, "int32")
    logits = np.zeros((1, 2, 2, 300), "float32")
    assert round(float(CrossEntropy()(labels, logits)), 4) == round(float(np.log(300)), 4)
    assert float(CrossEntropy(255)(labels, logits)) == 0
    again = keras.losses.deserialize(keras.losses.serialize(CrossEntropy()))
    assert again.ignore_class == "auto"
