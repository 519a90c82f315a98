"""DeepLab v1 and v2: counts, sizes and fields of the papers' nets, arithmetic, any size."""

import inspect

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.models.options import OPTIONS

L = keras.layers
# JAX compiles every size anew.
SIZES = ((33, 47), (1, 1), (16, 24)) if keras.backend.backend() == "tensorflow" else ((7, 9),)


def image(*size):
    return np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def pooled_classifier(head=(), side=32):
    """Four blocks of one convolution and a pooling, and one more convolution."""
    keras.utils.set_random_seed(0)
    x = given = keras.Input((side, side, 3))
    for number, filters in enumerate((3, 4, 4, 5), start=1):
        x = L.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}")(x)
        x = L.MaxPooling2D(2, name=f"pool{number}")(x)
    x = L.Conv2D(6, 3, padding="same", activation="relu", name="conv5")(x)
    if head:
        x = L.Flatten()(x)
        for units in (*head, 5):
            x = L.Dense(units)(x)
    return keras.Model(given, x, name="mine")


@pytest.mark.parametrize("multi_scale, count", [(False, 20_505_429), (True, 21_711_550)])
def test_largefov_has_the_papers_parameters_sizes_and_field(multi_scale, count):
    model = fcn_keras.deeplab_v1(21, weights=None, multi_scale=multi_scale)
    assert model.count_params() == count
    rows = {row.name: row for row in fcn_keras.geometry.table(model, (321, 321)).rows}
    pooled = [rows[f"block{number}_pool"].shape[0] for number in range(1, 6)]
    assert pooled == [161, 81, 41, 41, 41]
    fields = rows["fc6"].fields.y
    assert (fields.size, fields.stride, fields.offset) == (419, 8, 0)
    assert rows["score"].shape == (321, 321, 21)
    for number in range(5 * multi_scale):  # every branch is centred on the same cells
        branch = rows[f"scale{number}_crop"]
        assert branch.shape[:2] == (41, 41) and branch.fields.offset == (0, 0)


def test_the_released_nets_average_pooling_widens_the_field():
    options = {"preprocess": "tf", "head_filters": 2}
    fields = [
        fcn_keras.geometry.receptive_field(
            fcn_keras.deeplab_v1(2, pooled_classifier(), average_pool=average, **options), "fc6"
        )
        for average in (False, True)
    ]
    assert fields[1].size[0] - fields[0].size[0] == 435 - 419
    assert fields[1].offset == fields[0].offset and fields[1].stride == (8, 8)


@pytest.mark.parametrize("variant, window, hole, field", [("7x7", 7, 4, 396), ("4x4", 4, 8, 396)])
def test_other_variants_have_the_papers_fc6(variant, window, hole, field):
    model = fcn_keras.deeplab_v1(21, variant=variant, weights=None, head_filters=8)
    fc6 = model.get_layer("fc6")
    assert (fc6.kernel_size, fc6.dilation_rate) == ((window,) * 2, (hole,) * 2)
    assert fcn_keras.geometry.receptive_field(model, "fc6").size == (field, field)
    vgg, narrow = 14_714_688, (512 * window**2 + 1) * 8 + 9 * 8 + 9 * 21
    assert model.count_params() == vgg + narrow
    # with 4096 filters these are the paper's 134.3 and 65.1 million
    wide = vgg + (512 * window**2 + 1) * 4096 + 4097 * 4096 + 4097 * 21
    assert wide == {"7x7": 134_346_581, "4x4": 65_140_565}[variant]


def convolved(x, layer, relu=True):
    """With zeros around, and holes, by NumPy."""
    kernel, bias = as_numpy(layer.kernel), as_numpy(layer.bias)
    window, hole = kernel.shape[0], layer.dilation_rate[0]
    around = hole * (window - 1) // 2
    x = np.pad(x, ((around, around), (around, around), (0, 0)))
    reach = hole * (window - 1) + 1
    views = np.lib.stride_tricks.sliding_window_view(x, (reach, reach), axis=(0, 1))
    x = np.einsum("hwcij,ijco->hwo", views[..., ::hole, ::hole], kernel) + bias
    return np.maximum(x, 0) if relu else x


def max_pooled(x, stride):
    """Windows of 3x3 around every cell, or every second one."""
    x = np.pad(x, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    views = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    return views.max((-2, -1))[::stride, ::stride]


@pytest.mark.backend("sweep")
def test_the_arithmetic_is_the_papers():
    classifier = pooled_classifier()
    model = fcn_keras.deeplab_v1(2, classifier, preprocess="tf", head_filters=4)
    model.get_layer("score_fc8").kernel.assign(np.linspace(-1, 1, 8).reshape(1, 1, 4, 2))
    x = image(25, 33)
    maps = x[0] / 127.5 - 1
    for number, stride in ((1, 2), (2, 2), (3, 2), (4, 1)):
        maps = max_pooled(convolved(maps, model.get_layer(f"conv{number}")), stride)
    assert maps.shape == (4, 5, 5) and model.get_layer("conv5").dilation_rate == (2, 2)
    for name in ("conv5", "fc6", "fc7"):
        maps = convolved(maps, model.get_layer(name))
    scores = convolved(maps, model.get_layer("score_fc8"), relu=False)
    rows, columns = np.arange(25) / 8, np.arange(33) / 8  # corners on corners
    along = [[np.interp(columns, np.arange(5), line) for line in plane] for plane in
             scores.transpose(2, 0, 1)]  # fmt: skip
    expected = np.stack(
        [[np.interp(rows, np.arange(4), line) for line in np.transpose(plane)] for plane in along]
    ).transpose(2, 1, 0)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(model(x)[0], expected, atol=1e-5 * max(1, np.abs(expected).max()))


@pytest.mark.backend
@pytest.mark.parametrize(
    "variant, multi_scale",
    [
        pytest.param("largefov", True, marks=pytest.mark.backend("sweep")),
        ("largefov", False),
        pytest.param("plain", True, marks=pytest.mark.backend("sweep")),
    ],
)
def test_any_size_in_exactly_that_size_out(variant, multi_scale, tmp_path):
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    options = {"variant": variant, "multi_scale": multi_scale, "head_filters": 4}
    net = fcn_keras.models.NETS["deeplab_v1"]
    model = net(3, pooled_classifier(), preprocess="tf", labels=labels, **options)
    for size in SIZES:
        scores = as_numpy(model(image(*size)))
        assert scores.shape == (1, *size, 3) and scores.dtype == "float32"
        assert np.isfinite(scores).all()
    assert fcn_keras.task_of(model) == fcn_keras.tasks.Classes(labels)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    x = image(*SIZES[0])
    np.testing.assert_allclose(again(x), model(x), atol=1e-5)


def strided_classifier():
    """Five convolutions of stride 2."""
    x = given = keras.Input((None, None, 3))
    for number in range(1, 6):
        x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu", name=f"conv{number}")(x)
    return keras.Model(given, x, name="strided")


def test_a_classifier_with_other_strides_is_dilated():
    options = {"preprocess": "tf", "multi_scale": True, "head_filters": 4}
    model = fcn_keras.deeplab_v1(3, strided_classifier(), **options)
    assert fcn_keras.geometry.receptive_field(model, "fc6").stride == (8, 8)
    holes = [model.get_layer(f"conv{number}").dilation_rate[0] for number in range(1, 6)]
    assert holes == [1, 1, 1, 1, 2]
    scored = [layer.name for layer in model.layers if layer.name.startswith("score_")]
    assert sorted(scored) == ["score_fc8", "score_scale0", "score_scale1"]
    assert model(image(33, 47)).shape == (1, 33, 47, 3)


def test_a_pretrained_head_is_decimated():
    classifier = pooled_classifier(head=(8, 8), side=64)  # fc6 of 4x4 cells
    first, second = (layer for layer in classifier.layers if getattr(layer, "units", 0) == 8)
    model = fcn_keras.deeplab_v1(3, classifier, preprocess="tf", head_filters=4)
    cells, filters = [0, 2, 3], [0, 2, 5, 7]
    kernel = as_numpy(first.kernel).reshape(4, 4, 6, 8)[cells][:, cells][..., filters]
    np.testing.assert_array_equal(as_numpy(model.get_layer("fc6").kernel), kernel)
    kernel = as_numpy(second.kernel)[filters][:, filters]
    np.testing.assert_array_equal(as_numpy(model.get_layer("fc7").kernel)[0, 0], kernel)
    for name in ("conv1", "conv5"):
        own = classifier.get_layer(name).kernel
        np.testing.assert_array_equal(model.get_layer(name).kernel, own)
    # too small a window: both begin anew
    classifier = pooled_classifier(head=(8, 8))
    model = fcn_keras.deeplab_v1(3, classifier, preprocess="tf", head_filters=8)
    second = [layer for layer in classifier.layers if getattr(layer, "units", 0) == 8][1]
    assert (as_numpy(model.get_layer("fc7").kernel)[0, 0] != as_numpy(second.kernel)).all()


def test_v2_over_vgg16_has_the_papers_parameters():
    model = fcn_keras.deeplab_v2(21, weights=None, head_filters=8)
    vgg, branch = 14_714_688, (512 * 9 + 1) * 8 + 9 * 8 + 9 * 21
    assert model.count_params() == vgg + 4 * branch
    # with 1024 filters these are the paper's 37.9 million
    assert vgg + 4 * ((512 * 9 + 1) * 1024 + 1025 * 1024 + 1025 * 21) == 37_877_652
    fields = [fcn_keras.geometry.receptive_field(model, f"fc6_{n}").size[0] for n in (1, 2, 3, 4)]
    assert fields == [419 - 2 * 8 * (12 - hole) for hole in (6, 12, 18, 24)]  # v1: 419 of hole 12
    assert [model.get_layer(f"fc7_{n}").kernel_size for n in (1, 4)] == [(1, 1)] * 2


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("head", [True, False])
def test_v2_adds_the_scores_of_its_branches(head):
    holes = (1, 3)
    keras.utils.set_random_seed(2)
    net = strided_classifier()
    options = {"preprocess": "tf", "aspp_rates": holes, "head_filters": 5 if head else None}
    model = fcn_keras.deeplab_v2(3, net, **options)
    names = [layer.name for layer in model.layers]
    maps = keras.Model(model.input, [model.get_layer(n).output for n in ("conv5", "fuse_rates")])
    features, found = (as_numpy(x)[0] for x in maps(image(64, 96)))
    assert features.shape[:2] == (8, 12)
    expected = 0
    for number, hole in enumerate(holes, start=1):
        x, score = features, model.get_layer(f"score_fc8_{number}")
        for name in (f"fc6_{number}", f"fc7_{number}") if head else ():
            x = convolved(x, model.get_layer(name))
        assert score.kernel_size == ((1, 1) if head else (3, 3))
        assert model.get_layer(f"fc6_{number}" if head else score.name).dilation_rate[0] == hole
        expected = expected + convolved(x, score, relu=False)
    assert ("fc6_1" in names) == head and np.abs(expected).max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("make", [pooled_classifier, strided_classifier])
def test_v2_takes_any_size_and_is_saved(make, tmp_path):
    options = {"preprocess": "tf", "head_filters": 4 if make is pooled_classifier else None}
    model = fcn_keras.models.NETS["deeplab_v2"](3, make(), **options)
    for size in SIZES:
        scores = as_numpy(model(image(*size)))
        assert scores.shape == (1, *size, 3) and np.isfinite(scores).all()
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(again(image(*SIZES[0])), model(image(*SIZES[0])), atol=1e-5)
    further = fcn_keras.deeplab_v2(3, make(), init_from=model, **options)
    np.testing.assert_array_equal(further.weights[-1], model.weights[-1])
    for wrong in ((), 6, (6, 0)):
        with pytest.raises(ValueError, match="`aspp_rates`"):
            fcn_keras.deeplab_v2(3, make(), aspp_rates=wrong, preprocess="tf")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"variant": "5x5"}, "`variant` must be one of 'largefov', .*, got '5x5'"),
        ({"head_filters": 0}, "`head_filters` must be a whole number of at least 1, got 0"),
        ({"new_classes": True}, "`new_classes` goes with `init_from`"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fcn_keras.deeplab_v1(3, **options)


@pytest.mark.parametrize("net", ["deeplab_v1", "deeplab_v2"])
def test_the_declared_options_are_those_of_the_builder(net):
    keywords = inspect.signature(getattr(fcn_keras, net)).parameters
    assert set(OPTIONS[net]) == set(keywords) - {"num_classes"}
    for name, one in OPTIONS[net].items():
        if name != "name":
            assert one.default == keywords[name].default, name
