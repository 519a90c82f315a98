"""Exports a segmenter as a TFLite file: checks, the graph, the converter, the file.

The file appears whole or not at all.
"""

import os
import re
import tempfile
from pathlib import Path

import keras

from fcn_keras.data.images.reader import ImageReader
from fcn_keras.export.decoding import decode, map_name, task_to_export
from fcn_keras.export.tflite import checks, contents
from fcn_keras.export.tflite.calibration import Calibration
from fcn_keras.export.tflite.convertible import convertible
from fcn_keras.export.tflite.padding import padding_pixel
from fcn_keras.export.tflite.quantizing import Int8
from fcn_keras.export.tflite.task_metadata import with_metadata
from fcn_keras.export.tflite.weights_only import with_float_arithmetic
from fcn_keras.geometry.halo import recorded_halo
from fcn_keras.models.outputs import image_config


def export_tflite(
    model,
    path,
    quantize="none",
    *,
    size=None,
    calibration=None,
    calibration_images=100,
    logits=False,
    mediapipe=False,
    labels=None,
    float_layers=(),
    report=None,
    overwrite=False,
):
    """Writes a segmenter as a TFLite file of builtin operations.

    The file takes `image`, uint8 (1, H, W, channels) of 0-255, and gives `label_map`, uint8
    (1, H, W) (uint16 above 255 classes), or with `logits` the float32 `logits`
    (1, H, W, num_classes). A net for another task than classes gives `map`, float32 (1, H, W) or
    (1, H, W, C). Preprocessing and decoding are inside. A zip archive after the net holds task.json
    (the task), labels.txt (a class name a line), labels.json (the `LabelSet`) and export.json (how
    the file was made).

    Args:
        model: A functional Keras model with one output (batch, H, W, channels).
        path: The file to write.
        quantize: "none": float32. "float16": half the size; computed in float32 on a CPU, in
            float16 on a GPU. "dynamic": int8 weights, and inputs of convolutions quantized when
            the net runs; a quarter of the size. "int8": int8 except for preprocessing and the
            output, with ranges measured on `calibration`; for accelerators. "int8-weights": int8
            weights and float arithmetic; a quarter of the size at the speed of float.
        size: (H, W) of the only size that the file takes, or None for any size. Accelerators, the
            browser and MediaPipe need one size.
        calibration: For "int8": a `fcn_keras.data.Dataset`, or a sequence of images. They are
            read, cut and padded as in evaluation.
        calibration_images: Largest number of them to use, spread evenly.
        logits: Whether the file gives the logits of classes instead of labels.
        mediapipe: Whether to add the metadata of MediaPipe's Image Segmenter; needs `size`, and
            the file gives logits.
        labels: A `LabelSet`. Default: the one stored in the model, else numbered classes.
        float_layers: For "int8": names of further layers to leave in float.
        report: For "int8": path of a CSV file with the quantization error of each operation, the
            largest first. Its column `steps` is the root of the mean squared error over the step
            of the int8 scale (rounding alone gives 0.29).
        overwrite: Whether to replace a TFLite file that is already there.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the file exists (with `overwrite`, if it is not a TFLite file); for options
            that are unknown or do not go together, such as "int8" without calibration; if the
            model is no segmenter, does not take `size`, or needs an operation that is not built
            into TFLite; if `labels` does not fit the model.
        RuntimeError: if Keras runs on another backend than TensorFlow.

    Example:

    ```python
    path = fcn_keras.export.export_tflite(model, "digits.tflite", "dynamic", size=(128, 160))
    fcn_keras.export.tflite.Segmenter(path).segment("street.jpg")
    ```

    Source: Jacob et al. (2018), "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", for int8 with a scale a tensor.
    """
    tf, path = _tensorflow(), Path(path)
    task = task_to_export(model, "A TFLite file", labels)
    checks.check_target(path, overwrite)
    checks.check_quantization(quantize, calibration, float_layers, report)
    logits = logits or mediapipe  # of labels MediaPipe makes an empty mask without an error
    checks.check_logits(logits, task, model)
    size = checks.checked_size(size, model)
    if mediapipe:
        checks.check_mediapipe(size, model)
    checks.check_layers(float_layers, model)
    padding, images = padding_pixel(model), None
    if quantize == "int8":
        channels = model.input_shape[-1]
        read = ImageReader.from_config(image_config(model))
        images = Calibration(calibration, calibration_images, size, channels, padding, read)
    net = _Net(tf, model, size, task, logits)
    content = net.content(quantize, images, float_layers, report)
    made = {
        "quantize": quantize,
        "size": size and list(size),
        "padding_pixel": padding,
        "halo": None if size else recorded_halo(model),
        "output": net.output,
        "calibration": images and images.to_config(),
        "float_layers": list(float_layers),
        "mediapipe": bool(mediapipe),
        "images": image_config(model),
    }
    if mediapipe:
        content = with_metadata(content, model.name)
    _write(path, content, task, made)
    return path


class _Net:
    """A net that is being converted.

    Attributes:
        output: Name of its output tensor.
    """

    def __init__(self, tf, model, size, task, logits):
        self._tf, self._task = tf, task
        self.output = "logits" if logits else map_name(task)
        self._net = convertible(model)
        self._shape = (1, *(size or (None, None)), model.input_shape[-1])

    def content(self, quantize, images, float_layers, report):
        """Returns the bytes of the file."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            self._archive().write_out(folder, verbose=False)
            converter = self._tf.lite.TFLiteConverter.from_saved_model(folder)
            converter.target_spec.supported_ops = [self._tf.lite.OpsSet.TFLITE_BUILTINS]
            try:
                return self._converted(converter, quantize, images, float_layers, report)
            except Exception as error:
                missing = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error))))
                if not missing:
                    raise
                raise ValueError(
                    f"{self._net.name!r} needs {', '.join(missing)}, which is not built into "
                    "TFLite for such a graph."
                    + (" Try one fixed size: size=(H, W)." if None in self._shape else "")
                ) from error

    def _archive(self):
        tf, net = self._tf, self._net

        def serving_default(image):
            outputs = net(tf.cast(image, tf.float32), training=False)
            if self.output != "logits":
                outputs = decode(self._task, outputs)
            return {self.output: outputs}

        archive = keras.export.ExportArchive()
        archive.track(net)
        signature = [tf.TensorSpec(self._shape, tf.uint8, name="image")]
        archive.add_endpoint("serving_default", serving_default, input_signature=signature)
        return archive

    def _converted(self, converter, quantize, images, float_layers, report):
        if quantize == "none":
            return converter.convert()
        if quantize == "int8":
            int8 = Int8(self._tf, self._net, converter, images, float_layers)
            if report:
                int8.write_report(report)
            return int8.content()
        converter.optimizations = [self._tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [self._tf.float16]
        content = converter.convert()
        return with_float_arithmetic(content) if quantize == "int8-weights" else content


def _write(path, content, task, made):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as aside:
        written = Path(aside) / path.name
        written.write_bytes(content)
        contents.append(written, task, made)
        os.replace(written, path)


def _tensorflow():
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"Exporting to TFLite needs the TensorFlow backend; Keras runs on {backend!r}. "
            "Save the model (model.save('model.keras')), and export it in a process started with "
            "KERAS_BACKEND=tensorflow."
        )
    try:
        import tensorflow
    except ModuleNotFoundError as error:
        raise RuntimeError(
            "Writing TFLite needs TensorFlow, which is not installed: pip install tensorflow"
        ) from error
    return tensorflow
