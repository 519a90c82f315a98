"""Torch checkpoints: what torch wrote is read exactly, and nothing else is read or run."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from fcn_keras.checkpoints import CheckpointError, read_checkpoint

BASE = np.arange(24, dtype="f4").reshape(2, 3, 4)
TENSORS = {
    "base": BASE,
    "transposed": BASE.transpose(2, 0, 1),
    "row": BASE[1, :, 1:3],
    "column": BASE[:, 1, ::2],
    "expanded": np.zeros(5, "f4"),
    "parameter": np.full((2, 2), 0.5, "f4"),
    "scalar": np.array(7),
    "empty": np.zeros((0, 3), "f4"),
    "double": np.array([1e300, -1.0]),
    "half": np.array([0.1, -2.0, 65504.0], "f2"),
    "bfloat16": np.array([0x3DCD, 0xC000, 0x7F62], "u4"),  # the upper halves of float32
    "bytes": np.array([0, 255], "u1"),
    "chars": np.array([-128, 127], "i1"),
    "shorts": np.array([-32768], "i2"),
    "ints": np.array([-5], "i4"),
    "flags": np.array([True, False]),
}
TENSORS["bfloat16"] = (TENSORS["bfloat16"] << 16).view("f4")
MODULE = ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
          "1.num_batches_tracked"]  # fmt: skip


def refused(path, **given):
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path, **given)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["tensors.pth", "tensors_legacy.pth"])
def test_every_type_and_view(files, name):
    found = read_checkpoint(files / name)
    assert list(found) == list(TENSORS)
    for key, expected in TENSORS.items():
        assert found[key].dtype == expected.dtype and not found[key].flags.writeable
        assert found[key].shape == expected.shape
        np.testing.assert_array_equal(found[key], expected)


def test_a_module_in_every_form(files):
    plain = read_checkpoint(files / "module.pth")
    assert list(plain) == MODULE and plain["0.weight"].shape == (2, 3, 3, 3)
    for form in ("module_legacy", "module_protocol4", "parallel", "training"):
        found = read_checkpoint(files / f"{form}.pth")
        assert list(found) == MODULE
        for name in MODULE:
            np.testing.assert_array_equal(found[name], plain[name])


def test_one_of_several_state_dicts(files):
    path = files / "two.pth"
    assert list(read_checkpoint(path, "teacher")) == MODULE
    assert "it has 'student', 'teacher'" in refused(path)
    assert "no state dict 'pupil'; it has 'student', 'teacher'" in refused(path, key="pupil")
    assert "no state dict 'epoch'" in refused(files / "training.pth", key="epoch")


def test_what_holds_a_program_is_refused(files):
    assert "torch.nn.modules.container.Sequential" in refused(files / "whole.pth")
    assert "TorchScript" in refused(files / "script.pth")


def archive(path, pickled, order=b"little", compression=zipfile.ZIP_STORED, **storages):
    """A zip checkpoint with these bytes; returns its path."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("net/data.pkl", pickled)
        file.writestr("net/byteorder", order)
        for key, content in storages.items():
            file.writestr(f"net/data/{key[1:]}", content)
    return path


def tensor(
    count=6, size=(2, 3), stride=(3, 1), offset=0, kind="FloatStorage", name=b"w", part=None
):
    """The pickle of {name: tensor}, written opcode by opcode."""

    def numbers(values):
        return b"(" + b"".join(b"\x8a\x09" + n.to_bytes(9, "little", signed=True) for n in values)

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value

    storage = b"(" + text(b"storage") + b"ctorch\n" + kind.encode() + b"\n" + text(b"0")
    storage += text(b"cpu") + numbers([count])[1:]
    if part:
        storage += b"(" + text(b"1") + numbers(part)[1:] + b"t"
    storage += b"tQ"
    view = numbers([offset])[1:] + numbers(size) + b"t" + numbers(stride) + b"t"
    rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + view + b"\x89}tR"
    return b"\x80\x02}" + text(name) + rebuilt + b"s."


def test_byte_order(tmp_path):
    values = np.arange(6)
    for order, letter in ((b"little", "<f4"), (b"big", ">f4")):
        path = archive(tmp_path / "a.pth", tensor(), order, _0=values.astype(letter).tobytes())
        np.testing.assert_array_equal(read_checkpoint(path)["w"], values.reshape(2, 3))
    path = archive(tmp_path / "a.pth", tensor(), b"middle", _0=bytes(24))
    assert "the byte order is b'middle'" in refused(path)


def test_a_part_of_a_storage(tmp_path):
    """In early versions a storage could be a stretch of another, from number 2 here."""
    content = np.arange(12, dtype="<f4").tobytes()
    pickled = tensor(12, (2, 3), (4, 1), 1, part=(2, 9))
    found = read_checkpoint(archive(tmp_path / "a.pth", pickled, _0=content))["w"]
    np.testing.assert_array_equal(found, [[3, 4, 5], [7, 8, 9]])
    for wrong in ({"part": (4, 9)}, {"part": (2, 7)}, {"part": (-1, 9)}, {"part": (0, 2**62)}):
        pickled = tensor(12, (2, 3), (4, 1), 1, **wrong)
        refused(archive(tmp_path / "a.pth", pickled, _0=content))


class Run:
    def __reduce__(self):
        return print, ("this must not be printed",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
def test_no_other_global_is_called(tmp_path, protocol, capsys):
    pickled = pickle.dumps({"w": Run()}, protocol)
    message = refused(archive(tmp_path / "a.pth", pickled))
    assert "it holds __builtin__.print" in message or "it holds builtins.print" in message
    legacy = tmp_path / "b.pth"
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    legacy.write_bytes(b"".join(pickle.dumps(part, 2) for part in head) + pickled)
    assert ".print, and only tensors" in refused(legacy)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    "given",
    [
        {"size": (2, 4)},
        {"stride": (4, 1)},
        {"offset": 1},
        {"offset": -1},
        {"size": (-2, 3)},
        {"stride": (3, -1)},
        {"size": (2, 3, 1)},
        {"size": (2**40, 2**21), "stride": (0, 0)},
        {"size": (2**61,), "stride": (2**61,)},
        {"count": 7},
        {"count": 2**60},
        {"count": -6},
        {"kind": "IntStorage2"},
        {"kind": "DoubleStorage"},
        {"size": (1,) * 33, "stride": (1,) * 33},
    ],
)
def test_lengths_that_do_not_fit(tmp_path, given):
    path = archive(tmp_path / "a.pth", tensor(**given), _0=bytes(24))
    tracemalloc.start()
    refused(path)
    assert tracemalloc.get_traced_memory()[1] < 2**21
    tracemalloc.stop()


def hostile():
    huge = struct.pack("<Q", 2**62)
    yield "BINBYTES8", b"\x80\x05\x8e" + huge + b"x."
    yield "BINUNICODE8", b"\x80\x05\x8d" + huge + b"x."
    yield "BYTEARRAY8", b"\x80\x05\x96" + huge + b"x."
    yield "LONG4", b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x."
    yield "LONG4 below 0", b"\x80\x02\x8b" + struct.pack("<i", -5) + b"x."
    yield "LONG", b"L" + b"9" * 100_000 + b"L\n."
    yield "FRAME", b"\x80\x04\x95" + huge + b"}."
    yield "LONG_BINPUT", b"\x80\x02}r" + b"\xff" * 4 + b"."
    yield "PUT", b"}p" + b"9" * 1000 + b"\n."
    yield "BINGET", b"\x80\x02h\x05."
    yield "no STOP", b"\x80\x02}"
    yield "empty stack", b"\x80\x02."
    yield "MARK", b"\x80\x02(."
    yield "deep tuples as a key", b"\x80\x02}" + b")" + b"\x85" * 50_000 + b"Ns."
    yield "deep lists", b"\x80\x02" + b"]" * 30_000 + b"a" * 29_999 + b"."
    yield "itself", b"\x80\x02}q\0X\1\0\0\0ah\0s."
    yield "EXT1", b"\x80\x02\x82\x01."
    yield "INST", b"(ios\nsystem\n."
    yield "OBJ", b"\x80\x02(cos\nsystem\no."
    yield "NEWOBJ", b"\x80\x02ccollections\nOrderedDict\n)\x81."
    yield "BUILD of a dict", b"\x80\x02}}b."
    yield "a storage is called", b"\x80\x02ctorch\nFloatStorage\n)R."
    yield "OrderedDict of numbers", b"\x80\x02ccollections\nOrderedDict\n(]K\1atR."
    yield "half a pair", b"\x80\x02}(K\1u."
    yield "a dict has no name", b"\x80\x02}K\1K\2a."
    yield "a name of many bytes", b"\x80\x02c" + b"a" * 2**20 + b"\nb\n."
    yield "a storage of another kind", b"\x80\x02(X\7\0\0\0storageNNNK\1tQ."
    pairs = b"](" + b"X\1\0\0\0aN\x86" * 10_000 + b"e\x85q\0"
    call = b"ccollections\nOrderedDict\nq\1" + b"h\1h\0R0" * 20_000
    yield "a long list copied again and again", b"\x80\x02" + pairs + call + b"}."
    yield "a text without quotes", b"S" + b"a" * 2**20 + b"\n."
    yield "a whole module", b"\x80\x02(X\6\0\0\0moduleNNNtQ."


@pytest.mark.parametrize("pickled", [p for _, p in hostile()], ids=[n for n, _ in hostile()])
def test_hostile_pickles(tmp_path, pickled):
    tracemalloc.start()
    message = refused(archive(tmp_path / "a.pth", pickled))
    assert tracemalloc.get_traced_memory()[1] < 100 * len(pickled) + 2**21
    assert len(message) < 1000
    tracemalloc.stop()


def test_hostile_archives(tmp_path):
    path = tmp_path / "a.pth"
    compressed = archive(path, tensor(), compression=zipfile.ZIP_DEFLATED, _0=bytes(24))
    assert "compressed" in refused(compressed)
    assert "storage '0' is missing" in refused(archive(path, tensor()))
    assert "storage '0' has 20 bytes, not 24" in refused(archive(path, tensor(), _0=bytes(20)))
    whole = bytearray(archive(path, tensor(), _0=bytes(24)).read_bytes())
    whole[whole.index(b"net/data/0") + 12] ^= 1
    path.write_bytes(whole)
    assert "CRC" in refused(path)
    for other, said in (("config.json", "a .keras file"), ("data.npy", "without data.pkl")):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(other, "{}")
        assert said in refused(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs"),
        (b"\x89PNG\r\n", "image"),
        (bytes(257) + b"ustar" + bytes(300), "tar archive"),
        (b"layer { name: 'conv1' }", "its pickle"),
        (pickle.dumps([1, 2]), "does not begin as torch.save"),
        (b"\x40\0\0\0\0\0\0\0" + b'{"a":1}', "safetensors"),
    ],
)
def test_files_of_other_kinds(tmp_path, content, said):
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    assert said in refused(path)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pth"):
        read_checkpoint(tmp_path / "none.pth")


def damaged(content, rng):
    """The bytes of a file with one kind of damage."""
    kind, content = rng.integers(4), bytearray(content)
    if kind == 0:
        del content[rng.integers(len(content)) :]
    for _ in range(rng.integers(1, 9) if kind in (1, 2) else 0):
        place = rng.integers(len(content))
        content[place] = rng.integers(256) if kind == 1 else content[place] ^ 1 << rng.integers(8)
    if kind == 3:
        first, second = sorted(rng.integers(len(content), size=2))
        content[first:second] = rng.bytes(rng.integers(20))
    return bytes(content)


def check_damaged(files, path, count):
    rng = np.random.default_rng(0)
    names = ("tensors.pth", "tensors_legacy.pth", "training.pth", "module_protocol4.pth")
    contents = [(files / name).read_bytes() for name in names]
    refusals = 0
    tracemalloc.start()
    for number in range(count):
        path.write_bytes(damaged(contents[number % len(contents)], rng))
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        try:
            for array in read_checkpoint(path).values():
                assert array.nbytes < 2**20
        except CheckpointError as error:
            refusals += 1
            assert str(path) in str(error)
        assert tracemalloc.get_traced_memory()[1] - before < 2**20
    tracemalloc.stop()
    assert refusals > count / 3


def test_damaged_files(files, tmp_path):
    check_damaged(files, tmp_path / "net.pth", 400)


@pytest.mark.sweep
def test_ten_thousand_damaged_files(files, tmp_path):
    check_damaged(files, tmp_path / "net.pth", 10_000)


def test_safetensors(tmp_path):
    library = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")
    arrays = {"a": BASE, "half": TENSORS["half"], "flags": TENSORS["flags"]}
    path = tmp_path / "net.safetensors"
    library.save_file(arrays, path)
    found = read_checkpoint(path)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and not found[name].flags.writeable
        np.testing.assert_array_equal(found[name], array)
    whole = path.read_bytes()
    path.with_suffix(".pth").write_bytes(whole)
    assert ".safetensors" in refused(path.with_suffix(".pth"))
    for length in (0, 5, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path)
    header = b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\xcd\x3d\x00\xc0")
    np.testing.assert_array_equal(read_checkpoint(path)["w"], TENSORS["bfloat16"][:2])


def test_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    path = tmp_path / "net.safetensors"
    path.write_bytes(io.BytesIO(b"x" * 20).getvalue())
    with pytest.raises(ModuleNotFoundError, match="pip install safetensors"):
        read_checkpoint(path)
