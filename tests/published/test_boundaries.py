"""HED of a Caffe file against the whole net re-computed in NumPy, and files that do not fit."""

import caffe_files
import caffe_nets
import keras
import narrow
import numpy as np
import pytest
from caffe_segnets import conv, pool

from fcn_keras import published
from fcn_keras.published import CaffeModelError

MEAN = (104.00699, 116.66877, 122.67892)
CROPS = (34, 35, 36, 38, 42)  # of the authors' net


def image(size):
    return np.random.default_rng(3).integers(0, 256, (*size, 3), "uint8")


@pytest.fixture(scope="module")
def layers():
    """{Caffe's layer: [filters, bias]} of random numbers."""
    draw = np.random.default_rng(0)
    found, inside = {}, 3
    blocks = zip(caffe_nets.BLOCKS, caffe_nets.WIDTHS, strict=True)

    def convolution(name, out, inside, size):
        deviation = np.sqrt(2 / (inside * size**2))
        filters = draw.normal(0, deviation, (out, inside, size, size)).astype("float32")
        found[name] = [filters, draw.normal(0, 0.1, out).astype("float32")]

    for block, (count, width) in enumerate(blocks, start=1):
        for number in range(1, count + 1):
            convolution(f"conv{block}_{number}", width, inside, 3)
            inside = width
        convolution(f"score-dsn{block}", 1, width, 1)
        if block > 1:
            factor = 2 ** (block - 1)
            found[f"upsample_{factor}"] = [bilinear(factor)[None, None].astype("float32")]
    convolution("new-score-weighting", 1, 5, 1)
    return found


def bilinear(factor):
    line = 1 - np.abs(np.arange(2 * factor) - (factor - 0.5)) / factor
    return np.outer(line, line)


def deconvolved(x, factor):
    """Caffe's deconvolution without padding: each cell adds its filter to the result."""
    rows, columns = x.shape
    result = np.zeros(((rows + 1) * factor, (columns + 1) * factor))
    for row, column in np.ndindex(rows, columns):
        part = np.s_[factor * row : factor * (row + 2), factor * column : factor * (column + 2)]
        result[part] += x[row, column] * bilinear(factor)
    return result


def recomputed(pixels, layers):
    """The six logits of the authors' prototxt in float64, (H, W, 6)."""
    x = (pixels[..., ::-1] - np.array(MEAN)).transpose(2, 0, 1)
    sides = []
    for block, count in enumerate(caffe_nets.BLOCKS, start=1):
        for number in range(1, count + 1):
            pad = 35 if (block, number) == (1, 1) else 1
            x = np.maximum(conv(x, layers[f"conv{block}_{number}"], pad), 0)
        side = conv(x, layers[f"score-dsn{block}"], 0)[0]
        if block > 1:
            side = deconvolved(side, 2 ** (block - 1))
        crop = CROPS[block - 1]
        sides.append(side[crop : crop + pixels.shape[0], crop : crop + pixels.shape[1]])
        x, _ = pool(x)
    fused = conv(np.stack(sides), layers["new-score-weighting"], 0)[0]
    return np.stack([fused, *sides], -1)


@pytest.mark.backend("sweep")
@pytest.mark.parametrize("size", [(23, 30), (1, 1)])
def test_hed_is_caffes(tmp_path, layers, size):
    file = caffe_files.write(tmp_path / "hed.caffemodel", layers)
    model = published.load_hed(file, classifier=narrow.vgg16())
    pixels = image(size)
    found = keras.ops.convert_to_numpy(model(pixels[None].astype("float32")))[0]
    wanted = recomputed(pixels, layers)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_files_that_do_not_fit_are_named(tmp_path, layers):
    def load(changed):
        file = caffe_files.write(tmp_path / "hed.caffemodel", changed)
        published.load_hed(file, classifier=narrow.vgg16())

    short = {name: arrays for name, arrays in layers.items() if name != "score-dsn3"}
    with pytest.raises(CaffeModelError, match="hed needs a layer 'score-dsn3'; the file has none"):
        load(short)
    with pytest.raises(CaffeModelError, match="hed has no layer 'fc6', but the file has"):
        load({**layers, "fc6": layers["conv1_1"]})
    with pytest.raises(CaffeModelError, match="'score-dsn1': hed needs 1x4x1x1 and 1, the file"):
        load({**layers, "score-dsn1": layers["score-dsn2"]})
    learned = [np.ones((1, 1, 4, 4), "float32")]
    with pytest.raises(CaffeModelError, match="'upsample_2': the upsampling of hed is bilinear"):
        load({**layers, "upsample_2": learned})


def test_the_command_lists_it_and_writes_a_model(command, tmp_path, layers, monkeypatch):
    code, shown, _ = command("import-caffe", "--list")
    assert code == 0 and "hed_pretrained_bsds.caffemodel" in shown
    load = published.load_hed
    narrowed = lambda file: load(file, classifier=narrow.vgg16())  # noqa: E731
    monkeypatch.setattr(published, "load_hed", narrowed)
    file, out = caffe_files.write(tmp_path / "a.caffemodel", layers), tmp_path / "hed.keras"
    code, shown, errors = command("import-caffe", file, "--net", "hed", "--out", out)
    assert code == 0, errors
    assert keras.models.load_model(out).output_shape == (None, None, None, 6)
