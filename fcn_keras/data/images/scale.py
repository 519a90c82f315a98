"""The scale of pixels, 0-255, and how values of more than 8 bits come to it."""

import numpy as np

BITS = range(8, 17)  # of a pixel's value
SURE = 2**14  # a value that no camera or sensor of at most 14 bits gives


def on_scale(pixels):
    """Returns pixels as uint8, or as float32 if they are floats.

    Raises:
        ValueError: if they are no numbers of the scale 0-255.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind not in "uif":
        raise ValueError(f"Pixels are numbers of 0-255; got an array of {pixels.dtype}.")
    lowest, highest = float(pixels.min()), float(pixels.max())
    if not (lowest >= 0 and highest <= 255):
        raise ValueError(
            f"Pixels are 0-255; got {pixels.dtype} values of {lowest:g} to {highest:g}. "
            "Scaling and mean subtraction belong to the model, which does them itself; "
            "16-bit images are divided by 257, and bits=12 says that 4095 is white."
        )
    if pixels.dtype.kind == "f":
        if 0 < highest <= 1:
            raise ValueError(
                f"Pixels are 0-255; the float values of this image end at {highest:g}, as on the "
                "scale 0-1. Pass image * 255 (or uint8, if it really is that dark)."
            )
        return pixels.astype(np.float32)
    return pixels.astype(np.uint8)


def in_8_bits(values, bits):
    """Returns whole numbers of `bits` bits as uint8: the highest, 2**bits - 1, becomes 255.

    Args:
        values: An integer array.
        bits: 8 to 16; or None, where the values decide: up to 255 they have 8 bits, from 16384
            on 16; or 0 where nothing decides.

    Raises:
        ValueError: for values of more bits; without `bits` for values that may have 10 bits as
            well as 16.
    """
    lowest, highest = int(values.min(initial=0)), int(values.max(initial=0))
    if lowest < 0 or highest > 65535:
        raise ValueError(f"its pixels are {lowest} to {highest}; save it with 8 or 16 bits")
    if bits == 0 or bits is None and 255 < highest < SURE:
        raise ValueError(unsure(highest))
    if bits is None:
        bits = 16 if highest > 255 else 8
    white = 2**bits - 1
    if highest > white:
        raise ValueError(
            f"it holds the value {highest}, and {bits} bits (bits={bits}) end at {white}; choose "
            f"bits={max(highest.bit_length(), 9)} or more for all images"
        )
    if bits == 8:
        return values.astype("uint8")
    table = np.round(np.arange(white + 1) * (255 / white)).astype("uint8")
    return table[values]


def unsure(highest):
    """Returns the words about 16-bit values of which white is not known."""
    fitting = [bits for bits in (10, 12, 14, 16) if highest < 2**bits]
    meant = ", ".join(f"bits={bits} ({2**bits - 1})" for bits in fitting[:-1])
    return (
        f"its pixels are stored in 16 bits and end at {highest}, so it is not known which value is "
        f"white: for all images give {meant} or bits=16 (65535); on the command line "
        "folder:DIR,bits=12, or predict --bits 12"
    )
