"""What the image ops share: where the axes are, and how results go back to integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lamina.kernel import dtypes, settings
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import shown
from lamina.ops.tensors import largest, least


class Layout(NamedTuple):
    """The places of the axes of images."""

    channels_last: bool
    height: int
    width: int
    channels: int


def layout(op: str, images: Any, data_format: str | None) -> Layout:
    """Where the axes of one image (rank 3) or of a batch (rank 4) are.

    Raises:
        ValueError: for another rank.
    """
    rank = len(images.shape)
    if rank not in (3, 4):
        raise ValueError(
            f"{op}: expected one image (rank 3) or a batch of images (rank 4), got shape {shown(images.shape)}."
        )
    last = settings.standardize_data_format(data_format) == "channels_last"
    return Layout(last, *((rank - 3, rank - 2, rank - 1) if last else (rank - 2, rank - 1, rank - 3)))


def two(op: str, parameter: str, value: Any) -> tuple[int, int]:
    """A pair of integers, given as a pair or as one for both.

    Raises:
        ValueError: otherwise, or if one is below 1.
    """
    return many(op, parameter, (value, value) if isinstance(value, int) else value, 2)


def many(op: str, parameter: str, value: Any, count: int) -> Any:
    """So many integers of at least 1.

    Raises:
        ValueError: otherwise.
    """
    found = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if len(found) != count or not all(hasattr(n, "__index__") and n >= 1 for n in found):
        raise ValueError(f"{op}: `{parameter}` must be {count} integers of at least 1, got {value!r}.")
    return found


def batched(k: Kernel, images: Any) -> tuple[Any, bool]:
    """The images with a batch axis, and whether it was added."""
    return (k.expand_dims(images, 0), True) if len(images.shape) == 3 else (images, False)


def single(k: Kernel, images: Any, was_single: bool) -> Any:
    """Without the batch axis that `batched` added."""
    return k.squeeze(images, 0) if was_single else images


def wide(k: Kernel, x: Any) -> Any:
    """In the float dtype that pixels are computed in."""
    dtype = k.dtype(x)
    return x if dtype in ("float32", "float64") else k.astype(x, "float32")


def narrow(k: Kernel, x: Any, dtype: str, rounded: bool = True) -> Any:
    """Back to the dtype of the images: integers are rounded and stay in their range."""
    if k.dtype(x) == dtype:
        return x
    if dtype in dtypes.IS_INTEGER:
        x = k.round(x) if rounded else x
        low, high = least(dtype), largest(dtype)
        # The largest 32 and 64 bit integers are no floats: the next float below still fits.
        x = k.clip(x, float(low), float(high) if high < 2**24 else float(high) * (1 - 2**-24))
    return k.astype(x, dtype)


def known(*sizes: Any) -> bool:
    """Whether none of the sizes is a stand-in."""
    return Unknown not in map(type, sizes)
