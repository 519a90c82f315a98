"""Measures a dense CRF: the time of its parts, and time and memory for images up to 4 megapixels.

    python benchmarks/crf.py [--image FILE] [--classes 21] [--steps 10] [--threads N] [--json FILE]

Wall and CPU seconds are those of the fastest run. If they differ by more than the number of threads
explains, the machine had other work. Without --image, an image with edges and clouds is made up.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import tracemalloc

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SIZES = (500, 375), (1000, 1000), (2000, 1000), (2000, 2000)


def measured(call, repeats):
    """Returns the least wall and CPU seconds of some calls after a first one, and the result."""
    result, wall, cpu = call(), [], []
    for _ in range(repeats):
        starts = time.perf_counter(), time.process_time()
        result = call()
        wall.append(time.perf_counter() - starts[0])
        cpu.append(time.process_time() - starts[1])
    return {"wall": min(wall), "cpu": min(cpu)}, result


def picture(path, width, height):
    """Returns the image at that size, or a made-up one of 40 coloured cells with clouds."""
    if path:
        from PIL import Image

        return np.asarray(Image.open(path).convert("RGB").resize((width, height)))
    from scipy.ndimage import gaussian_filter, zoom
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    points = np.stack(np.mgrid[:height, :width], axis=-1) / (height, width)
    cells = cKDTree(rng.uniform(size=(40, 2))).query(points)[1]
    image = rng.normal(128, 40, (40, 3))[cells]
    for grain in (4, 16, 64):
        coarse = rng.normal(0, 14, (height // grain + 2, width // grain + 2, 3))
        image += zoom(coarse, (grain, grain, 1), order=1)[:height, :width]
    image = gaussian_filter(image, (1, 1, 0)) + rng.normal(0, 2, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def logits(image, classes):
    """Returns logits that follow the brightness of the image, with noise."""
    rng = np.random.default_rng(0)
    labels = image.mean(-1).astype(int) * classes // 256
    scores = rng.normal(size=(*labels.shape, classes)).astype(np.float32)
    np.put_along_axis(scores, labels[..., None], 3, axis=-1)
    return scores


def parts(image, scores, threads, repeats):
    """Returns the seconds of each part of a call: lattices, kernels, the rest."""
    from fcn_keras import crf
    from fcn_keras.crf.filtering import Kernel

    rows = {}
    widths = {"smoothness": (3,), "bilateral": (80, 13)}
    for name, given in widths.items():
        rows[f"{name}: lattice"], lattice = measured(
            lambda given=given: crf.permutohedral_lattice(
                crf.pixel_features(image, *given), threads=threads
            ),
            repeats,
        )
        rows[f"{name}: blur matrices, normalisation"], _ = measured(
            lambda lattice=lattice: Kernel(lattice, 1), repeats
        )
        rows[f"{name}: lattice"]["points"] = lattice.num_points
    few, many = (
        measured(lambda n=n: crf.dense_crf(scores, image, steps=n, threads=threads), repeats)[0]
        for n in (1, 11)
    )
    rows["one step"] = {kind: (many[kind] - few[kind]) / 10 for kind in few}
    return rows


def whole(path, width, height, classes, steps, threads, repeats):
    """Returns the seconds of a call and the peak memory of its arrays, the result included."""
    from fcn_keras import crf

    image = picture(path, width, height)
    scores = logits(image, classes)
    tracemalloc.start()
    crf.dense_crf(scores, image, steps=1, threads=threads)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    seconds, _ = measured(
        lambda: crf.dense_crf(scores, image, steps=steps, threads=threads), repeats
    )
    return {**seconds, "bytes": peak}


def in_own_process(size, arguments):
    """Measures one size in a new process, so that it is a first call."""
    command = [sys.executable, __file__, "--one", "x".join(map(str, size))]
    for name in ("image", "classes", "steps", "threads", "repeats"):
        if getattr(arguments, name) is not None:
            command += [f"--{name}", str(getattr(arguments, name))]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def report(arguments):
    """Prints all measurements as tables and returns them as a dict."""
    image = picture(arguments.image, *SIZES[0])
    scores = logits(image, arguments.classes)
    found = {"parts": parts(image, scores, arguments.threads, arguments.repeats), "sizes": {}}
    print("500x375, part                                 wall ms   CPU ms   points")
    for name, row in found["parts"].items():
        points = row.get("points", "")
        print(f"  {name:40} {1e3 * row['wall']:9.1f} {1e3 * row['cpu']:8.1f} {points:8}")
    print(f"\n{arguments.steps} steps, {arguments.classes} classes")
    print("  size         wall s    CPU s   wall s/Mpixel   MiB   MiB/Mpixel")
    for size in SIZES[: arguments.sizes]:
        row = in_own_process(size, arguments)
        name, megapixels = "x".join(map(str, size)), size[0] * size[1] / 1e6
        mib = row["bytes"] / 2**20
        print(
            f"  {name:10} {row['wall']:8.2f} {row['cpu']:8.2f} {row['wall'] / megapixels:15.2f} "
            f"{mib:5.0f} {mib / megapixels:12.0f}"
        )
        found["sizes"][name] = row
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", metavar="FILE", help="a photograph to resize")
    parser.add_argument("--classes", type=int, default=21)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, help="one a core if not given")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="how many of the sizes")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        size = map(int, arguments.one.split("x"))
        given = (arguments.classes, arguments.steps, arguments.threads, arguments.repeats)
        print(json.dumps(whole(arguments.image, *size, *given)))
        return
    found = report(arguments)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(found, file)


if __name__ == "__main__":
    main()
