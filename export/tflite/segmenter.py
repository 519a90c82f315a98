"""Running a TFLite file of this package on images of any size."""

import threading
from pathlib import Path

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.export.runner import Runner, as_batch, as_pixels, outputs_in
from fcn_keras.export.tflite import contents
from fcn_keras.export.tflite.padding import cut_padded
from fcn_keras.geometry import Halo
from fcn_keras.inference.decoding import decode_array
from fcn_keras.inference.tiling.windows import fixed_plan
from fcn_keras.threads import usable_cores


class Segmenter(Runner):
    """Segments images of any size with a TFLite file written by `export_tflite`.

    A file of open size gets the whole image, and gives what the Keras model gives. A file of one
    size gets a smaller image padded at the bottom and right, by the pixel that preprocessing turns
    into zero, which is what the net itself pads with. It gets a larger image in windows that
    overlap by a quarter; each pixel is taken from the window whose edge is farther.

    Args:
        path: The file.
        threads: Number of threads. Default: one for each core that the process may use.

    Attributes:
        task: The `fcn_keras.tasks.Task` in the file.
        labels: The `LabelSet` of classes, or None for another task.
        size: (H, W), or None for any size.
        halo: The `fcn_keras.geometry.Halo` of a file of open size; None where none is exact.
        channels: Number of channels of an image.
        image_reader: The `fcn_keras.data.ImageReader` of files, from the file.
        made: A dict of how the file was made: `quantize`, `output`, `calibration`, ...

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a TFLite file of this package, or `threads` is below 1.
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
        self.task, self.made = contents.read(self.path)
        self.size = tuple(self.made["size"]) if self.made["size"] else None
        halo = self.made["halo"]
        self.halo = halo and Halo.from_config(halo)
        self.image_reader = ImageReader.from_config(self.made.get("images"))
        threads = usable_cores() if threads is None else whole_number("threads", threads)
        self._interpreter = _interpreter()(model_path=str(self.path), num_threads=threads)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self.channels = int(self._input["shape_signature"][-1])
        self._allocated = None
        self._alone = threading.Lock()

    def segment(self, image, *, return_logits=False):
        """Segments one image; see `fcn_keras.segment`.

        Raises:
            ValueError: if the image cannot be used, or for the logits of a file without them.
        """
        answer = self._answer(as_pixels(image, (None, None, self.channels), self.image_reader))
        if self.made["output"] == "logits":
            decoded = decode_array(self.task, answer)
            return (decoded, answer) if return_logits else decoded
        return (answer, outputs_in(self.task, answer)) if return_logits else answer

    def segment_batch(self, images, *, return_logits=False):
        """Segments several images of one size, one after the other; see `segment`.

        Args:
            images: Arrays (H, W, channels) of 0-255, or one array (batch, H, W, channels).
            return_logits: Also return the logits.

        Returns:
            As `segment`, with a first axis for the images.

        Raises:
            ValueError: as `segment`, and for images of several sizes.
        """
        batch = as_batch(images, (None, None, self.channels), self.image_reader)
        answers = [self.segment(image, return_logits=return_logits) for image in batch]
        if return_logits:
            return tuple(np.stack(part) for part in zip(*answers, strict=True))
        return np.stack(answers)

    def _answer(self, pixels):
        """The net's output for an image: (H, W), or (H, W, channels)."""
        if self.size is None:
            return self._run(pixels)
        plan, whole = fixed_plan(pixels.shape[:2], self.size), None
        for number in plan.windows:
            window, kept = plan.window(number), plan.block(number)
            part = self._run(cut_padded(pixels, window, self.made["padding_pixel"]))
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


def _interpreter():
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError as error:
        raise ImportError(
            "Running TFLite files needs ai-edge-litert, which is not installed: "
            "pip install 'fcn_keras[edge]'"
        ) from error
    return Interpreter
