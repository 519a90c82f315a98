"""The .caffemodel reader: every form that Caffe has written, and files that are none."""

import itertools
import tracemalloc

import caffe_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras.published import CaffeModelError, read_caffemodel

pytestmark = pytest.mark.backend

RNG = np.random.default_rng(0)
LAYERS = {
    "conv1_1": [RNG.normal(size=(3, 2, 5, 4)).astype("f4"), RNG.normal(size=3).astype("f4")],
    "inception_3a/1x1": [RNG.normal(size=(4, 6)).astype("f4")],
    "scale": [RNG.normal(size=7).astype("f4")],
}


@pytest.fixture
def write(tmp_path):
    """Writes the bytes, or a dict of layers, into a file; returns its path."""

    def writer(content, **how):
        path = tmp_path / "net.caffemodel"
        if isinstance(content, dict):
            return caffe_files.write(path, content, **how)
        path.write_bytes(content)
        return path

    return writer


def one(blob, name="conv"):
    """A NetParameter of one layer with one array, given as bytes."""
    layer = caffe_files.block(1, name.encode()) + caffe_files.block(7, blob)
    return caffe_files.block(100, layer)


def refused(path):
    with pytest.raises(CaffeModelError) as caught:
        read_caffemodel(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("v1", "legacy", "double", "packed", "diff"), itertools.product((False, True), repeat=5)
)
def test_every_form(write, v1, legacy, double, packed, diff):
    path = write(LAYERS, v1=v1, legacy=legacy, double=double, packed=packed, diff=diff)
    found = read_caffemodel(path)
    assert list(found) == list(LAYERS)  # "data" has no weights
    for name, arrays in LAYERS.items():
        for array, read in zip(arrays, found[name], strict=True):
            shape = (1,) * (4 - array.ndim) + array.shape if legacy else array.shape
            assert read.dtype == np.float32 and read.shape == shape and read.flags.writeable
            np.testing.assert_array_equal(read.ravel(), array.ravel())


def test_packed_numbers_in_two_pieces(write):
    values = np.arange(6, dtype="<f4")
    pieces = caffe_files.block(5, values[:2].tobytes()) + caffe_files.block(5, values[2:].tobytes())
    shape = caffe_files.block(7, caffe_files.block(1, b"\x06"))
    np.testing.assert_array_equal(read_caffemodel(write(one(shape + pieces)))["conv"][0], values)


def test_dimensions_one_by_one_and_unknown_fields(write):
    shape = caffe_files.block(7, caffe_files.number(1, 2) + caffe_files.number(1, 3))
    unknown = caffe_files.block(500, b"x" * 300) + caffe_files.number(501, 9)
    blob = unknown + caffe_files.block(5, np.ones(6, "<f4").tobytes()) + shape
    assert read_caffemodel(write(unknown + one(blob)))["conv"][0].shape == (2, 3)


def test_not_a_number_is_a_number(write):
    array = np.array([np.nan, np.inf, -0.0], "f4")
    np.testing.assert_array_equal(read_caffemodel(write({"a": [array]}))["a"][0], array)


@pytest.mark.parametrize("v1", [False, True])
def test_truncated_anywhere(write, v1):
    """Cut at any byte, the file is refused, unless the cut lies between two layers."""
    whole = write(LAYERS, v1=v1).read_bytes()
    refusals = 0
    for length in range(len(whole)):
        path = write(whole[:length])
        try:
            found = read_caffemodel(path)
        except CaffeModelError as error:
            refusals += 1
            message = str(error)
            assert f"truncated at byte {length}" in message or length < 10
        else:
            assert set(found) < set(LAYERS)
    assert len(whole) - refusals < 5


def shaped(dims, count=6):
    shape = b"".join(caffe_files.number(1, n) for n in dims)
    data = np.zeros(count, "<f4").tobytes()
    return one(caffe_files.block(7, shape) + caffe_files.block(5, data), "fc6")


@pytest.mark.parametrize(
    ("dims", "said"),
    [
        ((-1, -6), "the shape -1x-6 is not possible"),
        ((0, 6), "the shape 0x6 is not possible"),
        ((2, 4), "its shape 2x4 needs 8 numbers, but the file has 6"),
        ((2**31 - 1,) * 3, "but the file has 6"),
        ((2**32 + 2, 3), "is not possible"),
        ((2**63 - 1, 2), "is not possible"),
        ((1,) * 33, "is not possible"),
        ((1,) * 5000, "more than 32 dimensions"),
        ((), "needs 1 numbers"),
    ],
)
def test_impossible_shapes(write, dims, said):
    message = refused(write(shaped(dims)))
    assert "layer 'fc6', array 0" in message and said in message


def test_legacy_shape_that_does_not_fit(write):
    dims = b"".join(caffe_files.number(n, -2) for n in (1, 2, 3, 4))
    assert "-2x-2x-2x-2" in refused(write(one(dims + caffe_files.block(5, b"\0" * 64))))


def test_numbers_that_are_no_whole_number_of_floats(write):
    assert "no multiple of 4" in refused(write(one(caffe_files.block(5, b"\0" * 7))))


def test_two_layers_of_one_name(write):
    layer = one(caffe_files.blob(np.ones(3)), "conv")
    message = refused(write(layer + layer))
    assert "'conv'" in message and f"byte {len(layer)}" in message


def test_the_oldest_form(write):
    layer = caffe_files.block(1, caffe_files.block(1, b"conv1"))
    assert "upgrade_net_proto_binary" in refused(write(caffe_files.block(2, layer)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b'name: "VGG16"\nlayer {\n  name: "conv1_1"\n}\n', ".prototxt"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        (b"\n<html>", "web page"),
        (b"PK\x03\x04" + bytes(50), "archive"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "image"),
        (bytes(100), "field number 0"),
        (caffe_files.block(1, b"net"), "no layer"),
        (caffe_files.number(100, 5), "byte 0"),
        (b"\xff" * 20, "more than 10 bytes"),
        (one(b"\x0b"), "wire type 3"),
        (one(b"\x3a\x05\x01"), "damaged before byte"),
        (one(caffe_files.blob(np.ones(2)), "conv").replace(b"conv", b"\xff\xfe\xfd\xfc"), "text"),
        (caffe_files.block(100, caffe_files.block(7, b"") * 1001), "more than 1000 arrays"),
    ],
)
def test_what_is_no_caffemodel(write, content, said):
    assert said in refused(write(content))


def test_no_file(tmp_path):
    for path in (tmp_path / "none.caffemodel", tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no file"):
            read_caffemodel(path)


def test_no_memory_for_promised_numbers(write):
    """A field that says it is 2^60 bytes long, and a shape of 2^60 numbers."""
    huge = caffe_files.varint(2**60)
    for content in (
        caffe_files.varint(100 << 3 | 2) + huge,
        caffe_files.block(100, caffe_files.varint(7 << 3 | 2) + huge + bytes(50)),
        one(caffe_files.varint(5 << 3 | 2) + huge + bytes(50)),
        shaped((2**30, 2**30)),
    ):
        path = write(content)
        tracemalloc.start()
        refused(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_damage_is_refused_or_read(tmp_path_factory, data):
    """Bytes changed, removed and put in: a dict of arrays comes back, or a CaffeModelError."""
    path = tmp_path_factory.mktemp("damaged") / "net.caffemodel"
    v1, legacy, packed = (data.draw(st.booleans()) for _ in range(3))
    caffe_files.write(path, LAYERS, v1=v1, legacy=legacy, packed=packed)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(("change", "remove", "insert"))):
            case "change":
                content[at] = data.draw(st.integers(0, 255))
            case "remove":
                del content[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=12))
        if not content:
            break
    path.write_bytes(content)
    try:
        found = read_caffemodel(path)
    except CaffeModelError:
        return
    assert all(a.dtype == np.float32 for arrays in found.values() for a in arrays)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "net.caffemodel"
    path.write_bytes(content)
    with pytest.raises(CaffeModelError):
        read_caffemodel(path)
