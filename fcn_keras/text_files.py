"""Text and JSON that others wrote: the encoding is what the file's beginning says, not a guess."""

import codecs
import json
from pathlib import Path

UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
OTHERS = {
    b"PK\x03\x04": "a zip archive or an office document",
    b"\xd0\xcf\x11\xe0": "an office document",
    b"%PDF": "a PDF",
    b"{\\rtf": "a document in Rich Text Format",
    b"\x1f\x8b": "a compressed file (gzip)",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89HDF": "an HDF5 file",
    b"version https://git-lfs": "a pointer of Git LFS; `git lfs pull` fetches the file itself",
    b"<!DOCTYPE": "a web page in place of the file; download it again",
    b"<!doctype": "a web page in place of the file; download it again",
    b"<html": "a web page in place of the file; download it again",
}
SAVE = (
    "Save it as plain text in UTF-8 (Notepad: Save as, Encoding: UTF-8; Python: encoding='utf-8')."
)


def read_text(path):
    """Returns the text in a file, without byte order marks.

    UTF-8 is read with and without a byte order mark, UTF-16 and UTF-32 with one.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: if it is not there.
        IsADirectoryError: if it is a folder.
        ValueError: for another encoding, or a file that is no text; the message names the file.

    Example:

    ```python
    names = fcn_keras.text_files.read_text("parts/train.txt").splitlines()
    ```
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; a text file was expected.")
    content = path.read_bytes()
    if other := other_kind(content):
        raise ValueError(f"{path} is no plain text but {other}.")
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} {_what_is_wrong(content, error)} {SAVE}") from error
    if "\0" in text:
        raise ValueError(
            f"{path} holds zero bytes: it is no text, or UTF-16 without a mark at its beginning. "
            f"{SAVE}"
        )
    return text.replace("\ufeff", "")


def read_json(path):
    """Returns what a JSON file holds; for the encoding see `read_text`.

    Raises:
        FileNotFoundError: if the file is not there.
        ValueError: for text that is no JSON; the message names the file and the line.
    """
    text = read_text(path)
    if not text.strip():
        raise ValueError(f"{path} is empty; JSON was expected. Copy or write it again.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text.rstrip())
        raise ValueError(
            f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}. "
            + ("It ends too early: copy or write it again." if at_end else "Correct the line.")
        ) from error


def other_kind(content):
    """Returns what a file is by its first bytes where it is one of `OTHERS`, else None.

    Args:
        content: The file's beginning, bytes.
    """
    start = content.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    return next((kind for mark, kind in OTHERS.items() if start.startswith(mark)), None)


def _encoding(content):
    if content.startswith(UTF32):  # before UTF-16, whose mark begins that of UTF-32
        return "utf-32"
    return "utf-16" if content.startswith(UTF16) else "utf-8"


def _what_is_wrong(content, error):
    """Which line holds bytes of another encoding; or that UTF-16 is cut short."""
    if error.encoding not in ("utf-8", "utf8"):
        return f"begins as {error.encoding[:6].upper()} and is damaged ({error.reason})."
    start = content.rfind(b"\n", 0, error.start) + 1
    number = content.count(b"\n", 0, error.start) + 1
    line = content[start:].splitlines()[0].decode("cp1252", "replace").strip()
    return (
        f"is not UTF-8: line {number} holds the byte 0x{content[error.start]:02x} (as Windows-1252 "
        f"the line is {line[:60]!r})."
    )
