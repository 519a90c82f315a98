"""How maps of different strides come to lie on each other: two alignments, one interface.

`align(coarse, onto, learned, name)` upsamples a map onto the grid of another; `aligned` cuts a
skip to it; `crop` tells where the image begins in the last map.
"""

import math

import keras

from fcn_keras.geometry import crop_offset, receptive_field
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
        image: The net's input.
        nested: Whether each map has exactly as many cells more as its stride is smaller. Where
            unpadded convolutions cost cells, a map is upsampled to the size of the one it meets.
    """

    def __init__(self, image, nested):
        self.image = image
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
            beyond = _beyond(self.image, coarse, onto, factor)
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


class CaffeAlignment:
    """Upsampling in "caffe" alignment: valid transposed convolutions and computed crops."""

    def __init__(self, image):
        self.image = image

    def __call__(self, coarse, onto, learned, name):
        factor = coarse.stride // onto.stride
        if learned:
            x = _transposed(coarse.tensor, factor, 2 * factor, None, name)
        else:
            x = BilinearUpsampling2D(factor, edge="zero", name=name)(coarse.tensor)
        return self._tap(x)

    def aligned(self, skip, fine, name):
        offset = crop_offset(self._fields(skip), self._fields(fine))
        return self._tap(CropToReference(offset, name=name)([skip.tensor, fine.tensor]))

    def crop(self, fine, pixels):
        return crop_offset(self._fields(fine), self._fields(pixels))

    def _fields(self, tap):
        return receptive_field(keras.Model(self.image, tap.tensor))

    def _tap(self, tensor):
        fields = receptive_field(keras.Model(self.image, tensor))
        return Tap(tensor, fields.stride[0], fields.offset)


def _beyond(image, coarse, onto, factor):
    """Cells by which the map `coarse` must be continued to cover the map `onto`."""
    net = keras.Model(image, [coarse.tensor, onto.tensor])
    side = 64 * coarse.stride
    rows, columns = (n or side for n in image.shape[1:3])
    small, large = net.compute_output_shape((1, rows, columns, image.shape[-1]))
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
