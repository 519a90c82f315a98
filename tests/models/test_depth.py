"""`depth`: nets of log depth over any decoder, as a builder, a recipe and a command."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import models, tasks
from fcn_keras.training import Net
from fcn_keras.training.compiling import freeze_layers

IMAGE = np.random.default_rng(0).uniform(0, 255, (1, 33, 41, 3)).astype("float32")


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("decoder", ["fcn8s", "unet"])
def test_a_decoder_gives_log_depth_and_is_stored(decoder, tiny_vgg, tmp_path):
    net = fcn_keras.depth(tiny_vgg, decoder, weights=None)
    assert net.name == "depth" and net.output_shape == (None, None, None, 1)
    assert fcn_keras.task_of(net) == tasks.Depth()
    outputs = np.asarray(net(IMAGE))
    depth = fcn_keras.segment(net, IMAGE[0])
    assert depth.shape == (33, 41) and depth.dtype == np.float32
    np.testing.assert_allclose(depth, np.exp(outputs[0, ..., 0]), rtol=1e-4)
    net.save(tmp_path / "depth.keras")
    again = keras.models.load_model(tmp_path / "depth.keras")
    assert fcn_keras.task_of(again) == tasks.Depth()
    np.testing.assert_allclose(again(IMAGE), outputs, atol=1e-5)
    same = models.NETS[decoder](tasks.Depth(), tiny_vgg, weights=None)
    assert [w.shape for w in same.weights] == [w.shape for w in net.weights]


def test_a_recipe_builds_it_for_data_of_depth(tiny_vgg):
    net = Net("depth", tiny_vgg, None, {"decoder": "fcn8s", "decoder_filters": (8, 4)})
    assert Net.from_config(net.to_config()) == net
    built = net(tasks.Depth("mm"))
    assert fcn_keras.task_of(built) == tasks.Depth("mm")
    assert fcn_keras.task_of(net(None)) == tasks.Depth()
    with pytest.raises(ValueError, match="'depth' is made for depth, got 5 classes. Take data"):
        net(5)
    with pytest.raises(ValueError, match="made for depth, got regression of distance in px"):
        net(tasks.Regression("distance", unit="px"))


@pytest.mark.parametrize(
    "decoder",
    [
        "fcn8s",
        "eigen_fergus",
        *(pytest.param(name, marks=pytest.mark.sweep) for name in ("unet", "segnet", "fpn")),
    ],
)
def test_a_net_begins_at_a_depth(decoder, tiny_vgg):
    net = fcn_keras.depth(tiny_vgg, decoder, weights=None, start_depth=7.0)
    zeros = [layer for layer in net.layers if layer.name.startswith("score") and layer.weights]
    for layer in zeros:  # what the features would add
        layer.set_weights([np.zeros(w.shape) if w.ndim > 1 else w for w in layer.get_weights()])
    np.testing.assert_allclose(fcn_keras.segment(net, IMAGE[0]), 7, rtol=1e-4)


def test_what_is_impossible_is_refused(tiny_vgg):
    for options, message in (
        ({"decoder": "segnet_basic"}, "`decoder` must be .*got 'segnet_basic'"),
        ({"decoder": "depth"}, "`decoder` must be .*got 'depth'"),
        ({"decoder": "fcn8s", "bayesian": True}, "'fcn8s' has no option 'bayesian'"),
        ({"start_depth": 0}, "`start_depth` must be .*above 0.*got 0"),
        ({"start_depth": 2, "init_from": "x.keras"}, "`start_depth` is for a new net"),
        ({"task": tasks.Classes(num_classes=3)}, "made for depth, got 3 classes"),
    ):
        with pytest.raises(ValueError, match=message):
            fcn_keras.depth(tiny_vgg, weights=None, **options)


def test_the_commands_know_it(command, tiny_vgg):
    words = ("summary", "--model", "depth", "--classifier", tiny_vgg, "--size", "64x64")
    code, printed, errors = command(*words, "--decoder", "fcn16s")
    assert (code, errors) == (0, "") and "depth" in printed
    code, _, errors = command(*words, "--num-classes", 3)
    assert code == 1 and "made for depth, got 3 classes" in errors


@pytest.mark.backend("sweep")
def test_three_scales_refine_two(tiny_vgg, tmp_path):
    two = fcn_keras.eigen_fergus(tasks.Depth(), tiny_vgg, scales=2, weights=None)
    three = fcn_keras.eigen_fergus(tasks.Depth(), tiny_vgg, weights=None, init_from=two)
    weights = {layer.name: layer.get_weights() for layer in two.layers if layer.weights}
    for name, expected in weights.items():
        for mine, theirs in zip(three.get_layer(name).get_weights(), expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    new = {layer.name for layer in three.layers if layer.weights} - {*weights}
    assert new == {"scale3_image", "scale3_1", "scale3_2", "score_scale3"}
    frozen = freeze_layers(three, ("[!s]*", "scale[12]*", "score_scale2*"))  # as the page has it
    assert new == {layer.name for layer in three.layers if layer.weights} - {*frozen}
    assert three(IMAGE).shape == (1, 33, 41, 1)
    three.save(tmp_path / "three.keras")
    again = keras.models.load_model(tmp_path / "three.keras")
    np.testing.assert_allclose(again(IMAGE), three(IMAGE), atol=1e-5)
    same = fcn_keras.depth(tiny_vgg, "eigen_fergus", weights=None, scales=2)
    assert [w.shape for w in same.weights] == [w.shape for w in two.weights]


def test_outputs_share_the_first_scale(tiny_vgg):
    net = fcn_keras.eigen_fergus({"depth": tasks.Depth(), "class": 5}, tiny_vgg, weights=None)
    names = {layer.name for layer in net.layers if layer.weights}
    assert {"scale1", "scale2_1_depth", "scale2_1_class", "score_scale3_class"} <= names
    assert {name: output.shape[-1] for name, output in net.output.items()} == {
        "depth": 1, "class": 5,
    }  # fmt: skip


def test_each_scale_lies_on_the_image(tiny_vgg):
    """A scale of stride 4 samples pixels 2, 6, ..., one of stride 2 pixels 1, 3, ..."""
    net = fcn_keras.eigen_fergus(tasks.Depth(), tiny_vgg, weights=None)
    for layer, stride in (("scale2_pool", 4), ("scale3_image", 2)):
        part = keras.Model(net.input, net.get_layer(layer).output)
        fields = fcn_keras.geometry.receptive_field(part)
        assert fields.stride == (stride, stride) and fields.offset == (stride / 2, stride / 2)
    with pytest.raises(ValueError, match="`scales` must be .*got 4"):
        fcn_keras.eigen_fergus(2, tiny_vgg, scales=4, weights=None)
