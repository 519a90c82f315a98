"""Images of any size through a file of one size: padded, or seen in windows."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fcn_keras
from fcn_keras.export import tflite
from fcn_keras.export.tflite.padding import padding_pixel
from fcn_keras.inference.tiling.windows import fixed_plan

SIZE = (64, 96)


def windows(image, size):
    """(window, kept part) of each window."""
    plan = fixed_plan(image, size)
    return [(plan.window(number), plan.block(number)) for number in plan.windows]


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.integers(1, 200)] * 2), st.tuples(*[st.integers(16, 80)] * 2))
def test_windows_tile_the_image(image, size):
    counted = np.zeros(image, int)
    for window, kept in windows(image, size):
        counted[kept] += 1
        for span, part, n, length in zip(window, kept, size, image, strict=True):
            assert span.stop - span.start == n and 0 <= span.start <= part.start
            assert part.stop <= min(span.stop, length)
            assert span.stop <= length or span.start == 0
    assert (counted == 1).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(65, 400))
def test_each_pixel_goes_to_the_window_whose_edge_is_farther(length):
    spans = [(window[0], kept[0]) for window, kept in windows((length, 8), (64, 8))]
    shared = [a.stop - b.start for (a, _), (b, _) in zip(spans, spans[1:], strict=False)]
    assert min(shared) >= 16
    for (a, kept_a), (b, kept_b) in zip(spans, spans[1:], strict=False):
        assert kept_a.stop == kept_b.start
        assert abs((a.stop - kept_a.stop) - (kept_b.start - b.start)) <= 1


def test_a_larger_image_in_windows(exported, pictures):
    segmenter = tflite.Segmenter(exported(size=SIZE, logits=True, mediapipe=True), threads=2)
    (image,) = pictures(1, (100, 150))
    labels, scores = segmenter.segment(image, return_logits=True)
    assert labels.shape == (100, 150) and scores.shape == (100, 150, 4)
    corner = segmenter.segment(image[:64, :96], return_logits=True)[1]
    np.testing.assert_array_equal(scores[:50, :75], corner[:50, :75])
    last = segmenter.segment(image[-64:, -96:], return_logits=True)[1]
    np.testing.assert_array_equal(scores[50:, 75:], last[14:, 21:])


def test_a_smaller_image_as_keras_sees_it(net, exported, pictures):
    """Padded to the size that the net itself would pad to: all that differs is half a grey."""
    segmenter = tflite.Segmenter(exported(size=SIZE, logits=True, mediapipe=True), threads=2)
    (image,) = pictures(1, (50, 70))
    scores = segmenter.segment(image, return_logits=True)[1]
    expected = fcn_keras.segment(net, image, return_logits=True)[1]
    assert scores.shape == expected.shape
    spread = (expected - expected.mean((0, 1))).std()
    assert np.abs(scores - expected).max() < 0.25 * spread


@pytest.mark.parametrize(
    ("mode", "pixel"),
    [("caffe", [124, 117, 104]), ("torch", [124, 116, 104]), ("tf", [128, 128, 128])],
)
def test_the_pixel_that_becomes_zero(mode, pixel):
    """caffe: BGR means 103.939, 116.779, 123.68; torch: 255 times 0.485, 0.456, 0.406."""
    image = keras.Input((None, None, 3))
    x = fcn_keras.layers.PadToMultiple(32)(fcn_keras.layers.Preprocess(mode)(image))
    assert padding_pixel(keras.Model(image, x)) == pixel


def test_without_padding_grey():
    image = keras.Input((None, None, 3))
    assert padding_pixel(keras.Model(image, keras.layers.Conv2D(2, 1)(image))) == [116] * 3
    dead = fcn_keras.layers.PadToMultiple(2)(keras.layers.Rescaling(0.0)(image))
    assert padding_pixel(keras.Model(image, dead)) == [116] * 3


def test_evaluated_like_a_model(net, exported, pictures):
    segmenter = tflite.Segmenter(exported(), threads=2)
    images = pictures(3, SIZE)
    truth = fcn_keras.Predictor(net).segment_batch(images)
    found = fcn_keras.evaluate(
        segmenter, list(zip(images, truth, strict=True)), batch_size=2, progress=False
    )
    assert found.labels == fcn_keras.labels_of(net)
    assert found.scores.pixel_accuracy > 0.999
    np.testing.assert_array_equal(segmenter.segment_batch(images)[1], segmenter.segment(images[1]))


def test_what_does_not_fit_is_refused(exported, pictures, tmp_path):
    segmenter = tflite.Segmenter(exported())
    (image,) = pictures(1, (4, 4))
    with pytest.raises(ValueError, match="labels without logits"):
        segmenter.segment(image, return_logits=True)
    with pytest.raises(ValueError, match="scale 0-1"):
        segmenter.segment(image / 255)
    with pytest.raises(ValueError, match="one size"):
        segmenter.segment_batch([image, image[:2]])
    with pytest.raises(ValueError, match="at least 1, got 0"):
        tflite.Segmenter(exported(), threads=0)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.tflite"):
        tflite.Segmenter("nowhere.tflite")
    (tmp_path / "note.tflite").write_text("no net at all")
    with pytest.raises(ValueError, match="is not a TFLite file"):
        tflite.Segmenter(tmp_path / "note.tflite")
    content = exported().read_bytes()
    (tmp_path / "bare.tflite").write_bytes(content[: content.rindex(b"PK\x03\x04labels.txt"[:4])])
    with pytest.raises(ValueError, match="export_tflite"):
        tflite.Segmenter(tmp_path / "bare.tflite")
