"""Segmenting an image of any size tile by tile."""

import os
import zlib

import numpy as np

from fcn_keras.inference.tiling.blending import Blender
from fcn_keras.inference.tiling.nets import as_net
from fcn_keras.inference.tiling.outputs import Outputs, begun_with
from fcn_keras.inference.tiling.planning import blends, choose_plan
from fcn_keras.inference.tiling.sources import open_source
from fcn_keras.progress import ProgressBar


def segment_tiled(
    model,
    image,
    *,
    tile="auto",
    halo="exact",
    overlap=None,
    out=None,
    resume=False,
    return_logits=False,
    progress=True,
):
    """Labels every pixel of an image of any size, tile by tile, exactly as if it were seen whole.

    The net sees each tile with as much of the image around it as its scores depend on
    (`fcn_keras.geometry.halo`), and only the tile is kept: labels and scores are those of
    `fcn_keras.segment` to rounding (1e-4 for float32 scores of ordinary size). Memory is that of
    one window, whatever the image's size.

    Args:
        model: A Keras segmenter of one input and one output and of open size, a `Predictor`, or
            anything with `segment` and `labels`, such as the runners of exports.
        image: A path, a PIL image, or anything with `shape`, (H, W, channels) or (H, W), and
            slicing: NumPy, memory-mapped, HDF5 and zarr arrays. Values 0-255. Arrays and .npy
            files are read a window at a time; other files are decoded whole.
        tile: Pixels kept of a window, one number or (rows, columns), rounded up to the net's
            stride. "auto": the largest that memory allows, at most 1.5 GiB, more where the halo
            would cost more than the tile. An image that fits in one window is seen whole.
        halo: "exact": what exactness needs. "blend": windows of `tile` pixels that overlap, their
            scores averaged, weighted by the squared distance from a window's edge; an
            approximation, for nets of which no exact halo exists. A `fcn_keras.geometry.Halo`:
            that, for a runner that does not tell its own. A number of pixels: that, exact or not;
            0 gives tiles that know nothing of each other.
        overlap: Pixels that two windows share at least, for "blend" (which it implies). Default:
            a quarter of a window.
        out: Where the labels go: None for a new array, the path of a .npy file, or anything with
            `shape` and slice assignment. With `return_logits` a pair, for labels and scores.
        resume: Go on with the file `out` where an interrupted run left it. `labels.npy.tiles`
            beside it says which tiles are done and what they were made with.
        return_logits: Also return the scores.
        progress: Print what the overlap costs, and show a bar, on a terminal.

    Returns:
        The labels, uint8 (H, W), uint16 above 255 classes; with `return_logits` the pair (labels,
        float32 scores (H, W, num_classes)). Of a file, a read-only memory map.

    Raises:
        ValueError: if no exact halo exists and the image does not fit in one window (the layer is
            named), if the image, `tile`, `halo` or `out` cannot be used, or if `resume` finds
            another model, image or tiling.
        FileNotFoundError, TypeError: as `fcn_keras.segment`.

    Example:

    ```python
    mosaic = np.zeros((900, 700, 3), "uint8")       # or np.load("slide.npy", mmap_mode="r"), ...
    net = fcn_keras.fcn8s(3, "vgg_slim", weights=None)
    labels = fcn_keras.inference.segment_tiled(net, mosaic, tile=256, out="labels.npy")
    ```

    Source: Long et al. (2015), section 3: a net of convolutions computes each output from a
    bounded part of its input.
    """
    net = as_net(model)
    source = open_source(image, net.channels)
    if resume and isinstance(tile, str):
        tile = begun_with(out, return_logits).get("tile", tile)  # memory may be another by now
    plan, blend = choose_plan(net, source.size, tile, halo, overlap), blends(halo, overlap)
    outputs = _outputs(net, source, plan, out, resume, return_logits)
    waiting = [w for w in plan.windows if not all(map(outputs.done, plan.blocks_of(w)))]
    if progress and len(plan.windows) > 1:
        print(plan.described(blend))
    ask = net.scores if blend or return_logits else net.labels
    mixed = Blender(plan)
    with ProgressBar(len(waiting), "tile", progress) as bar:
        for window in waiting:
            answer = _checked(ask(source.window(plan.window(window))), plan, window)
            for block in plan.blocks_of(window):
                if outputs.done(block):
                    continue
                part = mixed.add(window, block, answer)
                if part is not None:
                    outputs.write(block, plan.block(block), _parts(part, net, return_logits))
            bar.step()
    source.check()
    return outputs.result()


def _checked(answer, plan, window):
    expected = tuple(place.stop - place.start for place in plan.window(window))
    if answer.shape[:2] != expected:
        raise ValueError(
            f"The model's answer is {answer.shape[0]}x{answer.shape[1]} for a window of "
            f"{expected[0]}x{expected[1]}: a segmenter gives one score map an image."
        )
    return answer


def _parts(part, net, return_logits):
    """What is written of a block: labels, and scores where they are wanted."""
    labels = part if part.ndim == 2 else part.argmax(-1).astype(net.dtype)
    return (labels, part) if return_logits else (labels,)


def _outputs(net, source, plan, out, resume, return_logits):
    targets = out if return_logits and out is not None else (out, None)
    if not isinstance(targets, (tuple, list)) or len(targets) != 2:
        raise ValueError(
            "With `return_logits`, `out` is a pair: where the labels go and where the scores go."
        )
    shapes = (source.size, (*source.size, net.classes))
    dtypes = net.dtype, np.dtype("float32")
    count, made_by = 1 + return_logits, None
    if any(isinstance(target, (str, os.PathLike)) for target in targets):
        made_by = {
            "model": net.fingerprint(),
            "image": _told_apart(source),
            "tile": list(plan.tile),
            "tiling": plan.to_config(),
            "outputs": count,
        }
    return Outputs(targets[:count], shapes[:count], dtypes[:count], made_by, resume)


def _told_apart(source):
    """An image's size, type and the sum of some pixels in its middle, as text."""
    middle = tuple(slice(n // 2, min(n, n // 2 + 64)) for n in source.size)
    check = zlib.crc32(np.ascontiguousarray(source.window(middle)))
    return f"{source.size[0]}x{source.size[1]} {source.kind} {check:08x}"
