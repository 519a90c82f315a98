"""Alignment: maps of different strides are padded, upsampled and cropped to lie on each other.

Three classes with one interface. The static methods adapt the classifier; an instance upsamples
and crops the maps of one net.
"""

import math
from dataclasses import dataclass

import keras

from fcn_keras.geometry import crop_offset, receptive_field
from fcn_keras.geometry.field import trace
from fcn_keras.geometry.protocol import described
from fcn_keras.layers import (
    BilinearInitializer,
    BilinearUpsampling2D,
    CropToReference,
    EdgePadding2D,
    Logits,
    PadToMultiple,
    ResizeToReference,
)
from fcn_keras.layers.bilinear import bilinear_placement

L = keras.layers
CAFFE_PAD = 100


@dataclass(frozen=True)
class Tap:
    """A map of a net.

    Attributes:
        tensor: KerasTensor (batch, h, w, channels).
        stride: Pixels from one cell to the next.
        offset: Centre of the first cell, (row, column) in pixels.
    """

    tensor: keras.KerasTensor
    stride: int
    offset: tuple

    def with_tensor(self, tensor):
        """Returns the same cells with another tensor on them."""
        return Tap(tensor, self.stride, self.offset)


class SameAlignment:
    """ "Same" alignment: the phase of the upsampling kernel lays each map exactly on the next.

    Args:
        images: The net's inputs, all of one size.
        nested: Whether each map has exactly as many cells more as its stride is smaller. Where
            unpadded convolutions cost cells, a map is upsampled to the size of the one it meets.
    """

    head_padding = "same"

    def __init__(self, images, nested):
        self.images = images
        self.nested = nested

    @staticmethod
    def check_classifier(classifier, has_fc6):
        """Takes any classifier."""

    @staticmethod
    def padded(x, classifier, smallest, suffix):
        """Returns the image padded at its end to a multiple of the classifier's strides."""
        strides = [
            traced.grids[0].stride
            for traced in trace(classifier)[0]
            if not traced.grids[0].collapsed and traced.grids[0].stride.denominator == 1
        ]
        return PadToMultiple(int(max(strides)), smallest, name=f"pad{suffix}")(x)

    @staticmethod
    def changes(classifier):
        """Returns the changes that a `Copier` makes to the classifier's layers: none."""
        return []

    def upsampled(self, coarse, onto, learned, name):
        """Returns a map upsampled onto the grid of another, as a `Tap`.

        Args:
            coarse: The `Tap` to upsample.
            onto: The `Tap` whose grid it is upsampled to.
            learned: Whether the upsampling is learned, starting from bilinear.
            name: Name of the upsampling layer.
        """
        factor = coarse.stride // onto.stride
        offset = tuple(
            (a - b) / onto.stride for a, b in zip(coarse.offset, onto.offset, strict=True)
        )
        if learned:
            return onto.with_tensor(self._learned(coarse, onto, factor, offset, name))
        upsample = BilinearUpsampling2D(factor, offset, name=name)
        return onto.with_tensor(
            upsample(coarse.tensor if self.nested else [coarse.tensor, onto.tensor])
        )

    def _learned(self, coarse, onto, factor, offset, name):
        """Edge padding, a transposed convolution that starts as bilinear, and a crop."""
        placements = [bilinear_placement(factor, d) for d in offset]
        pads, sizes, crops = zip(*placements, strict=True)
        if not self.nested:
            beyond = _beyond(self.images, coarse, onto, factor)
            pads = tuple((before, after + beyond) for before, after in pads)
        x = EdgePadding2D(pads, name=f"{name}_pad")(coarse.tensor)
        x = _transposed(x, factor, sizes, offset, name)
        x = L.Cropping2D(crops, name=f"{name}_crop")(x)
        if not self.nested:
            x = CropToReference(name=f"{name}_fit")([x, onto.tensor])
        return x

    def transposed(self, coarse, onto, name):
        """Returns a map upsampled onto the grid of another by a transposed convolution.

        Its window is as wide as two cells of the coarse map, as many channels as that has come
        out, and there are biases.

        Args:
            coarse: The `Tap` to upsample.
            onto: The `Tap` whose grid it is upsampled to.
            name: Name of the convolution.
        """
        factor = coarse.stride // onto.stride
        shifts = [
            _whole_shift((a - b) / onto.stride, factor)
            for a, b in zip(coarse.offset, onto.offset, strict=True)
        ]
        x, fits = coarse.tensor, self.nested and not any(shifts)
        if not fits:
            beyond = 0 if self.nested else _beyond(self.images, coarse, onto, factor)
            pads = [_cells_around(shift, factor, beyond) for shift in shifts]
            x = EdgePadding2D(pads, name=f"{name}_pad")(x)
        x = L.Conv2DTranspose(
            x.shape[-1],
            2 * factor,
            strides=factor,
            padding="same",
            kernel_initializer="he_normal",
            name=name,
        )(x)
        if not fits:
            starts = [factor * pad[0] - shift for pad, shift in zip(pads, shifts, strict=True)]
            x = CropToReference(starts, name=f"{name}_fit")([x, onto.tensor])
        return onto.with_tensor(x)

    def cropped(self, skip, fine, name):
        """Returns a skip on the grid of an upsampled map: it is there already."""
        return skip

    def crop(self, fine, pixels):
        """Returns the cells in front of the image in the last map: none."""
        return 0

    def check(self, model, strides):
        """Accepts every net: its maps were padded or cropped to fit."""


class CaffeAlignment:
    """ "Caffe" alignment: valid transposed convolutions and computed crops.

    Args:
        images: The net's inputs, all of one size.
        nested: Not used; here for one interface with `SameAlignment`.
    """

    head_padding = "valid"
    pad = CAFFE_PAD

    def __init__(self, images, nested=True):
        self.images = images

    @staticmethod
    def check_classifier(classifier, has_fc6):
        """Raises ValueError for a classifier without a window to cut the 100 pixels away."""
        if not has_fc6:
            raise ValueError(
                "alignment='caffe' is that of the published nets and needs a classifier with an "
                "fc6 (vgg16, vgg19, vgg_slim, alexnet, or one that flattens its map) or googlenet; "
                f"{classifier.name!r} has none. Use alignment='same'."
            )

    @classmethod
    def padded(cls, x, classifier, smallest, suffix):
        """Returns the image with 100 pixels of zeros around it."""
        return L.ZeroPadding2D(cls.pad, name=f"pad{cls.pad}{suffix}")(x)

    @staticmethod
    def changes(classifier):
        """Returns the changes that a `Copier` makes to the classifier's layers.

        The first convolution has no padding beside the 100 pixels. Pooling rounds up, which for
        windows as large as their stride is SAME padding.
        """
        layers = [traced.operation for traced in trace(classifier)[0]]
        first = next(layer for layer in layers if isinstance(layer, L.Conv2D))
        before_first = layers[: layers.index(first)]

        def change(layer, config):
            if layer is first:
                config["padding"] = "valid"
            elif isinstance(layer, L.ZeroPadding2D) and layer in before_first:
                config["padding"] = 0
            else:
                _check_padding(layer, classifier)
            if isinstance(layer, (L.MaxPooling2D, L.AveragePooling2D)) and {*layer.strides} != {1}:
                _check_window(layer)
                config["padding"] = "same"
            return config

        return [change]

    def upsampled(self, coarse, onto, learned, name):
        """Returns a map upsampled to the stride of another, as a `Tap`; as `SameAlignment`."""
        factor = coarse.stride // onto.stride
        centre = tuple(
            _kernel_centre(factor, (a - b) / onto.stride, name)
            for a, b in zip(coarse.offset, onto.offset, strict=True)
        )
        if learned:
            size = tuple(int(2 * c + 1) for c in centre)
            x = _transposed(coarse.tensor, factor, size, tuple(c % 1 for c in centre), name)
        else:
            x = BilinearUpsampling2D(factor, centre, edge="zero", name=name)(coarse.tensor)
        return self._tap(x)

    def cropped(self, skip, fine, name):
        """Returns a skip cropped to the grid and the size of an upsampled map."""
        offset = crop_offset(self._fields(skip), self._fields(fine))
        return self._tap(CropToReference(offset, name=name)([skip.tensor, fine.tensor]))

    def crop(self, fine, pixels):
        """Returns the cells in front of the image in the last map, (rows, columns)."""
        return crop_offset(self._fields(fine), self._fields(pixels))

    def check(self, model, strides):
        """Raises ValueError if a crop does not fit, at the sizes at which the maps differ.

        This happens if the classifier's fc6 trims too little of the 100 pixels.
        """
        for size in range(4 * strides[0], 5 * strides[0], strides[-1]):
            try:
                trace(model, (size, size))
            except ValueError as error:
                raise ValueError(
                    "alignment='caffe' crops its maps from the part of 100 pixels of padding that "
                    "a valid fc6 leaves, and here they do not fit. Use alignment='same'. "
                    f"({error})"
                ) from error

    def _fields(self, tap):
        return receptive_field(keras.Model(self.images, tap.tensor))

    def _tap(self, tensor):
        fields = receptive_field(keras.Model(self.images, tensor))
        return Tap(tensor, fields.stride[0], fields.offset)


class TorchAlignment:
    """ "Torch" alignment: maps are resized by half pixels, whatever the image's size.

    Nothing is padded beside what the classifier pads itself, unless the image is smaller than the
    classifier takes. A map whose offset is not (stride - 1) / 2 is shifted by the difference, as
    in the nets of PyTorch.

    Args:
        images: The net's inputs, all of one size.
        nested: Not used; here for one interface with `SameAlignment`.
    """

    head_padding = "same"

    def __init__(self, images, nested=True):
        self.images = images

    @staticmethod
    def check_classifier(classifier, has_fc6):
        """Takes any classifier."""

    @staticmethod
    def padded(x, classifier, smallest, suffix):
        """Returns the image, padded at its end to the smallest size that the classifier takes."""
        return x if smallest <= 1 else PadToMultiple(1, smallest, name=f"pad{suffix}")(x)

    @staticmethod
    def changes(classifier):
        """Returns the changes that a `Copier` makes to the classifier's layers: none."""
        return []

    def upsampled(self, coarse, onto, learned, name):
        """Returns a map resized to the size of another, as a `Tap`; as `SameAlignment`."""
        if learned:
            raise ValueError(
                "`learn_upsampling` needs alignment='same' or 'caffe': alignment='torch' resizes "
                "maps to any size, which no fixed kernel does."
            )
        resize = ResizeToReference(self._smallest(coarse) if onto.stride == 1 else 1, name=name)
        return onto.with_tensor(resize([coarse.tensor, onto.tensor]))

    def _smallest(self, tap):
        """The size that small images were padded to in front of a map."""
        found, _ = trace(keras.Model(self.images, tap.tensor))
        return max(described(traced.operation).minimum for traced in found)

    def cropped(self, skip, fine, name):
        """Returns a skip as it is: the upsampled map has its size."""
        return skip

    def crop(self, fine, pixels):
        """Returns the cells in front of the image in the last map: none."""
        return 0

    def check(self, model, strides):
        """Accepts every net: its maps were resized to fit."""


def on_pixels(alignment, scores, image, task, *, upsampling="upscore", suffix="", learned=False):
    """Returns the output of a net: scores upsampled and cropped to the image, with their task.

    Args:
        alignment: A `SameAlignment`, `CaffeAlignment` or `TorchAlignment`.
        scores: `Tap` with the channels of the task.
        image: The net's input, a KerasTensor.
        task: A `fcn_keras.tasks.Task`.
        upsampling: Name of the upsampling layer.
        suffix: End of the names of both layers.
        learned: Whether the upsampling is learned, starting from bilinear.

    Returns:
        KerasTensor (batch, H, W, channels), float32, of the layer "score".
    """
    pixels, fine = Tap(image, 1, (0, 0)), scores
    if scores.stride > 1:
        fine = alignment.upsampled(scores, pixels, learned, f"{upsampling}{suffix}")
    crop = alignment.crop(fine, pixels)
    return Logits(crop, task.to_config(), name=f"score{suffix}")([fine.tensor, image])


ALIGNMENTS = {"same": SameAlignment, "caffe": CaffeAlignment, "torch": TorchAlignment}


def _check_padding(layer, classifier):
    if not isinstance(layer, (L.Conv2D, L.DepthwiseConv2D)) or layer.padding != "valid":
        return
    if {*layer.kernel_size} != {1}:
        raise ValueError(
            f"The convolution {layer.name!r} of {classifier.name!r} is not padded; "
            "alignment='caffe' needs padded convolutions after the first, as VGG has. "
            "Use alignment='same'."
        )


def _check_window(pooling):
    if tuple(pooling.pool_size) != tuple(pooling.strides):
        raise ValueError(
            f"The pooling {pooling.name!r} has windows of {pooling.pool_size} at stride "
            f"{pooling.strides}; alignment='caffe' rounds up only where they are equal. "
            "fcn_keras.layers.CeilPooling2D rounds up for any window."
        )


def _kernel_centre(factor, shift, name):
    """The centre of the bilinear kernel whose pixels fall on those of the finer map.

    Args:
        factor: Upsampling factor; the kernel has 2 * factor pixels, or one fewer.
        shift: Place of the coarse map's cell 0 in cells of the finer one.
        name: Name of the upsampling layer, for the message.
    """
    for centre in (factor - 0.5, factor - 1):
        if (shift - centre) % 1 == 0:
            return centre
    raise ValueError(
        f"The maps that meet in {name!r} are shifted by {shift % 1:g} of a cell, so that no crop "
        "aligns them; alignment='caffe' needs whole or half cells. Use alignment='same'."
    )


def _beyond(images, coarse, onto, factor):
    """Cells by which the map `coarse` must be continued to cover the map `onto`."""
    net = keras.Model(images, [coarse.tensor, onto.tensor])
    side = 64 * coarse.stride
    shapes = [(1, *(n or side for n in image.shape[1:3]), image.shape[-1]) for image in images]
    small, large = net.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
    missing = [(m - factor * n) / factor for n, m in zip(small[1:3], large[1:3], strict=True)]
    return max(0, *map(math.ceil, missing))


def _whole_shift(shift, factor):
    """The cells by which a map upsampled by `factor` is moved, so that what remains of a shift is
    from 0 to factor - 1, which the window of a transposed convolution covers.
    """
    return math.floor(min(shift, 0)) + math.ceil(max(shift - factor + 1, 0))


def _cells_around(shift, factor, beyond):
    """Cells of padding before and after a map that is upsampled and moved by `shift` cells."""
    return math.ceil(max(shift, 0) / factor), beyond + math.ceil(max(-shift, 0) / factor)


def _transposed(x, factor, size, offset, name):
    return L.Conv2DTranspose(
        x.shape[-1],
        size,
        strides=factor,
        use_bias=False,
        kernel_initializer=BilinearInitializer(factor, offset),
        name=name,
    )(x)
