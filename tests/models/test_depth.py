"""`depth`: nets of log depth over any decoder, as a builder, a recipe and a command."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import models, tasks
from fcn_keras.training import Net

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


def test_what_is_impossible_is_refused(tiny_vgg):
    for options, message in (
        ({"decoder": "segnet_basic"}, "`decoder` must be .*got 'segnet_basic'"),
        ({"decoder": "depth"}, "`decoder` must be .*got 'depth'"),
        ({"decoder": "fcn8s", "bayesian": True}, "'fcn8s' has no option 'bayesian'"),
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
