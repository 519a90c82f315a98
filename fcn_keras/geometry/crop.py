"""Crop offsets, which align a skip with an upsampled map: those of the published nets, computed."""

from fractions import Fraction


def crop_offset(cropped, reference):
    """Returns the cells to drop at the start of one map so that it lies on another.

    Both have the same stride.

    Args:
        cropped: `Field` or `Fields` of the map that is cropped (in FCN-8s the scores of pool3,
            or the last upsampled map).
        reference: `Field` or `Fields` of the map that it must lie on (the upsampled scores,
            or the image, `Field(1, 1, 0)`).

    Returns:
        The offset in cells, for `Fields` as (rows, columns). An int where the grids nest, a float
        where they are shifted by part of a cell; negative where the reference starts earlier.

    Raises:
        ValueError: if the two maps differ in stride.

    Example: with the 100-pixel padding of the published FCN-32s,

    ```python
    model = fcn_keras.fcn32s(21, "vgg_slim", weights=None, alignment="caffe")
    upscore = fcn_keras.geometry.receptive_field(model, "upscore32")
    fcn_keras.geometry.crop_offset(upscore.y, fcn_keras.geometry.Field(1, 1, 0))    # 19
    ```

    Source: the Caffe `crop` layers of the published FCN-32s (19), FCN-16s (5, 27) and
    FCN-8s (5, 9, 31); the computation follows Long et al. (2015), section 4.
    """
    if isinstance(cropped, tuple):
        return tuple(crop_offset(a, b) for a, b in zip(cropped, reference, strict=True))
    if cropped.stride is None or cropped.stride != reference.stride:
        raise ValueError(
            f"A map of stride {cropped.stride} cannot be cropped to one of stride "
            f"{reference.stride}: upsample the coarser one first."
        )
    offset = (Fraction(reference.offset) - Fraction(cropped.offset)) / Fraction(cropped.stride)
    return int(offset) if offset.denominator == 1 else float(offset)
