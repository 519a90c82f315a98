"""What all losses do alike: void, labels out of range, precision, compilation, saving."""

import keras
import numpy as np
import pytest
from keras import ops

from fcn_keras.losses import OHEM, CrossEntropy, Dice, Focal, Jaccard, Lovasz, Sum

pytestmark = pytest.mark.backend

LOSSES = {
    "cross entropy": CrossEntropy,
    "cross entropy, sum": lambda **how: CrossEntropy(normalize=False, **how),
    "cross entropy, pixels": lambda **how: CrossEntropy(normalize="pixels", **how),
    "cross entropy, sampled": lambda **how: CrossEntropy(sampling=1.0, cell=2, seed=3, **how),
    "focal": Focal,
    "dice": Dice,
    "dice, image": lambda **how: Dice("image", **how),
    "jaccard": Jaccard,
    "lovasz": Lovasz,
    "lovasz, image, all": lambda **how: Lovasz("image", "all", **how),
    "ohem": lambda **how: OHEM(min_kept=9, **how),
    "ohem, share": lambda **how: OHEM(share=0.5, **how),
    "sum": lambda **how: Sum([CrossEntropy(**how), Lovasz(**how)], [1.0, 0.5]),
}


@pytest.fixture(params=LOSSES)
def make(request):
    return LOSSES[request.param]


def test_void_counts_nowhere(make, example, value_and_gradient):
    labels, logits = example(1)
    other = logits.copy()
    other[:, :2] = 7 * np.random.default_rng(2).normal(size=other[:, :2].shape)
    loss = make()
    value, gradient = value_and_gradient(loss, labels, logits)
    assert value_and_gradient(loss, labels, other)[0] == pytest.approx(value, rel=1e-6)
    assert value > 0 and np.abs(gradient).max() > 1e-3
    np.testing.assert_array_equal(gradient[:, :2], 0)


def test_several_ignored_values(make, example):
    labels, logits = example(2)
    several = labels.copy()
    several[:, 0], several[several == 3] = 254, 253
    labels[labels == 3] = 255
    expected = float(make()(labels, logits))
    value = float(make(ignore_class=[253, 254, 255])(several, logits))
    assert value == pytest.approx(expected, rel=1e-6)


def test_an_all_void_batch_is_zero_without_nan(make, example, value_and_gradient):
    labels, logits = example()
    labels[:] = 255
    value, gradient = value_and_gradient(make(), labels, logits)
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@pytest.mark.parametrize("kind", [Dice, Jaccard, Lovasz])
def test_an_all_void_image_is_left_out(kind, example):
    labels, logits = example()
    labels[1] = 255
    alone = float(kind("image")(labels[:1], logits[:1]))
    assert float(kind("image")(labels, logits)) == pytest.approx(alone, rel=1e-6)


def test_a_label_out_of_range_is_nan_with_finite_gradients(make, example, value_and_gradient):
    labels, logits = example()
    labels = labels.astype("float32")
    loss = make()
    for label in (4, 254, -1, 0.5):
        labels[0, 4, 4] = label
        value, gradient = value_and_gradient(loss, labels, logits)
        assert np.isnan(value), label
        assert np.isfinite(gradient).all(), label


def test_extreme_logits_stay_finite(make, value_and_gradient):
    labels = np.array([[[0, 1, 1, 255]]], "uint8")
    logits = [[1e4, -1e4], [1e4, -1e4], [-np.inf, 0.0], [1e30, 0.0]]
    logits = np.array(logits, "float32").reshape(1, 1, 4, 2)
    value, gradient = value_and_gradient(make(), labels, logits)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_any_dtype_of_labels(make, example):
    labels, logits = example(1)
    expected = float(make()(labels, logits))
    for dtype in ("int32", "int64", "float32"):
        assert float(make()(labels.astype(dtype), logits)) == pytest.approx(expected), dtype
    assert float(make()(labels[..., None], logits)) == pytest.approx(expected)


def test_float32_under_mixed_precision(make, example):
    labels, logits = example(3)
    half = logits.astype("float16")
    expected = float(make()(labels, half.astype("float32")))
    keras.config.set_dtype_policy("mixed_float16")
    try:
        value = make()(labels, ops.convert_to_tensor(half))
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_serialized_it_is_the_same(make, example):
    labels, logits = example()
    loss = make(ignore_class=[255, 254], class_weights=[1, 2, 3, 4])
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    assert float(again(labels, logits)) == float(loss(labels, logits))


def one_of_each(**how):
    names = ("cross entropy, sampled", "focal", "dice, image", "jaccard", "lovasz", "ohem")
    return Sum([LOSSES[name](**how) for name in names])


@pytest.mark.parametrize("xla", [False, True])
def test_compiled_with_open_sizes_they_are_the_same(xla, example, value_and_gradient):
    if xla and keras.backend.backend() == "jax":
        pytest.skip("JAX is compiled by XLA in either case")
    labels, logits = example(4)
    value, gradient = value_and_gradient(one_of_each(), labels, logits, xla)
    eager = value_and_gradient(one_of_each(), labels, logits)
    assert value == pytest.approx(eager[0], rel=1e-5)
    np.testing.assert_allclose(gradient, eager[1], rtol=1e-4, atol=1e-5)


def test_they_train_and_load(example, tmp_path):
    labels, _ = example()
    images = np.random.default_rng(5).uniform(size=(2, 5, 7, 3)).astype("float32")
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1)])
    model.compile(keras.optimizers.SGD(1e-3), one_of_each(ignore_class=[255, 254]))
    before = model.evaluate(images, labels, verbose=0)
    model.fit(images, labels, epochs=5, verbose=0)
    after = model.evaluate(images, labels, verbose=0)
    assert after < before
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(images, labels, verbose=0) == pytest.approx(after, rel=1e-6)
    assert loaded.loss.get_config() == model.loss.get_config()


def test_shapes_that_do_not_fit_are_named(make, example):
    labels, logits = example()
    with pytest.raises(ValueError, match=r"labels of shape \(2, 5\)"):
        make()(labels[..., 0], logits)
    with pytest.raises(ValueError, match="3 values but the logits have 4 classes"):
        make(class_weights=[1, 2, 3])(labels, logits)
    with pytest.raises(ValueError, match="`class_weights` must be one finite number"):
        make(class_weights=[1.0, -1.0])


@pytest.mark.parametrize("kind", [Dice, Jaccard, Lovasz])
def test_sample_weights_are_of_images(kind, example):
    labels, logits = example()
    weighted = kind("image")(labels, logits, sample_weight=np.array([1.0, 0.0]))
    alone = kind("image")(labels[:1], logits[:1])
    assert float(weighted) == pytest.approx(float(alone) / 2, rel=1e-6)
    with pytest.raises(ValueError, match="no sample_weight"):
        kind()(labels, logits, sample_weight=np.array([1.0, 0.0]))


@pytest.mark.parametrize("loss", [CrossEntropy, Dice, Lovasz])
def test_one_hot_labels_and_other_sizes_are_named(loss):
    logits = np.zeros((2, 4, 5, 3), "float32")
    one_hot = np.eye(3, dtype="float32")[np.zeros((2, 4, 5), int)]
    with pytest.raises(ValueError, match=r"one-hot: pass label maps, one_hot.argmax\(-1\)"):
        loss()(one_hot, logits)
    with pytest.raises(ValueError, match="labels are 4x4 and the logits 4x5"):
        loss()(np.zeros((2, 4, 4), "uint8"), logits)
