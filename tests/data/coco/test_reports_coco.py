"""COCO's format as annotation tools write it: layouts, splits, and what stands for an outline."""

import json

import numpy as np
import pytest

from fcn_keras import data

SIZE = (20, 30)
SQUARE = [[4, 2, 12, 2, 12, 8, 4, 8]]


def truth(label=1, area=(2, 8, 4, 12)):
    top, bottom, left, right = area
    mask = np.zeros(SIZE, "uint8")
    mask[top:bottom, left:right] = label
    return mask


def runs(mask):
    flat = np.concatenate([[False], np.asarray(mask, bool).T.ravel()])
    edges = np.flatnonzero(np.diff(flat.astype(int)))
    return np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()


def content_of(names, *annotations, categories=("leaf",), listed=None):
    """A COCO file of images; every one has a square, unless annotations are given."""
    images = [
        {"id": n, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
        for n, name in enumerate(names, 1)
    ]
    squares = [{"image_id": image["id"], "segmentation": SQUARE} for image in images]
    entries = [
        {"id": 100 + n, "image_id": 1, "category_id": 1, "bbox": [4, 2, 8, 6], "iscrowd": 0} | one
        for n, one in enumerate(annotations or squares)
    ]
    named = [{"id": n, "name": name} for n, name in enumerate(categories, 1)]
    return {
        "images": images,
        "annotations": entries,
        "categories": named if listed is None else listed,
    }


@pytest.fixture
def put(tmp_path, write):
    """Writes a JSON file and its images; returns the folder."""

    def put(file, content, *images):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        for image in images:
            pixels = np.random.default_rng(list(image.encode())).integers(0, 256, (*SIZE, 3))
            write.png(tmp_path / image, pixels.astype("uint8"))
        return tmp_path

    return put


@pytest.fixture
def one(put):
    """Loads a file of one image with these annotations, as the split "all"."""

    def one(*annotations, options=None, **fields):
        root = put("labels.json", content_of(["a.png"], *annotations, **fields), "images/a.png")
        return data.load("coco", root, split="all", **(options or {}))

    return one


# Layouts ---------------------------------------------------------------------------------------

NAMES = ("a.png", "b.png")
DIVIDED = {
    "COCO": ("annotations/instances_{}2017.json", "{}2017/", ""),
    "COCO, images in one folder more": ("annotations/instances_{}.json", "images/{}/", ""),
    "Roboflow": ("{valid}/_annotations.coco.json", "{valid}/", ""),
    "Roboflow in a folder": ("eggs-3/{valid}/_annotations.coco.json", "eggs-3/{valid}/", ""),
    "FiftyOne": ("{validation}/labels.json", "{validation}/data/", ""),
    "AutoGluon": ("annotations/{}_labels.json", "images/", ""),
    "labelme2coco": ("{}.json", "photos/", "/home/me/photos/"),
    "Supervisely": ("project/{}/annotations/instances.json", "project/{}/images/", ""),
    "Datumaro": ("annotations/instances_{}.json", "images/{}/", ""),
    "folders in the names": ("annotations/{}.json", "images/{}/", "{}/"),
    "a word more": ("{}_annotations.json", "{}_images/", ""),
    "the same names": ("labels/{}.json", "images/set_{}/", ""),
    "Windows": ("{}.json", "images/{}/", "C:\\work\\images\\{}\\"),
}


@pytest.mark.parametrize("layout", DIVIDED)
def test_names_of_files_and_folders_say_the_splits(put, layout):
    file, folder, before = DIVIDED[layout]
    for split, long in (("train", "train"), ("val", "validation"), ("test", "test")):
        words = {"valid": long[:5], "validation": long}
        content = content_of([before.format(split, **words) + f"{split}_{name}" for name in NAMES])
        place = folder.format(split, **words)
        images = [f"{place}{split}_{name}" for name in NAMES]
        root = put(file.format(split, **words), content, *images)
    for split in ("train", "val", "test"):
        part = data.load("coco", root, split=split)
        assert part.names == (f"{split}_a", f"{split}_b") and part.notes == ()
        np.testing.assert_array_equal(part[0][1], truth())
    report = data.check("coco", root)
    assert report.ok and report.examples == {"train": 2, "val": 2, "test": 2}
    assert not report.warnings and len(report.dataset) == 6


WHOLE = {
    "CVAT": ("annotations/instances_default.json", "images/", ""),
    "CVAT with the subset": ("annotations/instances_default.json", "images/default/", ""),
    "Label Studio": ("result.json", "images/", "images/"),
    "Label Studio, uploads": ("result.json", "images/", "../../label-studio/media/upload/1/"),
    "Label Studio, local files": ("result.json", "images/", "/data/local-files/?d=photos/"),
    "Label Studio, cloud": ("result.json", "images/", "s3://bucket/photos/"),
    "VIA": ("via_project_2Feb_coco.json", "", ""),
    "labelme's script": ("annotations.json", "JPEGImages/", "JPEGImages/"),
    "Supervisely": ("dataset 1/annotations/instances.json", "dataset 1/images/", ""),
    "FiftyOne": ("labels.json", "data/", ""),
    "a URL": ("annotations.json", "images/", "https://example.org/photos/"),
    "TACO": ("data/annotations.json", "data/batch_1/", "batch_1/"),
    "Windows": ("x.json", "img/", "D:\\photos\\"),
}


@pytest.mark.parametrize("layout", WHOLE)
def test_a_file_of_all_images_is_divided_by_a_hash(put, layout):
    file, folder, before = WHOLE[layout]
    names = [f"n{number}.png" for number in range(10)]
    content = content_of([before + name for name in names])
    root = put(file, content, *(folder + name for name in names))
    parts = {split: data.load("coco", root, split=split) for split in ("train", "val", "all")}
    assert [len(part) for part in parts.values()] == [8, 2, 10]
    assert not {*parts["train"].names} & {*parts["val"].names}
    again = data.load("coco", root, split="val")
    assert again.names == parts["val"].names
    assert "val is a fifth of its images (2 of 10), chosen by a hash" in parts["val"].notes[-1]
    assert parts["all"].notes == ()
    report = data.check("coco", root)
    assert report.examples == {"train": 8, "val": 2} and report.ok and not report.warnings
    assert report.notes == parts["train"].notes


def test_the_folders_of_the_images_say_the_splits(put):
    names = ["train/a.png", "train/b.png", "val2020/c.png", "test/d.png"]
    root = put("annotations.json", content_of(names), *(f"images/{name}" for name in names))
    assert data.coco.splits(root) == ["train", "val", "test"]
    assert data.load("coco", root, split="train").names == ("a", "b")
    assert data.load("coco", root, split="test").names == ("d",)
    (note,) = data.load("coco", root, split="val").notes
    assert note.endswith("folders of the images say their split: 1 in test, 2 in train, 1 in val.")


def test_names_without_folders_are_found_in_the_folders_of_splits(put):
    root = put("all.json", content_of(["a.png", "b.png"]), "images/train/a.png", "images/val/b.png")
    assert data.load("coco", root, split="train").names == ("a",)
    assert data.load("coco", root, split="val").names == ("b",)


def test_a_single_image_is_for_training(put):
    root = put("result.json", content_of(["a.png"]), "images/a.png")
    report = data.check("coco", root)
    assert report.ok and report.examples == {"train": 1}
    assert report.notes == ("result.json has too few images to keep some for val.",)
    with pytest.raises(ValueError, match="has no split 'val'; it has train, all"):
        data.load("coco", root, split="val")


@pytest.mark.parametrize("file", ["instances_default.json", "annotations/instances_default.json"])
def test_the_file_itself_may_be_named(put, file):
    names = [f"{n}.png" for n in range(5)]
    root = put(file, content_of(names), *(f"images/{n}" for n in names))
    assert data.coco.splits(root / file) == ["train", "val"]
    assert len(data.load("coco", root / file, split="train")) == 4


def test_a_split_has_two_names(put):
    names = [f"{n}.png" for n in range(5)]
    root = put("all.json", content_of(names), *(f"images/{n}" for n in names))
    assert (
        data.load("coco", root, split="validation").names
        == data.load("coco", root, split="val").names
    )


def test_copies_of_a_photograph_stay_together(put):
    names = [f"p{n}_jpg.rf.{copy * 8}.png" for n in range(5) for copy in "0123"]
    root = put("_annotations.coco.json", content_of(names), *names)
    for split, count in (("train", 16), ("val", 4)):
        part = data.load("coco", root, split=split)
        assert len(part) == count and len({name[:2] for name in part.names}) == count // 4


def test_a_named_file_that_says_a_split_is_that_split(put):
    root = put("my_train.json", content_of(NAMES), *(f"images/{name}" for name in NAMES))
    put(
        "rest.json",
        content_of([f"r{n}.png" for n in range(5)]),
        *(f"images/r{n}.png" for n in range(5)),
    )
    train = data.load("coco", root, split="train", annotations="my_train.json")
    assert len(train) == 2 and train.notes == ()
    (note,) = data.load("coco", root, split="val", annotations="my_train.json").notes
    assert "all of it is the split 'val'" in note and "its name says 'train'" in note
    assert len(data.load("coco", root, split="val", annotations="rest.json")) == 1
    assert len(data.load("coco", root, split="all", annotations="rest.json")) == 5


def test_files_beside_are_used_or_named(put):
    root = put("train/_annotations.coco.json", content_of(["a.png"]), "train/a.png")
    put("valid/_annotations.coco.json", content_of(["b.png"]), "valid/b.png")
    put("merged.json", content_of(["a.png", "b.png"]))
    put("meta.json", {"classes": []})
    (note,) = data.load("coco", root).notes
    assert note.startswith("merged.json: not used")


def test_the_newest_year_counts_and_parts_of_it_do_not(put):
    for name in ("train2014", "train2017", "train2017_mini", "minitrain2017"):
        content = content_of([f"{name}.png"])
        root = put(f"annotations/instances_{name}.json", content, f"images/{name}.png")
    assert data.load("coco", root).names == ("train2017",)
    assert data.load("coco", root, split="train2014").names == ("train2014",)
    assert data.load("coco", root, split="minitrain2017").names == ("minitrain2017",)


def test_several_files_that_could_be_meant_are_named(put):
    for name in ("cats.json", "dogs.json"):
        root = put(name, content_of(["a.png"]), "images/a.png")
    with pytest.raises(
        ValueError, match="several annotation files.*cats.json, dogs.json.*annotations=FILE"
    ):
        data.load("coco", root)


def test_a_data_set_may_be_called_test(put):
    names = [f"{n}.png" for n in range(5)]
    root = put("test/result.json", content_of(names), *(f"test/images/{n}" for n in names))
    assert data.check("coco", root / "test").examples == {"train": 4, "val": 1}


def test_a_split_that_is_not_there(put):
    root = put("valid/_annotations.coco.json", content_of(["a.png"]), "valid/a.png")
    wanted = r"no annotation file for the split 'train'.*val \(valid/_annotations"
    with pytest.raises(FileNotFoundError, match=wanted):
        data.load("coco", root, split="train")


def test_an_export_of_train_alone_is_divided(put):
    names = [f"{n}.png" for n in range(5)]
    root = put(
        "x/train/_annotations.coco.json", content_of(names), *(f"x/train/{n}" for n in names)
    )
    put("x/test/_annotations.coco.json", content_of(["t.png"]), "x/test/t.png")
    assert data.check("coco", root).examples == {"train": 4, "val": 1, "test": 1}
    (note,) = data.load("coco", root).notes
    assert note.startswith("x/train/_annotations.coco.json has no file for val beside it: val is a")
    assert len(data.load("coco", root / "x" / "train")) == 5  # this folder is train


def test_the_download_of_train_alone_is_whole(put):
    names = [f"{n}.png" for n in range(5)]
    root = put(
        "annotations/instances_train2017.json",
        content_of(names),
        *(f"train2017/{n}" for n in names),
    )
    assert len(data.load("coco", root)) == 5 and data.coco.splits(root) == ["train"]
    with pytest.raises(FileNotFoundError, match="no annotation file for the split 'val'"):
        data.load("coco", root, split="val")


def test_the_folder_of_one_split_is_that_split(put):
    for split in ("train", "valid"):
        names = [f"{split}{n}.png" for n in range(5)]
        root = put(
            f"{split}/_annotations.coco.json", content_of(names), *(f"{split}/{n}" for n in names)
        )
    assert len(data.load("coco", root / "valid", split="val")) == 5


def test_an_image_of_another_split_is_not_taken_for_one_that_is_missing(put):
    put("train/_annotations.coco.json", content_of(["0.png", "1.png"]), "train/0.png")
    root = put("valid/_annotations.coco.json", content_of(["1.png"]), "valid/1.png")
    with pytest.raises(FileNotFoundError, match="image of '1' is not in .*train"):
        data.load("coco", root)
    (problem,) = data.check("coco", root).problems
    assert problem.kind == "missing" and str(root / "train" / "1.png") in problem.message


def test_a_file_may_name_images_in_the_folder_of_another_split(put):
    names = ["train2014/0.png", "val2014/1.png"]
    root = put("annotations/train.json", content_of(names), *names)
    assert data.load("coco", root, annotations="annotations/train.json").names == ("0", "1")


def test_images_may_lie_elsewhere_on_this_machine(put, tmp_path, monkeypatch):
    put("set/x.json", "", "photos/a.png", "photos/b.png")
    root = put("set/x.json", content_of([str(tmp_path / "photos/a.png"), "photos/b.png"])) / "set"
    monkeypatch.chdir(tmp_path)
    assert data.load("coco", root, split="all").names == ("a", "b")


def test_images_that_are_nowhere(put):
    root = put("result.json", content_of(["images/a.png"]))
    with pytest.raises(FileNotFoundError, match="none of the 1 images.*a.png.*images=FOLDER"):
        data.load("coco", root, split="all")


def test_spellings_of_names(put):
    names = ["my%20photo.png", "B.PNG", "cafe\u0301.png", "1a2b3c4d-old.png", "new.tif"]
    root = put(
        "x.json",
        content_of(names),
        "images/my photo.png",
        "images/b.png",
        "images/caf\u00e9.png",
        "images/old.png",
        "images/new.png",
    )
    part = data.load("coco", root, split="all")
    assert [path.name for path in part.images] == [
        "my photo.png",
        "b.png",
        "caf\u00e9.png",
        "old.png",
        "new.png",
    ]
    assert part.notes[0].startswith(
        "x.json: 4 images found by another spelling; the first: B.PNG is b.png"
    )


def test_equal_names_in_two_folders(put):
    names = ["x/0.png", "y/0.png"]
    root = put("x.json", content_of(names), *(f"images/{name}" for name in names))
    assert data.load("coco", root, split="all").names == ("images/x/0", "images/y/0")
    (root / "images" / "y" / "0.png").unlink()
    (root / "images" / "x" / "0.png").rename(root / "images" / "0.png")
    with pytest.raises(ValueError, match="x/0.png and y/0.png are two images.*Keep the folders"):
        data.load("coco", root, split="all")
    root = put("x.json", content_of(["0.png"]), "images/u/0.png", "images/v/0.png")
    (root / "images" / "0.png").unlink()
    with pytest.raises(ValueError, match="2 files may be the image 0.png"):
        data.load("coco", root, split="all")


# What stands for an outline --------------------------------------------------------------------


def test_boxes_without_an_outline_are_counted_and_decided_by_an_option(one):
    box, outlined = {"segmentation": [], "bbox": [10, 4, 15, 10]}, {"segmentation": SQUARE}
    background = one(outlined, box, {"bbox": [0, 0, 2, 2], "segmentation": None})
    np.testing.assert_array_equal(background[0][1], truth())
    (note,) = background.notes
    assert (
        "labels.json: 2 annotations (the first: annotation 101) have a box and no outline" in note
    )
    assert "boxes=fill" in note and "boxes=void" in note
    for choice, value in (("fill", 1), ("void", 255)):
        part = one(outlined, box, options={"boxes": choice})
        expected = np.maximum(truth(value, (4, 14, 10, 25)), 0)
        expected[2:8, 4:12] = 1  # the smaller object covers the larger
        np.testing.assert_array_equal(part[0][1], expected)
        assert (
            f"no outline: the box {'has its class' if value == 1 else 'is void'}." in part.notes[0]
        )
    with pytest.raises(ValueError, match="`boxes` must be one of 'fill', 'void', got 'on'"):
        one(outlined, box, options={"boxes": "on"})


def test_boxes_alone_are_refused(one):
    with pytest.raises(
        ValueError, match="labels.json: none of the 2 annotations has an outline.*boxes=fill"
    ):
        one({"bbox": [1, 1, 4, 4]}, {"segmentation": [], "bbox": [9, 9, 3, 3]})


def test_neither_outline_nor_box(one):
    part = one({"segmentation": SQUARE}, {"segmentation": [[]], "bbox": [], "keypoints": [3, 3, 2]})
    np.testing.assert_array_equal(part[0][1], truth())
    assert part.notes == (
        "labels.json: annotation 101 has neither outline nor box and is left out.",
    )


@pytest.mark.parametrize("areas", [(None, None), (0, 0), ([], 5), ("x", 1), (1, 9999)])
def test_the_smaller_object_covers_whatever_area_says(one, areas):
    small, large = SQUARE, [[0, 0, 30, 0, 30, 20, 0, 20]]
    entries = [{"segmentation": s, "category_id": c, "area": a}
               for s, c, a in zip((small, large), (2, 1), areas, strict=True)]  # fmt: skip
    for ordered in (entries, entries[::-1]):
        expected = np.ones(SIZE, "uint8")
        expected[2:8, 4:12] = 2
        np.testing.assert_array_equal(one(*ordered, categories=("a", "b"))[0][1], expected)


def test_what_lies_outside_the_image_is_cut_off_and_counts_for_no_size(one):
    """Of the larger polygon 100 pixels are in the image, of the smaller one 128."""
    wide, other = [[-400, 0, 5, 0, 5, 20, -400, 20]], [[0, 0, 16, 0, 16, 8, 0, 8]]
    entries = [{"segmentation": wide, "category_id": 1}, {"segmentation": other, "category_id": 2}]
    label = one(*entries, categories=("a", "b"))[0][1]
    assert (label == 1).sum() == 100 and (label == 2).sum() == 128 - 5 * 8


def test_many_crowds_are_named_with_the_option(one):
    brush = {"size": list(SIZE), "counts": runs(truth())}
    crowds = [{"segmentation": brush, "iscrowd": 1}] * 3
    part = one(*crowds)
    np.testing.assert_array_equal(part[0][1], truth(255))
    assert "3 of 3 annotations are crowds (iscrowd=1), which become void" in part.notes[0]
    assert "pass crowd" in part.notes[0]
    objects = one(*crowds, options={"crowd": True})
    np.testing.assert_array_equal(objects[0][1], truth(1))
    assert objects.notes == one(*crowds, options={"crowd": False}).notes == ()


def test_few_crowds_are_named_where_a_tool_wrote_them(one):
    brush = {"segmentation": {"size": list(SIZE), "counts": runs(truth())}, "iscrowd": 1}
    plain = [{"segmentation": SQUARE}] * 19
    assert one(*plain, brush).notes == ()
    assert "1 of 20 annotations are crowds" in one(*plain, brush | {"attributes": {}}).notes[0]
    assert "are crowds" in one(*plain, {"segmentation": SQUARE, "iscrowd": 1}).notes[0]


def test_objects_outside_the_image_are_counted(one):
    far = {"segmentation": [[40, 2, 50, 2, 50, 8]], "bbox": [40, 2, 10, 6]}
    part = one({"segmentation": SQUARE}, far, far)
    np.testing.assert_array_equal(part[0][1], truth())
    (note,) = part.notes
    assert "2 annotations (the first: annotation 101) lie outside their images" in note
    assert one({"segmentation": SQUARE}, far | {"segmentation": SQUARE}).notes == ()


def test_an_outline_with_two_classes_is_counted(one):
    twice = [{"segmentation": SQUARE, "category_id": c} for c in (1, 2)]
    part = one(*twice, categories=("a", "b"))
    np.testing.assert_array_equal(part[0][1], truth(2))
    (note,) = part.notes
    assert "annotation 101 has the outline of another one with another class" in note
    assert one(twice[0], twice[0]).notes == ()


def test_images_that_nobody_annotated_are_counted(put):
    names = [f"{n}.png" for n in range(12)]
    one = {"segmentation": SQUARE}
    root = put("all.json", content_of(names, one), *(f"images/{name}" for name in names))
    (note,) = data.load("coco", root, split="all").notes
    assert note.startswith("all.json: 11 of 12 images have no annotation")


FORMS = {
    "nested": (SQUARE, ""),
    "flat": (SQUARE[0], "annotation 100 has one plain list of numbers; it was read as x, y, x, y"),
    "points": ([[4, 2], [12, 2], [12, 8], [4, 8]], "annotation 100 has a list of points [x, y]"),
    "polygons of points": ([[[4, 2], [12, 2], [12, 8], [4, 8]]], ""),
    "one bracket too many": ([SQUARE], ""),
    "floats": ([[4.0, 2.0, 12.0, 2.0, 12.0, 8.0, 4.0, 8.0]], ""),
    "closed": ([[*SQUARE[0], 4, 2]], ""),
    "counts": ({"size": list(SIZE), "counts": runs(truth())}, ""),
    "float counts": ({"size": [20.0, 30.0], "counts": list(map(float, runs(truth())))}, ""),
    "counts in a list": ([{"size": list(SIZE), "counts": runs(truth())}], ""),
    "bytes as text": ({"size": list(SIZE), "counts": "b'b26>0000000000000V;'"}, ""),
    "a thin part": ([*SQUARE, [1, 1, 25, 15], [3, 3]], "2 annotations (the first: annotation 100)"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_an_outline(one, form, same_in_batches):
    segmentation, note = FORMS[form]
    part = one({"segmentation": segmentation})
    np.testing.assert_array_equal(part[0][1], truth())
    assert len(part.notes) == bool(note) and note in "".join(part.notes)
    same_in_batches(part)


WRONG = {
    "odd": ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "annotation 100 has a polygon of 7 numbers"),
    "words": ({"segmentation": [["a", "b", 1, 2, 3, 4]]}, "annotation 100 has 'a' in a polygon"),
    "text": (
        {"segmentation": "[[1,2,3]]"},
        "annotation 100 has the segmentation .*list of polygons",
    ),
    "no size": (
        {"segmentation": {"counts": [1]}},
        "annotation 100 has run lengths without their size",
    ),
    "fractions": (
        {"segmentation": [[0.1, 0.1, 0.9, 0.1, 0.5, 0.8]]},
        "annotation 100 and others have polygons .*0 to 0.9: fractions",
    ),
    "category": (
        {"segmentation": SQUARE, "category_id": 9},
        "annotation 100 has the category_id 9, which is not among 'categories'",
    ),
    "no category": (
        {"segmentation": SQUARE, "category_id": None},
        "annotation 100 has the category_id None",
    ),
    "image": (
        {"segmentation": SQUARE, "image_id": 77},
        "annotation 100 has the image_id 77, which is not among 'images'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors_name_the_annotation(one, case):
    annotation, message = WRONG[case]
    with pytest.raises(ValueError, match=f"labels.json: .*{message}"):
        one(annotation)


DRAWN = {
    "size": ({"size": [10, 30], "counts": [300]}, r"size \[10, 30\] for an image of \[20, 30\]"),
    "turned": ({"size": [30, 20], "counts": [600]}, "the turned image"),
    "too short": ({"size": list(SIZE), "counts": [5, 6]}, "run lengths of 11 pixels"),
    "half": ({"size": list(SIZE), "counts": [599.5, 0.5]}, "not whole numbers"),
    "nan": ([[1, 2, float("nan"), 4, 5, 6]], "a coordinate that is no number"),
}


@pytest.mark.parametrize("case", DRAWN)
def test_outlines_that_do_not_fit_name_the_annotation_and_the_image(one, case):
    segmentation, message = DRAWN[case]
    part = one({"segmentation": segmentation})
    with pytest.raises(
        ValueError, match=rf"labels.json: the outline of annotation 100 in .*a.png.*{message}"
    ):
        part[0]


# Images and categories -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [{}, {"height": 0, "width": 0}, {"height": None, "width": 30}])
def test_a_missing_size_is_that_of_the_file(put, size):
    content = content_of(["a.png"])
    content["images"] = [{"id": 1, "file_name": "a.png"} | size]
    root = put("labels.json", content, "images/a.png")
    part = data.load("coco", root, split="all")
    np.testing.assert_array_equal(part[0][1], truth())
    assert part.notes == (
        "labels.json: image a.png has no height and width in it; those of the image file count.",
    )


def test_another_size_than_the_files_is_a_problem(put):
    content = content_of(["a.png"])
    content["images"][0] |= {"height": 40, "width": 60}
    report = data.check("coco", put("labels.json", content, "images/a.png"), split="all")
    assert [problem.kind for problem in report.problems] == ["size"]


def test_an_image_that_is_listed_twice_has_all_its_annotations(put):
    content = content_of(["a.png", "a.png"])
    content["annotations"][1]["segmentation"] = [[0, 0, 2, 0, 2, 2, 0, 2]]
    part = data.load("coco", put("labels.json", content, "images/a.png"), split="all")
    np.testing.assert_array_equal(part[0][1], truth() | truth(1, (0, 2, 0, 2)))
    assert len(part) == 1 and "image a.png is listed twice" in part.notes[0]


def test_two_images_of_one_id_are_refused(put):
    content = content_of(["a.png", "b.png"])
    content["images"][1]["id"] = 1
    with pytest.raises(ValueError, match="two images have the id 1: a.png and b.png"):
        data.load("coco", put("labels.json", content, "images/a.png", "images/b.png"), split="all")


def test_ids_may_be_words(put):
    content = content_of(["a.png", "b.png"])
    content["images"][0]["id"], content["images"][1]["id"] = "1", "x"
    content["annotations"][1] |= {"image_id": "x", "category_id": "1"}
    part = data.load(
        "coco", put("labels.json", content, "images/a.png", "images/b.png"), split="all"
    )
    assert part.names == ("a", "b")
    assert all((label == truth()).all() for _, label in part)


CATEGORIES = {
    "from 0": ([(0, "a"), (1, "b")], ("a", "b"), ""),
    "Roboflow": (
        [(0, "eggs", "none"), (1, "a", "eggs"), (2, "b", "eggs")],
        ("a", "b"),
        "only groups",
    ),
    "Roboflow, of one name": ([(0, "a", "none"), (1, "a", "a")], ("a",), "only groups"),
    "one name twice": ([(1, "a"), (4, "a"), (5, "b")], ("a", "b"), "1 and 4 are both named 'a'"),
    "one name in two groups": (
        [(1, "top", "car"), (2, "top", "box")],
        ("car/top", "box/top"),
        "became car/top, box/top",
    ),
    "words as ids": ([("z", "b"), ("y", "a"), ("zz", "c")], ("a", "b", "c"), ""),
}


@pytest.mark.parametrize("case", CATEGORIES)
def test_categories(one, case):
    entries, names, note = CATEGORIES[case]
    keys = ("id", "name", "supercategory")
    listed = [dict(zip(keys, entry, strict=False)) for entry in entries]
    part = one({"segmentation": SQUARE, "category_id": entries[-1][0]}, listed=listed)
    assert part.labels.names == ("background", *names)
    np.testing.assert_array_equal(part[0][1], truth(len(names)))
    assert len(part.notes) == bool(note) and note in "".join(part.notes)


def test_classes_are_numbered_as_those_of_train(put):
    """As labelme2coco does, run on each folder: ids in the order in which it met the names."""
    for split, listed in (("train", "xyz"), ("valid", "zx"), ("test", "zxyw")):
        content = content_of([f"{split}.png"], {"segmentation": SQUARE}, categories=listed)
        root = put(f"{split}/dataset.json", content, f"{split}/{split}.png")
    val = data.load("coco", root, split="valid")
    assert val.labels.names == ("background", "x", "y", "z")
    np.testing.assert_array_equal(val[0][1], truth(3))
    assert val.notes == (
        "The categories are numbered as in train/dataset.json; they were matched by their names.",
    )
    (problem,) = data.check("coco", root).problems
    assert problem.split == "test" and "test has background, z, x, y, w" in problem.message


def test_background_and_void_among_the_categories(put):
    content = content_of(
        ["a.png"],
        *(
            {"segmentation": s, "category_id": c}
            for s, c in (
                ([[0, 0, 30, 0, 30, 20, 0, 20]], 3),
                ([[2, 1, 20, 1, 20, 15, 2, 15]], 0),
                (SQUARE, 7),
            )
        ),
    )
    content["categories"] = [
        {"id": 0, "name": "_background_"}, {"id": 3, "name": "void"}, {"id": 7, "name": "leaf"},
    ]  # fmt: skip
    part = data.load("coco", put("labels.json", content, "images/a.png"), split="all")
    assert part.labels.names == ("background", "leaf")
    expected = np.full(SIZE, 255, "uint8")
    expected[1:15, 2:20] = 0
    expected[2:8, 4:12] = 1
    np.testing.assert_array_equal(part[0][1], expected)
    assert "'_background_' (id 0) was read as class 0" in part.notes[0]
    assert "'void' (id 3) was read as void" in part.notes[1]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([{"id": 1}], "category 1 has no name"),
        ([{"id": 1, "name": " "}], "category 1 has no name"),
        ([{"name": "a"}], "entry 0 of 'categories' has no id"),
        ([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], "two categories have the id 1: 'a' and"),
        ([], "the list 'categories' is empty"),
    ],
)
def test_categories_that_mean_nothing(one, listed, message):
    with pytest.raises(ValueError, match=f"labels.json: {message}"):
        one({"segmentation": SQUARE}, listed=listed)


# Other files -----------------------------------------------------------------------------------

FILES = {
    "captions": (
        {"images": [], "categories": [], "annotations": [{"caption": "a dog"}]},
        "captions.*instances",
    ),
    "panoptic": (
        {"images": [], "categories": [], "annotations": [{"segments_info": []}]},
        "panoptic.*PNG",
    ),
    "test set": ({"images": [{}], "categories": []}, "images without annotations"),
    "results": ([{"image_id": 1, "score": 0.5}], "list of results"),
    "Label Studio": ([{"id": 1, "data": {}}], "Label Studio.*label-studio:DIR"),
    "labelme": ({"shapes": [], "imagePath": "a.png"}, "labelme's own format"),
    "VIA": ({"a.png123": {"regions": []}}, "VIA's own format"),
    "GeoJSON": ({"type": "FeatureCollection", "features": []}, "GeoJSON"),
    "no categories": ({"images": [], "annotations": []}, "no list 'categories'"),
    "nothing": ("", "no whole JSON file"),
    "cut off": ('{"images": [{"id": 1', "no whole JSON file.*cut off"),
    "no objects": (
        {"images": [3], "annotations": [], "categories": []},
        "entry 0 of 'images' is 3",
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_other_files_are_refused_by_their_name(put, kind):
    content, message = FILES[kind]
    root = put("file.json", content)
    with pytest.raises(ValueError, match=f"file.json.*{message}"):
        data.load("coco", root, annotations="file.json")
    if kind not in ("no categories",):
        with pytest.raises(ValueError, match=f"file.json.*{message}"):
            data.load("coco", root)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_does_no_harm(put, encoding):
    root = put("train.json", "", "images/a.png")
    (root / "train.json").write_text(json.dumps(content_of(["a.png"])), encoding=encoding)
    assert data.load("coco", root).names == ("a",)


def test_train_and_val_side_by_side_are_checked(put, check_data):
    for split in ("train", "val"):
        content = content_of([f"{split}.png"])
        root = put(f"annotations/instances_{split}2017.json", content, f"{split}2017/{split}.png")
    code, printed = check_data(f"coco:{root}")
    assert code == 0 and "1 in train, 1 in val" in printed and "note" not in printed


def test_equal_names_in_the_folders_of_the_splits(put):
    for split in ("train", "val"):
        root = put(f"{split}.json", content_of(["0.png"]), f"{split}_images/0.png")
    assert data.load("coco", root, split="val").images == (root / "val_images" / "0.png",)
    assert data.load("coco", root, split="train").images == (root / "train_images" / "0.png",)
