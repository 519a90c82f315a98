"""What `export_web` writes and refuses, and where the runtime comes from: without a browser."""

import dataclasses
import json
import os
import re
import stat
import sys

import keras
import pytest

import fcn_keras
from fcn_keras.export import export_web
from fcn_keras.export.tflite import contents
from fcn_keras.export.web import litert
from fcn_keras.export.web.page import policy

LABELS = fcn_keras.LabelSet(("road", "sky", "tree"), ((1, 2, 3), (4, 5, 6), (7, 8, 9)))
STAND_INS = {name: f"// {name}".encode() for name in litert.FILES}
STAND_INS["core.js"] = b'import { createWasmLib } from "@litertjs/wasm-utils";'


@pytest.fixture(scope="module")
def model():
    image = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same")(x), name="tiny")


@pytest.fixture
def stand_ins(monkeypatch, tmp_path):
    """Small files in place of LiteRT.js's, with their hashes, and an empty cache."""
    files = {
        name: dataclasses.replace(file, integrity=litert.integrity(STAND_INS[name]))
        for name, file in litert.FILES.items()
    }
    monkeypatch.setattr(litert, "FILES", files)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return files


@pytest.fixture
def installed(stand_ins, tmp_path):
    """A node_modules folder."""
    return lay_out(stand_ins, tmp_path / "node_modules", "{package}/{path}")


def lay_out(files, folder, form):
    for name, file in files.items():
        path = folder / form.format(package=file.package, path=file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(STAND_INS[name])
    return folder


def rules(text):
    return {words[0]: set(words[1:]) for words in (rule.split() for rule in text.split(";"))}


def test_what_lies_in_the_folder(model, installed, tmp_path):
    site = export_web(
        model, tmp_path / "out" / "site", size=(24, 32), labels=LABELS, title='<Street> & "car"',
        runtime=installed,
    )  # fmt: skip
    found = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert {"index.html", "app.js", "worker.js", "style.css", "page.json", "model.tflite"} <= found
    assert {f"runtime/{name}" for name in litert.FILES} <= found
    task, made = contents.read(site / "model.tflite")
    assert task.labels == LABELS
    assert made["quantize"] == "float16" and made["output"] == "logits" and made["mediapipe"]
    page = json.loads((site / "page.json").read_text())
    assert page["size"] == made["size"] == [24, 32]
    assert page["padding_pixel"] == made["padding_pixel"]
    assert page["names"] == list(LABELS.names)
    assert page["palette"] == [list(color) for color in LABELS.palette]
    assert all((site / source["url"]).is_file() for source in page["runtime"].values())
    html = (site / "index.html").read_text()
    assert html.count("&lt;Street&gt; &amp; &quot;car&quot;") == 2 and "{{" not in html
    core = (site / "runtime" / "core.js").read_text()
    assert core == 'import { createWasmLib } from "./wasm-utils.js";'
    assert "Apache" in (site / "runtime" / "NOTICE.txt").read_text()


def test_nothing_points_elsewhere(model, installed, tmp_path):
    site = export_web(model, tmp_path / "site", size=(24, 32), runtime=installed)
    for path in site.glob("*"):
        if path.suffix in (".html", ".js", ".css", ".json", ".svg"):
            text = path.read_text().replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"(https?:)?//\w+\.\w", text), path
    assert (site / "style.css").read_text().count("@import") == 0
    found = re.search(
        r'Content-Security-Policy" content="(.*?)"', (site / "index.html").read_text()
    )
    found = rules(found[1].replace("&#x27;", "'"))
    assert found["default-src"] == {"'none'"}
    assert found["script-src"] == {"'self'", "'wasm-unsafe-eval'"}
    assert found["connect-src"] == found["style-src"] == {"'self'"}
    assert found["worker-src"] == {"blob:"}


def test_cdn_allows_exactly_two_folders(model, tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "runtime_files", lambda folder=None: pytest.fail("fetched"))
    site = export_web(model, tmp_path / "site", size=(24, 32), cdn=True)
    assert not (site / "runtime").exists()
    folders = {
        f"https://cdn.jsdelivr.net/npm/@litertjs/{name}@{litert.VERSION}/"
        for name in ("core", "wasm-utils")
    }
    allowed, strict = rules(policy(cdn=True)), rules(policy(cdn=False))
    assert allowed["connect-src"] == {"'self'", "blob:"} | folders
    assert allowed["script-src"] == strict["script-src"] | {"blob:"}
    for source in json.loads((site / "page.json").read_text())["runtime"].values():
        assert source["url"].startswith(tuple(folders))
        assert source["integrity"].startswith("sha384-")


def test_the_hash_is_that_of_browsers():
    """Of nothing at all, as published with SHA-384's test vectors, in base64."""
    empty = "OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb"
    assert litert.integrity(b"") == f"sha384-{empty}"


def test_another_file_is_refused(model, installed, tmp_path):
    path = installed / "@litertjs" / "core" / "wasm" / "litert_wasm_internal.wasm"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(
        ValueError, match=r"internal\.wasm is not the .*2\.5\.3: its hash is sha384"
    ):
        export_web(model, tmp_path / "site", size=(24, 32), runtime=installed)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="npm install @litertjs/core@2.5.3"):
        export_web(model, tmp_path / "site", size=(24, 32), runtime=installed)
    assert not (tmp_path / "site").exists()


def test_only_a_page_is_replaced(model, installed, tmp_path):
    site, given = tmp_path / "site", {"size": (24, 32), "runtime": installed}
    export_web(model, site, **given, title="first")
    (site / "of-before").touch()
    with pytest.raises(ValueError, match="already exists.*overwrite"):
        export_web(model, site, **given)
    export_web(model, site, **given, title="second", overwrite=True)
    assert "second" in (site / "index.html").read_text() and not (site / "of-before").exists()
    with pytest.raises(ValueError, match="not a page of this package"):
        export_web(model, installed, **given, overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {"site", "node_modules"}


def test_what_a_page_cannot_show(model, installed, tmp_path):
    with pytest.raises(ValueError, match=r"needs one size.*size=\(H, W\)"):
        export_web(model, tmp_path / "site", runtime=installed)
    image = keras.Input((24, 32, 3))
    fixed = keras.Model(image, keras.layers.Conv2D(3, 1)(image))
    site = export_web(fixed, tmp_path / "site", runtime=installed)
    assert json.loads((site / "page.json").read_text())["size"] == [24, 32]
    many = keras.Model(image, keras.layers.Conv2D(257, 1)(image))
    with pytest.raises(ValueError, match="at most 256 classes; .* has 257"):
        export_web(many, tmp_path / "many", runtime=installed)
    with pytest.raises(ValueError, match="quantize='int8' measures"):
        export_web(model, tmp_path / "int8", size=(24, 32), quantize="int8", runtime=installed)
    with pytest.raises(ValueError, match="give one of them"):
        export_web(model, tmp_path / "both", size=(24, 32), cdn=True, runtime=installed)


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """`npm(lines)`: puts a program of that name, of these Python lines, alone on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(lines):
        path = folder / "npm"
        path.write_text(f"#!{sys.executable}\nimport sys, pathlib, shutil\n{lines}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return write


@pytest.mark.skipif(os.name == "nt", reason="a script stands for npm")
def test_npm_brings_it_and_the_cache_keeps_it(npm, installed, tmp_path):
    npm(f"""
prefix = pathlib.Path(sys.argv[sys.argv.index("--prefix") + 1])
assert sys.argv[1] == "install" and sys.argv[-2] == "@litertjs/core@{litert.VERSION}"
assert "--ignore-scripts" in sys.argv
shutil.copytree({str(installed)!r}, prefix / "node_modules")
""")
    assert litert.runtime_files() == STAND_INS
    npm("sys.exit('asked again')")
    assert litert.runtime_files() == STAND_INS
    for path in (tmp_path / "cache").rglob("core.js"):
        path.write_bytes(b"damaged")
    with pytest.raises(ConnectionError, match="npm says: asked again"):
        litert.runtime_files()


def test_without_npm_it_comes_from_the_cdn(npm, stand_ins, serve, tmp_path, monkeypatch):
    form = f"{{package}}@{litert.VERSION}/{{path}}"
    cdn = serve(lay_out(stand_ins, tmp_path / "cdn", form))
    monkeypatch.setattr(litert, "CDN", cdn.address)
    assert litert.runtime_files() == STAND_INS
    asked = len(cdn.asked)
    assert litert.runtime_files() == STAND_INS and asked == len(cdn.asked) == len(STAND_INS)


def test_without_a_network(npm, stand_ins, model, tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "CDN", "http://127.0.0.1:9/")  # where nothing listens
    with pytest.raises(ConnectionError) as error:
        export_web(model, tmp_path / "site", size=(24, 32))
    for said in (
        "@litertjs/core@2.5.3", "there is no npm", "http://127.0.0.1:9/@litertjs", "--cdn",
        "--runtime DIR",
    ):  # fmt: skip
        assert said in str(error.value)
    assert not (tmp_path / "site").exists()


def test_from_the_command_line(command, model, installed, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    model.save(run / "best.keras")
    words = ["export", run, "--format", "web", "--out", tmp_path / "site"]
    code, _, errors = command(*words, "--cdn")
    assert code == 1 and "--size HxW" in errors
    (run / "config.json").write_text(json.dumps({"recipe": {"crop": [24, 32]}}))
    code, output, _ = command(*words, "--runtime", installed)
    assert code == 0 and f"python -m http.server -d {tmp_path / 'site'}" in output
    assert "24x32" in output
    words += ["--overwrite", "--cdn", "--size", "32x40", "--title", "Mine"]
    assert command(*words, "--quantize", "none")[0] == 0
    page = json.loads((tmp_path / "site" / "page.json").read_text())
    assert page["size"] == [32, 40] and page["quantize"] == "none"
    assert "<h1>Mine</h1>" in (tmp_path / "site" / "index.html").read_text()
    code, _, errors = command(*words, "--mediapipe")
    assert code == 1 and "--mediapipe is an option of --format tflite, not of web" in errors
