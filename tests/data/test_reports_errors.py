"""Files in other encodings, and errors that name the file, the cause and the remedy."""

import json

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data

ENCODINGS = ("utf-8-sig", "utf-16", "utf-32")


def rewritten(path, encoding):
    path.write_text(path.read_text(encoding="utf-8"), encoding=encoding)


class TestEncodings:
    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_lists_and_classes_mean_the_same_in_every_unicode(self, parts, encoding):
        (parts / "train.txt").write_text("0\n2\n")
        (parts / "classes.txt").write_text("ремень\n螺母\nécrou\n", encoding="utf-8")
        expected = data.load("folder", parts)
        for name in ("train.txt", "classes.txt"):
            rewritten(parts / name, encoding)
        found = data.load("folder", parts)
        assert found.names == expected.names == ("0", "2")
        assert found.labels.names == ("ремень", "螺母", "écrou")
        np.testing.assert_array_equal(found[1][1], expected[1][1])

    @pytest.mark.parametrize("name", ["train.txt", "classes.txt"])
    def test_latin_1_is_refused_by_name(self, parts, command, name):
        (parts / name).write_bytes("0\nécrou\n1\n".encode("latin-1"))
        code, _, errors = command("check-data", f"folder:{parts}", "--sheet", parts / "sheet.png")
        assert code == 1
        assert f"{name} is not UTF-8: line 2" in errors
        assert "'écrou'" in errors

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_coco_json_is_read_in_every_unicode(self, tmp_path, encoding):
        (tmp_path / "annotations").mkdir()
        (tmp_path / "train2017").mkdir()
        Image.fromarray(np.zeros((8, 8, 3), "uint8")).save(tmp_path / "train2017" / "0.png")
        outline = [1, 1, 4, 1, 4, 4, 1, 4]
        content = {
            "images": [{"id": 1, "file_name": "0.png", "height": 8, "width": 8}],
            "categories": [{"id": 3, "name": "écrou"}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [outline], "area": 9}
            ],
        }
        (tmp_path / "annotations" / "instances_train2017.json").write_text(
            json.dumps(content, ensure_ascii=False), encoding=encoding
        )
        found = data.load("coco", tmp_path)
        assert found.labels.names == ("background", "écrou")
        assert (found[0][1] == 1).sum() == 9
