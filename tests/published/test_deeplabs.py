"""DeepLabs of Caffe files against whole nets re-computed in NumPy, and files that do not fit."""

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
from fcn_keras.published import CaffeModelError, deeplabs

SIZE = (25, 33)  # 13, 7, 4 and 17, 9, 5
CLASSES, FILTERS = 5, 8
STEPS = {"1": 2, "2": 2, "3": 2, "4": 1, "5": 1}


def image():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), "uint8")


def thin(name):
    """The row of a name over a narrow VGG16."""
    return dataclasses.replace(deeplabs.get_deeplab(name), classifier=narrow.vgg16())


def conv(x, weights, hole=1):
    """Caffe's convolution with holes, padded so that the map keeps its size."""
    kernel, bias = (array.astype("float64") for array in weights)
    pad, (_, rows, columns) = hole * (kernel.shape[-1] // 2), x.shape
    wide = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    total = bias.reshape(-1, 1, 1)
    for i, j in np.ndindex(kernel.shape[2:]):
        part = wide[:, i * hole : i * hole + rows, j * hole : j * hole + columns]
        total = total + np.einsum("oc,chw->ohw", kernel[:, :, i, j], part)
    return total


def pool(x, step, reduce, outside):
    """Windows of 3x3 around every cell or every second one; sizes are odd."""
    x = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
    return reduce(windows, axis=(-2, -1))[:, ::step, ::step]


def interpolated(scores):
    """Caffe's Interp: eight times as fine, corners on corners."""
    for axis in (1, 2):
        count = scores.shape[axis]
        places = np.arange(8 * (count - 1) + 1) / 8
        scores = np.apply_along_axis(
            lambda line, at=places: np.interp(at, range(len(line)), line), axis, scores
        )
    return scores


def deeplab(holes, average):
    """(scores (classes, rows, columns), weights) of v1, or of v2 with several holes."""
    weights = caffe_segnets.Weights()
    mean = np.array((104.008, 116.669, 122.675))
    x = (image().astype("float64")[..., ::-1] - mean).transpose(2, 0, 1)
    layers = zip(caffe_nets.BLOCKS, caffe_nets.WIDTHS, strict=True)
    for block, (count, width) in enumerate(layers, start=1):
        for n in range(1, count + 1):
            made = weights.convolution(f"conv{block}_{n}", width, len(x), 3)
            x = np.maximum(conv(x, made, 2 if block == 5 else 1), 0)
        x = pool(x, STEPS[str(block)], np.max, -np.inf)
    if average:
        x = pool(x, 1, np.mean, 0)  # Caffe counts the padding's zeros
    ends = [f"_{n}" for n in range(1, len(holes) + 1)] if len(holes) > 1 else [""]
    total = 0
    for end, hole in zip(ends, holes, strict=True):
        y = conv(x, weights.convolution(f"fc6{end}", FILTERS, len(x), 3), hole)
        y = conv(np.maximum(y, 0), weights.convolution(f"fc7{end}", FILTERS, FILTERS, 1))
        last = weights.convolution(f"fc8_voc12{end}", CLASSES, FILTERS, 1)
        total = total + conv(np.maximum(y, 0), last)
    return interpolated(total), weights


NETS = {
    "deeplab-largefov": ((12,), True),
    "deeplab-largefov-without-pool5a": ((12,), False),
    "deeplab-v2-aspp-l": ((6, 12, 18, 24), False),
    "deeplab-v2-aspp-s": ((2, 4, 8, 12), False),
}


@pytest.fixture
def file(tmp_path):
    """Writes the file of a net, with some layers replaced; None leaves one out."""

    def write(name, **changes):
        _, weights = deeplab(*NETS[name])
        layers = {k: v for k, v in {**weights, **changes}.items() if v is not None}
        return caffe_files.write(tmp_path / f"{name}.caffemodel", layers)

    return write


@pytest.mark.parametrize("name", [
    "deeplab-largefov", "deeplab-v2-aspp-l",
    pytest.param("deeplab-largefov-without-pool5a", marks=pytest.mark.sweep),
    pytest.param("deeplab-v2-aspp-s", marks=pytest.mark.sweep),
])  # fmt: skip
def test_a_deeplab_over_a_narrow_vgg16_is_caffes(name, tmp_path):
    wanted, weights = deeplab(*NETS[name])
    file = caffe_files.write(tmp_path / "net.caffemodel", weights)
    model = published.load_deeplab(thin(name), file)
    found = keras.ops.convert_to_numpy(model(image()[None].astype("float32")))[0]
    wanted = wanted.transpose(1, 2, 0)
    assert found.shape == wanted.shape == (*SIZE, CLASSES)
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()
    assert fcn_keras.labels_of(model) is None


def test_what_does_not_fit_is_named(file):
    narrow_v1, narrow_v2 = thin("deeplab-largefov"), thin("deeplab-v2-aspp-l")
    with pytest.raises(CaffeModelError, match="needs a layer 'fc6_1'.*like deeplab-largefov"):
        published.load_deeplab(narrow_v2, file("deeplab-largefov"))
    with pytest.raises(CaffeModelError, match="needs a layer 'fc6'.*like deeplab-v2-aspp-l or"):
        published.load_deeplab(narrow_v1, file("deeplab-v2-aspp-l"))
    extra = [np.zeros((3, 2), "f4")]
    with pytest.raises(CaffeModelError, match="deeplab-largefov has no layer 'fc9'"):
        published.load_deeplab(narrow_v1, file("deeplab-largefov", fc9=extra))
    window = [np.zeros((8, 10, 4, 4), "f4"), np.zeros(8, "f4")]
    with pytest.raises(CaffeModelError, match="layer 'fc6': .* needs 8x10x3x3 and 8, the file has"):
        published.load_deeplab(narrow_v1, file("deeplab-largefov", fc6=window))
    with pytest.raises(ValueError, match="There is no published DeepLab 'deeplab-7x7'"):
        published.load_deeplab("deeplab-7x7", "none")


def test_the_command(command, file, tmp_path, monkeypatch):
    table = tuple(map(thin, published.deeplab_names()))
    monkeypatch.setattr(deeplabs, "_TABLE", table)
    out = tmp_path / "net.keras"
    path = file("deeplab-v2-aspp-s")
    code, output, errors = command("import-caffe", path, "--net", "DeepLab_v2-ASPP-S", "--out", out)
    assert (code, output) == (0, f"deeplab-v2-aspp-s: {out}\n"), errors
    model = keras.models.load_model(out)
    assert model.get_layer("fc6_4").dilation_rate == (12, 12)
    code, output, _ = command("import-caffe", "--list")
    assert code == 0 and "deeplab-largefov " in output
    code, _, errors = command("import-caffe", path, "--net", "fcn", "--out", out)
    assert code == 1 and "DeepLabs: deeplab-largefov, " in errors
