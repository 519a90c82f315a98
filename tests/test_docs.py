"""The documentation holds: its Python runs, its commands exist, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(page for place in (".", "docs", "website") for page in (ROOT / place).glob("*.md"))
BLOCK = re.compile(r"(<!-- not run.*?-->\n)?```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page, language):
    """The fenced blocks of a language, those marked `<!-- not run: why -->` left out."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for skipped, kind, text in found if kind == language and not skipped]


def relative(page):
    return str(page.relative_to(ROOT))


@pytest.fixture
def reader(parts, tmp_path, monkeypatch, in_a_hurry):
    """A reader's folder, with the images that the pages speak of, and a reader in a hurry."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (70, 90, 3), "uint8")).save(tmp_path / "street.jpg")


@pytest.mark.docs
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=relative)
def test_python_runs(page, reader):
    """The blocks of a page run one after the other, as a reader would paste them."""
    namespace = {"__name__": "__main__"}
    for number, text in enumerate(blocks(page, "python"), start=1):
        exec(compile(text, f"{relative(page)}, block {number}", "exec"), namespace)


@pytest.mark.parametrize("page", [p for p in PAGES if "fcn-keras " in p.read_text()], ids=relative)
def test_commands_exist(page):
    """Each `fcn-keras command --option` of a page is one that the program knows."""
    import typer.main

    from fcn_keras import cli

    commands = typer.main.get_command(cli.app).commands
    for line in "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        command = re.fullmatch(r"(?:\w+=\S* )*fcn-keras (\w.*)", line)
        if command is None:
            continue
        words = ["fcn-keras", *shlex.split(command[1], comments=True)]
        assert words[1] in commands, line
        named = [commands[word] for word in words[1:] if word in commands]  # worker runs another
        known = {name for c in named for p in c.params for name in p.opts + p.secondary_opts}
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= known | {"--help"}, f"{line}: {sorted(options - known)}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        path = target.partition("#")[0]
        if path and "://" not in path:
            assert (page.parent / path).exists(), f"{relative(page)} points to {target}"
