"""SegNet and SegNet-Basic: layers and counts of the published nets, any size, dropout, refusals."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.layers import MaxPooling2DWithIndices, MaxUnpooling2D, Preprocess
from fcn_keras.models.options import OPTIONS
from fcn_keras.training import Net

L = keras.layers
# JAX compiles every size anew.
SIZES = ((33, 47), (1, 1), (16, 24)) if keras.backend.backend() == "tensorflow" else ((7, 9),)


def trainable(model):
    """Weights that are learned; BatchNormalization's statistics are not."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.fixture(scope="module")
def over_vgg16():
    return fcn_keras.segnet(11, "vgg16", weights=None)


def pooled(pooling, padding="same"):
    given = keras.Input((None, None, 3))
    x = L.Conv2D(4, 3, padding=padding, activation="relu", name="first")(given)
    return keras.Model(given, pooling(x), name="mine")


def image(*size):
    return np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")


def test_segnet_has_the_papers_parameters_and_convolutions(over_vgg16):
    assert trainable(over_vgg16) == 29_449_355  # 29,433,483 of convolutions, 15,872 of BN
    convolutions = [layer for layer in over_vgg16.layers if isinstance(layer, L.Conv2D)]
    assert len(convolutions) == 26
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    decoder = {layer.name: layer.filters for layer in convolutions[13:]}
    assert decoder == {
        "conv5_3_D": 512, "conv5_2_D": 512, "conv5_1_D": 512,
        "conv4_3_D": 512, "conv4_2_D": 512, "conv4_1_D": 256,
        "conv3_3_D": 256, "conv3_2_D": 256, "conv3_1_D": 128,
        "conv2_2_D": 128, "conv2_1_D": 64,
        "conv1_2_D": 64, "score_conv1_1_D": 11,
    }  # fmt: skip


def test_segnet_has_the_published_sizes_on_camvid(over_vgg16):
    rows = {row.name: row for row in fcn_keras.geometry.table(over_vgg16, (360, 480)).rows}
    sizes = [rows[f"block{n}_pool"].shape[:2] for n in range(1, 6)]
    assert sizes == [(180, 240), (90, 120), (45, 60), (23, 30), (12, 15)]
    back = [rows[f"upsample{n}"].shape[:2] for n in range(5, 0, -1)]
    assert back == [*sizes[-2::-1], (360, 480)]
    deepest = rows["block5_pool"].fields.y
    assert (deepest.size, deepest.stride) == (212, 32)


def test_every_convolution_but_the_last_is_normalized_then_rectified(over_vgg16):
    kinds = [type(layer) for layer in over_vgg16.layers if not isinstance(layer, Preprocess)][1:]
    unit = [L.Conv2D, L.BatchNormalization, L.ReLU]
    expected = []
    for count in (2, 2, 3, 3, 3):
        expected += unit * count + [MaxPooling2DWithIndices]
    for count in (3, 3, 3, 2, 1):
        expected += [MaxUnpooling2D] + unit * count
    assert kinds[:-2] == expected
    normalizations = [x for x in over_vgg16.layers if isinstance(x, L.BatchNormalization)]
    assert all(
        (keras.ops.convert_to_numpy(x.beta) == np.float32(0.001)).all() for x in normalizations
    )


def test_segnet_basic_has_the_papers_parameters_sizes_and_no_relu_in_its_decoder():
    model = fcn_keras.segnet_basic(11)
    assert trainable(model) == 1_416_587
    rows = {row.name: row for row in fcn_keras.geometry.table(model, (360, 480)).rows}
    sizes = [rows[f"pool{n}"].shape[:2] for n in range(1, 5)]
    assert sizes == [(180, 240), (90, 120), (45, 60), (23, 30)]
    assert rows["pool4"].fields.y.size == 106
    rectified = [layer.name for layer in model.layers if isinstance(layer, L.ReLU)]
    assert rectified == [f"conv{n}_relu" for n in range(1, 5)]
    norm = model.get_layer("norm")
    assert (norm.depth_radius, norm.alpha, norm.beta, norm.bias) == (2, 1e-4 / 5, 0.75, 1)
    windows = {layer.kernel_size for layer in model.layers if isinstance(layer, L.Conv2D)}
    assert windows == {(7, 7), (1, 1)} and model.get_layer("score_classifier").kernel_size == (1, 1)


@pytest.mark.backend
@pytest.mark.parametrize(
    "net", [pytest.param("segnet", marks=pytest.mark.backend("sweep")), "segnet_basic"]
)
def test_any_size_in_exactly_that_size_out(net, tiny_vgg, tmp_path):
    options = {"classifier": tiny_vgg, "weights": None} if net == "segnet" else {}
    labels = fcn_keras.LabelSet(("a", "b", "c"))
    model = fcn_keras.models.NETS[net](3, labels=labels, **options)
    for size in SIZES:
        scores = keras.ops.convert_to_numpy(model(image(*size)))
        assert scores.shape == (1, *size, 3) and scores.dtype == "float32"
        assert np.isfinite(scores).all() and np.ptp(scores) > 0
    assert fcn_keras.task_of(model) == fcn_keras.tasks.Classes(labels)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    x = image(*SIZES[0])
    np.testing.assert_allclose(again(x), model(x), atol=1e-5)


@pytest.mark.backend
def test_a_step_of_training_moves_every_layer():
    keras.utils.set_random_seed(0)
    classifier = pooled(L.MaxPooling2D(2))
    model = fcn_keras.segnet(3, classifier, preprocess="tf", bayesian=True)
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile("sgd", fcn_keras.losses.CrossEntropy())
    labels = np.random.default_rng(1).integers(0, 3, (2, 9, 11)).astype("uint8")
    model.fit(np.repeat(image(9, 11), 2, 0), labels, verbose=0)
    after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    # of a convolution before BatchNormalization the bias has no gradient
    moved = [(a != b).any() for a, b in zip(before, after, strict=True)]
    names = [w.path for w, one in zip(model.trainable_weights, moved, strict=True) if not one]
    assert all(name.endswith("bias") for name in names)


def test_the_encoder_keeps_the_classifiers_weights(tiny_vgg):
    classifier = fcn_keras.classifiers.get(tiny_vgg).load(None)
    model = fcn_keras.segnet(3, classifier, preprocess="tf")
    for number in range(1, 6):
        name = f"conv{number}_1"
        np.testing.assert_array_equal(
            model.get_layer(name).kernel, classifier.get_layer(name).kernel
        )
    assert classifier.get_layer("conv1_1_relu")  # and does not change it


def test_a_weights_file_of_the_classifier_with_its_top(tiny_vgg, tmp_path):
    classifier, file = fcn_keras.classifiers.get(tiny_vgg).load(None, with_top=True), tmp_path / "v"
    classifier.save_weights(f"{file}.weights.h5")
    model = fcn_keras.segnet(3, tiny_vgg, weights=f"{file}.weights.h5")
    for name in ("conv1_1", "conv5_1"):
        kernel = classifier.get_layer(name).kernel
        np.testing.assert_array_equal(model.get_layer(name).kernel, kernel)


def test_vgg_slim_keeps_its_own_normalization_behind_its_poolings():
    model = fcn_keras.segnet(11, "vgg_slim", weights=None)
    names = [layer.name for layer in model.layers]
    assert names[2:7] == ["conv1_1", "pool1", "conv1_1_bn", "conv1_1_relu", "conv2_1"]
    count = sum(isinstance(layer, L.BatchNormalization) for layer in model.layers)
    assert count == 10 + 9  # ten convolutions; nine mirrored ones, the tenth gives the scores


def test_a_tail_behind_the_last_pooling_is_mirrored_first():
    x = given = keras.Input((None, None, 3))
    for number, filters in enumerate((4, 6, 10), start=1):
        x = L.Conv2D(filters, 5, padding="same", activation="relu", name=f"c{number}")(x)
        x = L.MaxPooling2D(2, name=f"p{number}")(x) if number < 3 else x
    model = fcn_keras.segnet(3, keras.Model(given, x, name="mine"), preprocess="tf")
    names = [layer.name for layer in model.layers if not isinstance(layer, L.BatchNormalization)]
    assert names[-8:] == [
        "conv3_1_D", "conv3_1_D_relu", "upsample2", "conv2_1_D", "conv2_1_D_relu", "upsample1",
        "score_conv1_1_D", "score",
    ]  # fmt: skip
    filters = [model.get_layer(name).filters for name in ("conv3_1_D", "conv2_1_D")]
    assert filters == [6, 4] and model.get_layer("conv3_1_D").kernel_size == (5, 5)


@pytest.mark.parametrize(
    "classifier, words",
    [
        (
            "resnet50",
            "'resnet50' the layer 'conv1_conv' .Conv2D. has stride 2 with a window of 7x7",
        ),
        ("resnet_slim", "'resnet_slim' the layer .* has stride 2"),
    ],
)
def test_classifiers_with_other_strides_are_refused_before_weights_are_asked_for(classifier, words):
    with pytest.raises(ValueError, match=words) as refused:
        fcn_keras.segnet(3, classifier)
    assert "such as vgg16, vgg19 and vgg_slim" in str(refused.value)


@pytest.mark.parametrize(
    "classifier, words",
    [
        (
            lambda: pooled(L.MaxPooling2D(3, 2, name="big")),
            "'big' .* stride 2 with a window of 3x3",
        ),
        (lambda: pooled(L.AveragePooling2D(2, name="mean")), "'mean' .AveragePooling2D."),
        (lambda: pooled(L.ReLU()), "'mine' has none"),
        (
            lambda: pooled(L.MaxPooling2D(2, name="pool"), "valid"),
            "needs padded convolutions.*'pool' of 'mine' gets 3 rows where 5 are expected",
        ),
    ],
)
def test_models_without_such_poolings_are_refused(classifier, words):
    with pytest.raises(ValueError, match=words):
        fcn_keras.segnet(3, classifier(), preprocess="tf")


def test_two_inputs_are_refused_and_two_outputs_share_the_decoder(tiny_vgg):
    shapes = {"color": (None, None, 3), "depth": (None, None, 1)}
    for net in (fcn_keras.segnet, fcn_keras.segnet_basic):
        with pytest.raises(
            ValueError, match="takes one image, got `input_shape` with color, depth"
        ):
            net(3, input_shape=shapes)
    tasks = {"a": 2, "b": fcn_keras.tasks.Regression()}
    model = fcn_keras.segnet(tasks, tiny_vgg, weights=None)
    assert {name: out.shape[-1] for name, out in model.output.items()} == {"a": 2, "b": 1}
    scores = [layer.name for layer in model.layers if layer.name.startswith("score_conv")]
    assert scores == ["score_conv1_1_D_a", "score_conv1_1_D_b"]


def test_dropout_of_bayesian_segnet_is_where_the_released_nets_have_it():
    def places(model):
        names = [layer.name for layer in model.layers]
        drops = [layer for layer in model.layers if isinstance(layer, L.Dropout)]
        assert {layer.rate for layer in drops} == {0.5}
        return [names[names.index(layer.name) - 1] for layer in drops]

    central = fcn_keras.segnet_basic(11, bayesian=True)
    assert places(central) == ["pool3", "pool4", "conv_decode4_bn", "conv_decode3_bn"]
    whole = fcn_keras.segnet(11, "vgg16", weights=None, bayesian=True)
    assert places(whole) == [
        "block3_pool", "block4_pool", "block5_pool",
        "conv5_1_D_relu", "conv4_1_D_relu", "conv3_1_D_relu",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def bayesian():
    """A small Bayesian net whose statistics are not those of any batch."""
    keras.utils.set_random_seed(0)
    x = given = keras.Input((None, None, 3))
    for filters in (4, 6, 8):
        x = L.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = L.MaxPooling2D(2)(x)
    model = fcn_keras.segnet(3, keras.Model(given, x), preprocess="tf", bayesian=True)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    return model


def test_samples_are_monte_carlo_dropout_with_fixed_statistics(bayesian):
    """The mean over passes is that of N copies as one batch, Dropout on, statistics fixed."""
    picture = image(24, 32)[0].astype("uint8")
    before = [keras.ops.convert_to_numpy(w) for w in bayesian.weights]
    found = fcn_keras.inference.uncertainty(bayesian, picture, samples=60)
    assert all(
        (a == keras.ops.convert_to_numpy(b)).all()
        for a, b in zip(before, bayesian.weights, strict=True)
    )
    frozen = keras.models.clone_model(bayesian)
    frozen.set_weights(bayesian.get_weights())
    for layer in frozen.layers:
        layer.trainable = not isinstance(layer, L.BatchNormalization)  # fixed also in training
    copies = np.repeat(picture[None].astype("float32"), 60, 0)
    passes = keras.ops.convert_to_numpy(keras.ops.softmax(frozen(copies, training=True)))
    noise = passes.std(0).max() / np.sqrt(60)
    assert passes.std(0).max() > 0.01
    np.testing.assert_allclose(found.mean, passes.mean(0), atol=8 * noise)
    np.testing.assert_allclose(np.abs(found.mean - passes.mean(0)).mean(), 0, atol=1.5 * noise)
    np.testing.assert_allclose(found.variance.mean(), passes.var(0).mean(), rtol=0.3)
    labels = fcn_keras.segment(bayesian, picture, samples=60)
    np.testing.assert_array_equal(labels, found.labels)


def test_dropout_leaves_the_places_of_the_maxima(bayesian):
    """Dropout acts on the pooled values; the indices go past it."""
    pooling = [x for x in bayesian.layers if isinstance(x, MaxPooling2DWithIndices)][-1]
    values, indices, _ = bayesian.get_layer("upsample3").input
    assert indices is pooling.output[1]
    assert values is bayesian.get_layer("drop3").output


def test_the_declared_options_are_those_of_the_builders():
    import inspect

    for net in ("segnet", "segnet_basic"):
        keywords = inspect.signature(getattr(fcn_keras, net)).parameters
        assert set(OPTIONS[net]) == set(keywords) - {"num_classes"}
        assert fcn_keras.models.NETS[net] is getattr(fcn_keras, net)
        for name, one in OPTIONS[net].items():
            if name != "name":
                assert one.default == keywords[name].default, name


def test_the_net_of_a_recipe_may_have_no_classifier():
    net = Net("fcn8s", "resnet50").changed(model="segnet_basic", bayesian=True)
    assert (net.classifier, net.weights, net.pretrained) == (None, None, False)
    assert net(3).name == "segnet_basic" and Net.from_config(net.to_config()) == net
    back = net.changed(model="segnet")
    assert (back.classifier, back.weights) == ("vgg_slim", "auto")
    with pytest.raises(ValueError, match="'segnet_basic' has no option 'classifier'"):
        net.changed(classifier="vgg16")
    with pytest.raises(ValueError, match="'segnet_basic' has no option 'weights'"):
        Net("segnet_basic", weights="imagenet")
