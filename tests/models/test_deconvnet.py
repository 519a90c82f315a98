"""DeconvNet: layers and counts of the published net, any size, its head, its start, refusals."""

import inspect

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.layers import MaxPooling2DWithIndices, MaxUnpooling2D
from fcn_keras.models.options import OPTIONS

L = keras.layers
# JAX compiles every size anew.
SIZES = ((33, 47), (1, 1), (16, 24)) if keras.backend.backend() == "tensorflow" else ((7, 9),)


def image(*size, channels=3):
    return np.random.default_rng(0).uniform(0, 255, (1, *size, channels)).astype("float32")


def classifier(head=(6, 5), size=12):
    """Two poolings, a map of 3x3 cells at 12x12 pixels, and a fully connected head."""
    x = given = keras.Input((size, size, 3))
    for number, filters in enumerate((4, 5), start=1):
        x = L.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}_1")(x)
        x = L.MaxPooling2D(2, name=f"pool{number}")(x)
    x = L.Flatten()(x)
    for number, units in enumerate(head, start=1):
        x = L.Dense(units, activation="relu", name=f"dense{number}")(x)
    return keras.Model(given, L.Dense(10)(x), name="mine")


def small(**options):
    return fcn_keras.deconvnet(3, classifier(), preprocess="tf", **options)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def over_vgg16():
    return fcn_keras.deconvnet(21, "vgg16", weights=None)


@pytest.mark.sweep
def test_over_vgg16_it_has_the_papers_parameters_layers_and_sizes(over_vgg16, tmp_path):
    learned = sum(int(np.prod(weight.shape)) for weight in over_vgg16.trainable_weights)
    assert learned == 251_772_245 + 33_408  # of convolutions, of BatchNormalization
    fc6, mirrored = over_vgg16.get_layer("fc6"), over_vgg16.get_layer("fc6_deconv")
    assert fc6.kernel.shape == (7, 7, 512, 4096)
    assert isinstance(mirrored, L.Conv2DTranspose) and mirrored.kernel.shape == (7, 7, 512, 4096)
    filters = {x.name: x.filters for x in over_vgg16.layers if x.name.startswith("deconv")
               and isinstance(x, L.Conv2D)}  # fmt: skip
    assert filters == {
        "deconv5_1": 512, "deconv5_2": 512, "deconv5_3": 512,
        "deconv4_1": 512, "deconv4_2": 512, "deconv4_3": 256,
        "deconv3_1": 256, "deconv3_2": 256, "deconv3_3": 128,
        "deconv2_1": 128, "deconv2_2": 64, "deconv1_1": 64, "deconv1_2": 64,
    }  # fmt: skip
    assert over_vgg16.get_layer("score_seg").kernel.shape == (1, 1, 64, 21)
    rows = {row.name: row for row in fcn_keras.geometry.table(over_vgg16, (224, 224)).rows}
    down = [rows[f"block{n}_pool"].shape[0] for n in range(1, 6)]
    assert down == [112, 56, 28, 14, 7]
    assert [rows[f"unpool{n}"].shape[0] for n in range(5, 0, -1)] == [14, 28, 56, 112, 224]


@pytest.mark.sweep
def test_at_full_width_it_runs_learns_a_step_and_is_saved(over_vgg16, tmp_path):
    x, labels = image(64, 96), np.random.default_rng(1).integers(0, 21, (1, 64, 96), "uint8")
    over_vgg16.compile(keras.optimizers.SGD(0.01), fcn_keras.losses.CrossEntropy())
    before = array(over_vgg16.get_layer("fc6").kernel)[3, 3, 0]
    over_vgg16.fit(x, labels, verbose=0)
    assert (array(over_vgg16.get_layer("fc6").kernel)[3, 3, 0] != before).any()
    expected = array(over_vgg16(x))
    assert expected.shape == (1, 64, 96, 21)
    over_vgg16.save(tmp_path / "wide.keras")
    again = keras.models.load_model(tmp_path / "wide.keras")
    np.testing.assert_allclose(array(again(x)), expected, atol=1e-4)


def test_every_convolution_but_the_last_is_normalized_then_rectified():
    model = small()
    kinds = [type(layer) for layer in model.layers[2:-2]]
    unit = [L.BatchNormalization, L.ReLU]
    down = [L.Conv2D, *unit, MaxPooling2DWithIndices] * 2
    head = [*[type(model.get_layer("fc6")), *unit] * 2, L.Conv2DTranspose, *unit]
    assert kinds == [*down, *head, *[MaxUnpooling2D, L.Conv2D, *unit] * 2]
    assert [w.shape for w in model.get_layer("fc6").weights] == [(3, 3, 5, 6), (6,)]
    assert [w.shape for w in model.get_layer("fc7").weights] == [(1, 1, 6, 5), (5,)]
    assert model.get_layer("fc6_deconv").kernel.shape == (3, 3, 5, 5)
    assert model.get_layer("deconv1_1").filters == 4  # not the image's 3
    assert not any(isinstance(layer, L.Dropout) for layer in model.layers)


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_any_size_in_exactly_that_size_out(padding, tmp_path):
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    model = small(labels=labels, head_padding=padding)
    for size in SIZES:
        scores = array(model(image(*size)))
        assert scores.shape == (1, *size, 3) and scores.dtype == "float32"
        assert np.isfinite(scores).all()
    assert fcn_keras.task_of(model) == fcn_keras.tasks.Classes(labels)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    x = image(*SIZES[0])
    np.testing.assert_allclose(again(x), model(x), atol=1e-5)


def test_with_valid_padding_an_image_of_the_classifiers_size_has_one_cell_of_fc6():
    """As in the paper: a vector, from which each cell of the decoder's first map is computed."""
    model = small(head_padding="valid")
    rng = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.1, layer.moving_mean.shape))
    names = ("pool2", "fc7_relu", "fc6_deconv_relu")
    outputs = [model.get_layer(name).output for name in names]
    outputs[0] = outputs[0][0]
    pooled, vector, back = map(array, keras.Model(model.input, outputs)(image(12, 12)))

    def unit(x, name):
        norm = model.get_layer(f"{name}_bn")
        mean, variance, gamma, beta = map(
            array, (norm.moving_mean, norm.moving_variance, norm.gamma, norm.beta)
        )
        x = (x + array(model.get_layer(name).bias) - mean) / np.sqrt(variance + norm.epsilon)
        return np.maximum(x * gamma + beta, 0)

    kernels = {n: array(model.get_layer(n).kernel) for n in ("fc6", "fc7", "fc6_deconv")}
    x = unit(np.tensordot(pooled[0], kernels["fc6"], 3), "fc6")
    x = unit(x @ kernels["fc7"][0, 0], "fc7")
    assert vector.shape == (1, 1, 1, 5)
    np.testing.assert_allclose(vector[0, 0, 0], x, rtol=1e-4, atol=1e-5)
    expected = unit(np.einsum("ijck,k->ijc", kernels["fc6_deconv"], x), "fc6_deconv")
    assert back.shape == (1, 3, 3, 5) and expected.max() > 0
    np.testing.assert_allclose(back[0], expected, rtol=1e-4, atol=1e-5)


def test_the_head_keeps_the_classifiers_weights_where_it_has_as_many_filters():
    mine = classifier(head=(6, 6))
    dense = mine.get_layer("dense1"), mine.get_layer("dense2")
    for filters in (None, 6):
        model = fcn_keras.deconvnet(3, mine, preprocess="tf", head_filters=filters)
        kernel = array(model.get_layer("fc6").kernel)
        np.testing.assert_array_equal(kernel.reshape(45, 6), array(dense[0].kernel))
        np.testing.assert_array_equal(model.get_layer("fc7").kernel[0, 0], dense[1].kernel)
    model = fcn_keras.deconvnet(3, mine, preprocess="tf", head_filters=8)
    assert model.get_layer("fc6").kernel.shape == (3, 3, 5, 8)
    np.testing.assert_array_equal(
        model.get_layer("conv2_1").kernel, mine.get_layer("conv2_1").kernel
    )


def test_a_weights_file_of_a_registered_classifier_fills_the_head_too(tiny_vgg, tmp_path):
    source = fcn_keras.classifiers.get(tiny_vgg).load(None, with_top=True)
    source.save_weights(tmp_path / "v.weights.h5")
    model = fcn_keras.deconvnet(3, tiny_vgg, weights=str(tmp_path / "v.weights.h5"))
    np.testing.assert_array_equal(
        array(model.get_layer("fc6").kernel).reshape(-1, 8), array(source.get_layer("fc6").kernel)
    )


def test_a_second_stage_starts_from_the_first():
    first = small()
    second = small(init_from=first)
    for mine, other in zip(second.weights, first.weights, strict=True):
        np.testing.assert_array_equal(mine, other)
    other = fcn_keras.deconvnet(4, classifier(), preprocess="tf", init_from=first, new_classes=True)
    np.testing.assert_array_equal(
        other.get_layer("fc6_deconv").kernel, first.get_layer("fc6_deconv").kernel
    )
    with pytest.raises(ValueError, match="scores 3 classes in 'score_seg', the new net 4"):
        fcn_keras.deconvnet(4, classifier(), preprocess="tf", init_from=first)
    with pytest.raises(ValueError, match="`new_classes` goes with `init_from`"):
        small(new_classes=True)


def test_refusals():
    x = given = keras.Input((None, None, 3))
    x = L.MaxPooling2D(2)(L.Conv2D(4, 3, padding="same")(x))
    headless = keras.Model(given, x, name="trunk")
    with pytest.raises(ValueError, match="'trunk' has no fully connected layers.*head_filters"):
        fcn_keras.deconvnet(3, headless, preprocess="tf")
    assert fcn_keras.deconvnet(3, headless, preprocess="tf", head_filters=2).get_layer("fc7")
    with pytest.raises(ValueError, match="deconvnet needs a classifier whose only strides are max"):
        fcn_keras.deconvnet(3, "resnet_slim")
    with pytest.raises(ValueError, match="`head_padding` must be one of .same., .valid."):
        small(head_padding="full")
    with pytest.raises(ValueError, match="`head_filters` must be"):
        small(head_filters=0)


def test_the_declared_options_are_those_of_the_builder():
    keywords = inspect.signature(fcn_keras.deconvnet).parameters
    assert set(OPTIONS["deconvnet"]) == set(keywords) - {"num_classes"}
    for name, one in OPTIONS["deconvnet"].items():
        if name != "name":
            assert one.default == keywords[name].default, name
