"""COCO's outlines: polygons, plain and compressed run lengths, crowds, and overlaps."""

import json

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from fcn_keras import data
from fcn_keras.data.polygons import decompressed, inside_polygon, inside_runs

SIZE = (20, 30)


def square(left, top, right, bottom):
    return [left, top, right, top, right, bottom, left, bottom]


def filled(left, top, right, bottom):
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def runs(mask):
    """The run lengths of a mask, column by column; the first run is off."""
    flat = np.concatenate([[False], mask.T.ravel()])
    edges = np.flatnonzero(np.diff(flat.astype(int)))
    return np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()


def compressed(counts):
    """COCO's text: 5 bits a character, differences to the number two before from the fourth on."""
    text = ""
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
            if not more:
                break
    return text


class TestOutlines:
    def test_polygons_hold_the_pixels_whose_centres_they_hold(self):
        """The pixels agree with matplotlib's: concave, self-crossing, partly outside the image."""
        rng = np.random.default_rng(0)
        centres = np.stack(np.meshgrid(np.arange(30), np.arange(20)), -1).reshape(-1, 2) + 0.5
        for corners in (3, 4, 7, 12):
            polygon = rng.uniform((-5, -5), (35, 25), (corners, 2))
            if corners > 4:  # without crossings: turning around its middle
                middle = polygon - polygon.mean(0)
                polygon = polygon[np.argsort(np.arctan2(*middle.T))]
            else:
                polygon = polygon[:3]
            expected = Outline(polygon).contains_points(centres).reshape(SIZE)
            assert 0 < expected.sum() < expected.size
            np.testing.assert_array_equal(inside_polygon(polygon.ravel(), SIZE), expected)

    def test_neighbours_share_no_pixel_and_leave_none(self):
        cut = (11.5, 7.5)  # through the centres of pixels
        parts = [square(a, b, c, d) for a, c in ((0, cut[0]), (cut[0], 30))
                 for b, d in ((0, cut[1]), (cut[1], 20))]  # fmt: skip
        count = sum(inside_polygon(part, SIZE).astype(int) for part in parts)
        assert (count == 1).all()

    def test_a_crossing_takes_out(self):
        bow = [0, 0, 20, 20, 20, 0, 0, 20]
        found = inside_polygon(bow, SIZE)
        assert found[10, 2] and found[10, 17] and not found[2, 10] and not found[17, 10]

    def test_runs(self):
        mask = np.random.default_rng(1).random(SIZE) < 0.4
        mask[:, 7:19] = True
        counts = runs(mask)
        assert max(counts) > 200  # more than a character holds
        np.testing.assert_array_equal(inside_runs(counts, SIZE), mask)
        assert decompressed(compressed(counts)) == counts
        np.testing.assert_array_equal(inside_runs(compressed(counts).encode(), SIZE), mask)

    def test_a_text_written_by_hand(self):
        """6 is "6"; 40 is 8, more, 1: "X1"; 1, written as 1 - 40 = 25 - 2 * 32, is "iN"."""
        assert decompressed("6X12iN") == [6, 40, 2, 1]

    def test_runs_of_another_image(self):
        with pytest.raises(ValueError, match="run lengths of 7 pixels for an image of 20x30"):
            inside_runs([3, 4], SIZE)


@pytest.fixture
def root(tmp_path, write):
    """Two images: overlapping objects and a crowd; nothing at all. Ids are not contiguous."""
    for name in ("000000000139.jpg", "000000000285.jpg"):
        write.photo(tmp_path / "val2017" / name, SIZE)
    crowd = filled(0, 0, 12, 20)
    objects = [
        (1, [square(10, 5, 14, 9), square(24, 14, 28, 18)], 32, 0),
        (13, [square(8, 2, 26, 16)], 252, 0),
        (1, {"size": list(SIZE), "counts": runs(crowd)}, 240, 1),
        (7, {"size": list(SIZE), "counts": compressed(runs(filled(28, 0, 30, 3)))}, 6, 0),
    ]
    content = {
        "images": [
            {"id": 285, "file_name": "000000000285.jpg", "height": 20, "width": 30},
            {"id": 139, "file_name": "000000000139.jpg", "height": 20, "width": 30},
        ],
        "categories": [
            {"id": 13, "name": "stop sign"},
            {"id": 1, "name": "person"},
            {"id": 7, "name": "train"},
        ],
        "annotations": [
            {"id": n, "image_id": 139, "category_id": c, "segmentation": s, "area": a, "iscrowd": w}
            for n, (c, s, a, w) in enumerate(objects)
        ],
    }  # fmt: skip
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    return tmp_path


def truth(crowd):
    label = np.zeros(SIZE, "uint8")
    label[:, :12] = crowd
    label[2:16, 8:26] = 3
    label[5:9, 10:14] = label[14:18, 24:28] = 1
    label[0:3, 28:30] = 2
    return label


def test_labels(root, same_in_batches):
    val = data.load("coco", root, split="val")
    assert val.labels.names == ("background", "person", "train", "stop sign")
    assert val.names == ("000000000139", "000000000285")
    np.testing.assert_array_equal(val[0][1], truth(crowd=255))
    assert not val[1][1].any()
    same_in_batches(val)


def test_crowds_as_their_class(root):
    val = data.load("coco", root, split="val", crowd=True)
    label = val[0][1]
    np.testing.assert_array_equal(label[:, :8], 1)  # where no smaller object stands
    np.testing.assert_array_equal(label[:2, 8:12], 1)


def test_images_in_png_are_not_taken_for_masks(root, write, same_in_batches):
    file = root / "annotations" / "instances_val2017.json"
    content = json.loads(file.read_text())
    for image in content["images"]:
        image["file_name"] = f"{image['id']}.png"
        write.png(root / "pictures" / image["file_name"], np.zeros(SIZE, "uint8"))
    (root / "mine.json").write_text(json.dumps(content))
    mine = data.load("coco", root, split="all", annotations="mine.json", images="pictures")
    np.testing.assert_array_equal(mine[0][1], truth(crowd=255))
    same_in_batches(mine)


def test_outlines_that_do_not_fit(root, write):
    write.photo(root / "val2017" / "000000000139.jpg", (20, 31))
    val = data.load("coco", root, split="val")
    with pytest.raises(ValueError, match=r"000000000139\.jpg is 20x31 but its mask.*20x30"):
        val[0]
    file = root / "annotations" / "instances_val2017.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["segmentation"] = [[1, 2, 3, 4]]
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"instances_val2017\.json: an outline in .*139\.jpg"):
        data.load("coco", root, split="val")[0]


def test_refuses(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"instances_train2017\.json.*cocodataset\.org"):
        data.load("coco", root)
    (root / "val2017" / "000000000285.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"000000000285.*1 of 2.*cocodataset\.org"):
        data.load("coco", root, split="val")
    (root / "annotations" / "instances_val2017.json").write_text('{"images": []}')
    with pytest.raises(ValueError, match="not a COCO annotation file.*categories"):
        data.load("coco", root, split="val")


def test_check_data(root, check_data):
    code, printed = check_data(f"coco:{root}")
    assert code == 0 and "2 in val" in printed and "stop sign" in printed
