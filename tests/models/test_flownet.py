"""FlowNetS and FlowNetC: sizes, levels, files, training, prediction."""

import inspect

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import data, tasks
from fcn_keras.models.options import OPTIONS

SMALL = {"filters": (4, 4, 8, 8, 8, 8)}
NETS = {"flownet_s": SMALL, "flownet_c": {**SMALL, "displacement": 4}}
STRIDES = (4, 8, 16, 32, 64)


def frames(rows=45, columns=60, count=1):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (count, rows, columns, 6)).astype("float32")


@pytest.fixture(scope="module")
def nets():
    return {name: getattr(fcn_keras, name)(**options) for name, options in NETS.items()}


@pytest.mark.backend("sweep")
@pytest.mark.sweep
@pytest.mark.parametrize(("net", "count"), [("flownet_s", 38_676_514), ("flownet_c", 39_175_298)])
def test_they_have_the_parameters_of_the_published_nets(net, count):
    model = getattr(fcn_keras, net)()
    assert model.count_params() == count
    widths = [model.get_layer(f"concat{n}").output.shape[-1] for n in (5, 4, 3, 2)]
    assert widths == [1026, 770, 386, 194]
    if net == "flownet_c":
        assert model.get_layer("corr").output.shape[-1] == 441
        assert model.get_layer("concat_corr").output.shape[-1] == 473


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("net", NETS)
def test_any_size_gives_flow_of_its_size_and_training_gives_the_levels(nets, net):
    model = nets[net]
    assert model.output_shape == (None, None, None, 2) and tasks.Flow() == fcn_keras.task_of(model)
    for size in ((45, 60), (64, 128), (1, 7)):
        assert model(frames(*size)).shape == (1, *size, 2)
    image = frames()
    joined = np.asarray(model(image, training=True))
    assert joined.shape == (1, 45, 60, 12)
    np.testing.assert_allclose(joined[..., :2], np.asarray(model(image)), atol=1e-4)
    layers = [model.get_layer(f"flow{n}").output for n in (2, 3, 4, 5, 6)]
    levels = keras.Model(model.input, layers)(image)
    for number, (stride, level) in enumerate(zip(STRIDES, levels, strict=True)):
        found = joined[:, ::stride, ::stride, 2 + 2 * number : 4 + 2 * number]
        wanted = np.asarray(level)[:, : found.shape[1], : found.shape[2]]
        np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.backend("sweep")
def test_the_convolutions_of_both_frames_are_the_same(nets):
    model, image = nets["flownet_c"], frames(64, 64)
    both = np.concatenate([image[..., :3]] * 2, -1)
    middle = keras.Model(model.input, model.get_layer("corr").output)(both)
    features = both[..., :3] / 127.5 - 1
    for unit in ("conv1", "conv2", "conv3"):
        for part in ("_pad", "", "_activation"):
            features = model.get_layer(unit + part)(features)
    features = np.asarray(features)
    centre = np.asarray(middle)[..., (middle.shape[-1] - 1) // 2]
    np.testing.assert_allclose(centre, np.square(features).mean(-1), rtol=1e-4, atol=1e-6)


def test_their_geometry_is_known_so_that_tiles_are_exact(nets):
    reach = {}
    for name, model in nets.items():
        halo = fcn_keras.geometry.halo(model)
        assert halo.stride == (64, 64) and min(*halo.before, *halo.after) > 300
        reach[name] = fcn_keras.geometry.receptive_field(model, "conv3_1").size[0]
    assert reach == {"flownet_s": 47, "flownet_c": 47 + 2 * 4 * 8}


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("net", NETS)
def test_a_file_gives_the_same_net(nets, net, tmp_path):
    nets[net].save(tmp_path / "flow.keras")
    again = keras.models.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(again(frames()), nets[net](frames()), atol=1e-4)
    start = getattr(fcn_keras, net)(**NETS[net], init_from=tmp_path / "flow.keras")
    np.testing.assert_allclose(start(frames()), nets[net](frames()), atol=1e-4)


def test_the_options_are_those_of_the_signature():
    for net in NETS:
        keywords = inspect.signature(getattr(fcn_keras, net)).parameters
        assert set(OPTIONS[net]) == set(keywords) - {"task"}
        assert fcn_keras.models.NETS[net] is getattr(fcn_keras, net)
        for name, one in OPTIONS[net].items():
            assert name == "name" or one.default == keywords[name].default, name


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="'flownet_s' is made for flow, got 3 classes"):
        fcn_keras.flownet_s(3)
    with pytest.raises(ValueError, match=r"conv1 to conv6, such as .*; got \(8, 16\)"):
        fcn_keras.flownet_s(filters=(8, 16))
    with pytest.raises(
        ValueError, match=r"channels of two frames, such as .*, got \(None, None, 3"
    ):
        fcn_keras.flownet_s(input_shape=(None, None, 3))
    with pytest.raises(ValueError, match="`displacement` must be even"):
        fcn_keras.flownet_c(displacement=5)
    with pytest.raises(ValueError, match="'flownet_s' has no option 'displacement'"):
        fcn_keras.training.Net("flownet_s", options={"displacement": 4})


@pytest.mark.backend("sweep")
def test_fit_compares_the_levels_and_a_validation_the_output_alone():
    model = fcn_keras.flownet_s(**SMALL)
    task, images = tasks.Flow(), frames(16, 24)
    flow = np.full((1, 16, 24, 2), 3.0, "float32")
    loss, found = fcn_keras.losses.for_task(task), fcn_keras.metrics.for_task(task)
    joined, alone = model(images, training=True), model(images)
    expected = float(loss(flow, joined)), float(loss(flow, alone))
    assert abs(expected[0] - expected[1]) > 1e-3
    model.compile(keras.optimizers.SGD(0.0), loss, metrics=found, run_eagerly=True)
    history = model.fit(images, flow, validation_data=(images, flow), verbose=0).history
    assert history["loss"][0] == pytest.approx(expected[0], rel=1e-4)
    assert history["val_loss"][0] == pytest.approx(expected[1], rel=1e-4)
    error = np.linalg.norm(np.asarray(alone) - flow, axis=-1).mean()
    assert history["end_point_error"][0] == pytest.approx(error, rel=1e-4)


@pytest.mark.training
def test_it_learns_scenes_by_fit_and_tells_flow():
    """A few steps on one pair lower its error, measured in validation on the output alone."""
    pytest.importorskip("tensorflow")
    dataset = data.load("scenes", target="flow", count=1, size=(64, 64))
    model = fcn_keras.flownet_s(filters=(8, 8, 16, 16, 16, 16), scale=6.0)
    task = dataset.task
    loss = fcn_keras.losses.for_task(task)
    model.compile(keras.optimizers.Adam(2e-3), loss, metrics=fcn_keras.metrics.for_task(task))
    batches = dataset.batches(1, shuffle=False)
    before = model.evaluate(batches, verbose=0, return_dict=True)["end_point_error"]
    model.fit(batches.repeat(12), verbose=0)
    assert model.evaluate(batches, verbose=0, return_dict=True)["end_point_error"] < before
    report = fcn_keras.evaluate(model, dataset, progress=False)
    image, flow = dataset[0]
    told = fcn_keras.segment(model, (image[..., :3], image[..., 3:]))
    assert told.shape == flow.shape and told.dtype == np.float32
    np.testing.assert_allclose(told, fcn_keras.segment(model, image), atol=1e-4)
    error = np.linalg.norm(told - flow, axis=-1).mean()
    assert report.end_point_error == pytest.approx(error, rel=1e-3)
