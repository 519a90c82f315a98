"""Links between files of the repository, as links between pages of the site."""

import os
import posixpath
import re
from pathlib import Path

CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(?=[)\s])")
SOURCES = {}  # {page: the file of the repository that it shows}


def page_of(path):
    """The page of the site for a file of the repository, a path relative to the root."""
    name = path.as_posix()
    fixed = {"docs/README.md": "pages.md", "README.md": "index.md", "website/home.md": "index.md"}
    if name in fixed:
        return fixed[name]
    if path.parts[0] == "docs":
        return path.relative_to("docs").as_posix()
    if path.suffix == ".md" and len(path.parts) == 1:
        page = f"project/{path.stem.lower()}.md"
    elif path.parts[0] == "examples":
        page = f"examples/{path.stem}.md"
    else:
        page = f"files/{name.removesuffix('.md').replace('/', '-').lower()}.md"
    SOURCES[page] = name
    return page


def outside(markdown, source):
    """The files outside docs/ that the text of a file links to, relative to the root."""
    targets = (_target(match, source) for match in _links(markdown))
    pages = ("index.md", "pages.md")
    return {
        path for path in targets if path and path.parts[0] != "docs" and page_of(path) not in pages
    }


def rewritten(markdown, source, page):
    """Returns the text of a file with its links leading to pages.

    Args:
        markdown: The text.
        source: The file that it is from, relative to the root of the repository.
        page: The page that it becomes.
    """

    def lead(match):
        path = _target(match, source)
        if path is None:
            return match[0]
        relative = posixpath.relpath(page_of(path), posixpath.dirname(page) or ".")
        return f"{match[1]}{relative}{match[3] or ''}"

    return _outside_code(markdown, lambda text: LINK.sub(lead, text))


def _links(markdown):
    return LINK.finditer(CODE.sub("", markdown))


def _target(match, source):
    """The file that a link leads to, relative to the root; None for an address."""
    if re.match(r"[a-z]+:", match[2]):
        return None
    return Path(os.path.normpath(source.parent / match[2]))


def _outside_code(markdown, change):
    """Changes what is no code; a link's text may be code, its target is not."""
    kept = []

    def keep(match):
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"

    text = change(CODE.sub(keep, markdown))
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)
