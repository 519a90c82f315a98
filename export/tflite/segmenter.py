"""Running a TFLite file of this package: any image, whatever size the file takes."""

import os
import threading
from pathlib import Path

import numpy as np

from fcn_keras.data.images import to_input
from fcn_keras.export.tflite import contents
from fcn_keras.export.tflite.windows import cut_out, windows
from fcn_keras.geometry import Halo


class Segmenter:
    """Segments images of any size with a TFLite file written by `export_tflite`.

    A file of open size sees each image whole, and gives what the Keras model gives. A file of one
    size sees a smaller image continued at the bottom and right with the pixel that preprocessing
    turns into zero, which is what the net itself pads with; a larger one in windows that overlap
    by a quarter, each pixel labelled by the window whose edge is farther.

    Args:
        path: The file.
        threads: Threads to compute with. By default one for each core that the process may use.

    Attributes:
        labels: The `LabelSet` found in the file.
        size: (H, W), or None for any.
        halo: The `fcn_keras.geometry.Halo` of a file of open size, or None where it is not exact.
        made: A dict of how the file was made: `quantize`, `output`, `calibration`, ...

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no TFLite file of this package, or `threads` is below 1.
        ImportError: if ai-edge-litert is not installed.

    Example:

    ```python
    path = fcn_keras.export.export_tflite(model, "digits.tflite")
    segmenter = fcn_keras.export.tflite.Segmenter(path, threads=2)
    segmenter.labels.names[segmenter.segment("street.jpg")[0, 0]]
    ```
    """

    def __init__(self, path, threads=None):
        self.path = Path(path)
        self.labels, self.made = contents.read(self.path)
        self.size = tuple(self.made["size"]) if self.made["size"] else None
        halo = self.made.get("halo")
        self.halo = halo and Halo.from_config(halo)
        threads = _cores() if threads is None else threads
        if threads < 1:
            raise ValueError(f"`threads` must be at least 1, got {threads}.")
        self._interpreter = _interpreter()(model_path=str(self.path), num_threads=threads)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._allocated = None
        self._alone = threading.Lock()

    def segment(self, image, *, return_logits=False):
        """Labels every pixel of one image; as `fcn_keras.segment`.

        Raises:
            ValueError: also for `return_logits` of a file without scores.
        """
        if return_logits and self.made["output"] != "scores":
            raise ValueError(
                f"{self.path} gives labels, no scores; export it with output='scores'."
            )
        pixels = to_input(image, (None, None, int(self._input["shape_signature"][-1])))
        answer = self._answer(np.rint(pixels).astype(np.uint8))
        if self.made["output"] == "labels":
            return answer
        label_map = answer.argmax(-1).astype(self.labels.dtype)
        return (label_map, answer) if return_logits else label_map

    def segment_batch(self, images):
        """Labels several images of one size, one after the other, as `Predictor.segment_batch`."""
        label_maps = [self.segment(image) for image in images]
        if len({label_map.shape for label_map in label_maps}) != 1:
            raise ValueError("A batch holds one image or more, all of one size.")
        return np.stack(label_maps)

    def _answer(self, pixels):
        """What the net gives for an image: (H, W), or (H, W, num_classes)."""
        if self.size is None:
            return self._run(pixels)
        seen = windows(pixels.shape[:2], self.size)
        whole = None
        for window, kept in seen:
            part = self._run(cut_out(pixels, window, self.made["padding_pixel"]))
            if whole is None:
                whole = np.empty((*pixels.shape[:2], *part.shape[2:]), part.dtype)
            whole[kept] = part[_within(kept, window)]
        return whole

    def _run(self, pixels):
        with self._alone:
            if self._allocated != pixels.shape:
                if self.size is None:
                    self._interpreter.resize_tensor_input(self._input["index"], (1, *pixels.shape))
                self._interpreter.allocate_tensors()
                self._allocated = pixels.shape
            self._interpreter.set_tensor(self._input["index"], pixels[None])
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._output)[0]


def _within(kept, window):
    """The kept part of a window, counted from the window's corner."""
    return tuple(
        slice(part.start - span.start, part.stop - span.start)
        for part, span in zip(kept, window, strict=True)
    )


def _cores():
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _interpreter():
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError as error:
        raise ImportError(
            "Running TFLite files needs ai-edge-litert, which is not installed: "
            "pip install 'fcn_keras[edge]'"
        ) from error
    return Interpreter
