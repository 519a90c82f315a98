"""The page in a real browser: its masks are Python's, it says what is wrong, it keeps to itself."""

import io

import numpy as np
import pytest
from PIL import Image

from fcn_keras.export import export_web
from fcn_keras.export.tflite import Segmenter
from fcn_keras.export.web import litert

DONE = "html[data-state=done]"
NO_RELAXED_SIMD = """
    const make = URL.createObjectURL;
    const refusing = `
        const instantiate = WebAssembly.instantiate;
        WebAssembly.instantiate = (bytes, ...imports) =>
            bytes.byteLength < 1000 ? Promise.reject(new WebAssembly.CompileError("relaxed"))
                : instantiate(bytes, ...imports);`;
    URL.createObjectURL = (blob) => make(blob.type === "text/javascript"
        ? new Blob([refusing, blob], { type: blob.type }) : blob);
"""


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return {"name": "scene.png", "mimeType": "image/png", "buffer": file.getvalue()}


def give(page, file):
    """Chooses a picture and waits for its labels."""
    page.set_input_files("#file", file)
    page.wait_for_selector(DONE, timeout=60_000)


def saved(page):
    """The label map that the page writes, a PIL image."""
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "scene-labels.png"
    return Image.open(download.value.path())


def legend(page):
    """{class: share in percent} of those present, in the page's order."""
    rows = [row.inner_text().split("\n") for row in page.query_selector_all("#legend li")]
    return {row[0]: float(row[1].strip("<% ")) for row in rows if len(row) > 1 and row[1].strip()}


@pytest.mark.parametrize("quantize", [pytest.param("float16", marks=pytest.mark.sweep), "int8"])
def test_segments_as_python_does(visit, site, scenes, quantize):
    folder = site(quantize)
    ours = Segmenter(folder / "model.tflite")
    page = visit(folder)
    assert page.inner_text("h1") == page.title() == "Digits & <b>"
    for pixels in scenes[: 2 if quantize == "float16" else 1]:
        give(page, png(pixels))
        labels = ours.segment(pixels)
        counts = np.bincount(labels.ravel(), minlength=11)
        assert (counts > 0.02 * labels.size).sum() >= 4
        theirs = saved(page)
        assert theirs.size == pixels.shape[1::-1] and theirs.mode == "P"
        assert theirs.getpalette()[:33] == list(np.ravel(ours.labels.palette))
        mask = np.array(theirs)
        assert (mask == labels).mean() >= 0.995
        shares = {
            ours.labels.names[number]: 100 * (mask == number).mean() for number in np.unique(mask)
        }
        shown = legend(page)
        assert shown == pytest.approx(shares, abs=0.11)
        assert list(shown.values()) == sorted(shown.values(), reverse=True)
    assert page.query_selector_all("#legend li .name")[-1].inner_text() in ours.labels.names
    assert len(page.query_selector_all("#legend li")) == 11
    assert all(url.startswith((page.site.address, "blob:")) for url in page.requests)
    assert not page.complaints


@pytest.mark.sweep
def test_a_larger_picture_is_shrunk(visit, site, scenes):
    """Shrunk by Pillow and seen by Python; the labels come back in the picture's own size."""
    pixels = np.array(Image.fromarray(scenes[0]).resize((480, 256), Image.Resampling.BICUBIC))
    page = visit(site())
    give(page, png(pixels))
    assert "480 × 256 pixels, shrunk to 128 × 68" in page.inner_text("#status")
    mask = np.array(saved(page))
    small = np.array(Image.fromarray(pixels).resize((128, 68), Image.Resampling.BOX))
    labels = Segmenter(site() / "model.tflite").segment(small)
    rows, columns = ((np.arange(n) + 0.5) * m // n for n, m in ((256, 68), (480, 128)))
    assert mask.shape == (256, 480)
    assert (mask == labels[np.ix_(rows.astype(int), columns.astype(int))]).mean() > 0.9
    for axis, cells in ((0, rows), (1, columns)):
        borders = (np.diff(mask.astype(int), axis=axis) != 0).any(1 - axis)
        assert borders.any() and not (borders & (np.diff(cells) == 0)).any()


def test_transparency_lies_on_white(visit, site, scenes):
    alpha = np.full((*scenes[0].shape[:2], 1), 255, "uint8")
    alpha[:48] = 0
    white = scenes[0].copy()
    white[:48] = 255
    page = visit(site("int8"))
    give(page, png(np.concatenate([scenes[0], alpha], -1)))
    labels = Segmenter(site("int8") / "model.tflite").segment(white)
    assert (np.array(saved(page)) == labels).mean() >= 0.995


def test_the_worker_keeps_to_the_site(visit, site, serve, tmp_path):
    """The worker, where the runtime runs, inherits the policy: nothing reaches another server."""
    page = visit(site("int8"))
    (tmp_path / "file").write_text("x")
    other = serve(tmp_path)
    for asking in (page, page.workers[0]):
        answer = "address => fetch(address).then(() => 'reached', () => 'refused')"
        assert asking.evaluate(answer, f"{page.site.address}page.json") == "reached"
        assert asking.evaluate(answer, f"{other.address}file") == "refused"
    assert not other.asked


@pytest.mark.sweep
def test_from_the_cdn(visit, net, runtime, scenes, serve, tmp_path, monkeypatch):
    """A second server stands for the CDN; each file is checked, and a changed one is not run."""
    for name, file in litert.FILES.items():
        path = tmp_path / "cdn" / f"{file.package}@{litert.VERSION}" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(runtime[name])
    cdn = serve(tmp_path / "cdn")
    monkeypatch.setattr(litert, "CDN", cdn.address)
    folder = export_web(net, tmp_path / "site", size=(96, 128), cdn=True)
    assert not (folder / "runtime").exists()
    page = visit(folder)
    give(page, png(scenes[0]))
    labels = Segmenter(folder / "model.tflite").segment(scenes[0])
    assert (np.array(saved(page)) == labels).mean() >= 0.995
    assert not page.complaints
    core = next((tmp_path / "cdn").glob("*/core*/dist/index.js"))
    core.write_bytes(core.read_bytes() + b"//")
    page = visit(folder, state="failed")
    assert "is not the file that this page was made for" in page.inner_text("#problem")


def test_without_relaxed_simd(visit, site, scenes):
    """Other browsers load the other build of the runtime."""
    page = visit(site(), script=NO_RELAXED_SIMD)
    give(page, png(scenes[0]))
    labels = Segmenter(site() / "model.tflite").segment(scenes[0])
    assert (np.array(saved(page)) == labels).mean() >= 0.995
    assert "/runtime/litert_wasm_compat_internal.wasm" in page.site.asked
    assert "/runtime/litert_wasm_internal.wasm" not in page.site.asked


def test_one_class_alone_and_the_opacity(visit, site, scenes):
    page = visit(site())
    give(page, png(scenes[0]))
    alphas = """() => {
        const {width, height} = document.getElementById("overlay");
        const {data} = document.getElementById("overlay").getContext("2d")
            .getImageData(0, 0, width, height);
        return Array.from({length: width * height}, (_, pixel) => data[4 * pixel + 3]);
    }"""
    assert set(page.evaluate(alphas)) == {255}
    names = list(legend(page))
    button = page.locator("#legend button").first
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    share = 100 * np.mean(np.array(page.evaluate(alphas)) == 255)
    assert share == pytest.approx(legend(page)[names[0]], abs=0.06)
    page.keyboard.press("Enter")
    assert set(page.evaluate(alphas)) == {255}
    page.locator("#opacity").focus()
    page.keyboard.press("Home")
    assert page.inner_text("#percent") == "0 %"
    style = "() => getComputedStyle(document.getElementById('overlay')).opacity"
    assert float(page.evaluate(style)) == 0


def test_dropped(visit, site, scenes):
    page = visit(site())
    page.evaluate(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(bytes)], "dropped.png"));
            const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true });
            document.getElementById("drop").dispatchEvent(event);
        }""",
        list(png(scenes[0])["buffer"]),
    )
    page.wait_for_selector(DONE, timeout=60_000)
    assert page.get_attribute("#picture", "aria-label").startswith("dropped.png: ")


def test_the_camera(visit, site):
    page = visit(site(), permissions=["camera"])
    page.click("#camera")
    page.wait_for_selector(DONE, timeout=60_000)
    assert page.inner_text("#camera") == "Stop the camera"
    page.click("#camera")
    assert page.inner_text("#camera") == "Start the camera"
    assert legend(page) and not page.complaints


def test_a_refused_camera(visit, site):
    page = visit(site())
    page.click("#camera")
    page.wait_for_selector("#problem:not([hidden])")
    assert "The camera is not allowed" in page.inner_text("#problem")
    assert page.inner_text("#camera") == "Start the camera"


def test_what_is_no_picture(visit, site, scenes):
    page = visit(site())
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\nno more"}
    page.set_input_files("#file", broken)
    page.wait_for_selector("#problem:not([hidden])")
    text = page.inner_text("#problem")
    assert text == "broken.png is not a picture that this browser can read."
    give(page, png(scenes[0]))
    assert page.is_hidden("#problem")


def test_a_missing_net(visit, site, tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    for path in site().iterdir():
        if path.name != "model.tflite":
            (folder / path.name).symlink_to(path)
    page = visit(folder, state="failed")
    text = page.inner_text("#problem")
    assert text == "The net, model.tflite, could not be loaded: the server answers 404."
    assert page.is_disabled("#file")


def test_without_webassembly(visit, site):
    page = visit(site(), state="failed", script="delete globalThis.WebAssembly")
    assert page.inner_text("#problem") == "This browser does not support WebAssembly."
