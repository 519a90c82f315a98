"""From a Keras segmenter to a TFLite file: checks, the graph, the converter, the file.

The file appears whole or not at all.
"""

import os
import re
import tempfile
from pathlib import Path

import keras

from fcn_keras.export.tflite import checks, contents
from fcn_keras.export.tflite.calibration import Calibration
from fcn_keras.export.tflite.convertible import convertible
from fcn_keras.export.tflite.padding import padding_pixel
from fcn_keras.export.tflite.quantizing import Int8
from fcn_keras.export.tflite.task_metadata import with_metadata
from fcn_keras.export.tflite.weights_only import with_float_arithmetic
from fcn_keras.geometry import recorded_halo
from fcn_keras.inference import Predictor
from fcn_keras.models.outputs import check_single


def export_tflite(
    model,
    path,
    quantize="none",
    *,
    size=None,
    calibration=None,
    calibration_images=100,
    output="labels",
    mediapipe=False,
    labels=None,
    float_layers=(),
    report=None,
    overwrite=False,
):
    """Writes a segmenter as a TFLite file of builtin operations.

    The file takes `image`, uint8 (1, H, W, channels) of 0-255, and gives `label_map`, uint8
    (1, H, W) (uint16 above 255 classes), or `scores`, the float32 logits (1, H, W, num_classes).
    Preprocessing and argmax are inside. A zip archive behind the net holds labels.txt (a name a
    line), labels.json (the `LabelSet`) and export.json (how the file was made).

    Args:
        model: A functional Keras model of logits (batch, H, W, num_classes).
        path: The file to write.
        quantize: "none": float32. "float16": half the size; computed in float32 on a CPU, in
            float16 on a GPU. "dynamic": int8 weights, each map quantized on its way into a
            convolution; a quarter of the size. "int8": all but preprocessing and scores in int8,
            with ranges measured on `calibration`; what accelerators want. "int8-weights": int8
            weights, float arithmetic; a quarter of the size, float's speed.
        size: (H, W) of the only size the file takes, or None for any size. Accelerators, the
            browser and MediaPipe need one size.
        calibration: For "int8": a `fcn_keras.data.Dataset`, or a sequence of images. They are
            read, cut and padded as in evaluation.
        calibration_images: How many of them to use, at most, spread evenly.
        output: "labels" or "scores".
        mediapipe: Add the metadata of MediaPipe's Image Segmenter.
        labels: A `LabelSet`. By default the one stored in the model, else numbered classes.
        float_layers: For "int8": names of further layers to leave in float.
        report: For "int8": a CSV file to write, each operation's quantization error, the worst
            first: `steps` is the root of the mean squared error over the step of its int8 scale
            (rounding alone costs 0.29).
        overwrite: Replace a TFLite file that is already there.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if the file exists (with `overwrite`, if it is no TFLite file); for options
            that are unknown or do not go together, among them "int8" without calibration and
            `mediapipe` without scores and a size; if the model is no segmenter, does not take
            `size`, or needs an operation that TFLite has not built in; if `labels` names another
            number of classes.
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
    check_single(model, "A TFLite file")
    labels = Predictor(model, labels).labels  # checks that it is a segmenter
    checks.check_target(path, overwrite)
    checks.check_options(quantize, calibration, output, float_layers, report)
    size = checks.checked_size(size, model)
    if mediapipe:
        checks.check_mediapipe(output, size, model)
    checks.check_layers(float_layers, model)
    padding, images = padding_pixel(model), None
    if quantize == "int8":
        channels = model.input_shape[-1]
        images = Calibration(calibration, calibration_images, size, channels, padding)
    net = _Net(tf, model, size, output, labels.dtype)
    content = net.content(quantize, images, float_layers, report)
    made = {
        "quantize": quantize,
        "size": size and list(size),
        "padding_pixel": padding,
        "halo": None if size else recorded_halo(model),
        "output": output,
        "calibration": images and images.to_config(),
        "float_layers": list(float_layers),
        "mediapipe": bool(mediapipe),
    }
    if mediapipe:
        content = with_metadata(content, model.name)
    _write(path, content, labels, made)
    return path


class _Net:
    """A net on its way through the converter."""

    def __init__(self, tf, model, size, output, label_dtype):
        self._tf, self._output, self._label_dtype = tf, output, label_dtype
        self._net = convertible(model)
        self._shape = (1, *(size or (None, None)), model.input_shape[-1])

    def content(self, quantize, images, float_layers, report):
        """The file's bytes."""
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
                    f"{self._net.name!r} needs {', '.join(missing)}, which TFLite has not built "
                    "in for such a graph."
                    + (" Try one fixed size: size=(H, W)." if None in self._shape else "")
                ) from error

    def _archive(self):
        tf, net = self._tf, self._net

        def serving_default(image):
            scores = net(tf.cast(image, tf.float32), training=False)
            if self._output == "scores":
                return {"scores": scores}
            label_map = tf.argmax(scores, axis=-1, output_type=tf.int32)
            return {"label_map": tf.cast(label_map, self._label_dtype)}

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


def _write(path, content, labels, made):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as aside:
        written = Path(aside) / path.name
        written.write_bytes(content)
        contents.append(written, labels, made)
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
