"""Segmenting by a server as steps: each yields a request and is sent its answer.

A client drives them, waiting or not; whatever carries the requests, the steps are the same.
"""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_keras.data.images import to_input
from fcn_keras.export import asset_names
from fcn_keras.export.serving.requests import Metadata, Predict

_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8")
OK = "ok"
ASSETS = (asset_names.LABELS, asset_names.HALO)


class Steps:
    """The steps of one client.

    Args:
        as_files: Whether arrays go to the server as PNG files where it decodes them: numbers in
            JSON are ten times larger.
    """

    def __init__(self, as_files):
        self.as_files = as_files
        self._known = None

    def metadata(self):
        """The `Signatures` of what is served now."""
        self._known = yield Metadata()
        return self._known

    def assets(self):
        """{name: text} of the files that describe the model, as far as it is served with them."""
        signatures = yield from self.signatures()
        if "assets" not in signatures.outputs:
            return {}
        answer = yield self._predict("assets", {"name": _objects([n.encode() for n in ASSETS])})
        return {
            n: text.decode() for n, text in zip(ASSETS, answer["contents"], strict=True) if text
        }

    def segment(self, image, return_logits=False):
        """A label map (H, W), or the pair with its logits."""
        if return_logits:
            return (yield from self._scores(image))
        signatures = yield from self.signatures()
        if "encoded" in signatures.inputs:
            file = _file(image)
            if file is None and self.as_files:
                file = _png(to_input(image, _shape(signatures)))
            if file is not None:
                return (yield from self._encoded([file], [_name(image)]))[0]
        return (yield from self._whole([image]))[0]

    def segment_batch(self, images):
        """Label maps (batch, H, W) of images of one size."""
        signatures = yield from self.signatures()
        images = [to_input(image, _shape(signatures)) for image in images]
        if len({image.shape for image in images}) != 1:
            sizes = sorted({"{}x{}".format(*image.shape[:2]) for image in images})
            raise ValueError(f"A batch holds images of one size; got {', '.join(sizes) or 'none'}.")
        if self.as_files and "encoded" in signatures.inputs:
            files = [_png(image) for image in images]
            names = [f"image {number} of the batch" for number in range(len(files))]
            return np.stack((yield from self._encoded(files, names)))
        return (yield from self._whole(images))

    def signatures(self):
        """The `Signatures`, asked for once."""
        return self._known or (yield from self.metadata())

    def _encoded(self, files, names):
        answer = yield self._predict("encoded", {"image_bytes": _objects(files)})
        for name, status in zip(names, answer["status"], strict=True):
            if status != OK.encode():
                raise ValueError(f"{name}: {status.decode('utf-8', 'replace')}")
        return [np.array(Image.open(io.BytesIO(mask))) for mask in answer["mask_png_bytes"]]

    def _whole(self, images):
        return (yield self._predict("serving_default", self._images(images)))["label_map"]

    def _scores(self, image):
        signatures = yield from self.signatures()
        if "scores" not in signatures.outputs:
            raise ValueError(
                "The served model has no scores: export it with the signature `scores`."
            )
        answer = yield self._predict("scores", self._images([image]))
        return (yield from self.segment(image)), answer["scores"][0]

    def _images(self, images):
        arrays = [to_input(image, _shape(self._known)) for image in images]
        return {"images": np.stack([_as_uint8(array) for array in arrays])}

    def _predict(self, name, inputs):
        known = self._known.outputs.get(name)
        if known is None:
            others = ", ".join(self._known.outputs)
            raise ValueError(
                f"The served model has no signature {name!r}, but {others}: serve what "
                "fcn_keras.export.export_saved_model wrote."
            )
        return Predict(name, inputs, {output: dtype for output, (dtype, _) in known.items()})


def _shape(signatures):
    """(H, W, channels) that the model takes, None for open ones."""
    images = signatures.inputs.get("serving_default", {}).get("images")
    if images is None:
        raise ValueError(
            "The served model was not written by fcn_keras.export.export_saved_model: "
            "serving_default has no input `images`."
        )
    return images[1][1:]


def _file(image):
    """The bytes of a path to a file that the server decodes as it is; else None."""
    if not isinstance(image, (str, os.PathLike)):
        return None
    contents = Path(image).read_bytes()
    return contents if contents.startswith(_BEGINNINGS) else None


def _png(array):
    """An image as a PNG file, grey or RGB."""
    pixels = _as_uint8(array)
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(
        file, "PNG", compress_level=1
    )
    return file.getvalue()


def _as_uint8(array):
    return array if array.dtype == np.uint8 else np.rint(array).astype(np.uint8)


def _objects(items):
    found = np.empty(len(items), object)
    found[:] = items
    return found


def _name(image):
    return str(image) if isinstance(image, (str, os.PathLike)) else "The image"
