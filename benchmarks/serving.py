"""Measures requests per second and latencies of each request form of a server.

    python benchmarks/serving.py [--size 360x480] [--seconds 10] [--clients 4] [--json FILE]
    python benchmarks/serving.py --load --clients 64 --seconds 60

The first command compares JSON lists, base64 and gRPC. In the second, clients of both interfaces
send images of mixed sizes; every answer is compared with Keras's, and the server's memory is
measured. The server is the development server in a process of its own; the net is one convolution,
so the transport dominates. --rest and --grpc name a TensorFlow Serving to measure instead, which
serves a folder that --keep FOLDER wrote.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SERVER = """
import sys
from fcn_keras.export import serving
labels = {"lists": 1, "files": 2}
with serving.DevelopmentServer(sys.argv[1], rest_port=0, grpc_port=0, labels=labels) as server:
    print(server.rest_address, server.grpc_address, flush=True)
    sys.stdin.read()
"""
MIXED = ((240, 320), (360, 480), (100, 131), (500, 333))


def exported(folder):
    """Exports the net as version 1 without the signature `encoded`, and as version 2 with it."""
    import keras

    from fcn_keras.export import export_saved_model

    keras.utils.set_random_seed(1)
    inputs = keras.Input((None, None, 3))
    scaled = keras.layers.Rescaling(1 / 128, -1)(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(5, 3, padding="same")(scaled))
    for version, signatures in ((1, ("serving_default",)), (2, ("serving_default", "encoded"))):
        export_saved_model(model, folder, version, signatures=signatures)
    return model


def pictures(sizes):
    """Returns smooth pictures, which compress as photographs do."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (len(sizes), 24, 32, 3), "uint8")
    return [
        np.array(Image.fromarray(s).resize(n[::-1], 2)) for s, n in zip(small, sizes, strict=True)
    ]


def forms(rest, grpc, picture, folder):
    """Returns {name: (address, version, request)}."""
    from PIL import Image

    file = Path(folder) / "picture.png"
    Image.fromarray(picture).save(file)
    return {
        "REST, JSON lists": (rest, 1, picture),
        "REST, PNG in base64": (rest, 2, picture),
        "REST, file in base64": (rest, 2, file),
        "gRPC, tensors": (grpc, 1, picture),
        "gRPC, file": (grpc, 2, file),
    }


def measured(clients, seconds, ask):
    """Returns the seconds of each request, and the errors, with `clients` threads."""
    times, errors, end = [], [], time.perf_counter() + seconds

    def work(number):
        step = ask(number)
        while time.perf_counter() < end:
            start = time.perf_counter()
            try:
                step()
            except Exception as error:  # what was lost is a figure here
                errors.append(f"{type(error).__name__}: {error}")
                continue
            times.append(time.perf_counter() - start)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, errors, time.perf_counter() - start


def row(name, times, errors, seconds):
    import numpy as np

    p50, p95, p99 = (float(np.percentile(times, p)) for p in (50, 95, 99)) if times else 3 * [None]
    rate = len(times) / seconds
    return {"form": name, "rate": rate, "p50": p50, "p95": p95, "p99": p99, "lost": len(errors)}


def once(client, sent, _):
    """Returns a function that sends one request, after a warm-up request."""
    client.segment(sent)
    return lambda: client.segment(sent)


def compare(addresses, picture, options, folder):
    """Returns one row for each form."""
    from fcn_keras.export.serving import Client

    rows = []
    for name, (address, version, sent) in forms(*addresses, picture, folder).items():
        with Client(address, version=version) as client:
            found = measured(
                options.clients, options.seconds, functools.partial(once, client, sent)
            )
        rows.append(row(name, *found))
    return rows


def load(addresses, model, options, process):
    """Returns rows of both interfaces under load, and the server's memory before and after."""
    import numpy as np

    import fcn_keras
    from fcn_keras.export.serving import Client

    images = pictures(MIXED)
    truths = [fcn_keras.segment(model, image) for image in images]
    clients = [Client(addresses[number % 2]) for number in range(options.clients)]

    def ask(number):
        count = number

        def step():
            nonlocal count
            count += 1
            which = count % len(images)
            if not np.array_equal(clients[number].segment(images[which]), truths[which]):
                raise AssertionError("a wrong label map")

        return step

    measured(options.clients, max(1, options.seconds / 10), ask)
    before = resident(process)
    times, errors, seconds = measured(options.clients, options.seconds, ask)
    after = resident(process)
    for client in clients:
        client.close()
    for told in sorted({*errors})[:5]:
        print("lost:", told)
    return [
        {**row("mixed", times, errors, seconds), "memory_before": before, "memory_after": after}
    ]


def resident(process):
    """Returns the resident memory of a process in MB, or None without /proc."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except (AttributeError, OSError):
        return None
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmRSS"))


def show(rows):
    slowest = min(r["rate"] for r in rows)
    heads = ("requests/s", "p50 ms", "p95 ms", "p99 ms", "lost", "ratio")
    print(f"{'form':22}" + "".join(f"{head:>11}" for head in heads))
    for r in rows:
        print(f"{r['form']:22}{r['rate']:11.1f}", end="")
        print("".join(f"{1e3 * r[p]:11.1f}" for p in ("p50", "p95", "p99")), end="")
        print(f"{r['lost']:11}{r['rate'] / slowest:11.2f}")
        if r.get("memory_before"):
            print(f"the server held {r['memory_before']:.0f} MB, then {r['memory_after']:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="360x480")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--load", action="store_true", help="mixed sizes over both interfaces")
    parser.add_argument("--rest", help="http://host:8501/v1/models/NAME of another server")
    parser.add_argument("--grpc", help="its grpc://host:8500/NAME")
    parser.add_argument("--keep", type=Path, help="write the SavedModel there and end")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = exported(options.keep or Path(folder) / "bench")
        if options.keep:
            return print(options.keep)
        process, addresses = None, (options.rest, options.grpc)
        if not options.rest:
            words = [sys.executable, "-c", SERVER, f"{folder}/bench"]
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            addresses = process.stdout.readline().split()
        try:
            if options.load:
                rows = load(addresses, model, options, process)
            else:
                size = tuple(int(n) for n in options.size.split("x"))
                rows = compare(addresses, *pictures([size]), options, folder)
        finally:
            if process:
                process.kill()
                process.wait()
    print(f"{options.clients} clients, {options.seconds:g} s each")
    show(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
