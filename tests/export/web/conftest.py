"""A segmenter of digits, the sites made of it, a server for them, and a real browser."""

import functools
import http.server
import os
import shutil
import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import export_web
from fcn_keras.export.web import litert

SIZE = (96, 128)  # what the sites' net sees
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def scenes():
    """Eight pictures of digits that are smaller than what the net sees."""
    return [
        image for image, _ in fcn_keras.data.load("digits", split="val", size=(80, 112), count=8)
    ]


@pytest.fixture(scope="session")
def net(scenes):
    """FCN-8s over vgg_slim, random, its score layers spread and centred on the pictures."""
    pytest.importorskip("ai_edge_litert", reason="running TFLite files needs ai-edge-litert")
    keras.utils.set_random_seed(3)
    labels = fcn_keras.data.load("digits", split="val", count=1).labels
    model = fcn_keras.fcn8s(labels.num_classes, "vgg_slim", weights=None, labels=labels)
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if layer.name.startswith("score_"):
            kernel, bias = layer.get_weights()
            layer.set_weights([rng.normal(0, 0.3, kernel.shape), bias])
    scores = model.predict(np.stack(scenes), verbose=0)
    layer = model.get_layer("score_fr")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - scores.mean((0, 1, 2))])
    return model


@pytest.fixture(scope="session")
def site(net, scenes, tmp_path_factory):
    """`site(quantize)`: a folder with a page, made at the first call."""

    @functools.cache
    def make(quantize="float16"):
        out = tmp_path_factory.mktemp("web") / "site"
        calibration = scenes if quantize == "int8" else None
        try:
            return export_web(
                net,
                out,
                size=SIZE,
                quantize=quantize,
                calibration=calibration,
                title="Digits & <b>",
            )
        except ConnectionError as error:
            pytest.skip(str(error))

    return make


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder as `python -m http.server` does, readable from other origins too."""

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """`serve(folder)`: `address` of a running server, and `asked`, the paths asked for so far."""
    servers = []

    def start(folder):
        handler = functools.partial(Handler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        address = f"http://127.0.0.1:{server.server_port}/"
        return SimpleNamespace(address=address, asked=server.asked)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def chromium():
    """A running Chromium, headless."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no browser: Chromium is not installed (Debian, Ubuntu: apt install chromium)")
    arguments = ["--use-fake-device-for-media-stream"]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, serve):
    """`visit(folder, ...)`: the open page, with `complaints` and `requests` of the browser."""
    contexts = []

    def open_page(folder, state="ready", script=None, permissions=()):
        server = serve(folder)
        context = chromium.new_context(permissions=list(permissions), locale="en")
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.requests = [], []
        page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        if script:
            page.add_init_script(script)
        page.site = server
        page.goto(server.address)
        page.wait_for_selector(f"html[data-state={state}]", timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def runtime():
    """The files of LiteRT.js, {name: bytes}."""
    try:
        return litert.runtime_files()
    except ConnectionError as error:
        pytest.skip(str(error))
