"""The wire format of protocol buffers: the position of each field, without its content.

Errors name the byte, and large arrays need not pass through the parser.
"""

from typing import NamedTuple

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
_FIXED = {EIGHT_BYTES: 8, FOUR_BYTES: 4}


class CaffeModelError(ValueError):
    """A file is no complete .caffemodel, or does not fit the net.

    The message names the byte, or the layer and what was expected.

    Example:

    ```python
    try:
        fcn_keras.published.read_caffemodel("photo.jpg")
    except fcn_keras.published.CaffeModelError as error:
        print(error)
    ```
    """


class Field(NamedTuple):
    """One field of a message: its number, its wire type, and its bytes [start, end).

    `begin` is the first byte of its tag, `start` the first of its value.
    """

    number: int
    wire: int
    begin: int
    start: int
    end: int


def fields(buffer, start, end):
    """Yields the `Field`s of the message in `buffer[start:end]`; with start 0 it is the whole file.

    Raises:
        CaffeModelError: for bytes that are no message; it names the byte.
    """
    whole, position = start == 0, start
    while position < end:
        begin = position
        tag, position = _varint(buffer, position, end, whole)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise CaffeModelError(f"damaged at byte {begin}: there is no field number 0.")
        if wire == VARINT:
            value = position
            _, position = _varint(buffer, position, end, whole)
        elif wire == BYTES:
            length, value = _varint(buffer, position, end, whole)
            position = value + length
        elif wire in _FIXED:
            value, position = position, position + _FIXED[wire]
        else:
            raise CaffeModelError(f"damaged at byte {begin}: there is no wire type {wire} here.")
        if position > end:
            raise CaffeModelError(
                f"{_cut(end, whole)}: the field at byte {begin} should end at byte {position}."
            )
        yield Field(number, wire, begin, value, position)


def _varint(buffer, position, end, whole):
    value, begin = 0, position
    for shift in range(0, 70, 7):
        if position >= end:
            raise CaffeModelError(f"{_cut(end, whole)}, within the number at byte {begin}.")
        byte = buffer[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise CaffeModelError(f"damaged at byte {begin}: a number of more than 10 bytes.")


def _cut(end, whole):
    return f"truncated at byte {end}" if whole else f"damaged before byte {end}"
