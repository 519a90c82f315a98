"""GoogLeNet against the published numbers and against a forward pass in NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

import fcn_keras
from fcn_keras.classifiers import googlenet

# Szegedy et al. (2015), table 1: output, #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
TABLE = {
    "3a": (256, 64, 96, 128, 16, 32, 32),
    "3b": (480, 128, 128, 192, 32, 96, 64),
    "4a": (512, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (528, 112, 144, 288, 32, 64, 64),
    "4e": (832, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (1024, 384, 192, 384, 48, 128, 128),
}
HEADS = ("loss3_classifier", "loss1_classifier", "loss2_classifier")


def pixels(*size, seed=0):
    return np.random.default_rng(seed).normal(0, 60, (1, *size, 3)).astype("float32")


@pytest.fixture(scope="module")
def heads():
    """The net with auxiliary heads for images of 67x99 and five classes, biases not zero."""
    model = googlenet(input_shape=(67, 99, 3), classes=5, auxiliary_heads=True)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "bias":
            weight.assign(rng.normal(0, 0.2, weight.shape))
    return model


def weights_by_the_table():
    total, channels = 7 * 7 * 3 * 64 + 64 + 64 * 64 + 64 + 9 * 64 * 192 + 192, 192
    for output, one, reduce3, three, reduce5, five, projected in TABLE.values():
        total += channels * (one + reduce3 + reduce5 + projected)
        total += 9 * reduce3 * three + 25 * reduce5 * five
        total += one + reduce3 + three + reduce5 + five + projected
        assert one + three + five + projected == output
        channels = output
    return total


def test_parameters_and_maps_are_the_published():
    model = googlenet(include_top=False, input_shape=(224, 224, 3))
    assert model.count_params() == weights_by_the_table()
    assert model.count_params() + 1024 * 1000 + 1000 == 6_998_552
    sizes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert sizes["conv1_7x7_s2"] == (112, 112, 64) and sizes["pool1_3x3_s2"] == (56, 56, 64)
    assert sizes["conv2_norm2"] == (56, 56, 192) and sizes["pool2_3x3_s2"] == (28, 28, 192)
    for module, (channels, *_) in TABLE.items():
        side = {"3": 28, "4": 14, "5": 7}[module[0]]
        assert sizes[f"inception_{module}_output"] == (side, side, channels)
    assert model.output_shape == (None, 7, 7, 1024)


def test_auxiliary_heads_are_the_published():
    model = googlenet(auxiliary_heads=True)
    shapes = {name: output.shape for name, output in model.output.items()}
    assert shapes == dict.fromkeys(HEADS, (None, 1000))
    for head, given in (("loss1", 512), ("loss2", 528)):
        assert model.get_layer(f"{head}_ave_pool").output.shape == (None, 4, 4, given)
        assert model.get_layer(f"{head}_fc").kernel.shape == (2048, 1024)
        assert model.get_layer(f"{head}_drop_fc").rate == 0.7
    rest = 2 * (2048 * 1024 + 1024 + 1024 * 1000 + 1000) + (512 + 528) * 128 + 2 * 128
    assert model.count_params() == 6_998_552 + rest


def inception(by_numpy, x, weights, name):
    def layer(x, part, pad=0):
        return by_numpy.relu(by_numpy.convolution(x, weights[f"inception_{name}_{part}"], pad=pad))

    branches = [
        layer(x, "1x1"),
        layer(layer(x, "3x3_reduce"), "3x3", 1),
        layer(layer(x, "5x5_reduce"), "5x5", 2),
        layer(by_numpy.pooling(x, 3, 1, 1), "pool_proj"),
    ]
    return np.concatenate(branches, -1)


def answer(by_numpy, x, weights, name):
    return by_numpy.softmax(x @ weights[name][0] + weights[name][1])


def auxiliary(by_numpy, x, weights, name):
    x = by_numpy.relu(
        by_numpy.convolution(by_numpy.pooling(x, 5, 3, reduce=np.mean), weights[f"{name}_conv"])
    )
    x = by_numpy.relu(x.reshape(1, -1) @ weights[f"{name}_fc"][0] + weights[f"{name}_fc"][1])
    return answer(by_numpy, x, weights, f"{name}_classifier")


@pytest.mark.backend
def test_the_forward_pass_is_numpys(heads, by_numpy):
    weights = {layer.name: layer.get_weights() for layer in heads.layers}
    x = start = pixels(67, 99)
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv1_7x7_s2"], stride=2, pad=3))
    x = by_numpy.local_response(by_numpy.pooling(x, 3, 2))
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv2_3x3_reduce"]))
    x = by_numpy.relu(by_numpy.convolution(x, weights["conv2_3x3"], pad=1))
    x = by_numpy.pooling(by_numpy.local_response(x), 3, 2)
    expected = {}
    for module in TABLE:
        x = inception(by_numpy, x, weights, module)
        if module in ("4a", "4d"):
            head = {"4a": "loss1", "4d": "loss2"}[module]
            expected[f"{head}_classifier"] = auxiliary(by_numpy, x, weights, head)
        if module in ("3b", "4e"):
            x = by_numpy.pooling(x, 3, 2)
    features = heads.get_layer("inception_5b_output").output
    every = keras.Model(heads.input, {**heads.output, "features": features})
    found = every.predict(start, verbose=0)
    assert found["features"].shape == (1, 2, 3, 1024)
    np.testing.assert_allclose(found["features"], x, rtol=1e-3, atol=1e-4 * np.abs(x).max())
    expected["loss3_classifier"] = answer(by_numpy, x.mean((1, 2)), weights, "loss3_classifier")
    for name in HEADS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-4)


def test_it_trains_with_its_heads(heads, tmp_path):
    model = keras.models.clone_model(heads)
    loss = dict.fromkeys(HEADS, "sparse_categorical_crossentropy")
    shares = {"loss3_classifier": 1.0, "loss1_classifier": 0.3, "loss2_classifier": 0.3}
    optimizer = keras.optimizers.SGD(1e-6)
    model.compile(optimizer, loss=loss, loss_weights=shares, run_eagerly=True)
    x, labels = pixels(67, 99) / 100, np.array([2])
    answers = {name: ops.convert_to_numpy(value)[0, 2] for name, value in model(x).items()}
    total = model.evaluate(x, dict.fromkeys(HEADS, labels), verbose=0, return_dict=True)["loss"]
    assert total == pytest.approx(-sum(shares[n] * np.log(answers[n]) for n in HEADS), rel=1e-3)
    before = [w.copy() for w in model.get_layer("inception_3a_1x1").get_weights()]
    model.train_on_batch(x, dict.fromkeys(HEADS, labels))
    assert not np.array_equal(before[0], model.get_layer("inception_3a_1x1").get_weights()[0])


def test_the_net_without_heads_takes_its_weights(heads, tmp_path):
    classifier = keras.Model(heads.input, heads.output["loss3_classifier"])
    path = tmp_path / "net.weights.h5"
    classifier.save_weights(path)
    x = pixels(67, 99, seed=1)
    plain = googlenet(input_shape=(67, 99, 3), classes=5, weights=path)
    np.testing.assert_array_equal(plain(x), heads(x)["loss3_classifier"])
    trunk = googlenet(include_top=False, weights=path)
    features = keras.Model(heads.input, heads.get_layer("inception_5b_output").output)
    np.testing.assert_allclose(trunk(x), features(x), atol=1e-5)
    heads.save_weights(path)
    with pytest.raises(ValueError, match="could not be loaded"):
        googlenet(input_shape=(67, 99, 3), classes=5, weights=path)


def test_the_smallest_size_is_as_registered():
    row = fcn_keras.classifiers.get("GoogLeNet")
    trunk = row.build(include_top=False)
    assert trunk(pixels(row.smallest, 40)).shape == (1, 1, 1, 1024)
    with pytest.raises(ValueError, match="pool4"):
        trunk(pixels(row.smallest - 1, 40))


def test_it_becomes_convolutional_with_the_same_answer():
    net = googlenet(input_shape=(67, 99, 3), classes=5)
    dense = fcn_keras.convolutionalize(net)
    x = pixels(67, 99, seed=1)
    found = ops.convert_to_numpy(dense(x))
    assert found.shape == (1, 1, 1, 5)
    np.testing.assert_allclose(found[:, 0, 0], net(x), atol=1e-4)


def test_its_field_without_the_mean_over_the_map():
    net = googlenet(include_top=False)
    field = fcn_keras.geometry.receptive_field(net)
    assert field.size == (715, 715) and field.stride == (32, 32)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="ImageNet"):
        googlenet(weights="imagenet")
    with pytest.raises(ValueError, match="include_top=False"):
        googlenet(include_top=False, auxiliary_heads=True)
    with pytest.raises(ValueError, match="None"):
        googlenet(input_shape=(None, None, 3), auxiliary_heads=True)
