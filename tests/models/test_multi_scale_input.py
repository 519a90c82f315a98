"""A net at several scales: the maximum in NumPy, a loss on each scale, saving, refusals."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.losses import CrossEntropy

L = keras.layers
SCALES = (1, 0.5)
# JAX compiles every size anew.
SIZES = ((7, 9), (1, 1)) if keras.backend.backend() == "tensorflow" else ()


def net(classes=3):
    keras.utils.set_random_seed(1)
    given = keras.Input((None, None, 3))
    x = L.Conv2D(4, 3, padding="same", activation="relu")(L.Rescaling(1 / 255)(given))
    return keras.Model(given, L.Conv2D(classes, 1)(x), name="small")


def image(rows=8, columns=12, count=1):
    shape = (count, rows, columns, 3)
    return np.random.default_rng(0).uniform(0, 255, shape).astype("float32")


def segmenter(num_classes, **options):
    """An FCN over one convolution."""
    given = keras.Input((None, None, 3))
    x = L.Conv2D(4, 3, 2, "same", activation="relu")(given)
    options = {"preprocess": "tf", "head_filters": 0, **options}
    return fcn_keras.fcn2s(num_classes, keras.Model(given, x, name="mine"), **options)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def resized(x, rows, columns):
    """By half pixels, edges replicated, in NumPy."""
    for axis, count in ((1, rows), (2, columns)):
        places = (np.arange(count) + 0.5) * x.shape[axis] / count - 0.5
        x = np.apply_along_axis(
            lambda line, at=places: np.interp(at, range(len(line)), line), axis, x
        )
    return x


def by_scale(model, x):
    """The logits of each scale at the image's size."""
    rows, columns = x.shape[1:3]
    half = array(model(resized(x, rows // 2, columns // 2).astype("float32")))
    return [array(model(x)), resized(half, rows, columns)]


@pytest.mark.backend("sweep")
def test_the_logits_are_the_maximum_of_the_scales(tmp_path):
    small = net()
    model = fcn_keras.multi_scale_input(small, SCALES)
    x = image()
    expected = np.maximum(*by_scale(small, x))
    np.testing.assert_allclose(array(model(x)), expected, atol=1e-5)
    assert len({*map(id, model.weights)} - {*map(id, small.weights)}) == 0
    for size in SIZES:
        assert model(image(*size)).shape == (1, *size, 3)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    assert type(again) is type(model)
    np.testing.assert_allclose(array(again(x)), expected, atol=1e-5)


@pytest.mark.backend
def test_training_has_a_loss_on_each_scale_and_on_the_maximum():
    small = net()
    model = fcn_keras.multi_scale_input(small, SCALES)
    x, labels = image(count=2), np.random.default_rng(3).integers(0, 3, (2, 8, 12)).astype("uint8")
    loss, maps = CrossEntropy(), by_scale(small, x)
    fused = float(loss(labels, np.maximum(*maps)))
    total = fused + sum(float(loss(labels, one.astype("float32"))) for one in maps)
    model.compile(keras.optimizers.SGD(0.0), loss)
    found = model.fit(x, labels, batch_size=2, verbose=0).history["loss"][0]
    assert found == pytest.approx(total, rel=1e-4)
    measured = model.evaluate(x, labels, batch_size=2, verbose=0)
    assert float(np.ravel(measured)[0]) == pytest.approx(fused, rel=1e-4)
    model.compile(keras.optimizers.SGD(0.1), loss)
    before = array(small.weights[0])
    history = model.fit(x, labels, batch_size=2, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0] and (array(small.weights[0]) != before).any()


def test_under_mixed_precision_logits_stay_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        small = segmenter(3, score_initializer="he_normal")
        model = fcn_keras.multi_scale_input(small, SCALES)
    finally:
        keras.config.set_dtype_policy("float32")
    x = image()
    found, maps = array(model(x)), by_scale(small, x)
    assert found.dtype == "float32" and np.ptp(found) > 1e-3
    np.testing.assert_allclose(found, np.maximum(*maps), atol=1e-5 * np.abs(found).max())


def test_tasks_geometry_and_tiles():
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    model = fcn_keras.multi_scale_input(segmenter(3, labels=labels))
    assert model.name == "fcn2s_msc" and fcn_keras.labels_of(model) == labels
    assert fcn_keras.segment(model, image(33, 47)[0].astype("uint8")).shape == (33, 47)
    with pytest.raises(ValueError, match="'scale_0.5' .*depends on the whole image"):
        fcn_keras.geometry.halo(model)


@pytest.mark.parametrize("scales", [(), (1, 1), (1, 0)])
def test_scales_that_are_none_are_refused(scales):
    with pytest.raises(ValueError, match="`scales` must be"):
        fcn_keras.multi_scale_input(net(), scales)


def test_nets_that_do_not_fit_are_refused():
    values = segmenter(fcn_keras.tasks.Regression())
    with pytest.raises(ValueError, match="maximum of class scores; the task of 'fcn2s' is"):
        fcn_keras.multi_scale_input(values)
    fixed = segmenter(3, input_shape=(32, 48, 3))
    with pytest.raises(ValueError, match=r"any size; 'fcn2s' takes \(32, 48, 3\)"):
        fcn_keras.multi_scale_input(fixed)
