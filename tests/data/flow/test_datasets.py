"""The datasets of pairs of frames, in their layouts."""

import numpy as np
import pytest
from PIL import Image

from fcn_keras import data, tasks

SIZE = (20, 30)


def frame(path, number):
    """An image whose red tells the number of its frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1], (number, 0, 7)).save(path)


def flow(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    data.write_flow(path, np.full((*SIZE, 2), value, "float32"))


def chairs(root):
    for number in (1, 2, 3):
        frame(root / f"data/0000{number}_img1.ppm", number)
        frame(root / f"data/0000{number}_img2.ppm", number + 100)
        flow(root / f"data/0000{number}_flow.flo", number)
    (root / "FlyingChairs_train_val.txt").write_text("1\n2\n1\n")


def sintel(root):
    for scene, number in (("alley_1", 1), ("alley_1", 2), ("ambush_2", 1)):
        for rendering, more in (("clean", 0), ("final", 50)):
            for place in (number, number + 1):
                frame(root / f"training/{rendering}/{scene}/frame_{place:04d}.png", place + more)
        flow(root / f"training/flow/{scene}/frame_{number:04d}.flo", number)


def kitti(root):
    for number in range(5):
        frame(root / f"training/image_2/00000{number}_10.png", number)
        frame(root / f"training/image_2/00000{number}_11.png", number + 100)
        flow(root / f"training/flow_occ/00000{number}_10.png", number)
        flow(root / f"training/flow_noc/00000{number}_10.png", -number)


def middlebury(root):
    for number, scene in enumerate(("Venus", "Grove2")):
        frame(root / f"other-data/{scene}/frame10.png", number)
        frame(root / f"other-data/{scene}/frame11.png", number + 100)
        flow(root / f"other-gt-flow/{scene}/flow10.flo", number)


def told(dataset):
    """(name, red of both frames, flow) of each pair."""
    found = [(*image[0, 0, ::3].tolist(), float(flow[0, 0, 0])) for image, flow in dataset]
    return [(name, *values) for name, values in zip(dataset.names, found, strict=True)]


def test_flying_chairs(tmp_path):
    chairs(tmp_path)
    train = data.load("flying-chairs", tmp_path, split="train")
    assert train.task == tasks.Flow() and train.channels == 6
    assert train[0][0].shape == (*SIZE, 6) and train[0][1].shape == (*SIZE, 2)
    assert told(train) == [("00001", 1, 101, 1), ("00003", 3, 103, 3)]
    val = data.load("flying-chairs", tmp_path / "data", split="val")
    assert told(val) == [("00002", 2, 102, 2)]
    (tmp_path / "FlyingChairs_train_val.txt").unlink()
    assert len(data.load("flying-chairs", tmp_path, split="all")) == 3
    with pytest.raises(ValueError, match="no split 'val'; it has all; train and val need"):
        data.load("flying-chairs", tmp_path, split="val")
    (tmp_path / "data/00002_img2.ppm").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 6 frames are missing, such as .*2_img2.ppm"):
        data.load("flying-chairs", tmp_path, split="all")


def test_sintel(tmp_path):
    sintel(tmp_path)
    mask = np.zeros(SIZE, "uint8")
    mask[0, 0] = 255
    (tmp_path / "training/invalid/ambush_2").mkdir(parents=True)
    Image.fromarray(mask).save(tmp_path / "training/invalid/ambush_2/frame_0001.png")
    every = data.load("sintel", tmp_path, split="all")
    assert told(every)[:2] == [("alley_1/frame_0001", 1, 2, 1), ("alley_1/frame_0002", 2, 3, 2)]
    assert np.isnan(every[2][1][0, 0]).all() and np.isnan(every[2][1]).sum() == 2
    final = data.load("sintel", tmp_path, split="all", rendering="final")
    assert told(final)[0] == ("alley_1/frame_0001", 51, 52, 1)
    parts = [data.load("sintel", tmp_path, split=split) for split in ("train", "val")]
    scenes = [{name.partition("/")[0] for name in part.names} for part in parts]
    assert sorted(map(len, scenes)) == [1, 1] and scenes[0] != scenes[1]
    with pytest.raises(ValueError, match="`rendering` must be one of 'clean', 'final'"):
        data.load("sintel", tmp_path, rendering="albedo")


def test_kitti(tmp_path):
    kitti(tmp_path)
    every = data.load("kitti-flow", tmp_path, split="all")
    assert told(every)[3] == ("000003", 3, 103, 3)
    visible = data.load("kitti-flow", tmp_path, split="all", visible=True)
    assert told(visible)[3] == ("000003", 3, 103, -3)
    parts = [data.load("kitti-flow", tmp_path, split=split).names for split in ("train", "val")]
    assert (len(parts[0]), len(parts[1])) == (4, 1) and {*parts[0], *parts[1]} == {*every.names}


def test_middlebury(tmp_path):
    middlebury(tmp_path)
    assert told(data.load("middlebury", tmp_path, split="all")) == [
        ("Grove2", 1, 101, 1), ("Venus", 0, 100, 0)
    ]  # fmt: skip
    with pytest.raises(ValueError, match="middlebury has no split 'train'; it has all"):
        data.load("middlebury", tmp_path)


def test_frames_of_different_sizes_are_refused(tmp_path):
    middlebury(tmp_path)
    Image.new("RGB", (31, 20)).save(tmp_path / "other-data/Venus/frame11.png")
    dataset = data.load("middlebury", tmp_path, split="all")
    with pytest.raises(ValueError, match="Venus.*frame10.png .*one size, got 20x30 and 20x31"):
        dataset[1]


@pytest.mark.parametrize("rotate", [None, "quarters", 40])
def test_batches_are_augmented_with_exact_flow(tmp_path, rotate):
    """Frames with a mark at one place: after all changes the flow still leads there."""
    pytest.importorskip("tensorflow")
    first, second = np.zeros((2, 60, 80, 3), "uint8")
    first[20:25, 30:35], second[32:37, 38:43] = 255, 255
    for name, image in (("frame10.png", first), ("frame11.png", second)):
        (tmp_path / "Dot").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / "Dot" / name)
    data.write_flow(tmp_path / "Dot/flow10.flo", np.full((60, 80, 2), (8, 12), "float32"))
    dataset = data.load("middlebury", tmp_path, split="all")
    augment = data.Augmentation(flip=True, scale=(0.8, 1.6), rotate=rotate)
    seen = 0
    for images, flows in dataset.batches(1, augment=augment, repeat=True).take(24):
        image, flow = images[0].numpy(), flows[0].numpy()
        places = [np.argwhere(image[..., c] > 100) for c in (0, 3)]
        last = np.array(image.shape[:2]) - 1
        inside = [
            p.min() > 0 and (p < last).all() and np.ptp(p, 0).max() < 12 for p in places if len(p)
        ]
        if len(inside) == 2 and all(inside):
            seen += 1
            moved = places[1].mean(0) - places[0].mean(0)
            at = tuple(places[0].mean(0).astype(int))
            np.testing.assert_allclose(flow[at][::-1], moved, atol=0.7)
    assert seen > 8


def test_a_shift_of_the_second_frame_adds_to_the_flow():
    pytest.importorskip("tensorflow")
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (20, 30, 3), "uint8")
    moved = np.roll(frame, (2, -1), (0, 1))
    image, flow = np.concatenate([frame, moved], -1), np.full((20, 30, 2), (-1, 2), "float32")
    dataset = data.Dataset("mine", "train", tasks.Flow(), ("a",), (image,), (flow,))
    augment = data.Augmentation(flip=False, frame_shift=4)
    seen = set()
    for images, flows in dataset.batches(1, augment=augment, repeat=True).take(12):
        first, second = np.split(images[0].numpy(), 2, axis=-1)
        right, down = (int(n) for n in flows[0, 0, 0])
        seen.add((right, down))
        assert abs(right + 1) <= 4 and abs(down - 2) <= 4
        np.testing.assert_array_equal(first, frame)
        np.testing.assert_array_equal(flows[0].numpy(), np.broadcast_to((right, down), (20, 30, 2)))
        np.testing.assert_array_equal(second[10 + down, 15 + right], frame[10, 15])
    assert len(seen) > 6
    grey = data.Dataset(
        "mine", "train", tasks.Classes(num_classes=2), ("a",), (frame,), (frame[..., 0] % 2,)
    )
    with pytest.raises(
        ValueError, match="`frame_shift` is for pairs of frames, and mine has single"
    ):
        grey.batches(1, augment=augment)
