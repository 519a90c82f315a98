"""The CRF layer against `dense_crf`, the lattice's arrays, numerical gradients and its refusals."""

import keras
import numpy as np
import pytest
from keras import ops

from fcn_keras.crf import dense_crf, permutohedral_lattice, pixel_features
from fcn_keras.layers import CRFAsRNN
from fcn_keras.layers.crf_rnn import elevation
from fcn_keras.layers.crf_rnn.numbering import Numbering, parts

OPTIONS = {"iterations": 2, "inference_iterations": 3}


def scenes(batch, rows, columns, classes, seed=0):
    """Scores, and images of coloured blocks with noise."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (batch, -(-rows // 5), -(-columns // 6), 3))
    image = blocks.repeat(5, 1).repeat(6, 2)[:, :rows, :columns]
    image = (image + rng.normal(0, 8, image.shape)).clip(0, 255).astype("uint8")
    return rng.normal(0, 2, (batch, rows, columns, classes)).astype("float32"), image


def called(layer, scores, image, training=None):
    """What the layer gives; on JAX under jit."""
    if not layer.built:
        layer.build([scores.shape, image.shape])

    def call(scores, image):
        return layer([scores, image], training=training)

    if keras.backend.backend() == "jax":
        import jax

        call = jax.jit(call)
    return call(scores, ops.cast(image, "float32"))


def q_of(layer, scores, image, training=None):
    return ops.convert_to_numpy(ops.softmax(called(layer, scores, image, training)))


def matrix(image, *widths):
    """The normalised kernel (N, N) on the NumPy lattice."""
    lattice = permutohedral_lattice(pixel_features(image, *widths), threads=1)
    splat = np.zeros((lattice.num_points + 1, len(lattice.offsets)))
    rows = np.arange(len(lattice.offsets))[:, None]
    np.add.at(splat, (lattice.offsets, rows), lattice.weights)
    values = splat.copy()
    for one, other in lattice.neighbors.transpose(0, 2, 1):
        values[:-1] += (values[one] + values[other]) / 2
    kernel = splat.T @ values
    root = np.sqrt(kernel.sum(1))
    return kernel / root[:, None] / root


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.backend
def test_with_potts_it_is_dense_crf():
    scores, image = scenes(2, 13, 19, 3)
    layer = CRFAsRNN(3, **OPTIONS)
    expected = dense_crf(scores, image, steps=3)
    np.testing.assert_allclose(q_of(layer, scores, image), expected, atol=1e-4)
    assert np.abs(dense_crf(scores, image, steps=2) - expected).max() > 1e-3


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 9), (30, 40), (40, 13)])
def test_any_size_and_ten_iterations(rows, columns):
    scores, image = scenes(1, rows, columns, 4)
    q = q_of(CRFAsRNN(4), scores, image)
    np.testing.assert_allclose(q, dense_crf(scores, image), atol=1e-3)  # rounding grows tenfold
    q = q_of(CRFAsRNN(4), scores, image, training=True)
    np.testing.assert_allclose(q, dense_crf(scores, image, steps=5), atol=1e-4)


@pytest.mark.backend("sweep")
def test_other_widths_and_weights():
    scores, image = scenes(2, 24, 31, 3)
    options = {
        "spatial_width": 2.5,
        "spatial_weight": 2,
        "bilateral_width": 25,
        "color_width": 2,
        "bilateral_weight": 4,
    }
    q = q_of(CRFAsRNN(3, **OPTIONS, **options), scores, image)
    np.testing.assert_allclose(q, dense_crf(scores, image, steps=3, **options), atol=1e-4)


def test_a_graph_of_open_shapes_gives_the_same():
    tf = pytest.importorskip("tensorflow")
    layer = CRFAsRNN(3, **OPTIONS)
    layer.build([(None, None, None, 3), (None, None, None, 3)])
    spec = tf.TensorSpec((None, None, None, 3))
    graph = tf.function(lambda scores, image: layer([scores, image]), input_signature=[spec, spec])
    for shape in ((2, 12, 16), (1, 21, 9)):
        scores, image = scenes(*shape, 3)
        found = tf.nn.softmax(graph(scores, image.astype("float32")))
        np.testing.assert_allclose(found, dense_crf(scores, image, steps=3), atol=1e-4)


def test_a_batch_is_its_images():
    scores, image = scenes(3, 12, 16, 3)
    layer = CRFAsRNN(3, **OPTIONS)
    each = [q_of(layer, scores[i : i + 1], image[i : i + 1])[0] for i in range(3)]
    np.testing.assert_allclose(q_of(layer, scores, image), each, atol=1e-5)


def test_learned_weights_and_compatibility_are_used_as_documented():
    scores, image = scenes(1, 9, 11, 3)
    layer = CRFAsRNN(3, dtype="float64", **OPTIONS)
    layer.build([scores.shape, image.shape])
    rng = np.random.default_rng(1)
    spatial, bilateral = rng.uniform(0, 3, (2, 3))
    compatibility = rng.normal(size=(3, 3))
    layer.spatial_weights.assign(spatial)
    layer.bilateral_weights.assign(bilateral)
    layer.compatibility.assign(compatibility)
    smooth, alike = matrix(image[0], 3), matrix(image[0], 80, 13)
    unary = scores.reshape(-1, 3).astype("float64")
    refined = unary
    for _ in range(3):
        q = softmax(refined)
        messages = spatial * (smooth @ q) + bilateral * (alike @ q)
        refined = unary - messages @ compatibility.T
    found = ops.convert_to_numpy(layer([scores, ops.cast(image, "float32")]))
    np.testing.assert_allclose(found.reshape(-1, 3), refined, atol=1e-4)


def test_gradients_are_those_of_differences():
    tf = pytest.importorskip("tensorflow")
    scores, image = scenes(2, 5, 6, 3)
    scores, image = scores.astype("float64"), tf.constant(image, "float32")
    layer = CRFAsRNN(3, dtype="float64", **OPTIONS)
    layer.build([scores.shape, image.shape])
    rng = np.random.default_rng(2)
    layer.compatibility.assign(layer.compatibility + rng.normal(0, 0.3, (3, 3)))
    upstream = rng.normal(size=scores.shape)

    def value(scores):
        return tf.reduce_sum(tf.nn.softmax(layer([scores, image], training=True)) * upstream)

    variables = [variable.value for variable in layer.trainable_variables]
    start = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch([start, image])
        total = value(start)
    *gradients, of_image = tape.gradient(total, [start, *variables, image])
    assert of_image is None
    assert [tuple(g.shape) for g in gradients[1:]] == [(3,), (3,), (3, 3)]
    for place, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape)
        step = 1e-5
        if place == 0:
            ends = [value(start + sign * step * direction) for sign in (1, -1)]
        else:
            variable = layer.trainable_variables[place - 1]
            kept, ends = variable.numpy(), []
            for sign in (1, -1):
                variable.assign(kept + sign * step * direction)
                ends.append(value(start))
            variable.assign(kept)
        difference = float(ends[0] - ends[1]) / (2 * step)
        found = float(tf.reduce_sum(gradient * direction))
        assert found == pytest.approx(difference, rel=1e-5, abs=1e-8)
        assert abs(found) > 1e-4


@pytest.mark.training
@pytest.mark.backend
def test_fit_trains_it():
    scores, image = scenes(2, 12, 16, 3)
    labels = (image[..., 0] // 86).astype("int32")
    given = keras.Input((12, 16, 3)), keras.Input((12, 16, 3))
    model = keras.Model(given, CRFAsRNN(3, **OPTIONS, name="crf")(given))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss)
    before = [np.array(w) for w in model.get_weights()]
    batch = [scores, image.astype("float32")]
    history = model.fit(batch, labels, batch_size=2, epochs=6, verbose=0).history["loss"]
    assert np.isfinite(history).all() and history[-1] < history[0]
    moved = [np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True)]
    assert min(moved) > 0.01


@pytest.mark.backend
def test_mixed_precision_leaves_it_in_float32():
    scores, image = scenes(1, 8, 9, 3)
    keras.config.set_dtype_policy("mixed_bfloat16")
    layer = CRFAsRNN(3, **OPTIONS)
    rounded = ops.cast(scores, "bfloat16")
    result = called(layer, rounded, image)
    assert layer.compute_dtype == "float32"
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    again = CRFAsRNN.from_config(layer.get_config())
    assert again.compute_dtype == "float32"
    expected = dense_crf(ops.convert_to_numpy(ops.cast(rounded, "float32")), image, steps=3)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.softmax(result)), expected, atol=1e-4)


@pytest.mark.backend
def test_configuration_and_shapes():
    layer = CRFAsRNN(4, 3, 6, 2, 1.5, 60, 9, 4)
    again = CRFAsRNN.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.bilateral_width == 60 and again.spatial_weight == 1.5
    layer = CRFAsRNN(4)
    shapes = [(None, None, 8, 4), (None, None, 8, 3)]
    assert layer.compute_output_shape(shapes) == (None, None, 8, 4)
    layer.build(shapes)
    np.testing.assert_array_equal(layer.compatibility, 1 - np.eye(4))
    np.testing.assert_array_equal(layer.spatial_weights, [3] * 4)
    np.testing.assert_array_equal(layer.bilateral_weights, [10] * 4)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_classes": 1}, "`num_classes`.*got 1"),
        ({"iterations": 0}, "`iterations`.*got 0"),
        ({"inference_iterations": 2.5}, "`inference_iterations`.*got 2.5"),
        ({"color_width": 0}, "`color_width`.*got 0"),
        ({"bilateral_weight": -1}, "`bilateral_weight`.*got -1"),
    ],
)
def test_options_out_of_range_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        CRFAsRNN(**{"num_classes": 3, **options})


@pytest.mark.backend
@pytest.mark.parametrize(
    "shapes",
    [
        [(1, 8, 9, 4), (1, 8, 9, 3)],
        [(1, 8, 9, 3), (1, 8, 9, 1)],
        [(1, 8, 9, 3), (1, 9, 9, 3)],
        [(8, 9, 3), (8, 9, 3)],
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="got"):
        CRFAsRNN(3).build(shapes)


@pytest.mark.backend
def test_integers_place_features_as_float64_does():
    rng = np.random.default_rng(0)
    largest = [6.25, 4.7, 19.6, 19.6, 85.0]
    features = [rng.uniform(0, most, 4000).astype("float32") for most in largest]
    cells, rest, unit = elevation._in_integers(list(map(ops.convert_to_tensor, features)), largest)
    i = np.arange(1, 6)
    scaled = np.array(features, "float64") * np.sqrt(2 / 3 / (i * (i + 1)))[:, None]
    expected = np.stack([scaled[k:].sum(0) - (k * scaled[k - 1] if k else 0) for k in range(6)], -1)
    cells, rest = ops.convert_to_numpy(cells), ops.convert_to_numpy(rest)
    assert np.abs(rest).max() <= unit // 2
    np.testing.assert_allclose(cells + rest / unit, expected, rtol=0, atol=1e-7)


@pytest.mark.backend
@pytest.mark.parametrize("radix", [9, 2**16, 2**22])
def test_rows_are_numbered_in_order_also_in_several_keys(radix):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 4, (200, 4)) * ((radix - 1) // 3)
    columns = [ops.convert_to_tensor(column.astype("int32")) for column in rows.T]
    numbering = Numbering(columns, [radix] * 4, 200)
    distinct, numbers = np.unique(rows, axis=0, return_inverse=True)
    np.testing.assert_array_equal(numbering.numbers, numbers.ravel())
    count = int(numbering.count)
    assert count == len(distinct)
    found = np.stack([ops.convert_to_numpy(column) for column in numbering.digits()], -1)
    np.testing.assert_array_equal(found[:count], distinct)
    wanted = np.concatenate([distinct[::3], (distinct[::3] + [0, 1, 0, 0]) % radix])
    places = numbering.find([ops.convert_to_tensor(c.astype("int32")) for c in wanted.T])
    known = {tuple(row): number for number, row in enumerate(distinct)}
    expected = [known.get(tuple(row), int(numbering.room)) for row in wanted]
    np.testing.assert_array_equal(places, expected)


def test_what_cannot_be_numbered_is_refused():
    assert parts([10, 10, 10], 50, 999) == [slice(0, 2), slice(2, 3)]
    assert parts([10, 10, 10], 50, 1000) == [slice(0, 3)]
    with pytest.raises(ValueError, match="10000 points.*300 cells.*smaller images"):
        parts([300, 300, 300], 10_000, 2**21)
