"""Segmentation of images of any size, tile by tile."""

import os
import zlib

import numpy as np

from fcn_keras.inference.decoding import (
    ACTIVATIONS,
    DECODED,
    LOGITS,
    check_probabilities,
    decode_array,
)
from fcn_keras.inference.precision import in_precision
from fcn_keras.inference.protocol import Segmenter
from fcn_keras.inference.segmenters import as_segmenter
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
    precision=None,
    progress=True,
):
    """Segments an image of any size tile by tile, with the output of the whole image.

    Each tile is segmented with as much of the image around it as its outputs depend on
    (`fcn_keras.geometry.halo`), and only the tile is kept: labels and logits are those of
    `fcn_keras.segment` but for rounding (1e-4 for float32 logits of ordinary size). Memory is that
    of one window, whatever the image's size.

    Args:
        model: A Keras segmenter of one input and one output and of open size, a `Segmenter` such
            as an export, or an object with `segment` and `labels`.
        image: A path, a PIL image, or anything with `shape`, (H, W, channels) or (H, W), and
            slicing: NumPy, memory-mapped, HDF5 and zarr arrays. Values 0-255. Arrays and .npy
            files are read window by window; other files are decoded whole.
        tile: Number of pixels kept of a window, or (rows, columns), rounded up to the net's
            stride. "auto": the largest that memory allows, at most 1.5 GiB, more where the halo
            would cost more than the tile. An image that fits in one window is segmented whole.
        halo: "exact": the halo that exactness needs. "blend": windows of `tile` pixels that
            overlap; their outputs are averaged, weighted by the squared distance from a window's
            edge. This is an approximation, for nets without an exact halo. A
            `fcn_keras.geometry.Halo`: that one, for a segmenter that does not tell its own. A
            number of pixels: that many, exact or not; with 0, tiles are independent.
        overlap: Number of pixels that two windows share at least, for "blend" (which it implies).
            Default: a quarter of a window.
        out: Target of the decoded map: None for a new array, the path of a .npy file, or anything
            with `shape` and slice assignment. With `return_logits` a pair, for map and logits.
        resume: Whether an interrupted run that wrote the file `out` is continued.
            `labels.npy.tiles` beside it lists the tiles that are done and what they depend on.
        return_logits: Whether the logits are returned too.
        precision: None, "mixed" or "float32", as for `fcn_keras.segment`.
        progress: Whether the cost of the overlap is printed, and a bar shown, on a terminal.

    Returns:
        The labels, uint8 (H, W), uint16 above 255 classes; of a regression float32 (H, W) or
        (H, W, C). With `return_logits` the pair with float32 logits (H, W, channels). Of a file, a
        read-only memory map.

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
    net = as_net(in_precision(as_segmenter(model), precision))
    source = open_source(image, net.channels, net.image_reader)
    if resume and isinstance(tile, str):
        tile = begun_with(out, return_logits).get("tile", tile)  # free memory may have changed
    plan, blend = choose_plan(net, source.size, tile, halo, overlap), blends(halo, overlap)
    outputs = _outputs(net, source, plan, out, resume, return_logits)
    if progress and len(plan.windows) > 1:
        print(plan.described(blend))
    if blend or return_logits:

        def parts(found):
            decoded = decode_array(net.task, found)
            return (decoded, found) if return_logits else (decoded,)

        wanted = LOGITS if return_logits else net.averaged
        return _filled(outputs, net, source, plan, wanted, parts, progress)
    return _filled(outputs, net, source, plan, DECODED, lambda part: (part,), progress)


class Tiled(Segmenter):
    """Segments by `segment_tiled`: in the memory of one window, with the output of the whole image.

    Args:
        model: As `segment_tiled` takes it.
        tile: As `segment_tiled` takes it: "auto", or pixels.

    Attributes:
        task, labels, halo, size, channels: As of any `Segmenter`.

    Raises:
        ValueError: for a net of several inputs or outputs, or of one size.

    Example:

    ```python
    from fcn_keras.inference.tiling.segmenting import Tiled

    labels = Tiled(model, tile=256).segment("street.jpg")
    ```
    """

    size = None

    def __init__(self, model, tile="auto"):
        self._segmenter = as_segmenter(model)
        self._net, self._tile = as_net(self._segmenter), tile
        self.task, self.labels = self._segmenter.task, self._segmenter.labels
        self.channels = self._segmenter.channels
        self.image_reader = self._segmenter.image_reader

    @property
    def halo(self):
        """The `fcn_keras.geometry.Halo` of the net, or None."""
        return self._segmenter.halo

    def segment(self, image, *, return_logits=False):
        """Segments one image; as `fcn_keras.segment`."""
        return segment_tiled(
            self._segmenter, image, tile=self._tile, return_logits=return_logits, progress=False
        )

    def segment_batch(self, images, *, return_logits=False):
        """Segments several images of one size, one after the other."""
        if return_logits:
            pairs = [self.segment(image, return_logits=True) for image in images]
            return tuple(np.stack(arrays) for arrays in zip(*pairs, strict=True))
        return np.stack([self.segment(image) for image in images])

    def probabilities(self, images):
        """Returns the class probabilities, float32 (batch, H, W, num_classes).

        Raises:
            ValueError: for a task without them.
        """
        check_probabilities(self.task, "`probabilities`")
        return np.stack([self._probabilities(image) for image in images])

    def _probabilities(self, image):
        source = open_source(image, self._net.channels, self._net.image_reader)
        plan = choose_plan(self._net, source.size, self._tile, "exact", None)
        shape = (*source.size, self.task.channels)
        outputs = Outputs((None,), (shape,), (np.dtype("float32"),), None, False)
        return _filled(
            outputs, self._net, source, plan, ACTIVATIONS, lambda part: (part,), progress=False
        )


def _filled(outputs, net, source, plan, wanted, parts, progress):
    """Segments the windows whose blocks are not written yet, and returns the written arrays.

    Args:
        outputs: `Outputs`.
        net, source, plan: What is tiled, and how.
        wanted: What the net is asked for: DECODED, LOGITS or ACTIVATIONS.
        parts: A function from a block of that to what is written, one array an output.
        progress: Whether a bar is shown.
    """
    waiting = [w for w in plan.windows if not all(map(outputs.done, plan.blocks_of(w)))]
    blender = Blender(plan)
    with ProgressBar(len(waiting), "tile", progress) as bar:
        for window in waiting:
            pixels = source.window(plan.window(window))
            answer = _checked(net.answer(pixels, wanted), plan, window)
            for block in plan.blocks_of(window):
                if outputs.done(block):
                    continue
                part = blender.add(window, block, answer)
                if part is not None:
                    outputs.write(block, plan.block(block), parts(part))
            bar.step()
    source.check()
    return outputs.result()


def _checked(answer, plan, window):
    expected = tuple(place.stop - place.start for place in plan.window(window))
    if answer.shape[:2] != expected:
        raise ValueError(
            f"The model's output is {answer.shape[0]}x{answer.shape[1]} for a window of "
            f"{expected[0]}x{expected[1]}; the output of a segmenter has the size of the image."
        )
    return answer


def _outputs(net, source, plan, out, resume, return_logits):
    targets = out if return_logits and out is not None else (out, None)
    if not isinstance(targets, (tuple, list)) or len(targets) != 2:
        raise ValueError(
            "With `return_logits`, `out` must be a pair: one target for the decoded map, one for "
            f"the logits; got {out!r}."
        )
    logits = (*source.size, net.task.channels)
    shapes = (logits if net.task.axes == 3 else source.size, logits)
    dtypes = net.task.dtype, np.dtype("float32")
    count, made_by = 1 + return_logits, None
    if any(isinstance(target, (str, os.PathLike)) for target in targets):
        made_by = {
            "model": net.fingerprint(),
            "image": _fingerprint(source),
            "tile": list(plan.tile),
            "tiling": plan.to_config(),
            "outputs": count,
        }
    return Outputs(targets[:count], shapes[:count], dtypes[:count], made_by, resume)


def _fingerprint(source):
    """A text that differs for other images: size, type and a checksum of the middle."""
    middle = tuple(slice(n // 2, min(n, n // 2 + 64)) for n in source.size)
    check = zlib.crc32(np.ascontiguousarray(source.window(middle)))
    return f"{source.size[0]}x{source.size[1]} {source.kind} {check:08x}"
