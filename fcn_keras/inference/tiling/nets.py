"""What gives the answer for one window: a Keras segmenter, or the runner of an export.

Both know their halo, what a pixel costs in memory, and how to tell one model from another.
"""

import zlib
from pathlib import Path

import keras
import numpy as np
from keras import ops

from fcn_keras.geometry import Halo, halo
from fcn_keras.inference.predictor import (
    LABELS,
    SCORES,
    Labeller,
    Predictor,
    as_predictor,
    label_dtype,
)
from fcn_keras.inference.tiling.memory import bytes_per_pixel
from fcn_keras.models.outputs import check_single


def as_net(model):
    """A `KerasNet` for a Keras model or a `Predictor`, a `RunnerNet` for whatever has `segment`.

    Raises:
        TypeError: if it can do neither.
        ValueError: for a net of several inputs or outputs, or of one size.
    """
    predictor = as_predictor(model)
    if not isinstance(predictor, Predictor):
        return RunnerNet(predictor)
    model = predictor.model
    net = getattr(model, "_fcn_keras_net", None)
    if net is None:
        check_single(model, "Tiling")
        net = model._fcn_keras_net = KerasNet(model)
    return net


class _Net:
    """What both have: `classes`, and from it the type of labels."""

    @property
    def dtype(self):
        """The type of the labels."""
        return np.dtype(label_dtype(self.classes))


class KerasNet(_Net):
    """A Keras segmenter of one input and one output.

    Attributes:
        channels: Of its image.
        classes: Of its scores.
    """

    def __init__(self, model):
        self._model, self._graphs, self._halos, self._cost = model, {}, {}, None
        self.channels, self.classes = model.inputs[0].shape[-1], model.output_shape[-1]

    def halo(self, size):
        """The exact `Halo` for an image of `size`."""
        if size not in self._halos:
            self._halos[size] = halo(self._model, size)
        return self._halos[size]

    @property
    def bytes_per_pixel(self):
        """Memory that an answer takes, for each pixel of its window."""
        self._cost = self._cost or bytes_per_pixel(self._model)
        return self._cost

    def labels(self, pixels):
        """uint8 (H, W) for an image (H, W, channels); uint16 above 255 classes."""
        return self._run(LABELS, pixels)

    def scores(self, pixels):
        """float32 (H, W, classes) for an image (H, W, channels)."""
        return self._run(SCORES, pixels)[1]

    def fingerprint(self):
        """What tells this model from another, as text."""
        check = 0
        for weight in self._model.weights:
            check = zlib.crc32(np.ascontiguousarray(ops.convert_to_numpy(weight)), check)
        return f"{len(self._model.layers)} layers, {self.classes} classes, weights {check:08x}"

    def _run(self, wanted, pixels):
        if wanted not in self._graphs:
            self._graphs[wanted] = Labeller(self._model, wanted)
        outputs = self._graphs[wanted].predict_on_batch(pixels[None])
        return keras.tree.map_structure(lambda output: output[0], outputs)


class RunnerNet(_Net):
    """Anything with `segment(image)`: the runner of an export, or one of the user's.

    Attributes:
        channels: Of its image: 3.
        classes: Of its scores.
    """

    channels, bytes_per_pixel = 3, None

    def __init__(self, runner):
        size = getattr(runner, "size", None)
        if size is not None:
            raise ValueError(
                f"{_named(runner)} takes images of {'x'.join(map(str, size))} only and cuts "
                "larger ones into windows itself: export it with an open size to tile it exactly."
            )
        self._runner = runner
        labels = getattr(runner, "labels", None)
        if labels is None:
            raise ValueError(
                f"{_named(runner)} has no `labels` to tell its number of classes. Give it a "
                "LabelSet (of a Client: labels=)."
            )
        self.classes = labels.num_classes

    def halo(self, size):
        """The `Halo` that was recorded with the export."""
        found = getattr(self._runner, "halo", None)
        if found is None:
            raise ValueError(
                f"{_named(self._runner)} does not tell how far its net looks. Pass "
                "halo=fcn_keras.geometry.halo(model) of the model it was made from, or "
                "halo='blend'."
            )
        return found if isinstance(found, Halo) else Halo.from_config(found)

    def labels(self, pixels):
        """As `KerasNet.labels`."""
        return np.asarray(self._runner.segment(_octets(pixels)))

    def scores(self, pixels):
        """As `KerasNet.scores`."""
        return np.asarray(self._runner.segment(_octets(pixels), return_logits=True)[1])

    def fingerprint(self):
        """As `KerasNet.fingerprint`."""
        places = (getattr(self._runner, name, None) for name in ("path", "directory", "address"))
        place = next((place for place in places if place is not None), "")
        exists = isinstance(place, Path) and place.exists()
        changed = place.stat().st_mtime_ns if exists else 0
        return f"{_named(self._runner)} {place} {changed}"


def _octets(pixels):
    return pixels if pixels.dtype == np.uint8 else np.rint(pixels).astype(np.uint8)


def _named(runner):
    return type(runner).__name__
