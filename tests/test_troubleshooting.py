"""docs/troubleshooting.md quotes messages as the program prints them, each with a remedy."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
CODE_SPAN = re.compile(r"(`+) ?(.+?) ?(?<!`)\1(?!`)")
VALUE = "…"
SECTIONS = (
    "Data folders and pairing", "Classes", "Masks", "Images",
    "COCO and exports of annotation tools", "Training", "Models and files", "Prediction",
    "Export", "Environment",
)  # fmt: skip


def rows():
    """The cells of each row of the page's tables."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [row for row in cells if not set("".join(row)) <= {"-"} and row[0].strip() != "message"]


def quoted(row):
    """The messages in a row's first cell, each as its fixed fragments."""
    for _, message in CODE_SPAN.findall(row[0]):
        yield [part.strip() for part in message.replace("\\|", "|").split(VALUE) if part.strip()]


class Texts(tuple):
    """Texts; a fragment is in them where it is in one of them."""

    __slots__ = ()

    def __contains__(self, fragment):
        return any(fragment in text for text in self)


@pytest.fixture(scope="module")
def strings():
    """Every text of the source; values that a text takes in stand as VALUE."""
    found = []
    for folder in ("fcn_keras", "export"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
                elif isinstance(node, ast.JoinedStr):
                    parts = (getattr(part, "value", VALUE) for part in node.values)
                    found.append("".join(p if isinstance(p, str) else VALUE for p in parts))
    return Texts(" ".join(text.split()) for text in found)


def test_the_sections_are_there():
    assert tuple(re.findall(r"^## (.+)$", PAGE, re.MULTILINE)) == SECTIONS


def ours(row):
    """Whether the message is this package's, not one that Keras or TensorFlow prints."""
    return not row[0].strip().startswith(("Keras: ", "TensorFlow: "))


@pytest.mark.parametrize("row", filter(ours, rows()), ids=lambda row: row[0].strip()[:50])
def test_the_program_says_what_the_page_quotes(row, strings):
    messages = list(quoted(row))
    assert messages, f"no message in code: {row[0]}"
    for fragments in messages:
        assert len("".join(fragments)) >= 8, f"too little of it is fixed: {row[0]}"
        missing = [fragment for fragment in fragments if fragment not in strings]
        assert not missing, f"in no text of the source: {missing}"


def test_each_message_has_a_meaning_and_a_remedy():
    for row in rows():
        assert len(row) == 3, row
        assert all(cell.strip() for cell in row), row
