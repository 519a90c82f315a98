"""A segmenter of digits, and the sites made of it."""

import functools

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras.export import export_web
from fcn_keras.export.web import litert

SIZE = (96, 128)  # what the sites' net sees


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
