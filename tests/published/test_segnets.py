"""SegNets of Caffe files against the whole nets re-computed in NumPy, and files that do not fit."""

import dataclasses

import caffe_files
import caffe_nets
import caffe_segnets
import keras
import narrow
import numpy as np
import pytest

import fcn_keras
from fcn_keras import published
from fcn_keras.published import CaffeModelError, segnets

SIZE = (23, 30)  # 23, 12, 6, 3, 2, 1: odd sizes on the way


def image(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), "uint8")


def thin(name):
    """The row of a name over a narrow VGG16."""
    return dataclasses.replace(segnets.get_segnet(name), classifier=narrow.vgg16())


def agree(model, wanted):
    found = keras.ops.convert_to_numpy(model(image()[None].astype("float32")))[0]
    wanted = wanted.transpose(1, 2, 0)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize(
    "name, last",
    [
        ("segnet-basic-camvid", "dense_softmax_inner_prod"),
        ("segnet-basic", "conv_classifier"),
    ],
)
def test_segnet_basic_is_caffes(tmp_path, name, last):
    wanted, weights = caffe_segnets.segnet_basic(image(), 11, last)
    file = caffe_files.write(tmp_path / "net.caffemodel", weights)
    agree(published.load_segnet(name, file), wanted)


def test_segnet_over_a_narrow_vgg16_is_caffes(tmp_path):
    for name, classes, head in (("segnet", 5, None), ("bayesian-segnet-camvid", 11, "camvid")):
        wanted, weights = caffe_segnets.segnet(image(), classes, caffe_nets.WIDTHS, head)
        file = caffe_files.write(tmp_path / f"{name}.caffemodel", weights)
        model = published.load_segnet(thin(name), file)
        agree(model, wanted)
        drops = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        assert len(drops) == (6 if head else 0)


@pytest.mark.sweep
def test_segnet_at_full_width_is_caffes(tmp_path):
    wanted, weights = caffe_segnets.segnet(image(), 12)
    file = caffe_files.write(tmp_path / "net.caffemodel", weights)
    model = published.load_segnet("segnet-driving", file)
    agree(model, wanted)
    assert fcn_keras.labels_of(model).names[3:5] == ("Road marking", "Road")


@pytest.fixture
def snapshot(tmp_path):
    """(file, weights) of a narrow net whose scale and shift are as they were learned."""
    _, weights = caffe_segnets.segnet(image(), 5, caffe_nets.WIDTHS)
    return caffe_files.write(tmp_path / "net_iter_100.caffemodel", weights), weights


def test_a_snapshot_gets_the_statistics_of_images(snapshot):
    file, weights = snapshot
    batches = [np.stack([image(1), image(2)]), np.stack([image(3), image(4)])]
    model = published.load_segnet(thin("segnet"), file, statistics=batches)
    first = model.get_layer("block1_conv1_bn")
    maps = [
        caffe_segnets.conv(
            one.astype("float64")[..., ::-1].transpose(2, 0, 1), weights["conv1_1"], 1
        )
        for batch in batches
        for one in batch
    ]
    maps = np.stack(maps).transpose(0, 2, 3, 1).reshape(-1, caffe_nets.WIDTHS[0])
    np.testing.assert_allclose(first.moving_mean, maps.mean(0), rtol=1e-4)
    np.testing.assert_allclose(first.moving_variance, maps.var(0), rtol=1e-3)
    np.testing.assert_array_equal(first.gamma, weights["conv1_1_bn"][0].ravel())
    plain = published.load_segnet(thin("segnet"), file)
    x = image()[None].astype("float32")
    assert np.abs(np.array(plain(x)) - np.array(model(x))).max() > 0.1


def test_absorbed_normalization_is_refused_with_the_reason(snapshot, tmp_path):
    _, weights = snapshot
    zeros = {k: [a * 0 for a in v] if k.endswith("_bn") else v for k, v in weights.items()}
    without = {k: v for k, v in weights.items() if not k.endswith("_bn")}
    for number, layers in enumerate((zeros, without)):
        file = caffe_files.write(tmp_path / f"{number}.caffemodel", layers)
        with pytest.raises(CaffeModelError, match="BN-absorber.py .* has moved it into") as refused:
            published.load_segnet(thin("segnet"), file)
        assert str(file) in str(refused.value) and "looks like" not in str(refused.value)


def test_files_of_other_nets_are_refused_by_layer(snapshot, tmp_path):
    file, weights = snapshot
    with pytest.raises(
        CaffeModelError, match="needs a layer 'conv1' .and 16 more.*looks like segnet"
    ):
        published.load_segnet("segnet-basic", file)
    with pytest.raises(CaffeModelError, match="'conv1_1_D': segnet-sun has 38 classes"):
        published.load_segnet(thin("segnet-sun"), file)
    weights["fc6"] = weights["conv5_1"]
    more = caffe_files.write(tmp_path / "more.caffemodel", weights)
    with pytest.raises(CaffeModelError, match="segnet has no layer 'fc6', but the file has"):
        published.load_segnet(thin("segnet"), more)
    del weights["fc6"]
    weights["conv2_1_bn"] = weights["conv2_1_bn"] * 2  # four arrays
    more = caffe_files.write(tmp_path / "four.caffemodel", weights)
    with pytest.raises(CaffeModelError, match="'conv2_1_bn': segnet needs 6 and 6, the file has"):
        published.load_segnet(thin("segnet"), more)
    with pytest.raises(ValueError, match="Did you mean segnet-pascal"):
        published.load_segnet("segnet_pascall", file)


def test_every_published_file_has_an_address_or_is_ones_own():
    rows = [segnets.get_segnet(name) for name in published.segnet_names()]
    assert all(row.url.endswith(".caffemodel") for row in rows if row.num_classes)
    assert all(row.url is None for row in rows if not row.num_classes)
    assert {row.num_classes for row in rows} == {11, 12, 38, 21, None}
    assert all(row.labels is None or row.labels.num_classes == row.num_classes for row in rows)
