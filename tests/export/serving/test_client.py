"""The clients over both interfaces: label maps are those of Keras, whatever carries them."""

import asyncio
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import inference
from fcn_keras.export import serving
from fcn_keras.export.serving.addresses import is_address


@pytest.fixture
def client(address):
    with serving.Client(address) as client:
        yield client


def same(found, truth):
    assert len(found) == len(truth)
    for one, other in zip(found, truth, strict=True):
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, other)


def test_arrays_files_and_lists(client, images, files, expected):
    same([client.segment(image) for image in images], expected[2])
    same([client.segment(files / f"{number}.png") for number in range(3)], expected[2])
    same(client.segment([str(files / "1.png"), images[0], Image.fromarray(images[2])]),
         [expected[2][n] for n in (1, 0, 2)])  # fmt: skip
    assert client.segment([]) == []
    Image.fromarray(images[0]).save(files / "0.tif")  # a kind that the server does not read
    same([client.segment(files / "0.tif")], expected[2][:1])
    same([client.segment(images[0].astype("float32"))], expected[2][:1])


def test_a_batch_of_one_size(client, images, models):
    batch = np.stack([images[0], images[0][::-1]])
    same(client.segment_batch(batch), fcn_keras.Predictor(models[2]).segment_batch(batch))
    with pytest.raises(ValueError, match="one size, got 33x71, 40x50"):
        client.segment_batch(images[:2])
    with pytest.raises(ValueError, match="one size, got none"):
        client.segment_batch([])


def test_logits(client, images, models):
    labels, scores = client.segment(images[1], return_logits=True)
    expected, logits = fcn_keras.Predictor(models[2]).segment(images[1], return_logits=True)
    np.testing.assert_array_equal(labels, expected)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, logits, rtol=1e-3, atol=1e-3 * np.abs(logits).max())


def test_answers_above_grpcs_limit(served, models):
    """Scores of 5.2 MB: gRPC's own limit is 4."""
    image = np.random.default_rng(0).integers(0, 256, (512, 512, 3), "uint8")
    with serving.Client(served.grpc_address) as client:
        labels, scores = client.segment(image, return_logits=True)
    assert scores.nbytes > 5e6
    np.testing.assert_array_equal(labels, fcn_keras.segment(models[2], image))


CHOSEN = (({"version": 1}, 1), ({"label": "stable"}, 1), ({"label": "canary"}, 2), ({}, 2))


@pytest.mark.parametrize("chosen, version", CHOSEN, ids=str)
def test_versions_and_labels(address, images, files, expected, chosen, version):
    """Version 1 has no `encoded`: its images go as tensors, files too."""
    with serving.Client(address, **chosen) as client:
        same(client.segment([*images[:2], files / "2.png"]), expected[version])
        assert client.metadata()["version"] == version
    behind = "/".join(f"/{name}s/{value}".replace("//", "/") for name, value in chosen.items())
    with serving.Client(address + behind) as client:
        same([client.segment(images[0])], expected[version][:1])


def test_status_metadata_and_labels(client):
    fine = {"state": "AVAILABLE", "error_code": "OK", "error_message": ""}
    assert client.status() == {1: fine, 2: fine}
    found = client.metadata()
    assert (found["model"], found["version"]) == ("street", 2)
    assert found["inputs"]["serving_default"] == {"images": ("uint8", (None, None, None, 3))}
    assert found["outputs"]["encoded"] == {
        "mask_png_bytes": ("string", (None,)), "status": ("string", (None,))
    }  # fmt: skip


def test_class_names_and_halo_are_served(address, client, models):
    """Version 1 is served without `assets`: its classes are counted by its scores."""
    assert client.labels == fcn_keras.labels_of(models[2])
    assert client.halo == fcn_keras.geometry.halo(models[2])
    others = fcn_keras.LabelSet(("a", "b", "c", "d", "e"))
    with serving.Client(address, labels=others) as named:
        assert named.labels == others
    with serving.Client(address, version=1) as bare:
        assert bare.labels == fcn_keras.LabelSet.numbered(5)
        assert bare.halo is None

    async def ask():
        async with serving.AsyncClient(address) as waiting:
            return await waiting.labels(), await waiting.halo()

    assert asyncio.run(ask()) == (client.labels, client.halo)


def test_from_asyncio(address, images, expected):
    async def ask():
        async with serving.AsyncClient(address, in_flight=3) as client:
            maps = await client.segment(images * 4)
            one, scores = await client.segment(images[1], return_logits=True)
            batch = await client.segment_batch(images[:1])
            states, labels = await client.status(), await client.labels()
            assert (await client.metadata())["version"] == 2
            return [*maps, one, *batch], scores, states, labels

    maps, scores, states, labels = asyncio.run(ask())
    same(maps, expected[2] * 4 + [expected[2][1], expected[2][0]])
    np.testing.assert_array_equal(scores.argmax(-1), expected[2][1])
    assert sorted(states) == [1, 2] and labels.num_classes == 5


def test_no_more_in_flight_than_said(address, images, monkeypatch):
    now, most, lock = 0, 0, threading.Lock()
    client = serving.Client(address, in_flight=3)
    send = client._carrier.send

    def counted(request):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        try:
            return send(request)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(client._carrier, "send", counted)
    client.segment([images[0]] * 24)
    assert most == 3
    client.close()


def test_measured_and_used_like_a_model(client, images, files, expected, models, tmp_path):
    truth = fcn_keras.LabelSet(("road", "sky", "tree", "car", "pole"))
    pairs = list(zip(images, expected[2], strict=True))
    report = fcn_keras.evaluate(client, pairs, progress=False)
    assert report.scores.pixel_accuracy == 1 and report.num_images == 3
    named = serving.Client(str(client.address), labels=truth)
    results = inference.predict_files(
        named, [files / "1.png", files / "broken.png"], tmp_path / "o"
    )
    np.testing.assert_array_equal(np.array(Image.open(results[0].label_path)), expected[2][1])
    assert "broken.png" in results[1].error and named.labels == truth
    named.close()


WRONG = (
    (("street",), {}, r"An address has the form http://host:8501.*got 'street'"),
    (("ftp://host/street",), {}, "got 'ftp://host/street'"),
    (("http://host:8501",), {}, "names no model"),
    (("http://host:port/x",), {}, "Port could not be cast"),
    (("http://host/v1/models/x/versions/new",), {}, "got the path"),
    (("http://host/x?a=1",), {}, "got 'http://host/x"),
    (("grpc://host/x",), {"version": 1, "label": "stable"}, "version 1 and label 'stable'"),
    (("grpc://host/x",), {"version": "new"}, "of at least 0, got 'new'"),
    (("grpc://host/x",), {"timeout": 0}, "above 0, got 0"),
    (("grpc://host/x",), {"retries": -1}, "of at least 0, got -1"),
    (("grpc://host/x",), {"in_flight": 0}, "of at least 1, got 0"),
)


@pytest.mark.parametrize("words, options, told", WRONG, ids=str)
def test_what_does_not_fit_is_refused(words, options, told):
    for kind in (serving.Client, serving.AsyncClient):
        with pytest.raises(ValueError, match=told):
            kind(*words, **options)


ADDRESSES = (
    ("http://host:8501/v1/models/street", "host:8501", "/v1/models/street"),
    ("http://host/v1/models/street/versions/3", "host:8501", "/v1/models/street/versions/3"),
    ("https://host/street", "host:443", "/v1/models/street"),
    ("grpc://host/street", "host:8500", "/v1/models/street"),
    ("grpc://[::1]:85/a%20b/labels/stable", "[::1]:85", "/v1/models/a%20b/labels/stable"),
    ("http://host/v1/models/street:predict", "host:8501", "/v1/models/street"),
)


@pytest.mark.parametrize("text, target, path", ADDRESSES)
def test_addresses(text, target, path):
    from fcn_keras.export.serving.addresses import parse_address

    assert is_address(text)
    address = parse_address(text)
    assert (address.target, address.path) == (target, path)
    assert parse_address(str(address)) == address


def test_files_are_no_addresses(tmp_path):
    for word in ("runs/street", tmp_path, "C:/http", "model.keras", "http:/x"):
        assert not is_address(word)


@pytest.mark.parametrize("package, scheme", [("httpx", "http"), ("grpc", "grpc")])
def test_packages_that_are_missing(package, scheme, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"needs {package}.*pip install 'fcn_keras\[serving\]'"):
        serving.Client(f"{scheme}://host/street")
