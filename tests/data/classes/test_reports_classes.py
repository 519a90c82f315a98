"""Lists of classes as people and tools write them: what each class's value and colour are."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data
from fcn_keras.data.classes.reading import labels_and_reader, read_list

LABELME = "__ignore__\n_background_\ncat\ndog\n"
CVAT = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nweld:250,50,83::\ncrack:0,0,255::\n"
ITK_SNAP = (
    "# ITK-SnAP Label Description File\n# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL\n"
    '    0     0    0    0        0  0  0    "Clear Label"\n'
    '    4   255    0    0        1  1  1    "Lesion 1"\n'
)
META = '{"label_map": {"0": "bg", "2": "obj"}, "segmentation_colors": [[0,0,0],[9,8,7]]}'


def read(text, tmp_path, name="classes.txt", reading=None):
    """{name: values of index masks}, {name: colour}, the notation; void is in neither."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = read_list(path, reading)
    labels, reader = labels_and_reader(found)
    values = {
        label: np.flatnonzero(reader.table == number).tolist()
        for number, label in enumerate(labels.names)
    }
    colors = {}
    if reader.palette_is_key:
        colors = dict(zip(labels.names, labels.palette, strict=True))
    return values, colors, found.notation


@pytest.mark.parametrize("text", [
    "obj: 1\nbg: 0\n",
    "1: obj\n0: bg\n",
    "obj,1\nbg,0\n",
    "1, obj\n0, bg\n",
    "obj;1\nbg;0\n",
    "obj\t1\nbg\t0\n",
    "1\tobj\n0\tbg\n",
    "obj|1\nbg|0\n",
    "obj -> 1\nbg -> 0\n",
    "1 = obj\n0 = bg\n",
    "obj：1\nbg：0\n",
    "0 bg\n1 obj\n",
    "0. bg\n1. obj\n",
    '"obj" 1\n"bg" 0\n',
    "Pixel Value, Class\n0, bg\n1, obj\n",
    "id,name\n1,obj\n0,bg\n",
    "name;value\nobj;1\nbg;0\n",
    "label,name\n0,bg\n1,obj\n",
    "value name\n1 obj\n0 bg\n",
    "# value name\n1 obj\n0 bg\n",
    "Idx\tRatio\tTrain\tVal\tStuff\tName\n0\t0.1\t5\t1\t1\tbg\n1\t0.2\t6\t1\t0\tobj\n",
    "names:\n  0: bg\n  1: obj\n",
    "nc: 2\nnames: ['bg', 'obj']\n",
    "names:\n- bg\n- obj\n",
    "obj: 1\nbg: 0\nvoid: 255\n",
    "obj: 1\nbg: 0\nvoid: -1\n",
    "obj, 1,\nbg, 0,\n",
    "Label: Value\nobj: 1\nbg: 0\n",
])  # fmt: skip
def test_a_value_and_a_name(text, tmp_path):
    values, colors, notation = read(text, tmp_path)
    assert values == {"bg": [0], "obj": [1]} and not colors and notation


@pytest.mark.parametrize("text", [
    "name,r,g,b\nbg,0,0,0\nobj,255,9,0\n",
    "name red green blue\nbg 0 0 0\nobj 255 9 0\n",
    "name,color\nbg,#000000\nobj,#ff0900\n",
    "name,color\nbg,0,0,0\nobj,255,9,0\n",
    'label;rgb\nbg;"0,0,0"\nobj;"255 9 0"\n',
    "bg #000000\nobj #FF0900  # red\n",
    "bg,#000\nobj,#f90\n".replace("#f90", "#ff0900"),
    "0 0 0 bg\n255 9 0 obj\n",
    "0\t0\t0\t\tbg\n255\t9\t0\t\tobj\n",
    "bg: 0, 0, 0\nobj: 255, 9, 0\n",
    "bg (0, 0, 0)\nobj (255, 9, 0)\n",
    "bg: [0, 0, 0],\nobj: [255, 9, 0],\n",
    "bg,0,0,0,255\nobj,255,9,0,255\n",
    "bg:0,0,0::\nobj:255,9,0::\n",
])  # fmt: skip
def test_a_name_and_a_colour(text, tmp_path):
    values, colors, notation = read(text, tmp_path)
    assert values == {"bg": [0], "obj": [1]}
    assert colors == {"bg": (0, 0, 0), "obj": (255, 9, 0)} and notation


@pytest.mark.parametrize("text", [
    "bg,0,0,0,1\nobj,255,9,0,0\n",
    "bg,1,0,0,0\nobj,0,255,9,0\n",
    "1,bg,0,0,0\n0,obj,255,9,0\n",
    "bg 0 0 0 = 1\nobj 255 9 0 = 0\n",
    "id,name,r,g,b\n1,bg,0,0,0\n0,obj,255,9,0\n",
    "name,id,color\nbg,1,0,0,0\nobj,0,255,9,0\n",
    "# Color table\n0,obj,255,9,0,255\n1,bg,0,0,0,255\n",
    "bg,1,#000000\nobj,0,#ff0900\n",
    "bg,#000000,1\nobj,#ff0900,0\n",
    "bg (0,0,0) = 1\nobj (255,9,0) = 0\n",
])  # fmt: skip
def test_a_name_a_colour_and_a_value(text, tmp_path):
    values, colors, _ = read(text, tmp_path)
    assert values == {"bg": [1], "obj": [0]}
    assert colors == {"bg": (0, 0, 0), "obj": (255, 9, 0)}


@pytest.mark.parametrize(("text", "values"), [
    ("ground\ntree\n", {"ground": [0], "tree": [1]}),
    ("road2\nf16\n", {"road2": [0], "f16": [1]}),
    ("zone_1\nzone-2\n", {"zone_1": [0], "zone-2": [1]}),
    ("background\nzone 1\nzone 2\n", {"background": [0], "zone 1": [1], "zone 2": [2]}),
    ("zone 0\nzone 1\n", {"zone 0": [0], "zone 1": [1]}),
    ("type 1\nother 1\n", {"type 1": [0], "other 1": [1]}),
    ("5 mm\n10 mm\n20 mm\n", {"5 mm": [0], "10 mm": [1], "20 mm": [2]}),
    ("0\n1\n2\n", {"0": [0], "1": [1], "2": [2]}),
    ("wall, wet\nroad, dry\n", {"wall, wet": [0], "road, dry": [1]}),
    ("a:b\nc:d\n", {"a:b": [0], "c:d": [1]}),
    ("void\nroad\ncar\n", {"road": [1], "car": [2]}),
    ("bg = 0 # ground\negg = 1-3\nvoid = 7\n", {"bg": [0], "egg": [1, 2, 3]}),
    ("zone 1 = 3\nzone 2 = 1\n", {"zone 1": [3], "zone 2": [1]}),
    ("zone 1 0 0 0\nzone 2 9 9 9\n", {"zone 1": [0], "zone 2": [1]}),
    ("zone 1,0,0,0\nstage 2,9,9,9\n", {"zone 1": [0], "stage 2": [1]}),
    ("bg #facade of a house\nobj\n", {"bg": [0], "obj": [1]}),
    ("background-1\ntree 1 2 3\n".replace("background-1", "bg 0 0 0"), {"bg": [0], "tree": [1]}),
])  # fmt: skip
def test_what_was_plain_stays_plain(text, values, tmp_path):
    found, _, notation = read(text, tmp_path)
    assert found == values and not notation


@pytest.mark.parametrize("text", [
    "obj 1\nbg 0\n", "zone 1\nstage 2\n", "zone 1\nzone 2\nzone 3\n", "1\n2\n3\n",
    "10 cent\n1 euro\n", "1) obj\n2) part\n",
])  # fmt: skip
def test_two_readings_are_refused_and_the_option_decides(text, tmp_path):
    with pytest.raises(ValueError, match=r"line 1.*two ways.*classes='names'.*classes='values'"):
        read(text, tmp_path)
    lines = text.splitlines()
    names, _, _ = read(text, tmp_path, reading="names")
    assert names == {line: [number] for number, line in enumerate(lines)}
    if text.startswith(("obj", "zone 1\nst", "10", "1\n")):
        values, _, _ = read(text, tmp_path, reading="values")
        wanted = [int("".join(filter(str.isdigit, line))) for line in lines]
        assert [value for (value,) in values.values()] == wanted


def test_values_that_would_give_one_name_twice_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"classes\.txt.*zone several times"):
        read("zone 1\nzone 2\n", tmp_path, reading="values")


@pytest.mark.parametrize(("text", "message"), [
    ("bg\nroad 1 2\n", r"line 2: 'road 1 2' fits no notation"),
    ("bg,0\nroad,1,2\n", r"line 2"),
    ("bg: 0\nroad\n", r"line 2: 'road' has no value"),
    ("road = 3, 4, 7\nbg = 1\n", r"line 1.*no single value"),
    ("road -1\nbg 0\n", r"line 1"),
    ("road: -1\nbg: 0\n", r"line 1: 'road: -1'.*-1 is no value"),
    ("road 0.5 0.2 0.1\nbg 0 0 0\n", r"line 1"),
    ("name,r,g,b\nbg,0,0,0\nroad,1,2\n", r"line 3.*heading"),
    ("name,r,g,b\nbg,0,0,0\nroad,1,2,300\n", r"line 3.*out of range"),
    ("name,id,trainId\nroad,7,0\nbg,8,1\n", r"'id' and 'trainid'"),
    ("name\nbg\nobj\n", r"line 1: 'name' may be the heading"),
    ("bg\n__ignore__\nobj\n", r"line 2: '__ignore__'"),
    ('["bg", "obj"]\n', r"JSON"),
    ('{"bg": 0}\n', r"JSON"),
    ('<View><Label value="bg"/></View>\n', r"XML"),
    ("item {\n id: 1\n}\n", r"line 1.*protobuf"),
    ("bg:0,0,0::\nweld::::\n", r"line 2"),
    ("0 0 0\n1 1 1\n", r"line 1.*no name"),
    ("bg: 0\nobj: 0\n", r"the value 0 is given to two classes"),
    ("bg,0,0,0,3\nobj,9,9,9,7\n", r"line 1.*does not show which"),
    ("# label:color_rgb:parts:actions\nbg:0,0,0::\nweld\n", r"line 3: 'weld'"),
    ("bg 0 0 0\ntree\n", r"'tree' has no colour"),
])  # fmt: skip
def test_a_line_that_fits_none_is_refused_with_its_number(text, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        read(text, tmp_path)
    assert "classes.txt" in str(caught.value)


def test_files_of_tools(tmp_path):
    values, colors, notation = read(LABELME, tmp_path)
    assert values == {"_background_": [0], "cat": [1], "dog": [2]} and not colors
    assert "labelme" in notation
    values, colors, notation = read(CVAT, tmp_path)
    assert values == {"background": [0], "weld": [1], "crack": [2]} and "CVAT" in notation
    assert colors == {"background": (0, 0, 0), "weld": (250, 50, 83), "crack": (0, 0, 255)}
    values, colors, _ = read(ITK_SNAP, tmp_path)
    assert values == {"Clear Label": [0], "Lesion 1": [4]} and colors["Lesion 1"] == (255, 0, 0)
    values, colors, _ = read(META, tmp_path, "dataset_meta.json")
    assert values == {"bg": [0], "obj": [2]} and colors["obj"] == (9, 8, 7)
    values, colors, _ = read(CVAT.encode("utf-16"), tmp_path)
    assert values["crack"] == [2] and colors["crack"] == (0, 0, 255)
    values, colors, _ = read("\ufeffname,r,g,b\r\nVoid,0,0,0\r\nSky,9,9,9\r\n", tmp_path)
    assert list(values) == ["Sky"] and colors == {"Sky": (9, 9, 9)}


@pytest.fixture
def folder(tmp_path):
    """Two images whose index masks hold 0, 1 and 2, without a list of classes."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        Image.fromarray(rng.integers(0, 256, (12, 16, 3), "uint8")).save(
            tmp_path / "images" / f"{number}.png"
        )
        mask = np.zeros((12, 16), "uint8")
        mask[2:6, 3:9], mask[8:, number:9] = 1, 2
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    return tmp_path


def test_labelmes_list_under_its_own_name(folder, check_data):
    (folder / "labels.txt").write_text(LABELME)
    dataset = data.load("folder", folder, "all")
    assert dataset.labels.names == ("_background_", "cat", "dog")
    assert (dataset[0][1][2:6, 3:9] == 1).all() and (dataset[0][1][8:, :9] == 2).all()
    (note,) = dataset.notes
    assert "labels.txt was read as labelme's label list" in note and "1 is 'cat'" in note
    assert data.folder.splits(folder) == ["train", "val"]
    code, out = check_data(f"folder:{folder}")
    assert code == 0 and out.count("note: labels.txt was read as labelme's") == 1


def test_plain_names_in_classes_txt_give_no_note(folder):
    (folder / "classes.txt").write_text("ground\ncat\ndog\n")
    assert not data.load("folder", folder, "all").notes
    (folder / "classes.txt").write_text("ground 0 0 0\ncat 9 9 9\ndog 8 8 8\n")
    assert not data.load("folder", folder, "all").notes


def test_values_beside_names_are_the_masks(folder):
    (folder / "classes.txt").write_text("dog: 2\ncat: 1\nground: 0\n")
    dataset = data.load("folder", folder, "all")
    label = dataset[0][1]
    assert (label[2:6, 3:9] == dataset.labels.names.index("cat")).all()
    assert (label[8:, :9] == 0).all() and dataset.labels.names[0] == "dog"
    assert dataset.notes == (
        "classes.txt was read as names and values in the masks: 2 is 'dog', 1 is 'cat', "
        "0 is 'ground'.",
    )


def test_the_option_decides_on_the_command_line(folder, check_data):
    (folder / "classes.txt").write_text("dog 2\ncat 1\nground 0\n")
    code, out = check_data(f"folder:{folder}")
    assert code == 1 and "folder:DIR,classes=names" in out and "2 is 'dog'" in out
    assert "0 is 'dog 2'" in out
    code, out = check_data(f"folder:{folder},classes=values")
    assert code == 0 and "2 is 'dog'" in out
    code, out = check_data(f"folder:{folder},classes=names")
    assert code == 0 and "dog 2" in out
    code, out = check_data(f"folder:{folder},classes=colours")
    assert code == 1 and "names" in out and "colours" in out


def test_lists_that_disagree_are_named(folder):
    (folder / "classes.txt").write_text("ground\ncat\ndog\n")
    (folder / "labelmap.txt").write_text(CVAT)
    dataset = data.load("folder", folder, "all")
    assert dataset.labels.names == ("ground", "cat", "dog")
    (note,) = dataset.notes
    assert "labelmap.txt names 'background', 'weld', 'crack'" in note
    assert "classes.txt is used" in note
    (folder / "classes.txt").rename(folder / "labels.txt")
    with pytest.raises(ValueError, match=r"labels\.txt names .*labelmap\.txt names.*classes\.txt"):
        data.load("folder", folder, "all")
    (folder / "labels.txt").write_text("background\nweld\ncrack\n")
    dataset = data.load("folder", folder, "all")
    assert dataset.labels.palette[1] == (250, 50, 83) and len(dataset.notes) == 1


def test_a_detectors_list_does_not_number_pixels(folder):
    (folder / "data.yaml").write_text("nc: 2\nnames: [cat, dog]\n")
    with pytest.raises(FileNotFoundError, match=r"classes\.txt.*data\.yaml lists a detector's"):
        data.load("folder", folder, "all")


def test_maps_of_labelme_with_minus_one(folder):
    (folder / "labels.txt").write_text(LABELME)
    for path in (folder / "masks").iterdir():
        values = np.array(Image.open(path)).astype("int32")
        values[0] = -1
        np.save(path.with_suffix(".npy"), values)
        path.unlink()
    label = data.load("folder", folder, "all")[0][1]
    assert (label[0] == 255).all() and (label[2:6, 3:9] == 1).all()


class TestBeside:
    """A list of classes beside the folders of a dataset whose classes the package knows."""

    COLORS = np.array([(0, 0, 0), (250, 50, 83), (0, 0, 255)], "uint8")

    @pytest.fixture
    def voc(self, tmp_path, write):
        """Makes VOC's layout with masks of three classes in a folder; returns the class map."""

        def make(root, stored):
            truth = np.zeros((20, 30), "uint8")
            truth[2:8, 3:20], truth[10:15, 5:25] = 1, 2
            for number in range(2):
                write.photo(root / "JPEGImages" / f"{number}.jpg")
                masks = root / "SegmentationClass"
                if stored == "rgb":
                    write.png(masks / f"{number}.png", self.COLORS[truth])
                else:
                    masks.mkdir(exist_ok=True)
                    image = Image.fromarray(truth, "P")
                    image.putpalette(self.COLORS.ravel().tolist())
                    image.save(masks / f"{number}.png")
            write.text(root / "ImageSets/Segmentation/train.txt", "0")
            write.text(root / "ImageSets/Segmentation/val.txt", "1")
            return truth

        return make

    @pytest.mark.parametrize("stored", ["rgb", "palette"])
    @pytest.mark.parametrize(("inside", "given", "place"), [
        (".", ".", "."),
        ("VOCdevkit/VOC2012", ".", "VOCdevkit/VOC2012"),
        ("VOCdevkit/VOC2012", "VOCdevkit", "VOCdevkit"),
        ("VOCdevkit/VOC2012", "VOCdevkit/VOC2012", "VOCdevkit"),
        ("VOCdevkit/VOC2012", ".", "."),
        ("VOC2012", "VOC2012", "."),
    ])  # fmt: skip
    def test_cvats_export_in_vocs_layout(self, voc, tmp_path, inside, given, place, stored):
        truth = voc(tmp_path / inside, stored)
        (tmp_path / place / "labelmap.txt").write_text(CVAT)
        dataset = data.load("voc", tmp_path / given, "train")
        assert dataset.labels.names == ("background", "weld", "crack")
        np.testing.assert_array_equal(dataset[0][1], truth)
        (note,) = dataset.notes
        assert "labelmap.txt names 'background', 'weld', 'crack'" in note and "CVAT" in note
        label = next(iter(dataset.batches(1)))[1].numpy()[0]
        np.testing.assert_array_equal(label, truth)

    def test_cvats_subsets_and_its_default_list(self, voc, tmp_path):
        voc(tmp_path, "rgb")
        (tmp_path / "labelmap.txt").write_text(CVAT)
        lists = tmp_path / "ImageSets/Segmentation"
        (lists / "train.txt").rename(lists / "Train.txt")
        (lists / "val.txt").rename(lists / "Validation.txt")
        assert data.voc.splits(tmp_path) == ["train", "val"]
        assert data.load("voc", tmp_path, "val").names == ("1",)
        (lists / "Train.txt").unlink()
        (lists / "Validation.txt").unlink()
        (lists / "default.txt").write_text("0\n1\n")
        assert data.voc.splits(tmp_path) == ["train", "val"]
        parts = [data.load("voc", tmp_path, split) for split in ("train", "val", "default")]
        assert [len(part) for part in parts] == [1, 1, 2]
        assert {*parts[0].names} ^ {*parts[1].names} == {"0", "1"}
        assert any("default.txt is the only list" in note for note in parts[0].notes)
        (lists / "trainval.txt").write_text("0\n1\n")
        with pytest.raises(ValueError, match="no split 'val'"):
            data.load("voc", tmp_path, "val")

    def test_check_data_says_so(self, voc, tmp_path, check_data):
        voc(tmp_path, "rgb")
        (tmp_path / "labelmap.txt").write_text(CVAT)
        code, out = check_data(f"voc:{tmp_path}")
        assert code == 0 and "weld" in out and "aeroplane" not in out
        assert out.count("labelmap.txt names") == 1

    def test_vocs_own_classes_change_nothing(self, voc, tmp_path):
        truth = voc(tmp_path, "index")
        labels = data.load("voc", tmp_path).labels
        pairs = zip(labels.names, labels.palette, strict=True)
        lines = [f"{name}:{','.join(map(str, color))}::" for name, color in pairs]
        for text in (
            "\n".join(lines), "\n".join([*lines, "ignored:224,224,192::"]),
            "\n".join(labels.names), "\n".join(labels.names[1:]),
        ):  # fmt: skip
            (tmp_path / "labelmap.txt").write_text(text)
            dataset = data.load("voc", tmp_path)
            assert not dataset.notes and dataset.labels == labels
            np.testing.assert_array_equal(dataset[0][1], truth)

    def test_what_is_not_used_is_named(self, voc, tmp_path):
        voc(tmp_path, "index")
        (tmp_path / "data.yaml").write_text("names: [weld, crack]\n")
        dataset = data.load("voc", tmp_path)
        (note,) = dataset.notes
        assert "data.yaml names 'weld', 'crack' and is not used" in note
        assert dataset.labels.num_classes == 21
        (tmp_path / "classes.txt").write_text("a 1\nb 0\n")
        assert any("classes.txt is not used" in n for n in data.load("voc", tmp_path).notes)

    def test_camvids_layout_with_other_classes(self, tmp_path, write):
        truth = np.zeros((20, 30), "uint8")
        truth[3:9, 4:17] = 1
        for number in range(2):
            write.photo(tmp_path / "train" / f"{number}.png")
            write.png(tmp_path / "trainannot" / f"{number}.png", self.COLORS[truth])
        write.text(tmp_path / "label_colors.txt", "0 0 0 Background", "250 50 83 weld")
        dataset = data.load("camvid", tmp_path)
        assert dataset.labels.names == ("Background", "weld") and len(dataset.notes) == 1
        np.testing.assert_array_equal(dataset[1][1], truth)

    def test_camvids_own_table_changes_nothing(self, tmp_path, write):
        colors = {n: c for group in data.camvid.ORIGINAL.values() for n, c in group.items()}
        for number in range(2):
            write.photo(tmp_path / "train" / f"{number}.png")
            write.png(
                tmp_path / "train_labels" / f"{number}_L.png",
                np.full((20, 30, 3), colors["Truck_Bus"], "uint8"),
            )
        rows = [f"{name},{','.join(map(str, color))}" for name, color in colors.items()]
        write.text(tmp_path / "class_dict.csv", "name,r,g,b", *rows)
        dataset = data.load("camvid", tmp_path)
        assert not dataset.notes and dataset.labels.num_classes == 11
        assert (dataset[0][1] == dataset.labels.names.index("Car")).all()

    def test_a_list_beside_cocos_json_is_named_where_it_differs(self, tmp_path, write):
        import json

        write.photo(tmp_path / "images" / "a.jpg")
        content = {
            "images": [{"id": 1, "file_name": "a.jpg", "height": 20, "width": 30}],
            "categories": [{"id": 1, "name": "leaf"}, {"id": 2, "name": "stem"}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 1, "area": 16, "bbox": [1, 1, 4, 4],
                 "segmentation": [[1, 1, 5, 1, 5, 5, 1, 5]]},
            ],
        }  # fmt: skip
        (tmp_path / "annotations").mkdir()
        (tmp_path / "annotations" / "instances_train2017.json").write_text(json.dumps(content))
        for text, differs in (("leaf\nstem\n", False), ("weld\ncrack\n", True)):
            (tmp_path / "classes.txt").write_text(text)
            notes = data.load("coco", tmp_path, "train").notes
            assert any("is not used" in note for note in notes) == differs
