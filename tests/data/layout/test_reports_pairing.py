"""Names as people have them: which mask belongs to which image, and what is said of a miss."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data
from fcn_keras.cli.sources import load_dataset

SIZE = (6, 8)


def put(root, *paths):
    """Writes files of one colour, each another: {path: its value}."""
    values = {}
    for number, path in enumerate(paths):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        values[path] = number % 3
        Image.fromarray(np.full(SIZE, number % 3, "uint8")).save(file)
    (root / "classes.txt").write_text("ground\nleaf\nfruit\n")
    return values


def pairs(root, split="all", **options):
    """{image: mask} as paths below the root."""
    found = data.load("folder", root, split=split, **options)
    return {
        image.relative_to(root).as_posix(): mask.relative_to(root).as_posix()
        for image, mask in zip(found.images, found.targets, strict=True)
    }


def notes(root, **options):
    return " ".join(data.load("folder", root, split="all", **options).notes)


@pytest.mark.parametrize("form", ["{}_mask", "{}_L", "{}_P", "{}_segmentation", "{}_gt", "{}.jpg",
    "{}_labelIds", "{}-seg", "mask_{}", "seg {}", "{}Mask", "GT-{}_x", "{}_flipped"])  # fmt: skip
@pytest.mark.parametrize("names", [("1", "2", "10", "11"), ("a_1", "a_2"), ("street",),
    ("IMG 1", "IMG 2", "IMG 12"), ("a", "a_b", "a_b_c")])  # fmt: skip
def test_a_mask_with_more_in_its_name(tmp_path, names, form):
    wanted = {f"images/{n}.jpg": f"masks/{form.format(n)}.png" for n in names}
    put(tmp_path, *wanted, *wanted.values())
    assert pairs(tmp_path) == wanted
    pattern = form.format("{name}")
    assert pattern in notes(tmp_path) or form == "{}.jpg"
    assert pairs(tmp_path, pattern=pattern) == wanted


@pytest.mark.parametrize(("image", "mask"), [
    ("image_{}", "mask_{}"), ("img{}", "mask{}"), ("{}_image", "{}_mask"), ("{}_sat", "{}_mask"),
    ("Image-{}", "Label-{}"), ("rgb_{}_cam", "gt_{}_cam"), ("im{}_rgb", "m{}_lab"),
])  # fmt: skip
@pytest.mark.parametrize("numbers", [(1, 2, 3, 11), ("001", "002", "010"), (7, 8)])
@pytest.mark.parametrize("folders", [("images", "masks"), ("images", "images")])
def test_both_have_more_in_their_names(tmp_path, image, mask, numbers, folders):
    wanted = {
        f"{folders[0]}/{image.format(n)}.jpg": f"{folders[1]}/{mask.format(n)}.png" for n in numbers
    }
    put(tmp_path, *wanted, *wanted.values())
    if folders[0] == folders[1] and mask == "m{}_lab":
        with pytest.raises(FileNotFoundError, match="masks was expected"):
            pairs(tmp_path)  # which is the mask cannot be known
    else:
        assert pairs(tmp_path) == wanted
    assert pairs(tmp_path, pattern=f"{image}:{mask}".replace("{}", "{name}")) == wanted


class TestOneFolder:
    def test_masks_with_an_ending_beside_the_images(self, tmp_path):
        wanted = {f"ISIC_{n}.jpg": f"ISIC_{n}_segmentation.png" for n in ("001", "002", "010")}
        put(tmp_path, *wanted, *wanted.values())
        assert pairs(tmp_path) == wanted
        found = data.load("folder", tmp_path, split="all")
        assert found.names == ("ISIC_001", "ISIC_002", "ISIC_010")
        assert "ISIC_001.jpg with ISIC_001_segmentation.png" in notes(tmp_path)

    def test_two_kinds_of_masks_are_refused_with_the_option(self, tmp_path):
        names = [f"images/{n}{end}" for n in "abc" for end in (".jpg", "_cat.png", "_dog.png")]
        put(tmp_path, *names)
        with pytest.raises(ValueError, match=r"a\.jpg has a_cat\.png, a_dog\.png.*{name}_cat"):
            pairs(tmp_path)
        assert pairs(tmp_path, pattern="{name}_cat") == {
            f"images/{n}.jpg": f"images/{n}_cat.png" for n in "abc"
        }
        assert "3 files do not fit" in notes(tmp_path, pattern="{name}_cat")

    @pytest.mark.parametrize("ends", [("", "_flipped"), ("_L", "_R"), ("_left", "_right")])
    def test_two_photographs_of_a_scene_are_no_image_and_mask(self, tmp_path, ends):
        put(tmp_path, *(f"images/{n}{end}.jpg" for n in range(4) for end in ends))
        with pytest.raises((ValueError, FileNotFoundError), match="pattern=|masks was expected"):
            pairs(tmp_path)

    def test_one_more_mask_is_not_left_out_in_silence(self, tmp_path):
        names = [f"{n}{end}" for n in "abcdef" for end in (".jpg", "_cat.png")]
        put(tmp_path, *names, "c_dog.png")
        with pytest.raises(ValueError, match=r"c\.jpg has c_cat\.png, c_dog\.png"):
            pairs(tmp_path)

    def test_jpeg_images_and_png_masks_of_the_same_name(self, tmp_path):
        wanted = {f"images/{n}.jpg": f"images/{n}.png" for n in "abc"}
        put(tmp_path, *wanted, *wanted.values())
        assert pairs(tmp_path) == wanted and "JPEG files are images" in notes(tmp_path)

    def test_named_twice_by_the_options(self, tmp_path):
        wanted = {f"train/{n}_sat.jpg": f"train/{n}_mask.png" for n in (1, 2, 13)}
        put(tmp_path, *wanted, *wanted.values())
        assert pairs(tmp_path, images="train", masks="train") == wanted

    def test_in_folders_of_splits(self, tmp_path):
        train = {f"train/{n}_sat.jpg": f"train/{n}_mask.png" for n in (1, 2, 13)}
        val = {f"valid/{n}_sat.jpg": f"valid/{n}_mask.png" for n in (4, 5)}
        put(tmp_path, *train, *train.values(), *val, *val.values())
        assert pairs(tmp_path, "train") == train and pairs(tmp_path, "val") == val

    def test_pictures_that_lie_in_a_folder_without_a_dataset(self, tmp_path):
        put(tmp_path, "contact_sheet.png", "photo.jpg", "img/a.jpg", "mask/a.png")
        with pytest.raises(FileNotFoundError, match=r"images was expected.*has the folders img, m"):
            pairs(tmp_path)


class TestSeveralMasks:
    def test_one_for_each_class_is_refused(self, tmp_path):
        put(tmp_path, "images/a.jpg", "images/b.jpg", "images/c.jpg", "masks/a_cat.png",
            "masks/a_dog.png", "masks/b_dog.png", "masks/c_cat.png")  # fmt: skip
        with pytest.raises(ValueError, match=r"several masks in .*a\.jpg has a_cat\.png, a_dog"):
            data.load("folder", tmp_path)

    def test_one_in_each_of_several_folders_is_refused(self, tmp_path):
        put(tmp_path, *(f"images/{n}.jpg" for n in "ab"),
            *(f"masks/{c}/{n}.png" for n in "ab" for c in ("cat", "dog")))  # fmt: skip
        with pytest.raises(ValueError, match=r"a\.jpg has cat/a\.png, dog/a\.png.*masks=masks/cat"):
            pairs(tmp_path)
        assert len(pairs(tmp_path, masks="masks/dog")) == 2

    def test_one_kind_can_be_chosen(self, tmp_path):
        wanted = {f"images/{n}.png": f"masks/{n}_labelIds.png" for n in "ab"}
        put(tmp_path, *wanted, *wanted.values(), "masks/a_color.png", "masks/b_color.png")
        with pytest.raises(ValueError, match=r"pattern=\{name\}_labelIds"):
            pairs(tmp_path)
        assert pairs(tmp_path, pattern="{name}_labelIds") == wanted
        loaded = load_dataset(f"folder:{tmp_path},pattern={{name}}_labelIds", "all")
        assert len(loaded) == 2


@pytest.mark.parametrize(("images", "masks"), [
    (("1", "2", "3"), ("10", "20", "30")),  # the ending would cut a number
    (("cam1_a", "cam1_b"), ("cam2_a", "cam2_b")),  # names that differ by a number
    (("1", "2"), ("3", "4")),
    (("cat",), ("dog",)),
])  # fmt: skip
def test_names_that_do_not_belong_together_are_not_paired(tmp_path, images, masks):
    put(tmp_path, *(f"images/{n}.jpg" for n in images), *(f"masks/{n}.png" for n in masks))
    with pytest.raises(FileNotFoundError, match="are missing"):
        data.load("folder", tmp_path, split="all")


def test_a_missing_file_of_a_pattern_is_missing_and_not_paired_otherwise(tmp_path):
    put(tmp_path, *(f"images/{n}.jpg" for n in range(9)), *(f"masks/{n}_m.png" for n in range(8)))
    with pytest.raises(FileNotFoundError, match=r"1 of 9 masks.*Expected was 8_m\.png"):
        data.load("folder", tmp_path, split="all")


def test_equal_names_win_over_a_list_of_others(tmp_path):
    """Masks beside those of the list were left out before, and still are."""
    put(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a.png", "masks/b.png", "masks/a_old.png")
    (tmp_path / "train.txt").write_text("a\nb\n")
    assert pairs(tmp_path, "train") == {f"images/{n}.jpg": f"masks/{n}.png" for n in "ab"}


class TestUnicode:
    def test_composed_and_decomposed_names_are_equal(self, tmp_path):
        names = ["Straße-Ü1", "café2", "が3"]
        put(tmp_path, *(f"images/{unicodedata.normalize('NFD', n)}.jpg" for n in names),
            *(f"masks/{unicodedata.normalize('NFC', n)}.png" for n in names))  # fmt: skip
        found = data.load("folder", tmp_path, split="all")
        assert sorted(found.names) == sorted(names) and not found.notes
        (tmp_path / "train.txt").write_text(
            "\n".join(unicodedata.normalize("NFD", n) + ".jpg" for n in names), encoding="utf-8"
        )
        assert data.load("folder", tmp_path).names == tuple(names)

    def test_other_datasets_find_them_too(self, tmp_path):
        for folder, name in (("train", "NFD"), ("trainannot", "NFC")):
            put(tmp_path, f"{folder}/{unicodedata.normalize(name, 'Ü1')}.png")
        assert data.load("camvid", tmp_path).names == ("Ü1",)
        edition = tmp_path / "VOC2012"
        put(
            edition,
            f"JPEGImages/{unicodedata.normalize('NFD', 'é')}.jpg",
            "SegmentationClass/é.png",
        )
        lists = edition / "ImageSets/Segmentation"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("é\n", encoding="utf-8")
        assert len(data.load("voc", edition)) == 1


class TestSubfolders:
    def test_the_same_name_in_two_of_them(self, tmp_path):
        wanted = {f"images/{c}/1.jpg": f"masks/{c}/1.png" for c in ("aachen", "ulm", "jena/süd")}
        values = put(tmp_path, *wanted, *wanted.values())
        assert pairs(tmp_path) == wanted
        found = data.load("folder", tmp_path, split="all")
        assert found.names == ("aachen/1", "jena/süd/1", "ulm/1")
        assert [int(label[0, 0]) for _, label in found] == [
            values[path.relative_to(tmp_path).as_posix()] for path in found.targets
        ]
        assert len(found.select("ulm/*")) == 1

    @pytest.mark.parametrize("form", ["{0}/{1}", "{1}/{0}"])
    def test_of_splits(self, tmp_path, form):
        names = {"train": "abcd", "val": "ef", "test": "g"}
        for split in names:
            for folder, suffix in (("images", "jpg"), ("masks", "png")):
                place = form.format(folder, split)
                put(tmp_path, *(f"{place}/{n}.{suffix}" for n in names[split]))
        for split, wanted in names.items():
            found = data.load("folder", tmp_path, split=split)
            assert found.names == tuple(f"{split}/{n}" for n in wanted)
        assert data.check("folder", tmp_path).examples == {"train": 4, "val": 2, "test": 1}

    def test_a_test_without_masks_is_left_out(self, tmp_path):
        put(tmp_path, *(f"images/train/{n}.jpg" for n in range(6)), "images/test/7.jpg",
            *(f"masks/train/{n}.png" for n in range(6)))  # fmt: skip
        report = data.check("folder", tmp_path)
        assert report.ok and report.examples == {"train": 5, "val": 1}
        assert any("test have no masks" in note for note in report.notes)
        assert any("a fifth of train" in note for note in report.notes)

    def test_with_a_pattern(self, tmp_path):
        wanted = {f"images/{c}/{c}_1_rgb.png": f"masks/{c}/{c}_1_gt.png" for c in ("ulm", "jena")}
        put(tmp_path, *wanted, *wanted.values())
        assert pairs(tmp_path) == wanted

    def test_masks_in_one_folder(self, tmp_path):
        wanted = {f"images/{c}/{c}1.jpg": f"masks/{c}1.png" for c in ("ulm", "jena")}
        put(tmp_path, *wanted, *wanted.values())
        assert pairs(tmp_path) == wanted and "by name alone" in notes(tmp_path)

    def test_subfolders_beside_images_are_left_out_and_said(self, tmp_path):
        put(tmp_path, "images/a.jpg", "images/b.jpg", "images/old/c.jpg", "masks/a.png",
            "masks/b.png")  # fmt: skip
        assert len(data.load("folder", tmp_path, split="all")) == 2
        assert "left out: old" in notes(tmp_path)

    def test_lists_of_paths(self, tmp_path):
        put(tmp_path, *(f"{f}/{c}/1.png" for f in ("images", "masks") for c in ("ulm", "jena")))
        (tmp_path / "train.txt").write_text("images/ulm/1.png\n")
        assert data.load("folder", tmp_path).names == ("ulm/1",)
        assert data.load("folder", tmp_path, split="val").names == ("jena/1",)
        (tmp_path / "train.txt").write_text("1.png\n")
        with pytest.raises(ValueError, match="'1.png' could be jena/1 or ulm/1"):
            data.load("folder", tmp_path)


class TestLists:
    NAMES = ("a.b", "17", "my photo", "x,y", "plain")

    @pytest.fixture
    def root(self, tmp_path):
        put(tmp_path, *(f"images/{n}.jpg" for n in self.NAMES))
        put(tmp_path, *(f"masks/{n}.png" for n in self.NAMES))
        return tmp_path

    @pytest.mark.parametrize("form", ["{}", "{}.jpg", "images/{}.jpg", "./images/{}.jpg",
        "/data/parts/images/{}.jpg", "C:\\parts\\images\\{}.jpg", "{}.png", '"{}"',
        "images/{0}.jpg masks/{0}.png", "{0}.jpg,{0}.png", "{0}.jpg\t{0}.png"])  # fmt: skip
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
    def test_names_and_paths(self, root, form, end):
        text = end.join(form.format(name) for name in self.NAMES) + end
        (root / "train.txt").write_text(text, newline="")
        found = data.load("folder", root)
        assert found.names == self.NAMES
        assert [path.stem for path in found.targets] == list(self.NAMES)

    def test_two_columns_pair_what_no_name_does(self, tmp_path):
        put(tmp_path, "photos/1.jpg", "photos/2.jpg", "truth/first.png", "truth/second.png")
        rows = "photos/1.jpg truth/second.png\r\nphotos/2.jpg truth/first.png\r\n"
        (tmp_path / "train.txt").write_text(rows, newline="")
        assert pairs(tmp_path, "train") == {
            "photos/1.jpg": "truth/second.png", "photos/2.jpg": "truth/first.png",
        }  # fmt: skip
        assert data.check("folder", tmp_path).ok

    def test_absolute_paths_of_pairs(self, root):
        row = f"{root}/images/17.jpg {root}/masks/plain.png"
        (root / "train.txt").write_text(row)
        assert pairs(root, "train") == {"images/17.jpg": "masks/plain.png"}

    def test_a_name_twice_and_an_empty_list(self, root):
        (root / "train.txt").write_text("17\nimages/17.jpg\n")
        with pytest.raises(ValueError, match="lists '17' twice"):
            data.load("folder", root)
        (root / "train.txt").write_text("\n\r\n")
        with pytest.raises(ValueError, match="lists no names"):
            data.load("folder", root)


class TestNearest:
    @pytest.mark.parametrize(("image", "mask"), [
        ("street_1", "stret_1"), ("IMG_01", "img_01"), ("img_1", "img_01"), ("a b 3", "a_b_3"),
        ("photo-003", "photo_003_final"), ("sea", "sea2"), ("b", "b_mask"), ("b_gt", "b"),
    ])  # fmt: skip
    def test_the_file_that_is_meant_is_named(self, tmp_path, image, mask):
        put(tmp_path, "images/x9.jpg", "masks/x9.png", "images/y8.jpg", "masks/y8.png",
            f"images/{image}.jpg", f"masks/{mask}.png")  # fmt: skip
        (tmp_path / "train.txt").write_text(f"{image}.jpg\nx9\ny8\n")
        with pytest.raises(FileNotFoundError, match=rf"1 of 3 masks.*nearest.* {mask}\.png"):
            data.load("folder", tmp_path)
        texts = [p.message for p in data.check("folder", tmp_path).problems]
        assert any(f"{image}.jpg has no mask" in t and f"{mask}.png" in t for t in texts)

    def test_a_file_of_the_same_series_is_not_meant(self, tmp_path):
        put(tmp_path, *(f"images/{n}_training.jpg" for n in range(21, 26)))
        put(tmp_path, *(f"masks/{n}_manual1.png" for n in range(21, 25)))
        with pytest.raises(FileNotFoundError, match=r"Expected was 25_manual1\.png\. `fcn"):
            data.load("folder", tmp_path, split="all")

    def test_a_file_with_a_partner_is_not_meant(self, tmp_path):
        put(tmp_path, *(f"images/{n}.jpg" for n in range(12)))
        put(tmp_path, *(f"masks/{n}.png" for n in range(11)))
        with pytest.raises(FileNotFoundError) as missing:
            data.load("folder", tmp_path, split="all")
        assert "nearest" not in str(missing.value)

    def test_a_folder_without_images_is_told(self, tmp_path):
        put(tmp_path, "images/a.jpg", "masks/.x.png")
        with pytest.raises(FileNotFoundError, match=r"masks holds no image\."):
            data.load("folder", tmp_path, split="all")

    def test_a_file_that_is_no_image_is_explained(self, tmp_path):
        put(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a.png", "masks/b.png")
        (tmp_path / "images/b.jpg").rename(tmp_path / "images/b.heic")
        with pytest.raises(FileNotFoundError, match=r"There is b\.heic: HEIC: convert it to JPEG"):
            data.load("folder", tmp_path, split="all")


class TestStrayFiles:
    def test_what_systems_leave_is_no_image(self, tmp_path):
        put(tmp_path, "images/a.jpg", "masks/a.png", "images/.ipynb_checkpoints/a.jpg",
            "images/__MACOSX/a.jpg", "images/._a.jpg", "masks/._a.png", "images/.b.jpg",
            "images/@eaDir/a.jpg")  # fmt: skip
        for name in ("Thumbs.db", "desktop.ini", "notes.txt"):
            (tmp_path / "images" / name).write_bytes(b"x")
        found = data.load("folder", tmp_path, split="all")
        assert found.names == ("a",) and not found.notes

    def test_a_rarer_format_of_the_same_name_is_left_out_and_said(self, tmp_path):
        put(tmp_path, "images/a.jpg", "images/a.tga", "masks/a.png")
        assert pairs(tmp_path) == {"images/a.jpg": "masks/a.png"}
        assert "a.tga was left out" in notes(tmp_path)

    def test_files_that_must_be_converted_are_said(self, tmp_path):
        put(tmp_path, "images/a.jpg", "masks/a.png")
        for name in ("b.heic", "c.HEIC", "d.dcm", "a.nef", "notes.txt"):
            (tmp_path / "images" / name).write_bytes(b"x")
        said = notes(tmp_path)
        assert "2 files were left out of" in said and "(HEIC: convert it" in said
        assert "1 file was left out of" in said and "(a medical volume" in said
        assert "a.nef" not in said and "notes" not in said

    def test_two_files_that_could_be_meant_are_refused(self, tmp_path):
        put(tmp_path, "images/a.jpg", "images/a.png", "masks/a.png")
        with pytest.raises(ValueError, match=r"a\.jpg and .*a\.png have the same name"):
            data.load("folder", tmp_path, split="all")

    def test_a_folder_of_other_files_says_what_they_are(self, tmp_path):
        put(tmp_path, "masks/.x.png")
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "a.heic").write_bytes(b"x")
        with pytest.raises(ValueError, match=r"no images in .*a\.heic \(HEIC: convert"):
            data.load("folder", tmp_path, split="all")


def test_an_archive_in_place_of_a_folder(tmp_path):
    (tmp_path / "data.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match=r"data\.zip is a file; a folder was expected"):
        data.load("folder", tmp_path / "data.zip")


@pytest.mark.parametrize("text", ["_mask", "{name}_{name}", "{name}:_mask", "", "a:b"])
def test_a_pattern_without_meaning_is_refused(tmp_path, text):
    put(tmp_path, "images/a.jpg", "masks/a_mask.png")
    with pytest.raises(ValueError, match="pattern"):
        data.load("folder", tmp_path, pattern=text)


def test_a_pattern_that_fits_no_file_names_what_is_there(tmp_path):
    put(tmp_path, "images/a.jpg", "masks/a_mask.png")
    with pytest.raises(ValueError, match=r"for a\.jpg the mask a_gt is not in .*masks"):
        data.load("folder", tmp_path, pattern="{name}_gt")
    with pytest.raises(ValueError, match=r"no image in .*one is a\.jpg"):
        data.load("folder", tmp_path, pattern="{name}_sat:{name}_mask")


@pytest.mark.parametrize("suffix", ["ppm", "tga", "jp2", "jfif", "avif"])
def test_images_of_rarer_formats_are_found(tmp_path, suffix):
    put(tmp_path, "masks/0.png")
    (tmp_path / "images").mkdir()
    kind = {"jfif": "JPEG"}.get(suffix)
    Image.new("RGB", SIZE[::-1]).save(tmp_path / f"images/0.{suffix}", format=kind)
    assert data.load("folder", tmp_path, split="all")[0][0].shape == (*SIZE, 3)
