"""Measures the time of exact tiling, and its memory for a very large image.

    python benchmarks/tiling.py [--net vgg_slim] [--size 1500x1500] [--tiles 256,512,1024]
    python benchmarks/tiling.py --large 20000
    python benchmarks/tiling.py --picture docs/images/tiling.png [--slices path/to/drosophila]

The first command prints wall and CPU seconds for each tile size, beside the extra work of the
overlap. The second segments a made-up image of that side into a memory-mapped file, in a process of
its own, and prints the peak above the model's own memory. The third trains a small net for a minute
and draws slices as a whole, in exact tiles, and in tiles without a halo.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from timing import peak_bytes

CLASSES = 21


class Made:
    """A made-up image of any size, computed when a part is read."""

    dtype = np.dtype("uint8")

    def __init__(self, side):
        self.shape = (side, side, 3)

    def __getitem__(self, place):
        rows, columns = (np.arange(p.start, p.stop, dtype=np.int64) for p in place)
        planes = [rows[:, None] * k + rows[:, None] * columns // 7 + columns for k in (3, 5, 7)]
        return np.stack([plane.astype("uint8") for plane in planes], -1)


def seconds(call, repeats):
    """Returns the least wall and CPU seconds of some calls after a warm-up call."""
    call()
    wall, cpu = [], []
    for _ in range(repeats):
        starts = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - starts[0])
        cpu.append(time.process_time() - starts[1])
    return {"wall": min(wall), "cpu": min(cpu)}


def costs(classifier, size, tiles, repeats):
    """Returns the rows of a table, the whole image first: tile, work, wall and CPU seconds."""
    import fcn_keras
    from fcn_keras.inference.tiling import planning, segment_tiled
    from fcn_keras.inference.tiling.nets import as_net

    model = fcn_keras.fcn8s(CLASSES, classifier, weights=None)
    halo = fcn_keras.geometry.halo(model)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), "uint8")
    rows = [{"tile": "whole", "windows": 1, "work": 1.0, "formula": 1.0}]
    rows[0] |= seconds(lambda: fcn_keras.segment(model, image), repeats)
    for tile in tiles:
        plan = planning.choose_plan(as_net(model), size, tile, "exact", None)
        formula = (1 + (halo.before[0] + halo.after[0]) / tile) ** 2
        row = {"tile": tile, "windows": len(plan.windows), "work": plan.work, "formula": formula}
        rows.append(
            row
            | seconds(lambda t=tile: segment_tiled(model, image, tile=t, progress=False), repeats)
        )
    print(f"FCN-8s/{classifier}, {size[0]}x{size[1]}, {CLASSES} classes, halo {halo.before[0]}")
    print(f"{'tile':>6} {'windows':>8} {'(1+2h/t)^2':>11} {'work':>6} {'wall s':>8} {'CPU s':>8} "
          f"{'CPU / whole':>12} {'over work':>10}")  # fmt: skip
    for row in rows:
        ratio = row["cpu"] / rows[0]["cpu"]
        print(f"{row['tile']:>6} {row['windows']:8} {row['formula']:11.2f} {row['work']:6.2f} "
              f"{row['wall']:8.2f} {row['cpu']:8.2f} {ratio:12.2f} "
              f"{ratio / row['work'] - 1:10.0%}")  # fmt: skip
    return rows


def large(classifier, side):
    """Segments a made-up image into a file; returns seconds, and bytes above the model's own."""
    import fcn_keras
    from fcn_keras.inference.tiling import segment_tiled

    model = fcn_keras.fcn8s(CLASSES, classifier, weights=None)
    fcn_keras.segment(model, np.zeros((64, 64, 3), "uint8"))
    before, starts = peak_bytes(), (time.perf_counter(), time.process_time())
    with tempfile.TemporaryDirectory() as folder:
        segment_tiled(model, Made(side), out=Path(folder) / "labels.npy")
    return {
        "wall": time.perf_counter() - starts[0],
        "cpu": time.process_time() - starts[1],
        "model_bytes": before,
        "bytes_above": peak_bytes() - before,
    }


def in_own_process(classifier, side):
    """Runs `large` in a new process, so that its peak memory is separate."""
    command = [sys.executable, __file__, "--net", classifier, "--large", str(side), "--task"]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    *told, figures = run.stdout.splitlines()
    found = json.loads(figures)
    print(f"FCN-8s/{classifier}, {side}x{side}, {CLASSES} classes: {' '.join(told)}")
    print(
        f"{found['wall']:.0f} s ({found['cpu']:.0f} s of CPU), peak memory "
        f"{found['bytes_above'] / 2**30:.2f} GiB above the model's own "
        f"{found['model_bytes'] / 2**30:.2f} GiB"
    )
    return found


def eggs(folder):
    """Returns the slices at half their size as grey RGB, and the masks of their eggs."""
    import fcn_keras

    found = fcn_keras.data.load(
        "folder", folder, split="all", images="image", masks="annot_eggs", binary=True
    )
    for image, label in found:
        bright = image[::2, ::2].max(axis=-1)
        bright = np.clip(bright / np.percentile(bright, 99.5), 0, 1) ** 0.5
        grey = np.repeat(np.round(255 * bright[..., None]), 3, axis=-1).astype("uint8")
        yield grey, label[::2, ::2]


def trained(images, masks, steps):
    """Returns an FCN-8s trained for a minute; it has no fc6, so that a slice has several tiles."""
    import keras

    import fcn_keras

    keras.utils.set_random_seed(0)
    labels = fcn_keras.LabelSet(("background", "egg"))
    names = tuple(map(str, range(len(images))))
    data = fcn_keras.data.Dataset("eggs", "all", labels, names, tuple(images), tuple(masks))
    model = fcn_keras.fcn8s(2, "vgg_slim", weights=None, labels=labels, head_filters=0)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.AdamW(rate), fcn_keras.losses.CrossEntropy())
    vary = fcn_keras.data.Augmentation(flip=True, scale=(0.8, 1.2), color=0.3)
    batches = data.batches(4, crop=(224, 288), augment=vary, repeat=True)
    model.fit(batches, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=2)
    return model


def mosaic(images, rows, columns):
    """Returns a mosaic of the images, cropped to one size and mirrored in turn."""
    height, width = (min(image.shape[axis] for image in images) for axis in (0, 1))
    parts = [[images[(2 * r + c) % len(images)] for c in range(columns)] for r in range(rows)]
    turned = [
        [part[:height, :width][:: (-1) ** r, :: (-1) ** c] for c, part in enumerate(line)]
        for r, line in enumerate(parts)
    ]
    return np.block([[[part] for part in line] for line in turned])


def picture(path, folder, steps):
    """Draws images whole, in exact tiles and in tiles without halo, and the differences."""
    from matplotlib.figure import Figure

    import fcn_keras
    from fcn_keras.inference.tiling import planning, segment_tiled
    from fcn_keras.inference.tiling.nets import as_net

    images, masks = zip(*eggs(folder), strict=True)
    model, found = trained(images, masks, steps), {}
    titles = ("whole image", "exact tiles", "tiles without halo", "scores: exact - whole",
              "scores: without halo - whole")  # fmt: skip
    figure = Figure((15, 4.9), layout="constrained")
    axes = figure.subplots(2, 5)
    shown = ("slice", images[0], 64), ("mosaic", mosaic(images, 4, 4), 128)
    for line, (name, image, tile) in zip(axes, shown, strict=True):
        labels, scores = fcn_keras.segment(model, image, return_logits=True)
        options = {"tile": tile, "return_logits": True, "progress": False}
        exact = segment_tiled(model, image, **options)
        naive = segment_tiled(model, image, halo=0, **options)
        gaps = [np.abs(other[1] - scores).max(axis=-1) for other in (exact, naive)]
        wrong = [float((other[0] != labels).mean()) for other in (exact, naive)]
        plan = planning.choose_plan(as_net(model), image.shape[:2], tile, "exact", None)
        found[name] = {"size": image.shape[:2], "windows": len(plan.windows)}
        found[name] |= {"largest_difference": [float(gap.max()) for gap in gaps]}
        found[name] |= {"labels_that_differ": wrong}
        overlays = [
            fcn_keras.visualize.overlay(image, m, fcn_keras.models.labels_of(model))
            for m in (labels, exact[0], naive[0])
        ]
        for axis, title, drawn in zip(line, titles, (*overlays, *gaps), strict=True):
            heat = {"cmap": "magma", "vmin": 0, "vmax": 4} if drawn.ndim == 2 else {}
            axis.imshow(drawn, **heat)
            more = f"\nlargest {drawn.max():.2g}" if drawn.ndim == 2 else ""
            axis.set_title(title + more, fontsize=10)
            axis.set_xticks([]), axis.set_yticks([])
        line[0].set_ylabel(f"{name}, {image.shape[1]}x{image.shape[0]}\ntiles of {tile}")
    figure.savefig(path, dpi=80)
    print(json.dumps(found, indent=1))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", default="vgg_slim", help="a registered classifier")
    parser.add_argument("--size", default="1500x1500", help="HxW of the image")
    parser.add_argument("--tiles", default="256,512,1024", help="sides of the tiles, in pixels")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--large", type=int, help="side of a made-up image")
    parser.add_argument("--picture", type=Path, help="file for the picture")
    data = Path(os.environ.get("FCN_KERAS_DATA", "../shared")) / "drosophila"
    parser.add_argument("--slices", type=Path, default=data, help="folder of image/, annot_eggs/")
    parser.add_argument("--steps", type=int, default=60, help="training steps, for the picture")
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--task", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(large(options.net, options.large)))
        return
    if options.large:
        found = in_own_process(options.net, options.large)
    elif options.picture:
        found = picture(options.picture, options.slices, options.steps)
    else:
        size = tuple(int(n) for n in options.size.split("x"))
        tiles = [int(n) for n in options.tiles.split(",")]
        found = costs(options.net, size, tiles, options.repeats)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
