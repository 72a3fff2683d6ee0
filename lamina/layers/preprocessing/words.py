"""64-bit unsigned words as pairs of int32 tensors, so that backends without 64 bits hash as those with them.

Hashes are written once, with Python's operators, and run on `numpy.uint64` arrays and on these words alike.
"""

from __future__ import annotations

from typing import Any

_SIGN = -(1 << 31)


def signed(value: int) -> int:
    """The int32 with the same 32 bits."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


class Word:
    """An unsigned number of 64 bits in each place of two int32 tensors; sums and products wrap.

    Args:
        k: The kernel of the tensors. int32 is the dtype whose sums wrap on every backend.
        high, low: The upper and the lower 32 bits.
    """

    __slots__ = ("high", "k", "low")

    def __init__(self, k: Any, high: Any, low: Any) -> None:
        self.k, self.high, self.low = k, high, low

    @classmethod
    def of_integers(cls, k: Any, x: Any) -> Word:
        """The two's complement of signed integers."""
        if k.dtype(x) in ("int64", "uint64", "uint32"):
            wide = k.astype(x, "int64")
            high = (
                k.bitwise_right_shift(wide, k.full((), 32, k.dtype(wide)))
                if k.dtype(wide) == "int64"
                else None
            )
            if high is not None:
                return cls(k, k.astype(high, "int32"), k.astype(_low_half(k, wide), "int32"))
        low = k.astype(x, "int32")
        return cls(k, k.bitwise_right_shift(low, k.full((), 31, "int32")), low)

    def _other(self, other: Word | int) -> Word:
        if isinstance(other, Word):
            return other
        number = lambda v: self.k.full((), signed(v), "int32")
        return Word(self.k, number(other >> 32), number(other))

    def __add__(self, other: Word | int) -> Word:
        k, other = self.k, self._other(other)
        low = k.add(self.low, other.low)
        sign = k.full((), _SIGN, "int32")
        carry = k.less(k.bitwise_xor(low, sign), k.bitwise_xor(other.low, sign))  # an unsigned comparison
        return Word(k, k.add(k.add(self.high, other.high), k.astype(carry, "int32")), low)

    def __xor__(self, other: Word | int) -> Word:
        k, other = self.k, self._other(other)
        return Word(k, k.bitwise_xor(self.high, other.high), k.bitwise_xor(self.low, other.low))

    def __mul__(self, other: Word | int) -> Word:
        k, other = self.k, self._other(other)
        high, low = _product(k, self.low, other.low)
        high = k.add(high, k.add(k.multiply(self.high, other.low), k.multiply(self.low, other.high)))
        return Word(k, high, low)

    __radd__, __rxor__, __rmul__ = __add__, __xor__, __mul__

    def __rshift__(self, by: int) -> Word:
        k = self.k
        if by >= 32:
            return Word(k, k.zeros((), "int32"), right(k, self.high, by - 32))
        if by == 0:
            return self
        low = k.bitwise_xor(right(k, self.low, by), left(k, self.high, 32 - by))
        return Word(k, right(k, self.high, by), low)

    def __lshift__(self, by: int) -> Word:
        k = self.k
        if by >= 32:
            return Word(k, left(k, self.low, by - 32), k.zeros((), "int32"))
        if by == 0:
            return self
        high = k.bitwise_xor(left(k, self.high, by), right(k, self.low, 32 - by))
        return Word(k, high, left(k, self.low, by))

    def remainder(self, n: int) -> Any:
        """The word modulo n, an int32 tensor: long division by digits as wide as n leaves room for.

        Raises:
            NotImplementedError: if n is 2^30 or more.
        """
        k, width = self.k, 31 - n.bit_length()
        if width < 1:
            raise NotImplementedError(
                f"Inside a compiled model, hashing takes fewer than 2^30 bins, got {n}. Hash ahead of the model instead."
            )
        width = min(width, 16)
        rest: Any = k.zeros((), "int32")
        for place in range(64 - 64 % width if 64 % width else 64 - width, -1, -width):
            digit = (self >> place).low
            digit = k.bitwise_and(digit, k.full((), (1 << width) - 1, "int32"))
            rest = k.remainder(k.add(left(k, rest, width), digit), k.full((), n, "int32"))
        return rest


def where(condition: Any, one: Word, other: Word) -> Word:
    """The words of `one` where the condition holds, of `other` elsewhere."""
    k = one.k
    return Word(k, k.where(condition, one.high, other.high), k.where(condition, one.low, other.low))


def left(k: Any, x: Any, by: int) -> Any:
    """x << by."""
    return k.bitwise_left_shift(x, k.full((), by, "int32")) if by else x


def right(k: Any, x: Any, by: int) -> Any:
    """x >> by with zeros following."""
    if not by:
        return x
    shifted = k.bitwise_right_shift(x, k.full((), by, "int32"))
    return k.bitwise_and(shifted, k.full((), (1 << (32 - by)) - 1, "int32"))


def _low_half(k: Any, wide: Any) -> Any:
    """The lower 32 bits of int64 as a number that int32 holds: casts of larger ones are not the same everywhere."""
    low = k.bitwise_and(wide, k.full((), 0xFFFFFFFF, "int64"))
    return k.subtract(low, k.multiply(k.astype(low > 0x7FFFFFFF, "int64"), k.full((), 1 << 32, "int64")))


def _product(k: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """The 64 bits of a product of unsigned 32-bit numbers, by halves."""
    mask = k.full((), 0xFFFF, "int32")
    a0, a1, b0, b1 = k.bitwise_and(a, mask), right(k, a, 16), k.bitwise_and(b, mask), right(k, b, 16)
    low, one, two, high = k.multiply(a0, b0), k.multiply(a0, b1), k.multiply(a1, b0), k.multiply(a1, b1)
    middle = k.add(right(k, low, 16), k.add(k.bitwise_and(one, mask), k.bitwise_and(two, mask)))
    high = k.add(k.add(high, right(k, middle, 16)), k.add(right(k, one, 16), right(k, two, 16)))
    return high, k.bitwise_xor(k.bitwise_and(low, mask), left(k, middle, 16))


def rotate(x: Any, by: int) -> Any:
    """To the right, around; of words and of uint64 arrays."""
    return (x >> by) ^ (x << (64 - by))
