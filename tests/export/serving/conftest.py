"""Two versions of a model, served by the development server, and by TensorFlow Serving if there."""

import shutil
import socket
import subprocess
import time

import httpx
import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import export
from fcn_keras.export import serving

KINDS = ("development", "tensorflow_model_server")
CONFIG = """
model_config_list {{
  config {{
    name: "street" base_path: "{folder}" model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    version_labels {{ key: "stable" value: 1 }}
    version_labels {{ key: "canary" value: 2 }}
  }}
}}
"""


@pytest.fixture(scope="session")
def models(build):
    """{1: a net, 2: the same with other weights}."""
    first, second = build(), build()
    second.set_weights([-weight if weight.ndim == 4 else weight for weight in first.get_weights()])
    return {1: first, 2: second}


@pytest.fixture(scope="session")
def street(models, made_once):
    """The folder street/ with version 1, which has no `encoded`, and version 2, which has all."""

    def make(folder):
        for version, signatures in ((1, ("serving_default", "logits")), (2, None)):
            keras.config.set_dtype_policy("float32")
            options = {"signatures": signatures, "warmup": (16, 24)}
            export.export_saved_model(models[version], folder / "street", version, **options)

    return made_once("serving", make) / "street"


@pytest.fixture(scope="session", params=KINDS)
def served(request, street, tmp_path_factory):
    """A server of both versions, labelled stable and canary; it has the addresses."""
    if request.param == "development":
        labels = {"stable": 1, "canary": 2}
        with serving.DevelopmentServer(street, rest_port=0, grpc_port=0, labels=labels) as server:
            yield server
        return
    program = shutil.which("tensorflow_model_server")
    if program is None:
        pytest.skip("tensorflow_model_server is not on PATH")
    yield from _tensorflow_serving(program, street, tmp_path_factory.mktemp("real"))


def _tensorflow_serving(program, street, folder):
    (folder / "models.config").write_text(CONFIG.format(folder=street))
    rest, rpc = free_port(), free_port()
    words = [
        f"--rest_api_port={rest}",
        f"--port={rpc}",
        f"--model_config_file={folder}/models.config",
        "--allow_version_labels_for_unavailable_models=true",
    ]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log)
    try:
        addresses = f"http://127.0.0.1:{rest}/v1/models/street", f"grpc://127.0.0.1:{rpc}/street"
        wait_for(
            lambda: serving.Client(addresses[0], retries=20).status()[2]["state"] == "AVAILABLE"
        )
        yield _Addresses(*addresses)
    finally:
        process.kill()
        process.wait()


class _Addresses:
    def __init__(self, rest_address, grpc_address):
        self.rest_address, self.grpc_address = rest_address, grpc_address


@pytest.fixture(scope="session")
def rest(served):
    """An HTTP client whose paths begin at the server: nothing of this package."""
    with httpx.Client(
        base_url=served.rest_address.partition("/v1")[0], trust_env=False, timeout=60
    ) as client:
        yield client


@pytest.fixture(params=["rest", "grpc"])
def address(request, served):
    return served.rest_address if request.param == "rest" else served.grpc_address


@pytest.fixture(scope="session")
def images():
    """Images of three sizes."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), "uint8") for size in ((40, 50), (33, 71), (1, 1))]


@pytest.fixture(scope="session")
def expected(models, images):
    """{version: the label map of each image, by Keras}."""
    return {v: [fcn_keras.segment(model, i) for i in images] for v, model in models.items()}


@pytest.fixture
def files(images, tmp_path):
    """The images as PNG files, and one that is no image."""
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    return tmp_path


@pytest.fixture(scope="session", name="free_port")
def free_port_fixture():
    return free_port


@pytest.fixture(scope="session", name="wait_for")
def wait_for_fixture():
    return wait_for


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def wait_for(condition, seconds=60):
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)
