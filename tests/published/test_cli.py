"""`fcn-keras import-caffe`: what it writes, and that it refuses in one line and leaves nothing."""

import dataclasses
import functools

import caffe_files
import caffe_nets
import caffe_segnets
import keras
import narrow
import numpy as np
import pytest

import fcn_keras
from fcn_keras import classifiers
from fcn_keras.published import nets

pytest.importorskip("tensorflow")


@pytest.fixture
def import_caffe(command):
    return functools.partial(command, "import-caffe")


@pytest.fixture
def small_vgg(monkeypatch):
    """The table's nets over a narrow VGG16."""
    narrowed = tuple(
        dataclasses.replace(net, classifier=narrow.vgg16()) if net.name == "voc-fcn16s" else net
        for net in nets._TABLE
    )
    monkeypatch.setattr(nets, "_TABLE", narrowed)


@pytest.fixture
def voc_file(tmp_path):
    net = caffe_nets.CaffeNet()
    data = net.input("data", 3, (40, 50))
    caffe_nets.decoder(net, data, *caffe_nets.vgg(net, data), 21, 16)
    return net.write(tmp_path)[1]


def test_a_net_becomes_a_model(import_caffe, small_vgg, voc_file, tmp_path):
    out = tmp_path / "out" / "voc.keras"
    out.parent.mkdir()
    code, output, errors = import_caffe(voc_file, "--net", "VOC_FCN16s", "--out", out)
    assert (code, output) == (0, f"voc-fcn16s: {out}\n"), errors
    assert [path.name for path in out.parent.iterdir()] == ["voc.keras"]
    model = keras.models.load_model(out)
    assert fcn_keras.segment(model, np.zeros((30, 41, 3), "uint8")).shape == (30, 41)
    assert fcn_keras.labels_of(model).names[15] == "person"
    code, _, errors = import_caffe(voc_file, "--net", "voc-fcn16s", "--out", out)
    assert code == 1 and "exists already" in errors
    assert import_caffe(voc_file, "--net", "voc-fcn16s", "--out", out, "--overwrite")[0] == 0


def test_a_classifier_becomes_weights(import_caffe, tmp_path):
    """GoogLeNet's file of 1000 classes, and an FCN that begins with it."""
    net = caffe_nets.CaffeNet()
    caffe_nets.googlenet(net, net.input("data", 3, (224, 224)), 1000)
    out = tmp_path / "googlenet.weights.h5"
    path = net.write(tmp_path, v1=True, legacy=True)[1]
    code, _, errors = import_caffe(path, "--net", "googlenet", "--out", out)
    assert code == 0, errors
    model = fcn_keras.fcn32s(3, "googlenet", weights=str(out))
    wanted = net.layers["inception_3a/5x5"][0].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(model.get_layer("inception_3a_5x5").kernel, wanted)
    whole = classifiers.googlenet(weights=str(out))
    kernel = net.layers["loss3/classifier"][0].T
    np.testing.assert_array_equal(whole.get_layer("loss3_classifier").kernel, kernel)


def test_the_list_names_every_net_and_its_address(import_caffe):
    code, output, _ = import_caffe("--list")
    assert code == 0
    for net in nets._TABLE:
        assert any(line.split()[0] == net.name for line in output.splitlines())
        assert net.url is None or net.url in output
    assert "vgg16, alexnet, googlenet" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "FILE is missing"),
        (("FILE",), "--net is missing"),
        (("FILE", "--net", "voc-fcn16s"), "--out is missing"),
        (("FILE", "--net", "voc-fcn16", "--out", "x.keras"), "Did you mean voc-fcn16s"),
        (("FILE", "--net", "voc-fcn16s", "--out", "x.h5"), "must be a .keras file, got"),
        (("FILE", "--net", "vgg16", "--out", "x.keras"), "must be a .weights.h5 file, got"),
        (("FILE", "--net", "voc-fcn16s", "--out", "no/x.keras"), "There is no folder no"),
        (("none", "--net", "voc-fcn16s", "--out", "x.keras"), "There is no file 'none'"),
        (("FILE", "--net", "voc-fcn8s", "--out", "x.keras"), "looks like voc-fcn16s"),
        (("FILE", "--net", "alexnet", "--out", "x.weights.h5"), "alexnet needs a layer 'fc8'"),
        (("text", "--net", "voc-fcn8s", "--out", "x.keras"), ".prototxt describes a net"),
        (("short", "--net", "voc-fcn16s", "--out", "x.keras"), "truncated at byte 20000"),
        (("part", "--net", "vgg16", "--out", "x.weights.h5"), "needs a layer 'fc8'"),
    ],
)
def test_refusals(import_caffe, small_vgg, voc_file, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    voc_file.rename("FILE")
    (tmp_path / "text").write_text('name: "net"\n')
    (tmp_path / "short").write_bytes((tmp_path / "FILE").read_bytes()[:20000])
    caffe_files.write(tmp_path / "part", {"conv1_1": [np.ones((64, 3, 3, 3)), np.ones(64)]})
    before = sorted(path.name for path in tmp_path.iterdir())
    code, output, errors = import_caffe(*words)
    assert (code, output) == (1, "")
    assert said in errors and len(errors.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_failure_while_writing_leaves_nothing(
    import_caffe, small_vgg, voc_file, tmp_path, monkeypatch
):
    def fails(model, path, *_, **__):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save", fails)
    out = tmp_path / "out" / "x.keras"
    out.parent.mkdir()
    code, _, errors = import_caffe(voc_file, "--net", "voc-fcn16s", "--out", out)
    assert code == 1 and "No space left" in errors
    assert not list(out.parent.iterdir())


def test_a_snapshot_of_segnet_basic_gets_statistics_of_a_data_set(import_caffe, parts, tmp_path):
    _, weights = caffe_segnets.segnet_basic(np.zeros((9, 7, 3), "uint8"), 3)
    file, out = caffe_files.write(tmp_path / "x_iter_9.caffemodel", weights), tmp_path / "x.keras"
    words = (file, "--net", "SegNet_Basic", "--out", out)
    code, output, errors = import_caffe(*words, "--statistics", f"folder:{parts}")
    assert (code, output.splitlines()[-1]) == (0, f"segnet-basic: {out}"), errors
    model = keras.models.load_model(out)
    assert fcn_keras.segment(model, np.zeros((30, 41, 3), "uint8")).shape == (30, 41)
    assert (keras.ops.convert_to_numpy(model.get_layer("conv1_bn").moving_variance) != 1).all()
    code, _, errors = import_caffe(*words, "--overwrite")
    assert code == 0, errors
    plain = keras.models.load_model(out).get_layer("conv1_bn")
    assert (keras.ops.convert_to_numpy(plain.moving_variance) == 1).all()
    words = (file, "--net", "voc-fcn8s", "--out", out, "--statistics", "digits", "--overwrite")
    code, _, errors = import_caffe(*words)
    assert code == 1 and "--statistics is for SegNets" in errors
    code, _, errors = import_caffe(file, "--net", "segnet_basicc", "--out", out)
    assert code == 1 and "SegNets: segnet-basic-camvid, " in errors
