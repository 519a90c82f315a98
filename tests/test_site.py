"""The documentation site, as `make docs` builds it: whole, without outside requests, searchable."""

import os
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from public_names import public

ROOT = Path(__file__).resolve().parents[1]
LOADS = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}
pytestmark = pytest.mark.docs


class Page(HTMLParser):
    """What a page links to, what it loads, and which anchors it has."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in LOADS and given.get(LOADS[tag]) and given.get("rel") not in ("next", "prev"):
            self.loads.append(given[LOADS[tag]])


@pytest.fixture(scope="session")
def site(dist, made_once):
    """The folder of the site, built strictly from the wheel."""
    for package in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        pytest.importorskip(package, reason="`make docs` installs it")

    def make(folder):
        with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
            wheel.extractall(folder / "wheel")
        path = os.pathsep.join([str(folder / "wheel"), os.environ.get("PYTHONPATH", "")])
        settings = {"PYTHONPATH": path, "KERAS_BACKEND": "jax", "NO_MKDOCS_2_WARNING": "1"}
        words = ["-P", "-m", "mkdocs", "build", "--quiet", "--config-file", "website/mkdocs.yml"]
        words += ["--site-dir", str(folder / "site")]
        subprocess.run([sys.executable, *words], cwd=ROOT, check=True, env=os.environ | settings)

    return made_once("site", make) / "site"


@pytest.fixture(scope="module")
def pages(site):
    """{path: what stands in it} of all pages but that for missing pages."""
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_guide_page_example_and_project_page_is_there(site, pages):
    names = {path.relative_to(site).as_posix() for path in pages}
    guide = {p.stem for p in (ROOT / "docs").glob("*.md")} - {"README"}
    assert {f"{name}.html" for name in guide} | {"index.html", "pages.html"} <= names
    assert {f"examples/{p.stem}.html" for p in (ROOT / "examples").glob("*.py")} <= names
    assert {"project/changelog.html", "project/security.html", "gallery.html"} <= names


def test_links_and_anchors_lead_somewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            target = target / "index.html" if target.is_dir() else target
            whole = target in pages and (not anchor or unquote(anchor) in pages[target].anchors)
            if not whole and not (target.is_file() and not anchor):
                broken.append(f"{path.name}: {link}")
    assert not broken, broken[:5]


def test_text_is_read_as_on_github(pages):
    """Lists below a line of text, and bars in the code of tables."""
    for path in pages:
        html = re.sub(r"<pre.*?</pre>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"<p>[^<]*\n- |<code>[^<]*\\\|", html), path.name
        for row in re.findall(r"<tr>.*?</tr>", html, re.DOTALL):
            assert not re.search(r"<td>[^<]*`[^<`]*</td>", row), f"{path.name}: {row}"


def test_pages_load_nothing_from_elsewhere(site, pages):
    for path, page in pages.items():
        for address in page.loads:
            assert not urlsplit(address).netloc, f"{path.name} loads {address}"
            assert (path.parent / unquote(urlsplit(address).path)).is_file(), (path, address)
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert "url(http" not in text and "url(//" not in text and "@import" not in text, path


def test_reference_has_every_public_name_once(site, pages):
    reference = [p.anchors for path, p in pages.items() if path.parent == site / "reference"]
    for name, value in public().items():
        place = f"{value.__module__}.{value.__qualname__}"
        assert sum(place in anchors for anchors in reference) == 1, name


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 390)])
def test_reads_well_in_a_browser(site, serve, chromium, scheme, width):
    server = serve(site)
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en"
    )
    page, complaints, foreign = context.new_page(), [], []
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on(
        "request",
        lambda asked: asked.url.startswith(server.address) or foreign.append(asked.url),
    )
    for name in ("index", "cli", "results", "gallery", "reference/models", "examples/quickstart"):
        page.goto(f"{server.address}{name}.html")
        page.wait_for_load_state("networkidle")
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{name} is {wider} pixels wider than the window"
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(map(int, background.removeprefix("rgb(").rstrip(")").split(", "))) / 3
        assert (lightness > 128) == (scheme == "light")
    assert not complaints and not foreign
    context.close()


def test_search_finds_a_net(site, serve, chromium):
    page = chromium.new_page(locale="en")
    page.goto(f"{serve(site).address}index.html")
    page.click(".md-search__input")
    page.keyboard.type("fcn8s")
    page.wait_for_selector(".md-search-result__link")
    found = page.eval_on_selector_all(".md-search-result__link", "all => all.map(one => one.href)")
    assert any("reference/models.html" in address for address in found)
    page.close()
