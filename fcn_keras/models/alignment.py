"""How maps of different strides come to lie on each other: two alignments, one interface.

`align(coarse, onto, learned, name)` upsamples a map onto the grid of another; `aligned` cuts a
skip to it; `crop` tells where the image begins in the last map.
"""

import math

import keras

from fcn_keras.geometry import crop_offset, receptive_field
from fcn_keras.geometry.field import trace
from fcn_keras.layers import (
    BilinearInitializer,
    BilinearUpsampling2D,
    CropToReference,
    EdgePadding2D,
    bilinear_placement,
)
from fcn_keras.models.trunk import Tap

L = keras.layers


class SameAlignment:
    """Upsampling in "same" alignment: the kernel's phase lies each map exactly on the next.

    Args:
        images: The net's inputs, all of one size.
        nested: Whether each map has exactly as many cells more as its stride is smaller. Where
            unpadded convolutions cost cells, a map is upsampled to the size of the one it meets.
    """

    def __init__(self, images, nested):
        self.images = images
        self.nested = nested

    def __call__(self, coarse, onto, learned, name):
        factor = coarse.stride // onto.stride
        offset = tuple(
            (a - b) / onto.stride for a, b in zip(coarse.offset, onto.offset, strict=True)
        )
        if learned:
            x = self._learned(coarse, onto, factor, offset, name)
        else:
            upsample = BilinearUpsampling2D(factor, offset, name=name)
            x = upsample(coarse.tensor if self.nested else [coarse.tensor, onto.tensor])
        return Tap(x, onto.stride, onto.offset)

    def _learned(self, coarse, onto, factor, offset, name):
        """Edge padding, a transposed convolution begun as bilinear, and the crop to size."""
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

    def aligned(self, skip, fine, name):
        return skip

    def crop(self, fine, pixels):
        return 0

    def check(self, model, strides):
        """Every size fits: the maps were padded or cropped to it."""


class CaffeAlignment:
    """Upsampling in "caffe" alignment: valid transposed convolutions and computed crops.

    Args:
        images: The net's inputs, all of one size.
    """

    def __init__(self, images):
        self.images = images

    def __call__(self, coarse, onto, learned, name):
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

    def aligned(self, skip, fine, name):
        offset = crop_offset(self._fields(skip), self._fields(fine))
        return self._tap(CropToReference(offset, name=name)([skip.tensor, fine.tensor]))

    def crop(self, fine, pixels):
        return crop_offset(self._fields(fine), self._fields(pixels))

    def check(self, model, strides):
        """Whether every crop fits, at the sizes at which the maps differ.

        Raises:
            ValueError: if the classifier's fc6 trims too little of the 100 pixels.
        """
        for size in range(4 * strides[0], 5 * strides[0], strides[-1]):
            try:
                trace(model, (size, size))
            except ValueError as error:
                raise ValueError(
                    "alignment='caffe' cuts its maps out of what a valid fc6 leaves of 100 pixels "
                    f"of padding, and here they do not fit. Use alignment='same'. ({error})"
                ) from error

    def _fields(self, tap):
        return receptive_field(keras.Model(self.images, tap.tensor))

    def _tap(self, tensor):
        fields = receptive_field(keras.Model(self.images, tensor))
        return Tap(tensor, fields.stride[0], fields.offset)


def _kernel_centre(factor, shift, name):
    """Of the bilinear kernel, of 2 * factor or 2 * factor - 1, whose pixels fall on the finer map.

    Args:
        shift: Where the coarse map's cell 0 lies in cells of the finer one.
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


def _transposed(x, factor, size, offset, name):
    return L.Conv2DTranspose(
        x.shape[-1],
        size,
        strides=factor,
        use_bias=False,
        kernel_initializer=BilinearInitializer(factor, offset),
        name=name,
    )(x)
