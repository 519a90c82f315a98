"""TFDS builders: mocked with real codings, mocked with random values, and prepared ones."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from fcn_keras import data
from fcn_keras.data.tfrecords import record_places

SIZES = ((20, 30), (24, 18), (20, 30))
RNG = np.random.default_rng(0)


@pytest.fixture
def mocked():
    """Mocks TFDS: examples whose masks have their image's size, made by a function of the size."""

    def mock(**masks):
        def as_dataset(self, *args, **kwargs):
            def examples():
                for number, size in enumerate(SIZES):
                    example = {
                        name: RNG.integers(0, 256, (*size, 3), "uint8")
                        for name in self.info.features
                        if name in ("image", "image_left")
                    }
                    made = {name: make(size, number) for name, make in masks.items()}
                    yield example | made

            any_size = tf.TensorSpec((None, None, None), tf.uint8)
            names = [n for n in self.info.features if n in ("image", "image_left", *masks)]
            return tf.data.Dataset.from_generator(
                examples, output_signature=dict.fromkeys(names, any_size)
            )

        return tfds.testing.mock_data(as_dataset_fn=as_dataset)

    return mock


def trimap(size, number):
    return np.resize(np.array([1, 2, 3], "uint8"), (*size, 1))


def test_pets(mocked, same_in_batches):
    with mocked(segmentation_mask=trimap):
        pets = data.load("tfds:oxford_iiit_pet", split="train")
    assert len(pets) == 3 and pets.labels.names == ("pet", "background", "border")
    for (image, label), size in zip(pets, SIZES, strict=True):
        assert image.shape == (*size, 3) and image.dtype == np.uint8
        np.testing.assert_array_equal(label, trimap(size, 0)[..., 0] - 1)
    same_in_batches(pets)
    assert pets.select("*2").names == ("000002",)
    np.testing.assert_array_equal(pets.select("*2")[0][0], pets[2][0])


def test_the_border_of_pets_may_be_void(mocked, same_in_batches):
    with mocked(segmentation_mask=trimap):
        pets = data.load("tfds:oxford_iiit_pet", void=3)
    assert pets.labels.names == ("pet", "background")
    np.testing.assert_array_equal(np.unique(pets[0][1]), [0, 1, 255])
    same_in_batches(pets)


def test_scenes_have_their_class_in_the_first_channel(mocked, same_in_batches):
    """The second channel numbers the objects; 0 is void."""

    def annotation(size, number):
        category = np.resize(np.array([0, 1, 100, 150], "uint8"), size)
        instance = np.resize(np.arange(7, dtype="uint8"), size)
        return np.stack([category, instance, np.zeros_like(category)], -1)

    with mocked(annotation=annotation):
        scenes = data.load("tfds:scene_parse150", split="test")
    assert scenes.labels.num_classes == 150
    np.testing.assert_array_equal(np.unique(scenes[0][1]), [0, 99, 149, 255])
    category = annotation(SIZES[1], 1)[..., 0]
    np.testing.assert_array_equal(scenes[1][1] == 255, category == 0)
    same_in_batches(scenes)


def test_cityscapes(mocked, same_in_batches):
    def ids(size, number):
        return np.resize(np.array([0, 7, 8, 33, 9], "uint8"), (*size, 1))

    with mocked(segmentation_label=ids):
        streets = data.load("tfds:cityscapes", split="train")
    assert streets.labels.names[0] == "road" and streets.labels.num_classes == 19
    expected = np.resize([255, 0, 1, 18, 255], SIZES[0])
    np.testing.assert_array_equal(streets[0][1], expected)
    same_in_batches(streets)


def test_mocks_that_make_no_sense():
    """TFDS's own mock gives random values, and a mask of another size than its image."""
    with tfds.testing.mock_data(num_examples=2):
        pets = data.load("tfds:oxford_iiit_pet", split="train")
    with pytest.raises(data.LabelError, match=r"train/segmentation_mask#0 holds the labels 0, "):
        pets[0]
    with pytest.raises(Exception, match=r"segmentation_mask#\d holds the labels"):
        list(pets.batches(1))
    with tfds.testing.mock_data(num_examples=2, max_value=150):
        scenes = data.load("tfds:scene_parse150", split="train")
    message = r"train/image#0 is \d+x\d+ but its mask tfds:scene_parse150/train/annotation#0 is"
    with pytest.raises(ValueError, match=message):
        scenes[0]
    with pytest.raises(Exception, match=r"image#\d is \d+x\d+ but its mask"):
        list(scenes.batches(1))


def test_check_data(mocked, check_data):
    with mocked(segmentation_mask=trimap):
        code, printed = check_data("tfds:oxford_iiit_pet")
    assert code == 0 and "3 in train" in printed and "background" in printed
    with tfds.testing.mock_data(num_examples=2):
        code, printed = check_data("tfds:oxford_iiit_pet")
    assert code == 1 and "2 problems" in printed


def test_nothing_is_downloaded_without_the_option(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", lambda self, **_: asked.append(self.name)
    )
    message = rf"{tmp_path}.*expected and is not there.*download=True.*robots\.ox\.ac\.uk"
    with pytest.raises(FileNotFoundError, match=message):
        data.load("tfds:oxford_iiit_pet", tmp_path)
    assert not asked
    with pytest.raises(FileNotFoundError):
        data.load("tfds:oxford_iiit_pet", tmp_path, download=True)
    assert asked == ["oxford_iiit_pet"]


def test_missing_classes_and_masks_are_named(tmp_path):
    with pytest.raises(ValueError, match="no builder 'no_such_builder'"):
        data.load("tfds:no_such_builder", tmp_path)
    with pytest.raises(ValueError, match=r"mnist has no segmentation mask.*\['image'\].*mask=NAME"):
        data.load("tfds:mnist", tmp_path)
    with pytest.raises(ValueError, match="classes=N"):
        data.load("tfds:lost_and_found", tmp_path)
    with pytest.raises(ValueError, match=r"no image 'masks'.*'segmentation_mask'"):
        data.load("tfds:oxford_iiit_pet", tmp_path, mask="masks")


@pytest.mark.parametrize(("text", "meaning"), [
    ("tfds:oxford_iiit_pet", ("tfds:oxford_iiit_pet", None, {})),
    ("tfds:oxford_iiit_pet:4.0.0", ("tfds:oxford_iiit_pet:4.0.0", None, {})),
    ("tfds:a/b:/data,download", ("tfds:a/b", "/data", {"download": True})),
    ("tfds:x,classes=4,void=9,void=0", ("tfds:x", None, {"classes": 4, "void": (9, 0)})),
])  # fmt: skip
def test_on_the_command_line(text, meaning):
    assert data.parse(text) == meaning


def test_command_lines_that_name_none():
    for text in ("tfds", "tfds:", "tfds::dir"):
        with pytest.raises(ValueError, match="tfds:NAME"):
            data.parse(text)


@pytest.fixture
def prepared(tmp_path):
    """A builder of our own, prepared as TFRecord files in two shards, and their folder."""
    made = [
        (RNG.integers(0, 256, (*SIZES[n % 3], 3), "uint8"), np.resize([0, 1, 2], SIZES[n % 3]))
        for n in range(7)
    ]

    class TinyScenes(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """Seven scenes, which TFDS reads from files only."""

        code_path = None
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            mask = tfds.features.LabeledImage(labels=["sky", "sea", "sand"], shape=(None, None, 1))
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict(
                    {
                        "photo": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                        "number": tfds.features.Scalar(np.int64),
                        "truth": mask,
                    }
                )
            )

        def _split_generators(self, dl_manager):
            return {"train": self._examples(range(5)), "validation": self._examples(range(5, 7))}

        def _generate_examples(self, numbers):
            return self._examples(numbers)

        def _examples(self, numbers):
            for number in numbers:
                photo, truth = made[number]
                yield (
                    number,
                    {"photo": photo, "number": number, "truth": truth[..., None].astype("uint8")},
                )

    builder = TinyScenes(data_dir=tmp_path / "tfds")
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(num_shards=2),
    )
    return tmp_path / "tfds", builder


def test_records_are_read_by_number(prepared, same_in_batches):
    root, builder = prepared
    train = data.load("tfds:tiny_scenes", root, image="photo")
    assert len(train) == 5 and train.labels.names == ("sky", "sea", "sand")
    examples = list(builder.as_dataset(split="train").as_numpy_iterator())
    found = {image.tobytes(): label for image, label in train}
    for example in examples:
        label = found.pop(example["photo"].tobytes())
        np.testing.assert_array_equal(label, example["truth"][..., 0])
    assert not found
    same_in_batches(train)
    val = data.load("tfds:tiny_scenes", root, split="val", image="photo")
    assert val.split == "validation" and len(val) == 2
    part = data.load("tfds:tiny_scenes", root, split="train[40%:]", image="photo")
    assert len(part) == 3
    np.testing.assert_array_equal(part[0][0], train[2][0])
    with pytest.raises(ValueError, match=r"no split 'test'; it has \['train', 'validation'\]"):
        data.load("tfds:tiny_scenes", root, split="test", image="photo")


def test_places_are_those_of_the_record_reader(prepared):
    for path in sorted(prepared[0].rglob("*.tfrecord*")):
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        content = path.read_bytes()
        assert [content[a : a + n] for a, n in record_places(path)] == records
    path.write_bytes(content[:-3])
    with pytest.raises(ValueError, match="cut short"):
        record_places(path)
