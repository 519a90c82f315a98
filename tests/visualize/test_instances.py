"""Pictures of objects: each in the colour of its fate, and counted below."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras import visualize
from fcn_keras.visualize.instances import COLORS

TRUTH = np.zeros((60, 200), int)
TRUTH[10:50, 10:50], TRUTH[10:50, 80:120] = 4, 9
PREDICTION = np.zeros_like(TRUTH)
PREDICTION[10:50, 14:54], PREDICTION[10:50, 150:190] = 1, 2


def test_objects_have_the_colour_of_their_fate(tmp_path):
    path = visualize.save_instances(TRUTH * 0.0, TRUTH, PREDICTION, tmp_path / "a.png", alpha=1)
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[1] >= 200 and pixels.shape[0] > 60
    for kind, column in (("found", 18), ("missed", 100), ("extra", 170)):
        assert tuple(pixels[14, column]) == COLORS[kind], kind
    assert not pixels[5, 100].any() and not pixels[14, 130].any()
    assert (pixels[45, 13:15] == 255).all()  # the outline of the prediction
    assert (pixels[:60] == 255).all(-1)[20:40, 20:45].any()  # the IoU is written


def test_masks_are_divided_into_their_objects(tmp_path):
    paths = [tmp_path / "numbers.png", tmp_path / "masks.png"]
    visualize.save_instances(TRUTH, TRUTH, PREDICTION, paths[0])
    visualize.save_instances(TRUTH, TRUTH > 0, PREDICTION > 0, paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_another_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"prediction have shape \(60, 100\), the image is 60x200"):
        visualize.save_instances(TRUTH, TRUTH, PREDICTION[:, ::2], tmp_path / "a.png")
