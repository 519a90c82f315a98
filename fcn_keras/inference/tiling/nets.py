"""Nets as the tiler uses them: the answer for one window, the halo, memory and a fingerprint."""

import zlib
from pathlib import Path

import numpy as np
from keras import ops

from fcn_keras.geometry import halo
from fcn_keras.geometry.halo import joined_halo
from fcn_keras.inference.decoding import (
    ACTIVATIONS,
    DECODED,
    LOGITS,
    check_one_output,
    decode_array,
)
from fcn_keras.inference.ensemble import Ensemble
from fcn_keras.inference.memory import bytes_per_pixel
from fcn_keras.inference.postprocessor import activations_of
from fcn_keras.inference.predictor import Predictor
from fcn_keras.inference.segmenters import UserSegmenter, as_segmenter
from fcn_keras.models.outputs import check_single


def as_net(model):
    """Returns what is tiled of a model or what segments.

    A Keras model or a `Predictor` is a `KerasNet`, an `Ensemble` an `EnsembleNet`, what else
    segments an `OtherNet`.

    Raises:
        TypeError: if it has no `segment`.
        ValueError: for a net of several inputs or outputs, or of one size.
    """
    segmenter = as_segmenter(model)
    if isinstance(segmenter, Ensemble):
        return EnsembleNet(segmenter)
    if not isinstance(segmenter, Predictor):
        return OtherNet(segmenter)
    net = vars(segmenter).get("_tiled")
    if net is None:
        check_single(segmenter.model, "Tiling")
        net = segmenter._tiled = KerasNet(segmenter)
    return net


class KerasNet:
    """A Keras segmenter of one input and one output.

    Args:
        predictor: A `Predictor`.

    Attributes:
        task: The `Task` of its output.
        channels: Number of channels of its image.
        image_reader: The `ImageReader` of files.
        averaged: What is averaged where windows overlap: LOGITS or ACTIVATIONS.
    """

    averaged = LOGITS

    def __init__(self, predictor):
        self._predictor, self._halos, self._cost = predictor, {}, None
        self.task, self.channels = predictor.task, predictor.channels
        self.image_reader = predictor.image_reader

    def halo(self, size):
        """Returns the exact `Halo` for an image of `size`."""
        if size not in self._halos:
            self._halos[size] = halo(self._predictor.model, size)
        return self._halos[size]

    @property
    def bytes_per_pixel(self):
        """Memory of one forward pass, in bytes for each pixel of its window."""
        self._cost = self._cost or bytes_per_pixel(self._predictor.model)
        return self._cost

    def answer(self, pixels, wanted):
        """Returns what is wanted of one image.

        Args:
            pixels: (H, W, channels), uint8 or float32.
            wanted: DECODED, LOGITS or ACTIVATIONS.

        Returns:
            The decoded map, or float32 (H, W, task.channels).
        """
        found = self._predictor.run(pixels[None], wanted)
        return (found[1] if wanted == LOGITS else found)[0]

    def fingerprint(self):
        """Returns a text that differs for models of other layers or weights."""
        check, model = 0, self._predictor.model
        for weight in model.weights:
            check = zlib.crc32(np.ascontiguousarray(ops.convert_to_numpy(weight)), check)
        told = f"{len(model.layers)} layers, {self.task.channels} channels, weights {check:08x}"
        precision = self._predictor.precision
        return told if precision is None else f"{told}, {precision}"


class EnsembleNet:
    """An `Ensemble`: each window is segmented by all members.

    Args:
        ensemble: An `Ensemble`.

    Attributes:
        task, channels, image_reader, averaged: As of a `KerasNet`.
    """

    averaged = ACTIVATIONS

    def __init__(self, ensemble):
        self._ensemble, self._nets = ensemble, [as_net(member) for member in ensemble.members]
        self.task, self.channels = ensemble.task, ensemble.channels
        self.image_reader = ensemble.image_reader

    def halo(self, size):
        """Returns the exact `Halo` of all members for an image of `size`."""
        return joined_halo([net.halo(size) for net in self._nets])

    @property
    def bytes_per_pixel(self):
        """Memory of a forward pass of the largest member, in bytes for each pixel, or None."""
        return max(net.bytes_per_pixel or 0 for net in self._nets) or None

    def answer(self, pixels, wanted):
        """Returns what is wanted of one image, as `KerasNet.answer`.

        Raises:
            ValueError: for LOGITS of classes.
        """
        if wanted == LOGITS and self.task.activation is not None:
            raise ValueError(
                "An ensemble has no logits: it combines probabilities, which fcn_keras.segment("
                "..., tile=..., return_probabilities=True) returns."
            )
        found = self._ensemble.combined([net.answer(pixels, ACTIVATIONS) for net in self._nets])
        return decode_array(self.task, found) if wanted == DECODED else found

    def fingerprint(self):
        """Returns a text that differs for other members."""
        return f"{self._ensemble.how} of {'; '.join(net.fingerprint() for net in self._nets)}"


class OtherNet:
    """A `Segmenter` that is not a Keras model: an export, a server, or one of the user's.

    Args:
        segmenter: A `Segmenter`.

    Attributes:
        task: The `Task` of its output.
        channels: Number of channels of its image.
        image_reader: The `ImageReader` of files.
        averaged: As of a `KerasNet`.
        bytes_per_pixel: None: not known.

    Raises:
        ValueError: if it takes images of one size only, has several outputs or does not tell its
            task.
    """

    averaged = LOGITS
    bytes_per_pixel = None

    def __init__(self, segmenter):
        check_one_output(segmenter, "Tiling")
        self._segmenter = segmenter
        # What stands behind a user's object tells more than its wrapper.
        self._told = segmenter.given if isinstance(segmenter, UserSegmenter) else segmenter
        if segmenter.size is not None:
            raise ValueError(
                f"The net of {self._name} takes images of {'x'.join(map(str, segmenter.size))} "
                "only: export it with an open size to tile larger ones exactly."
            )
        self.task, self.channels = segmenter.task, segmenter.channels or 3
        self.image_reader = segmenter.image_reader
        if self.task is None:
            raise ValueError(
                f"{self._name} has no `labels` to tell its number of classes. Give it a "
                "LabelSet (of a Client: labels=)."
            )

    def halo(self, size):
        """Returns the `Halo` that the segmenter tells."""
        found = self._segmenter.halo
        if found is None:
            raise ValueError(
                f"{self._name} does not tell the halo of its net. Pass "
                "halo=fcn_keras.geometry.halo(model) of the model it was made from, or "
                "halo='blend'."
            )
        return found

    def answer(self, pixels, wanted):
        """Returns what is wanted of one image, as `KerasNet.answer`."""
        if pixels.dtype != np.uint8:
            pixels = np.rint(pixels).astype(np.uint8)
        if wanted == DECODED:
            return np.asarray(self._segmenter.segment(pixels))
        if wanted == LOGITS:
            return np.asarray(self._segmenter.segment(pixels, return_logits=True)[1])
        return np.asarray(activations_of(self._segmenter, [pixels])[0])

    def fingerprint(self):
        """Returns a text that differs for other files, servers or dates of change."""
        places = (vars(self._told).get(name) for name in ("path", "directory", "address"))
        place = next((place for place in places if place is not None), "")
        exists = isinstance(place, Path) and place.exists()
        changed = place.stat().st_mtime_ns if exists else 0
        return f"{self._name} {place} {changed}"

    @property
    def _name(self):
        return type(self._told).__name__
