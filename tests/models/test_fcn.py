"""The FCN builders: any size, exact alignment, names, weights, options."""

import dataclasses
import inspect
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import fcn_keras
from fcn_keras import LabelSet, fcn8s, fcn16s, fcn32s
from fcn_keras.layers import BilinearUpsampling2D
from fcn_keras.models import labels_of
from fcn_keras.models.options import OPTIONS, check_options

L = keras.layers
pytestmark = pytest.mark.usefixtures("tiny_vgg")
BUILDERS = {32: fcn32s, 16: fcn16s, 8: fcn8s}


def image(*size, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, *size, channels)).astype("float32")


def tiny_classifier(channels=3, scaled=True, strides=(2, 2, 2, 2, 2)):
    start = keras.Input((64, 64, channels))
    x = L.Rescaling(1 / 127.5, -1)(start) if scaled else start
    for number, stride in enumerate(strides):
        x = L.Conv2D(4, 3, strides=stride, padding="same", name=f"conv{number}")(x)
        x = L.BatchNormalization(name=f"bn{number}")(x)
        x = L.ReLU(name=f"relu{number}")(x)
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(start, L.Dense(5, activation="softmax")(x), name="tiny")


@pytest.fixture(scope="module")
def nets():
    """FCN-8s in both alignments with random score layers, for tests that only run them."""
    return {
        alignment: fcn8s(
            3, "vgg_slim", weights=None, alignment=alignment, score_initializer="he_normal"
        )
        for alignment in ("same", "caffe")
    }


@pytest.mark.parametrize("alignment", ["same", "caffe"])
@settings(max_examples=8, deadline=None, derandomize=True)
@given(rows=st.integers(1, 150), columns=st.integers(1, 150))
def test_every_size_comes_back(nets, alignment, rows, columns):
    result = nets[alignment](image(rows, columns))
    assert result.shape == (1, rows, columns, 3)
    assert np.isfinite(result).all()


def test_a_size_that_is_no_multiple_of_32(nets):
    assert nets["same"](image(500, 500)).shape == (1, 500, 500, 3)


@pytest.mark.parametrize(
    ("stride", "classifier"),
    [
        (32, "vgg_slim"),
        (16, "vgg_slim"),
        (8, "VGG-Slim"),
        (8, "MobileNetV2"),
        pytest.param(16, "mobilenet_v2", marks=pytest.mark.sweep),
        pytest.param(8, "ResNet50", marks=pytest.mark.sweep),
    ],
)
def test_registered_classifiers(stride, classifier):
    model = BUILDERS[stride](4, classifier, weights=None)
    result = ops.convert_to_numpy(model(image(97, 131)))
    assert result.shape == (1, 97, 131, 4) and result.dtype == "float32"
    assert not result.any()  # the score layers start at zero
    names = [layer.name for layer in model.layers]
    wanted = ["score_fr", "score_pool4", "score_pool3"][: {32: 1, 16: 2, 8: 3}[stride]]
    assert [n for n in names if n.startswith("score_")] == wanted and names[-1] == "score"


@pytest.mark.sweep
def test_vgg16_fcn32s_is_the_papers_table():
    model = fcn32s(21, weights=None)
    assert round(model.count_params() / 1e6) == 134
    field = fcn_keras.geometry.receptive_field(model, "fc7")
    assert field.size == (404, 404) and field.stride == (32, 32)


@pytest.mark.parametrize("classifier", ["tiny_vgg", "strided"])
def test_constant_scores_stay_constant_to_the_border(classifier):
    """Whichever layer of scores they come from; the others give zeros."""
    net = tiny_classifier() if classifier == "strided" else classifier
    model = fcn8s(2, net, weights=None)
    for name in ("score_fr", "score_pool4", "score_pool3"):
        layer = model.get_layer(name)
        before = layer.get_weights()
        assert not before[0].any()
        layer.set_weights([before[0], np.array([3.0, -1.0], "float32")])
        result = ops.convert_to_numpy(model(image(61, 83)))
        np.testing.assert_allclose(result[..., 0], 3.0, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(result[..., 1], -1.0, rtol=1e-6, err_msg=name)
        layer.set_weights(before)


def sampling_classifier(kind):
    """Five strides of 2 whose cells copy the pixel, or the mean, on which they are centred."""
    start = keras.Input((64, 64, 1))
    x = start
    for _ in range(5):
        if kind == "vgg":
            x = L.AveragePooling2D(2)(x)
            continue
        if kind != "inception":  # which pads nothing, so that its grids do not nest
            x = L.ZeroPadding2D({"resnet": 1, "mobilenet": ((0, 1), (0, 1))}[kind])(x)
        convolution = L.Conv2D(1, 3, strides=2, use_bias=False)
        x = convolution(x)
        kernel = np.zeros((3, 3, 1, 1), "float32")
        kernel[1, 1] = 1
        convolution.set_weights([kernel])
    return keras.Model(start, L.Dense(2)(L.GlobalAveragePooling2D()(x)), name=kind)


@pytest.mark.backend
@pytest.mark.parametrize("stride", [
    32, pytest.param(16, marks=pytest.mark.sweep), pytest.param(8, marks=pytest.mark.sweep),
])  # fmt: skip
@pytest.mark.parametrize("learned", [False, pytest.param("all", marks=pytest.mark.sweep)])
@pytest.mark.parametrize("kind", ["vgg", "resnet", "mobilenet", "inception"])
def test_logits_lie_on_the_pixels_they_were_computed_from(kind, stride, learned):
    """Interpolating the samples of a ramp gives the ramp back, if nothing is shifted."""
    net = BUILDERS[stride](
        2,
        sampling_classifier(kind),
        input_shape=(None, None, 1),
        preprocess=L.Identity(),
        learn_upsampling=learned,
    )
    for layer in net.layers:
        if layer.name.startswith("score_"):
            passes = layer.name == {32: "score_fr", 16: "score_pool4", 8: "score_pool3"}[stride]
            kernel = np.zeros(layer.kernel.shape, "float32")
            kernel[0, 0, 0, 0] = passes
            layer.set_weights([kernel, np.zeros(2, "float32")])
    rows, columns = np.meshgrid(np.arange(128.0), np.arange(160.0), indexing="ij")
    ramp = (2 * rows + 3 * columns)[None, ..., None].astype("float32")
    result = ops.convert_to_numpy(net(ramp))[0, ..., 0]
    first = {"vgg": (stride - 1) / 2, "resnet": 0}.get(kind, stride - 1)
    inner = slice(int(np.ceil(first)), 128 - stride)
    np.testing.assert_allclose(result[inner, inner], ramp[0, inner, inner, 0], rtol=1e-5)


def test_transplanting_from_coarse_to_fine(capsys, tmp_path):
    coarse = fcn32s(3, "tiny_vgg", weights=None, score_initializer="he_normal")
    middle = fcn16s(3, "tiny_vgg", weights=None, init_from=coarse)
    assert "new: score_pool4" in capsys.readouterr().out
    # The new skip starts at zero, so the finer net starts as the coarser one, upsampled in two
    # steps instead of one.
    x = image(64, 96)
    scores = keras.Model(coarse.inputs, coarse.get_layer("score_fr").output)(x)
    upsampled = BilinearUpsampling2D(16)(BilinearUpsampling2D(2)(scores))
    np.testing.assert_allclose(middle(x), upsampled, atol=1e-4)
    middle.save(tmp_path / "16s.keras")
    fine = fcn8s(3, "tiny_vgg", weights=None, init_from=tmp_path / "16s.keras")
    np.testing.assert_array_equal(
        fine.get_layer("score_pool4").get_weights()[0],
        middle.get_layer("score_pool4").get_weights()[0],
    )
    with pytest.raises(FileNotFoundError, match="nowhere"):
        fcn8s(3, "tiny_vgg", weights=None, init_from=tmp_path / "nowhere.keras")


@pytest.mark.parametrize(
    "alignment", ["same", pytest.param("caffe", marks=pytest.mark.backend("sweep"))]
)
def test_learned_upsampling_starts_as_the_fixed(alignment):
    options = {"alignment": alignment, "score_initializer": "he_normal"}
    fixed = fcn8s(3, "tiny_vgg", weights=None, **options)
    learned = fcn8s(
        3, "tiny_vgg", weights=None, alignment=alignment, learn_upsampling="all", init_from=fixed
    )
    inner = fcn8s(3, "tiny_vgg", weights=None, alignment=alignment, learn_upsampling=True)
    x = image(70, 45)
    np.testing.assert_allclose(fixed(x), learned(x), atol=1e-4)
    kinds = [
        sum(isinstance(layer, L.Conv2DTranspose) for layer in m.layers)
        for m in (fixed, inner, learned)
    ]
    assert kinds == [0, 2, 3]


def test_skip_scales():
    plain = fcn8s(2, "tiny_vgg", weights=None, score_initializer="he_normal")
    scaled = fcn8s(2, "tiny_vgg", weights=None, skip_scales=(0.01, 0.0001), init_from=plain)
    x = image(64, 64)
    without = fcn8s(2, "tiny_vgg", weights=None, init_from=plain)
    for name, factor in (("score_pool4", 0.01), ("score_pool3", 0.0001)):
        kernel, bias = plain.get_layer(name).get_weights()
        without.get_layer(name).set_weights([kernel * factor, bias])
    np.testing.assert_allclose(scaled(x), without(x), atol=1e-5)
    with pytest.raises(ValueError, match="each of the 2 skips"):
        fcn8s(2, "tiny_vgg", weights=None, skip_scales=(0.1,))


def test_heads_and_dropout():
    own = fcn32s(2, "vgg_slim", weights=None)
    assert own.get_layer("fc6").kernel.shape == (7, 7, 128, 64)
    assert own.get_layer("drop6").rate == 0.1
    none = fcn32s(2, "vgg_slim", weights=None, head_filters=0)
    assert not [layer for layer in none.layers if layer.name.startswith(("fc", "drop"))]
    new = fcn32s(2, tiny_classifier(), head_filters=16, dropout=0.3)
    assert new.get_layer("head").filters == 16
    assert [layer.rate for layer in new.layers if isinstance(layer, L.Dropout)] == [0.3]


def test_batch_norm_momentum():
    for momentum, expected in ((0.9, 0.9), (None, 0.99)):
        model = fcn8s(2, tiny_classifier(), batch_norm_momentum=momentum)
        found = {
            layer.momentum for layer in model.layers if isinstance(layer, L.BatchNormalization)
        }
        assert found == {expected}


@pytest.mark.backend
def test_save_and_load_keeps_the_answer_and_the_labels(tmp_path):
    labels = LabelSet(("sky", "road", "tree"))
    plain = fcn16s(3, "tiny_vgg", weights=None, score_initializer="he_normal")
    model = fcn16s(3, "tiny_vgg", weights=None, labels=labels, init_from=plain)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    x = image(50, 40)
    np.testing.assert_allclose(model(x), again(x), atol=1e-6)
    assert labels_of(again) == labels and labels_of(plain) is None


def test_other_channel_counts():
    model = fcn8s(2, "tiny_vgg", weights=None, input_shape=(None, None, 5))
    assert model(image(40, 40, channels=5)).shape == (1, 40, 40, 2)
    with pytest.raises(ValueError, match="has 2"):
        fcn8s(2, "mobilenet_v2", input_shape=(None, None, 2))


def test_fixed_input_size():
    model = fcn8s(2, "tiny_vgg", weights=None, input_shape=(60, 70, 3))
    assert model.output_shape == (None, 60, 70, 2)


def test_a_model_of_ones_own(capsys):
    fcn8s(2, tiny_classifier())
    assert "note" not in capsys.readouterr().out
    fcn8s(2, tiny_classifier(scaled=False))
    assert "no Rescaling" in capsys.readouterr().out
    model = fcn8s(2, tiny_classifier(scaled=False), preprocess="torch")
    assert model.get_layer("preprocess").mode == "torch"


def test_vgg_slim_has_no_imagenet_weights(capsys):
    fcn8s(2, "vgg_slim")
    assert "no ImageNet weights" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "at least 2"),
        ({"num_classes": 2.5}, "2.5"),
        ({"alignment": "valid"}, "'valid'"),
        ({"classifier": "vgg17"}, "vgg17.*There are"),
        ({"learn_upsampling": "some"}, "'some'"),
        ({"input_shape": (32, 32)}, "input_shape"),
        ({"preprocess": "bgr"}, "'bgr'"),
        ({"classifier": "mobilenet_v2", "alignment": "caffe"}, "fc6"),
        ({"alignment": "torch", "learn_upsampling": True}, "`learn_upsampling` needs alignment="),
        ({"alignment": "torch", "decoder_filters": 8}, "needs alignment='same', got 'torch'"),
        ({"labels": LabelSet(("a", "b", "c"))}, "3 classes"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    given_ = {"num_classes": 2, "classifier": "vgg_slim", "weights": None, **arguments}
    with pytest.raises(ValueError, match=message):
        fcn8s(**given_)


def test_strides_that_are_not_there():
    with pytest.raises(ValueError, match="deepest stride is 16"):
        fcn32s(2, tiny_classifier(strides=(2, 2, 2, 2)))
    with pytest.raises(ValueError, match="no map of stride 8"):
        fcn8s(2, tiny_classifier(strides=(2, 2, 4, 2)))


def test_missing_weights_say_where_to_put_them(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no weights file"):
        fcn8s(2, "mobilenet_v2", weights=tmp_path / "none.h5")

    def offline(*args, **kwargs):
        raise Exception("URL fetch failure on https://example.org/a/mobilenet_notop.h5: None -- no")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    import keras.src.applications.mobilenet_v2 as module

    monkeypatch.setattr(module.file_utils, "get_file", offline)
    with pytest.raises(FileNotFoundError, match="mobilenet_notop.h5.*models"):
        fcn8s(2, "mobilenet_v2")


def branched(merge):
    start = keras.Input((64, 64, 3))
    x = L.Rescaling(1 / 127.5, -1)(start)
    for _ in range(5):
        x = L.Conv2D(4, 3, strides=2, padding="same")(x)
    x = merge(x)
    x = L.Add()([L.Dense(6)(x), L.Dense(6)(x)])
    return keras.Model(start, L.Dense(2)(x))


def test_heads_that_branch():
    model = fcn32s(3, branched(L.GlobalAveragePooling2D()))  # its head is not used
    assert model(image(50, 70)).shape == (1, 50, 70, 3)
    with pytest.raises(ValueError, match="head branches and meets in layer 'add"):
        fcn32s(3, branched(L.Flatten()))
    assert fcn32s(3, branched(L.Flatten()), head_filters=0)(image(50, 70)).shape == (1, 50, 70, 3)


@pytest.mark.backend("sweep")
def test_torch_alignment_resizes_by_half_pixels(tiny_vgg):
    """Scores of three strides, each resized to the next and the last to the image."""
    from PIL import Image

    model = fcn8s(2, tiny_vgg, weights=None, alignment="torch", score_initializer="he_normal")
    scores = [model.get_layer(f"score_{name}").output for name in ("fr", "pool4", "pool3")]
    pixels = image(97, 131)
    found = [ops.convert_to_numpy(s)[0] for s in keras.Model(model.input, scores)(pixels)]

    def resized(x, like):
        size = like.shape[1::-1]
        maps = [Image.fromarray(x[..., n]).resize(size, Image.BILINEAR) for n in range(2)]
        return np.stack([np.asarray(one) for one in maps], -1)

    total = found[0]
    for skip in found[1:]:
        total = resized(total, skip) + skip
    assert [score.shape[:2] for score in found] == [(3, 4), (6, 8), (12, 16)]
    expected = resized(total, pixels[0])
    logits = ops.convert_to_numpy(model(pixels))[0]
    np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())


def test_torch_alignment_of_small_images(tiny_vgg):
    """Five poolings need 32 pixels: smaller images are padded with zeros at their end."""
    scale = L.Rescaling(1 / 255)  # which leaves zeros
    options = {"alignment": "torch", "score_initializer": "he_normal", "preprocess": scale}
    model = fcn8s(2, tiny_vgg, weights=None, **options)
    pixels = image(10, 40)
    found = ops.convert_to_numpy(model(pixels))
    padded = np.pad(pixels, [(0, 0), (0, 22), (0, 0), (0, 0)])
    np.testing.assert_allclose(found, model(padded)[:, :10], atol=1e-5)


def test_caffe_alignment_names_an_unpadded_convolution():
    start = keras.Input((64, 64, 3))
    x = L.Rescaling(1 / 255)(start)
    for number in range(3):
        x = L.MaxPooling2D()(L.Conv2D(4, 5, name=f"conv{number}")(x))
    lenet = keras.Model(start, L.Dense(2)(L.Flatten()(x)))
    with pytest.raises(ValueError, match="convolution 'conv1' .* is not padded"):
        fcn8s(3, lenet, alignment="caffe")


def test_init_from_needs_no_imagenet_weights(monkeypatch):
    coarse = fcn32s(3, "tiny_vgg", weights=None)
    asked = []
    row = dataclasses.replace(fcn_keras.classifiers.get("tiny_vgg"), imagenet=True)
    monkeypatch.setattr(
        "fcn_keras.classifiers.get",
        lambda name: dataclasses.replace(row, build=lambda **o: asked.append(o) or row.build(**o)),
    )
    fcn16s(3, "tiny_vgg", init_from=coarse)
    assert asked[0]["weights"] is None


def test_whole_numbers_of_numpy():
    assert fcn32s(np.int64(3), "tiny_vgg", weights=None).output_shape[-1] == 3


def test_the_declared_options_are_those_of_the_builders():
    keywords = inspect.signature(fcn_keras.models.fcn).parameters
    for net in ("fcn32s", "fcn16s", "fcn8s", "fcn4s", "fcn2s"):
        options = OPTIONS[net]
        assert fcn_keras.models.NETS[net] is getattr(fcn_keras, net)
        assert set(options) == set(keywords) - {"num_classes", "stride"}
        for name, one in options.items():
            assert one.default == keywords[name].default, name


def test_options_that_a_net_does_not_have_are_refused():
    with pytest.raises(ValueError, match="'fcn8s' has no option 'rates'. It has classifier, wei"):
        check_options("fcn8s", {"rates": (6, 12)})
    with pytest.raises(ValueError, match="no net 'fcn9s'. Known nets: fcn32s, "):
        check_options("fcn9s", {})
    assert check_options("fcn8s", {"dropout": 0.5}) == {"dropout": 0.5}
    assert OPTIONS["fcn8s"]["decoder_filters"].read("128,64") == (128, 64)


def test_a_net_of_any_stride_is_built_by_fcn():
    model = fcn_keras.models.fcn(2, "tiny_vgg", stride=16, weights="auto")
    assert model.name == "fcn16s" and model.get_layer("upscore16")


def test_options_are_read_without_keras():
    program = (
        "import sys; sys.argv[0] = 'fcn-keras'; import fcn_keras.models.options; "
        "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
