"""Segmenting with a server as steps: generators that yield a request and receive its answer.

The clients run them, blocking or with asyncio, over REST or gRPC; the steps are the same.
"""

import io
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_keras.data.images.conversion import DEFAULT
from fcn_keras.data.images.reader import ImageReader
from fcn_keras.export import asset_names
from fcn_keras.export.decoding import LABEL_MAP, MAP
from fcn_keras.export.runner import as_batch, as_pixels
from fcn_keras.export.serving.requests import Metadata, Predict

_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8")
OK = "ok"
ASSETS = (asset_names.TASK, asset_names.HALO, asset_names.IMAGES)


class Steps:
    """The steps of one client.

    Args:
        as_files: Whether arrays are sent as PNG files if the server decodes them. Numbers in JSON
            are ten times larger.
    """

    def __init__(self, as_files):
        self.as_files = as_files
        self._known, self._read = None, None

    def metadata(self):
        """Returns the `Signatures` of the model that is served now."""
        self._known = yield Metadata()
        return self._known

    def assets(self):
        """Returns {name: text} of the files in the model's assets that the server hands out."""
        signatures = yield from self.signatures()
        if "assets" not in signatures.outputs:
            return {}
        answer = yield self._predict("assets", {"name": _objects([n.encode() for n in ASSETS])})
        return {
            n: text.decode() for n, text in zip(ASSETS, answer["contents"], strict=True) if text
        }

    def segment(self, image, return_logits=False):
        """Returns the decoded map of an image, or the pair with its logits."""
        if return_logits:
            maps, logits = yield from self.segment_batch([image], return_logits=True)
            return maps[0], logits[0]
        signatures = yield from self.signatures()
        read = yield from self._reader_of([image])
        if "encoded" in signatures.inputs:
            file = _file(image) if read == DEFAULT else None
            if file is None and self.as_files:
                file = _png(as_pixels(image, input_shape(signatures), read))
            if file is not None:
                return (yield from self._encoded([file], [_name(image)]))[0]
        return (yield from self._maps(as_batch([image], input_shape(signatures), read)))[0]

    def segment_batch(self, images, return_logits=False):
        """Returns the decoded maps of images of one size, or the pair with their logits."""
        signatures = yield from self.signatures()
        images = as_batch(images, input_shape(signatures), (yield from self._reader_of(images)))
        if return_logits:
            maps = yield from self.segment_batch(images)
            return maps, (yield from self._logits(images, maps))
        if self.as_files and "encoded" in signatures.inputs:
            files = [_png(image) for image in images]
            names = [f"image {number} of the batch" for number in range(len(files))]
            return np.stack((yield from self._encoded(files, names)))
        return (yield from self._maps(images))

    def image_reader(self):
        """Returns the `ImageReader` that the model is served with, requested once."""
        if self._read is None:
            text = (yield from self.assets()).get(asset_names.IMAGES)
            self._read = ImageReader.from_config(text and json.loads(text))
        return self._read

    def _reader_of(self, images):
        """The `ImageReader` where there are files; arrays need none."""
        if all(isinstance(image, np.ndarray) for image in images):
            return DEFAULT
        return (yield from self.image_reader())

    def signatures(self):
        """Returns the `Signatures`, requested once."""
        return self._known or (yield from self.metadata())

    def _encoded(self, files, names):
        answer = yield self._predict("encoded", {"image_bytes": _objects(files)})
        for name, status in zip(names, answer["status"], strict=True):
            if status != OK.encode():
                raise ValueError(f"{name}: {status.decode('utf-8', 'replace')}")
        return [np.array(Image.open(io.BytesIO(mask))) for mask in answer["mask_png_bytes"]]

    def _maps(self, images):
        answer = yield self._predict("serving_default", self._images(images))
        return answer[LABEL_MAP if LABEL_MAP in answer else MAP]

    def _logits(self, images, maps):
        if "logits" in self._known.outputs:
            return (yield self._predict("logits", self._images(images)))["logits"]
        if LABEL_MAP in self._known.outputs["serving_default"]:
            raise ValueError("The served model has no signature `logits`: export classes with it.")
        return maps if maps.ndim == 4 else maps[..., None]

    def _images(self, images):
        return {"images": as_batch(images, input_shape(self._known))}

    def _predict(self, name, inputs):
        known = self._known.outputs.get(name)
        if known is None:
            others = ", ".join(self._known.outputs)
            raise ValueError(
                f"The served model has no signature {name!r}; it has {others}. Serve what "
                "fcn_keras.export.export_saved_model wrote."
            )
        return Predict(name, inputs, {output: dtype for output, (dtype, _) in known.items()})


def input_shape(signatures):
    """Returns (H, W, channels) that the model takes, with None for an open size.

    Raises:
        ValueError: if the model was not written by this package.
    """
    images = signatures.inputs.get("serving_default", {}).get("images")
    if images is None:
        raise ValueError(
            "The served model was not written by fcn_keras.export.export_saved_model: "
            "serving_default has no input `images`."
        )
    return images[1][1:]


def _file(image):
    """The bytes of a file that the server can decode; None for other files and for arrays."""
    if not isinstance(image, (str, os.PathLike)):
        return None
    contents = Path(image).read_bytes()
    return contents if contents.startswith(_BEGINNINGS) else None


def _png(array):
    """An array uint8 (H, W, 1 or 3) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(
        file, "PNG", compress_level=1
    )
    return file.getvalue()


def _objects(items):
    found = np.empty(len(items), object)
    found[:] = items
    return found


def _name(image):
    return str(image) if isinstance(image, (str, os.PathLike)) else "The image"
