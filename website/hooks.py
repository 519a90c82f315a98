"""What MkDocs calls while it builds the site: adds the pages that are made, and mends the links.

The pages of docs/ stay as they are, readable on GitHub; what differs between GitHub and the site
is changed here.
"""

import re
from pathlib import Path

import links
import made_pages
import reference
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
HOME = "website/home.md"
SOURCE_CODE = re.compile(
    r'(<details class="mkdocstrings-source")'
    r"(>\s*<summary>Source code in <code>)[^<]*?(?=fcn_keras/)"
)


def on_config(config):
    """Adds pages of docs/ that the list of pages does not name, examples and reference."""
    named = set(_names(config.nav))
    more = [p.name for p in sorted((ROOT / "docs").glob("*.md")) if p.name not in named]
    more = [name for name in more if name != "README.md"]
    guide = next(part["Guide"] for part in config.nav if "Guide" in part)
    if more:
        guide.append({"More": more})
    config.nav += [
        {"Gallery": "gallery.md"},
        {"Examples": [links.page_of(p) for p in made_pages.examples(ROOT)]},
        {"Reference": [f"reference/{name}.md" for name in reference.page_names()]},
        {"Project": [links.page_of(Path(p)) for p in made_pages.PROJECT]},
    ]
    return config


def on_files(files, config):
    """Adds the home page, the reference, the examples, and files that the pages link to."""
    files.remove(files.get_file_from_path("README.md"))
    made = {"index.md": _text(HOME), "pages.md": _text("docs/README.md")}
    made |= reference.pages()
    made["gallery.md"] = made_pages.gallery(ROOT)
    made["stylesheets/site.css"] = _text("website/site.css")
    made |= {links.page_of(p): made_pages.listing(ROOT, p) for p in _linked()}
    for uri, text in made.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turns links to files of the repository into links to pages; mends lists and tables."""
    uri = page.file.src_uri
    if uri == "index.md":
        page.meta["hide"] = ["navigation", "toc"]
    source = {"index.md": HOME, "pages.md": "docs/README.md"}.get(uri)
    if source is None and uri in links.SOURCES:
        source = links.SOURCES[uri]
    elif source is None:
        source = f"docs/{uri}"
    return links.rewritten(made_pages.as_python_markdown(markdown), Path(source), uri)


def on_page_content(html, page, config, files):
    """Leaves the source code under the functions out of the search, and names its file shortly."""
    return SOURCE_CODE.sub(r"\1 data-search-exclude\2", html)


def _text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def _names(nav):
    """The pages that a list names, at any depth."""
    for part in nav:
        if isinstance(part, str):
            yield part
        else:
            for value in part.values():
                yield from [value] if isinstance(value, str) else _names(value)


def _linked():
    """The files of the repository outside docs/ that get a page: listed ones and linked ones."""
    found = {*made_pages.examples(ROOT), *map(Path, made_pages.PROJECT)}
    sources = [*(ROOT / "docs").glob("*.md"), ROOT / HOME, *(ROOT / p for p in found)]
    for path in sources:
        if path.suffix == ".md":
            found |= links.outside(path.read_text(encoding="utf-8"), path.relative_to(ROOT))
    return sorted(found)
