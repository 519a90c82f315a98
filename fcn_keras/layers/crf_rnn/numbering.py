"""Distinct rows of small integers, numbered by sorting them as packed keys.

Where a key does not fit in one integer, its first digits are numbered, and the number takes their
place in the next integer.
"""

import math

from keras import ops

from fcn_keras.layers.crf_rnn.elevation import has_float64


class Numbering:
    """Numbers 0, 1, ... for the distinct rows among some.

    Args:
        digits: int32 tensors (rows,), the columns; each at least 0 and below its radix.
        radices: An int per column.
        rows: Number of rows, or None where it is known at run time only.

    Attributes:
        room: One more than the largest possible number: on JAX an int, elsewhere a scalar tensor,
            exactly the count of distinct rows.
        count: Number of distinct rows, a scalar tensor.
        numbers: int32 (rows,), the number of each row.

    Raises:
        ValueError: if the rows' numbers and a digit do not fit in one integer together.
    """

    def __init__(self, digits, radices, rows):
        self.radices = radices
        self.dtype, self.largest = ("int64", 2**63 - 1) if has_float64() else ("int32", 2**31 - 1)
        self.parts = parts(radices, rows or 2**31 - 1, self.largest)
        self.keys, room = [], 1
        number = None
        for part in self.parts:
            room = min(room * math.prod(radices[part]), rows or self.largest)
            key = self._packed(number, digits, part)
            keys, self.count = self._distinct(key, room)
            self.keys.append(keys)
            number = ops.cast(ops.searchsorted(keys, key), "int32")
        self.numbers = number
        self.room = ops.shape(self.keys[-1])[0]

    def find(self, digits):
        """Returns the number of each row, `room` for those that have none."""
        number, there = None, True
        for part, keys in zip(self.parts, self.keys, strict=True):
            key = self._packed(number, digits, part)
            number = ops.cast(ops.searchsorted(keys, key), "int32")
            number = ops.minimum(number, ops.shape(keys)[0] - 1)
            there = ops.logical_and(there, ops.equal(ops.take(keys, number, axis=0), key))
        return ops.where(there, number, self.room)

    def digits(self):
        """Returns the columns of the distinct rows, int32 (room,); the first `count` are valid."""
        found, key = [], self.keys[-1]
        for step in range(len(self.parts) - 1, -1, -1):
            part = self.parts[step]
            for radix in self.radices[part][::-1]:
                found.append(ops.cast(key % radix, "int32"))
                key = key // radix
            if step:
                former = self.keys[step - 1]
                key = ops.minimum(key, ops.cast(ops.shape(former)[0] - 1, self.dtype))
                key = ops.take(former, key, axis=0)
        return found[::-1]

    def _packed(self, number, digits, part):
        key = None if number is None else ops.cast(number, self.dtype)
        for digit, radix in zip(digits[part], self.radices[part], strict=True):
            digit = ops.cast(digit, self.dtype)
            key = digit if key is None else key * radix + digit
        return key

    def _distinct(self, key, room):
        """The distinct keys in order, and their count; on JAX padded to `room` with the largest."""
        key = ops.sort(key)
        fresh = ops.concatenate([ops.ones((1,), "bool"), key[1:] != key[:-1]])
        number = ops.cumsum(ops.cast(fresh, "int32")) - 1
        count = number[-1] + 1
        if has_float64():
            room = count
        keys = ops.segment_sum(ops.where(fresh, key, ops.zeros_like(key)), number, room)
        if not has_float64():
            keys = ops.where(ops.arange(room) < count, keys, self.largest)
        return keys, count


def parts(radices, rows, largest):
    """Returns slices of the columns that share an integer, after the number of the former slice."""
    found, first, size = [], 0, 1
    for i, radix in enumerate(radices):
        if size * radix > largest and i > first:
            found.append(slice(first, i))
            first, size = i, rows
        size *= radix
        if size > largest:
            raise ValueError(
                f"{rows} points of the lattice, of {radix} cells along an axis, cannot be numbered "
                f"up to {largest}. Give fewer or smaller images at once, or larger widths."
            )
    return [*found, slice(first, len(radices))]
