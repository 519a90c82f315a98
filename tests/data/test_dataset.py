"""`Dataset`, its class counts, the registry, and datasets on the command line."""

import inspect
import math
import re
import types
from pathlib import Path

import numpy as np
import pytest

from fcn_keras import data
from fcn_keras.data import Dataset, LabelError, registry
from fcn_keras.labels import LabelSet
from fcn_keras.options import Option

pytestmark = pytest.mark.backend

LABELS = LabelSet(("a", "b", "c"))
NAMES = ("0001_x", "0001_y", "0002_x")


def small(labels=LABELS):
    masks = (
        np.array([[0, 0], [1, 255]], "uint8"),
        np.array([[0, 0], [0, 0]], "uint8"),
        np.array([[1, 1], [255, 255]], "uint8"),
    )
    images = tuple(np.full((2, 2, 3), i, "uint8") for i in range(3))
    return Dataset("small", "train", labels, NAMES, images, masks)


def test_examples_by_number():
    dataset = small()
    assert len(dataset) == 3
    image, label = dataset[2]
    assert image.shape == (2, 2, 3) and image.max() == 2
    assert label.tolist() == [[1, 1], [255, 255]]
    assert [label.shape for _, label in dataset] == [(2, 2)] * 3


def test_select_exclude_take():
    dataset = small()
    assert dataset.select("0001*").names == NAMES[:2]
    assert dataset.exclude("0001*").names == NAMES[2:]
    assert dataset.select(["*_y", "0002*"]).names == NAMES[1:]
    assert dataset.take(2).names == NAMES[:2]
    assert dataset.select("0002*")[0][0].max() == 2


@pytest.mark.parametrize("method", ["select", "exclude"])
def test_nothing_left_is_refused(method):
    pattern = "9*" if method == "select" else "*"
    with pytest.raises(ValueError, match=r"small.*0001_x"):
        getattr(small(), method)(pattern)


@pytest.mark.parametrize(("images", "masks", "message"), [
    (((2, 2, 3),), ((2, 2), (2, 2)), "1 images and 2 targets"),
    (((2, 2),), ((2, 2),), r"uint8 \(H, W, 3\)"),
    (((2, 3, 3),), ((2, 2),), r"\(2, 3\).*\(2, 2\)"),
    ((), (), "no examples"),
])  # fmt: skip
def test_refuses(images, masks, message):
    images, masks = ([np.zeros(shape, "uint8") for shape in part] for part in (images, masks))
    with pytest.raises(ValueError, match=message):
        Dataset("d", "train", LABELS, tuple("n" * len(images)), tuple(images), tuple(masks))


def test_label_out_of_range_in_memory():
    with pytest.raises(LabelError, match=r"n1.*4.*0 to 2"):
        Dataset(
            "d", "train", LABELS, ("n1",), (np.zeros((1, 1, 3), "uint8"),), (np.array([[4]]),)
        )  # fmt: skip


def test_class_pixels():
    pixels, totals = data.class_pixels(small())
    assert pixels.tolist() == [6, 3, 0]
    assert totals.tolist() == [3 + 4, 3 + 2, 0]  # a in the first two images, b in first and third
    assert pixels.dtype == totals.dtype == np.int64


def test_enet_weights_by_the_formula():
    weights = data.class_weights("enet", small())
    expected = [1 / math.log(1.02 + share) for share in (6 / 9, 3 / 9, 0)]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert weights.dtype == np.float32


def test_given_weights():
    np.testing.assert_array_equal(data.class_weights([1, 2.5, 0], small()), [1, 2.5, 0])
    for wrong in ([1, 2], [1, 2, -1], [0, 0, 0], "mean"):
        with pytest.raises(ValueError, match="class_weights"):
            data.class_weights(wrong, small())


@pytest.mark.parametrize(("text", "expected"), [
    ("digits", ("digits", None, {})),
    ("camvid:some/dir", ("camvid", "some/dir", {})),
    ("camvid:C:\\CamVid", ("camvid", "C:\\CamVid", {})),
    ("voc:VOCdevkit,year=2007", ("voc", "VOCdevkit", {"year": 2007})),
    ("folder:a,b/c", ("folder", "a,b/c", {})),
    ("folder:eggs,binary", ("folder", "eggs", {"binary": True})),
    ("folder:x,regression", ("folder", "x", {"regression": "value"})),
    ("folder:x,regression=depth,unit=m,scale=0.001",
     ("folder", "x", {"regression": "depth", "unit": "m", "scale": 0.001})),
    ("folder:x,void=3,void=9,masks=annot", ("folder", "x", {"void": (3, 9), "masks": "annot"})),
])  # fmt: skip
def test_parse(text, expected):
    assert data.parse(text) == expected


@pytest.mark.parametrize(("text", "message"), [
    ("kitti:x", "digits, scenes, camvid, voc, sbd"),
    ("camvid", "camvid:DIR"),
    ("folder:x,void=abc", "void=abc"),
    ("folder:x,binary=maybe", "binary=maybe"),
    ("folder:x,scale=far", "scale=far"),
    ("folder:x,Binary", "no option 'Binary'.*it has binary.*Is binary meant"),
    ("folder:x,bianry", "no option 'bianry'.*Is binary meant"),
    ("folder:x,void=3,bianry,scale=2", "no option 'bianry'"),
    ("folder:x,binary=yes", "'binary=yes' of --data has no value: write binary"),
    ("folder:x,images=a,images=b", "images is given twice"),
    ("voc:x,Year=2007", "no option 'Year=2007'.*Is year meant"),
    ("camvid:.,binary", "camvid has no option 'binary'.*it has none"),
    ("digits:cuont=5", "no option 'cuont=5'.*Is count meant"),
    ("tfds:pets,Void=3", "tfds has no option 'Void=3'"),
    ("foldr:x", "Is folder meant"),
])  # fmt: skip
def test_parse_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        data.parse(text)


def test_a_comma_in_the_name_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("my,parts", "eggs,binary", "a,b,Void", "plain"):
        (tmp_path / name).mkdir()
    for name in ("my,parts", "eggs,binary", "a,b,Void"):
        assert data.parse(f"folder:{name}") == ("folder", name, {})
        assert data.parse(f"folder:{name},void=3") == ("folder", name, {"void": (3,)})
    assert data.parse("folder:plain, binary") == ("folder", "plain", {"binary": True})
    with pytest.raises(ValueError, match="no option 'shiny'"):
        data.parse("folder:plain,shiny")


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert data.parse("folder:~/a") == ("folder", f"{tmp_path}/a", {})
    assert data.parse("sbd:~/a,voc=~/b") == ("sbd", f"{tmp_path}/a", {"voc": f"{tmp_path}/b"})
    assert data.parse("tfds:pets:~/a")[1] == f"{tmp_path}/a"
    with pytest.raises(FileNotFoundError, match=re.escape(f"{tmp_path}/none was expected")):
        data.load("folder", "~/none")


@pytest.mark.parametrize(("arguments", "message"), [
    (("kitti",), "digits, scenes, camvid, voc, sbd"),
    (("camvid:CamVid",), r"an argument of its own: load\('camvid', 'CamVid'\)"),
    (("voc",), "voc:DIR"),
    (("digits", None, "training"), "train, val, test"),
])  # fmt: skip
def test_load_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.load(*arguments)


@pytest.mark.parametrize("name", [*registry.DATASETS, "tfds:mnist"])
def test_a_dataset_declares_its_options(name):
    """Each option has a help text, and is a keyword of `load`."""
    module = registry.module_of(name)
    known = list(inspect.signature(module.load).parameters)
    assert known[:2] == ["root", "split"]
    assert set(module.OPTIONS) <= set(known[2:])
    splits = inspect.signature(module.splits).parameters
    assert set(module.OPTIONS) <= set(splits) or "options" in splits
    for option in module.OPTIONS.values():
        assert option.help.endswith(".") and (
            option.parse or option.kind in (bool, int, float, str)
        )


def test_a_new_dataset_is_one_module_and_one_line(monkeypatch, tmp_path):
    """A module with OPTIONS, splits and load is enough for load, check and the command line."""
    toy = types.ModuleType("toy")
    toy.OPTIONS = {"bright": Option("Brightness of the images.", kind=int)}
    toy.splits = lambda root, **options: ["train"]

    def load(root, split="train", *, bright=100):
        image = np.full((4, 4, 3), bright, "uint8")
        return Dataset("toy", split, LABELS, ("a",), (image,), (np.zeros((4, 4), int),))

    toy.load = load
    monkeypatch.setitem(registry.DATASETS, "toy", toy)
    name, root, options = data.parse(f"toy:{tmp_path},bright=7")
    assert (name, root, options) == ("toy", str(tmp_path), {"bright": 7})
    assert data.load(name, root, **options)[0][0].max() == 7
    assert data.check(name, root, **options).examples == {"train": 1}
    with pytest.raises(ValueError, match="toy needs its folder"):
        data.load("toy")
    with pytest.raises(ValueError, match="toy has no option 'dark'; it has bright"):
        data.load("toy", tmp_path, dark=1)


def test_the_dataset_that_contributing_adds(monkeypatch, tmp_path, write):
    """The module in CONTRIBUTING.md works as it stands, with one line in the registry."""
    page = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    (text,) = re.findall(r"```python\n(\"{3}Roofs.*?)```", page, re.DOTALL)
    roofs = types.ModuleType("roofs")
    exec(compile(text, "CONTRIBUTING.md", "exec"), vars(roofs))
    monkeypatch.setitem(registry.DATASETS, "roofs", roofs)
    for split in ("train", "val"):
        write.photo(tmp_path / "photos" / split / "a.jpg", (4, 6))
        write.png(tmp_path / "labels" / split / "a.png", write.values([0, 1, 2], (4, 6)))
    name, root, options = data.parse(f"roofs:{tmp_path},clouds")
    assert data.load(name, root)[0][1][0].tolist() == [0, 1, 255] * 2
    assert data.load(name, root, **options)[0][1][0].tolist() == [0, 1, 0] * 2
    assert data.check(name, root).examples == {"train": 1, "val": 1}
    (tmp_path / "labels" / "val" / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"the mask of 'a'.*example\.org/roofs"):
        data.load(name, root, split="val")


def test_unknown_option():
    with pytest.raises(ValueError, match="digits has no option 'binary'"):
        data.load("digits", binary=True)
