"""What goes wrong between client and server: a proper error each time, and the server lives."""

import asyncio
import logging
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from fcn_keras.export import serving

SERVER = """
import sys
from fcn_keras.export import serving

folder, rest, rpc = sys.argv[1:]
with serving.DevelopmentServer(folder, rest_port=int(rest), grpc_port=int(rpc)) as server:
    print("ready", flush=True)
    sys.stdin.read()
"""


def huge_png(width, height):
    """A black PNG of one bit a pixel, packed 1000 to 1."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(height * (1 + -(-width // 8))))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def test_images_that_are_refused(address, files, images, expected):
    (files / "huge.png").write_bytes(huge_png(20000, 10000))
    assert (files / "huge.png").stat().st_size < 50_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving.Client(address) as client:
        with pytest.raises(ValueError, match="broken.png: The image is damaged or cut short"):
            client.segment(files / "broken.png")
        with pytest.raises(ValueError, match="huge.png: .*10000x20000, above the limit of 40 mega"):
            client.segment(files / "huge.png")
        with pytest.raises(ValueError, match="broken.png"):
            client.segment([images[0], files / "broken.png", images[1]])
        with pytest.raises(FileNotFoundError):
            client.segment(files / "none.png")
        with pytest.raises(ValueError, match="16-bit|0-255"):
            client.segment(np.full((4, 5, 3), 300))
        np.testing.assert_array_equal(client.segment(images[0]), expected[2][0])

    async def ask():
        async with serving.AsyncClient(address) as client:
            await client.segment([images[0], files / "broken.png", images[1]])

    with pytest.raises(ValueError, match="broken.png"):
        asyncio.run(ask())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000  # kB; the pixels alone are 600 MB


def test_the_servers_own_words(address, images):
    asked = []
    with serving.Client(address, version=7, retries=3) as client:
        send = client._carrier.send
        client._carrier.send = lambda request: asked.append(request) or send(request)
        with pytest.raises(serving.ServerError) as raised:
            client.segment(images[0])
    error = raised.value
    assert (error.code, len(asked)) == ("NOT_FOUND", 1)  # it is not asked again
    assert error.message == "Servable not found for request: Specific(street, 7)"
    assert str(error) == f"{client.address} answers NOT_FOUND: {error.message}"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_there(scheme, free_port, monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    with serving.Client(f"{scheme}://127.0.0.1:{free_port()}/street", retries=6) as client:
        with pytest.raises(serving.ServerError) as raised:
            client.status()
    assert raised.value.code == "UNAVAILABLE" and raised.value.message
    waited = [pause for pause in waited if pause >= 0.05][:6]
    bounds = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
    assert len(waited) == 6
    assert all(b / 2 <= pause <= b for pause, b in zip(waited, bounds, strict=True))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_says_nothing(scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/street"

        async def ask():
            async with serving.AsyncClient(address, timeout=0.3, retries=1) as client:
                await client.status()

        with pytest.raises(serving.ServerError, match="DEADLINE_EXCEEDED|UNAVAILABLE"):
            asyncio.run(ask())


def test_another_kind_of_server(tmp_path):
    """A plain file server answers 404 in HTML, or something that is no JSON."""
    (tmp_path / "v1/models").mkdir(parents=True)
    (tmp_path / "v1/models/street").write_text("hello")
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(serving.ServerError, match="answers UNKNOWN: its answer is not.*hello"):
            serving.Client(address, "street").status()
        with pytest.raises(serving.ServerError, match="answers NOT_FOUND"):
            serving.Client(address, "other").status()
        server.shutdown()


def test_half_a_request_and_a_client_that_leaves(served, rest):
    """The connection breaks in the middle of a body; the server answers the next one."""
    host, port = served.rest_address.split("/")[2].split(":")
    head = b"POST /v1/models/street:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(head + b'{"instances": [[')
    assert rest.get("/v1/models/street").status_code == 200


def test_versions_that_vanish_and_appear(street, images, expected, wait_for, tmp_path):
    folder = tmp_path / "street"
    shutil.copytree(street / "1", folder / "1")
    with serving.DevelopmentServer(folder, rest_port=0, grpc_port=0, poll=0.05) as server:
        clients = [serving.Client(a) for a in (server.rest_address, server.grpc_address)]
        for client in clients:
            np.testing.assert_array_equal(client.segment(images[0]), expected[1][0])
        shutil.copytree(street / "2", tmp_path / "aside")
        os.rename(tmp_path / "aside", folder / "2")
        wait_for(lambda: clients[0].status().get(1, {}).get("state") == "END")
        for client in clients:
            assert client.status()[2]["state"] == "AVAILABLE"
            np.testing.assert_array_equal(client.segment(images[0]), expected[2][0])
        shutil.rmtree(folder / "1")
        shutil.rmtree(folder / "2")
        wait_for(lambda: clients[1].status()[2]["state"] == "END")
        for client in clients:
            with pytest.raises(serving.ServerError) as raised:
                client.segment(images[0])
            assert raised.value.code == "NOT_FOUND" and "Latest(street)" in raised.value.message
            client.close()


@pytest.mark.processes
def test_killed_and_restarted(street, images, expected, free_port, wait_for):
    """Clients that ask all the time get every answer, though the server is killed meanwhile."""
    ports = free_port(), free_port()
    addresses = f"http://127.0.0.1:{ports[0]}/street", f"grpc://127.0.0.1:{ports[1]}/street"
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(street), *map(str, ports)],
        cwd=Path(__file__).resolve().parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    found, stop = {address: [] for address in addresses}, threading.Event()

    def ask(address):
        with serving.Client(address, retries=60) as client:
            while not stop.is_set():
                found[address].append(client.segment(images[0]))

    def more():
        before = {address: len(maps) for address, maps in found.items()}
        wait_for(lambda: all(len(found[a]) > before[a] + 5 for a in addresses))

    threads = [threading.Thread(target=ask, args=(address,)) for address in addresses]
    try:
        assert process.stdout.readline() == b"ready\n"
        for thread in threads:
            thread.start()
        more()
        process.kill()
        process.wait()
        with serving.DevelopmentServer(street, rest_port=ports[0], grpc_port=ports[1]):
            more()
            stop.set()
            for thread in threads:
                thread.join(60)
    finally:
        stop.set()
        process.kill()
    assert not any(thread.is_alive() for thread in threads)
    assert all((label_map == expected[2][0]).all() for maps in found.values() for label_map in maps)


def test_the_log_files_of_the_process_stay_open(street, tmp_path):
    handler = logging.FileHandler(tmp_path / "own.log")
    try:
        with serving.DevelopmentServer(street, rest_port=0, grpc_port=0):
            assert handler.stream is not None and not handler.stream.closed
    finally:
        handler.close()
