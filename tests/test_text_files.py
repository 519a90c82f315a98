"""Text in any encoding that says what it is; others are refused by name."""

import json

import pytest

from fcn_keras.labels import LabelSet
from fcn_keras.text_files import read_json, read_text

TEXT = "straße\nПетля\n螺栓 M8\n"
KNOWN = ("utf-8", "utf-8-sig", "utf-16", "utf-32")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "train.txt"


@pytest.mark.parametrize("encoding", KNOWN)
def test_unicode_with_a_mark_and_utf_8_are_read(file, encoding):
    file.write_text(TEXT, encoding=encoding)
    assert read_text(file) == TEXT


@pytest.mark.parametrize("mark, encoding", [(b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le")])
def test_both_byte_orders_are_read(file, mark, encoding):
    file.write_bytes(mark + TEXT.encode(encoding))
    assert read_text(file) == TEXT


def test_marks_between_joined_files_are_no_part_of_a_name(file):
    file.write_bytes("one\n".encode("utf-8-sig") + "two\n".encode("utf-8-sig"))
    assert read_text(file).splitlines() == ["one", "two"]


def test_latin_1_is_refused_with_line_and_remedy(file):
    file.write_bytes("Muttern\nSchrauben größer M8\n".encode("latin-1"))
    with pytest.raises(ValueError) as refused:
        read_text(file)
    assert "train.txt is not UTF-8: line 2" in str(refused.value)
    assert "'Schrauben größer M8'" in str(refused.value)
    assert "Encoding: UTF-8" in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf_16_without_a_mark_is_refused(file, encoding):
    """Each second byte is zero: as UTF-8 it would be names with invisible characters in them."""
    file.write_bytes("bolt\nnut\n".encode(encoding))
    with pytest.raises(ValueError, match="train.txt holds zero bytes.*UTF-16 without a mark"):
        read_text(file)


def test_utf_16_cut_short_is_refused(file):
    file.write_bytes("bolt\n".encode("utf-16")[:-1])
    with pytest.raises(ValueError, match="train.txt begins as UTF-16 and is damaged"):
        read_text(file)


@pytest.mark.parametrize(
    "content, kind",
    [
        (rb"{\rtf1\ansi bolt\par nut}", "Rich Text Format"),
        (b"PK\x03\x04...", "office document"),
        (b"<!DOCTYPE html><html>bolt</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    ],
)
def test_what_is_no_plain_text_is_refused_by_its_kind(file, content, kind):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"train.txt is no plain text but .*{kind}"):
        read_text(file)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_text(tmp_path)


@pytest.mark.parametrize("encoding", KNOWN)
def test_json_is_read_in_the_same_encodings(tmp_path, encoding):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"name": "Петля"}, ensure_ascii=False), encoding=encoding)
    assert read_json(path) == {"name": "Петля"}


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"a": 1,\n', "line 2.*ends too early"),
        ("{'a': 1}", "line 1, column 2.*Correct the line"),
        ("", "is empty"),
    ],
)
def test_damaged_json_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"labels.json.*{said}"):
        read_json(path)


@pytest.mark.parametrize("text", ["[1, 2]", "{}", '{"names": "bolt"}', '{"names": [["a"], ["b"]]}'])
def test_other_json_is_no_label_set(tmp_path, text):
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="labels.json holds no label set"):
        LabelSet.load(path)
