"""cvat:DIR draws the shapes of CVAT's annotations.xml."""

import numpy as np
import pytest

from fcn_keras import data

SIZE = (20, 30)
XML = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>7</id><name>parts</name><labels>
    <label><name>nut</name><color>#ff6037</color><type>any</type><attributes></attributes></label>
    <label><name>bolt</name><color>#32b7fa</color><type>any</type><attributes></attributes></label>
  </labels></task></meta>
  {images}
</annotations>
"""
IMAGE = '<image id="{id}" name="{name}.jpg" {more} width="30" height="20">{shapes}</image>'


@pytest.fixture
def task(tmp_path, write):
    """task({name: shapes}, {name: attributes}) writes an export and returns its folder."""

    def task(shapes, more=None):
        images = []
        for number, (name, found) in enumerate(shapes.items()):
            write.photo(tmp_path / "images" / f"{name}.jpg")
            has = {"id": number, "name": name, "more": (more or {}).get(name, "")}
            images.append(IMAGE.format(**has, shapes=found))
        write.text(tmp_path / "annotations.xml", XML.format(images="\n".join(images)))
        return tmp_path

    return task


def test_polygons_boxes_ellipses_and_masks_are_drawn_in_the_order_of_z(task):
    root = task({"a": """
        <box label="bolt" occluded="0" xtl="2.00" ytl="3.00" xbr="10.00" ybr="9.00" z_order="1"/>
        <polygon label="nut" points="1.00,1.00;16.00,1.00;16.00,6.00;1.00,6.00" z_order="0"/>
        <ellipse label="nut" cx="20" cy="12" rx="6" ry="4" z_order="0"/>
        <mask label="bolt" rle="1, 2, 2, 1" left="24" top="1" width="3" height="2" z_order="0"/>
        <box label="nut" xtl="3" ytl="14" xbr="9" ybr="16" rotation="90" z_order="0"/>
        <tag label="nut"/>
    """})  # fmt: skip
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    expected = np.zeros(SIZE, "uint8")
    expected[1:6, 1:16] = 1
    expected[((columns - 20) / 6) ** 2 + ((rows - 12) / 4) ** 2 < 1] = 1
    expected[1, 25:27] = expected[2, 26] = 2  # off on on, off off on
    expected[12:18, 5:7] = 1  # 6 x 2 about (6, 15), turned
    expected[3:9, 2:10] = 2
    dataset = data.load("cvat", root, split="all")
    assert dataset.labels.names == ("background", "nut", "bolt")
    assert dataset.labels.palette[1] == (255, 96, 55)
    np.testing.assert_array_equal(dataset.read_target(0), expected)
    assert any("tags are left out" in note for note in dataset.notes)


def test_subsets_are_the_splits(task):
    box = '<box label="nut" xtl="3" ytl="4" xbr="9" ybr="6" z_order="0"/>'
    other = '<box label="bolt" xtl="3" ytl="4" xbr="9" ybr="6" z_order="0"/>'
    subsets = {"a": 'subset="Train"', "b": 'subset="Train"', "c": 'subset="Validation"'}
    report = data.check("cvat", task({"a": box, "b": other, "c": box}, subsets), progress=False)
    assert report.ok, report.problems
    assert report.examples == {"train": 2, "val": 1}


def test_tracks_of_a_video_and_other_files_are_refused(tmp_path, write):
    write.text(tmp_path / "annotations.xml", "<annotations><track id='0'/></annotations>")
    with pytest.raises(ValueError, match='annotations.xml is an export "CVAT for video'):
        data.load("cvat", tmp_path)
    write.text(tmp_path / "annotations.xml", "<annotations><image")
    with pytest.raises(ValueError, match="no whole XML file"):
        data.load("cvat", tmp_path)
    with pytest.raises(FileNotFoundError, match="Segmentation mask 1.1.*voc:DIR"):
        data.load("cvat", tmp_path / "absent")


def test_a_shape_without_meaning_is_refused_by_its_image(task):
    root = task({"a": '<polygon label="nut" points="1;2"/>'})
    with pytest.raises(ValueError, match="a polygon of 'nut' on 'a.jpg' is wrong"):
        data.load("cvat", root)
