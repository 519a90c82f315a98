"""DeepLabv3 and v3+: torchvision's count, the pyramid in NumPy, any size, strides, refusals."""

import inspect

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.models.options import OPTIONS
from fcn_keras.models.pyramid import atrous_pyramid

L = keras.layers
NETS = ("deeplab_v3", "deeplab_v3_plus")
# JAX compiles every size anew.
SIZES = ((33, 47), (1, 1), (64, 32)) if keras.backend.backend() == "tensorflow" else ((7, 9),)


def classifier(strides=(2, 2, 2, 2)):
    x = given = keras.Input((None, None, 3))
    for number, stride in enumerate(strides, start=1):
        x = L.Conv2D(4 + number, 3, stride, "same", activation="relu", name=f"conv{number}")(x)
    return keras.Model(given, x, name="mine")


def small(net="deeplab_v3", strides=(2, 2, 2, 2), **options):
    options = {"preprocess": "tf", "aspp_filters": 6, **options}
    return fcn_keras.models.NETS[net](3, classifier(strides), **options)


def image(*size):
    return np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.sweep
def test_over_resnet50_it_has_torchvisions_parameters():
    """Those of deeplabv3_resnet50 without its auxiliary head, 1024 -> 256 -> 21."""
    model = fcn_keras.deeplab_v3(21, "resnet50_v1_5", weights=None, output_stride=8)
    learned = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    auxiliary = 1024 * 256 * 9 + 2 * 256 + 256 * 21 + 21
    assert learned == 42_004_074 - auxiliary


@pytest.mark.backend("sweep")
def test_the_pyramid_is_numpys():
    keras.utils.set_random_seed(3)
    given = keras.Input((None, None, 4))
    model = keras.Model(given, atrous_pyramid(given, 5, (1, 3)))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights([rng.uniform(0.5, 2, shape) for _ in range(4)])
    x = rng.normal(size=(9, 11, 4))

    def unit(x, name, rate=1):
        kernel, norm = array(model.get_layer(name).kernel), model.get_layer(f"{name}_bn")
        reach = rate * (len(kernel) // 2)
        wide = np.pad(x, ((reach, reach), (reach, reach), (0, 0)))
        rows, columns = x.shape[:2]
        total = sum(
            wide[i * rate : i * rate + rows, j * rate : j * rate + columns] @ kernel[i, j]
            for i in range(len(kernel))
            for j in range(len(kernel))
        )
        gamma, beta, mean, variance = map(array, norm.get_weights())
        return np.maximum((total - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta, 0)

    parts = [unit(x, "aspp_1x1"), unit(x, "aspp_rate1"), unit(x, "aspp_rate3", 3)]
    whole = unit(x.mean((0, 1), keepdims=True), "aspp_image")
    parts.append(np.broadcast_to(whole, (9, 11, 5)))
    expected = unit(np.concatenate(parts, -1), "aspp_project")
    found = array(model(x[None].astype("float32")))[0]
    assert expected.max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("alignment", ["same", pytest.param("torch", marks=pytest.mark.sweep)])
@pytest.mark.parametrize("net", NETS)
def test_any_size_in_exactly_that_size_out(net, alignment, tmp_path):
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    model = small(net, labels=labels, alignment=alignment)
    for size in SIZES:
        scores = array(model(image(*size)))
        assert scores.shape == (1, *size, 3) and scores.dtype == "float32"
        assert np.isfinite(scores).all()
    assert fcn_keras.task_of(model) == fcn_keras.tasks.Classes(labels)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    x = image(*SIZES[0])
    np.testing.assert_allclose(again(x), model(x), atol=1e-5)


@pytest.mark.parametrize("stride, rates", [(16, (6, 12, 18)), (8, (12, 24, 36)), (4, (24, 48, 72))])
def test_holes_grow_as_the_stride_shrinks(stride, rates):
    model = small(output_stride=stride)
    holes = [model.get_layer(f"aspp_rate{rate}").dilation_rate for rate in rates]
    assert holes == [(rate, rate) for rate in rates]
    rows = {row.name: row for row in fcn_keras.geometry.table(model, (64, 64)).rows}
    assert rows["aspp_project_relu"].shape[:2] == (64 // stride, 64 // stride)
    custom = small(aspp_rates=(2, 5))
    names = {x.name for x in custom.layers if isinstance(x, L.Conv2D) and "rate" in x.name}
    assert names == {"aspp_rate2", "aspp_rate5"}


def test_v3_plus_joins_48_features_of_stride_4():
    model = small("deeplab_v3_plus")
    rows = {row.name: row for row in fcn_keras.geometry.table(model, (64, 64)).rows}
    assert rows["low_level_relu"].shape == (16, 16, 48)
    assert model.get_layer("concat_low_level").output.shape[-1] == 48 + 6
    assert isinstance(model.get_layer("head_2"), L.SeparableConv2D)
    plain = small("deeplab_v3_plus", separable=False)
    assert type(plain.get_layer("head_2")) is L.Conv2D
    with pytest.raises(ValueError, match="map of stride 4, and the maps .* strides .8, 16.*v3"):
        small("deeplab_v3_plus", strides=(8, 2))


def test_a_step_of_training_moves_every_layer():
    keras.utils.set_random_seed(0)
    model = small("deeplab_v3_plus", dropout=0)
    model.compile("sgd", fcn_keras.losses.CrossEntropy())
    before = [array(weight) for weight in model.trainable_weights]
    labels = np.random.default_rng(1).integers(0, 3, (4, 32, 32)).astype("uint8")
    x = np.random.default_rng(2).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    model.fit(x, labels, verbose=0)
    after = [array(weight) for weight in model.trainable_weights]
    assert all((a != b).any() for a, b in zip(before, after, strict=True))


def test_tiles_are_blended_since_none_are_exact():
    model, picture = small(), image(90, 120)[0].astype("uint8")
    with pytest.raises(ValueError, match="'aspp_mean' .*depends on the whole image"):
        fcn_keras.inference.segment_tiled(model, picture, tile=64, progress=False)
    found = fcn_keras.inference.segment_tiled(model, picture, tile=64, halo="blend", progress=False)
    assert found.shape == (90, 120)


def test_it_starts_from_another_deeplab():
    first = small()
    second = small(init_from=first)
    for mine, other in zip(second.weights, first.weights, strict=True):
        np.testing.assert_array_equal(mine, other)
    with pytest.raises(ValueError, match="`new_classes` goes with `init_from`"):
        small(new_classes=True)
    two = fcn_keras.deeplab_v3(
        {"a": 2, "b": fcn_keras.tasks.Regression()}, classifier(), preprocess="tf", aspp_filters=4
    )
    assert {name: out.shape[-1] for name, out in two.output.items()} == {"a": 2, "b": 1}


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="`alignment` must be one of 'same', 'torch'"):
        small(alignment="caffe")
    with pytest.raises(ValueError, match="`aspp_rates` must be a whole number"):
        small(aspp_rates=(6, 0))
    with pytest.raises(ValueError, match="`aspp_rates` needs the dilation of each branch"):
        small(aspp_rates=6)
    with pytest.raises(ValueError, match="`aspp_filters` must be a whole number"):
        small(aspp_filters=0)


@pytest.mark.parametrize("net", NETS)
def test_the_declared_options_are_those_of_the_builder(net):
    keywords = inspect.signature(getattr(fcn_keras, net)).parameters
    assert set(OPTIONS[net]) == set(keywords) - {"num_classes"}
    for name, one in OPTIONS[net].items():
        if name != "name":
            assert one.default == keywords[name].default, name
