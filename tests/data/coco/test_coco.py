"""COCO's outlines: polygons, plain and compressed run lengths, crowds, and overlaps."""

import json

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from fcn_keras import data
from fcn_keras.data.coco.polygons import decompressed, inside_polygon, inside_runs, window_of

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
    with pytest.raises(
        ValueError, match=r"000000000139\.jpg is 20x31 but its annotations are for 20x30"
    ):
        val[0]
    file = root / "annotations" / "instances_val2017.json"
    content = json.loads(file.read_text())
    content["annotations"][2]["segmentation"]["size"] = [30, 20]
    file.write_text(json.dumps(content))
    wrong = r"instances_val2017\.json: the outline of annotation 2 in .*139\.jpg.*the turned image"
    with pytest.raises(ValueError, match=wrong):
        data.load("coco", root, split="val").read_target(0)


def test_refuses(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"instances_train2017\.json.*cocodataset\.org"):
        data.load("coco", root)
    (root / "val2017" / "000000000285.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"000000000285.*1 of 2.*cocodataset\.org"):
        data.load("coco", root, split="val")
    (root / "annotations" / "instances_val2017.json").write_text(
        '{"images": [], "annotations": []}'
    )
    with pytest.raises(ValueError, match="not a COCO annotation file.*categories"):
        data.load("coco", root, split="val")


def test_check_data(root, check_data):
    code, printed = check_data(f"coco:{root}")
    assert code == 0 and "2 in val" in printed and "stop sign" in printed


def unpacked(text):
    """A mask of `SIZE` from its bits in hexadecimal."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), "uint8")).reshape(SIZE).astype(bool)


class TestAsPycocotools:
    """Masks that pycocotools 2.0.10 encoded and drew."""

    TEXT = "c26>00000000006J03M000KGO91GO91GO91GO91GO91GO960000000000Z2"
    NOISE = (
        "61200021NO00O20N0031OO60J000O0O12O10020OM14OLO0001221N10NON061JO10O011OO10O241NM10N22NM00091"
        "J0M11NO020O1OO31M00O010O20N110OO001011N02OO0115OM0O0M02000O0O070M2ONM01010O11OO000O0036NJ000"
        "51KN2010N1O10N20O030L041OOM0015ON0N002110M00O12OM11O51J04ON0N0023NM021OO70H22NO0O1002O00O12O"
        "M0040L10O"
    )
    NOISE_BITS = (
        "199015253631a042840102855295e0407f2028588048bd70979e122400f34994a30a0310b115eb96844359090def"
        "0c098c11a964d01a1d99040c24e5201c884b0424508cc3044a4367c846"
    )
    POLYGONS = {
        (4, 2, 12, 2, 12, 8, 4, 8): (
            "0000000000000000ff000003fc00000ff000003fc00000ff000003fc000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000"
        ),
        (3.2, 1.7, 25.4, 4.9, 18.8, 17.3, 6.1, 13.5): (
            "0000000000000001f0000003ff80000ffffc003ffffe00fffff801ffffc007fffe001ffff8007fffc000ffff0003"
            "fff8000fffe00007ff000001fc000000e0000000000000000000000000"
        ),
        (-4, -3, 14, 5, 35, 24, 8, 30): (
            "f0000003f000000ff000003ff80000fff80003fff8000ffff0003fffe000ffffc001ffff8007ffff001ffffe003f"
            "fffc00fffff803fffff807fffff01fffffe03fffffc0ffffff83ffffff"
        ),
    }

    def test_run_lengths_are_the_same(self):
        mask = filled(4, 3, 12, 9) | filled(10, 6, 26, 15)
        mask[10:12, 14:20] = False
        np.testing.assert_array_equal(inside_runs(self.TEXT, SIZE), mask)
        np.testing.assert_array_equal(inside_runs(self.NOISE, SIZE), unpacked(self.NOISE_BITS))

    def test_polygons_differ_where_the_outline_passes_a_centre_at_a_fifth_of_a_pixel(self):
        """It draws on a grid five times as fine; here the centre of a pixel decides."""
        for corners, bits in self.POLYGONS.items():
            ours, theirs = inside_polygon(corners, SIZE), unpacked(bits)
            assert np.count_nonzero(ours != theirs) <= 0.02 * theirs.sum()
            outline = Outline(np.reshape(corners, (-1, 2)), closed=False)
            for row, column in np.argwhere(ours != theirs):
                centre = (column + 0.5, row + 0.5)
                inside = {outline.contains_point(centre, radius=r) for r in (-0.2, 0.2)}
                assert len(inside) == 2  # within 0.2 pixels of the outline


def test_a_window_holds_the_same_pixels_as_the_image():
    rng = np.random.default_rng(3)
    for corners in (3, 5, 8):
        polygon = rng.uniform((-9, -9), (39, 29), (corners, 2))
        window = window_of(polygon, SIZE)
        whole = inside_polygon(polygon, SIZE)
        np.testing.assert_array_equal(inside_polygon(polygon, SIZE, window), whole[window.slices])
        assert whole[window.slices].sum() == whole.sum()
