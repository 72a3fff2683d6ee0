"""Fourier transforms of tensors given as pairs of real and imaginary parts, and of windows of signals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least, one_of, rank_at_least, shown
from lamina.ops.math import windows
from lamina.ops.op import Output, Tensor, convert, op


def _pair(name: str, k: Kernel, x: Any, rank: int) -> Any:
    """The complex tensor of a pair (real, imaginary).

    Raises:
        ValueError: if it is no pair of float tensors of one shape, or of too few axes.
    """
    if not isinstance(x, list | tuple) or len(x) != 2:
        raise ValueError(f"{name}: `x` must be a pair (real part, imaginary part) of tensors.")
    parts = [convert(k, part) for part in x]
    shapes = [part.shape for part in parts]
    differ = any(n != m and Unknown not in (type(n), type(m)) for n, m in zip(*shapes, strict=False))
    if len(shapes[0]) != len(shapes[1]) or differ:
        raise ValueError(f"{name}: the two parts differ in shape: {shown(shapes[0])} and {shown(shapes[1])}.")
    if not all(k.dtype(part) in dtypes.IS_FLOAT for part in parts):
        raise ValueError(
            f"{name}: the two parts must be floats, got {k.dtype(parts[0])} and {k.dtype(parts[1])}."
        )
    rank_at_least(name, parts[0], rank)
    wide = "float64" if "float64" in map(k.dtype, parts) else "float32"
    return k.complex(*(k.astype(part, wide) for part in parts))


def _parts(k: Kernel, z: Any) -> tuple[Any, Any]:
    return k.real(z), k.imag(z)


def _over_rows(k: Kernel, z: Any, transform: Any) -> Any:
    """A transform of the last axis applied to the last but one."""
    rank = len(z.shape)
    swap = (*range(rank - 2), rank - 1, rank - 2)
    return k.permute_dims(transform(k.permute_dims(z, swap)), swap)


@op(lists=("x",), module="math", class_name="FFT")
def fft(k: Kernel, x: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Discrete Fourier transform over the last axis.

    `X_k = sum_n x_n exp(-2 pi i k n / N)`

    Args:
        x: A pair (real, imaginary) of float tensors (..., n).

    Returns:
        A pair (real, imaginary) of the same shape.

    Raises:
        ValueError: if x is no such pair.

    Example:
        >>> import lamina
        >>> real, imaginary = lamina.ops.fft(([1.0, 1.0], [0.0, 0.0]))
        >>> lamina.ops.convert_to_numpy(real).tolist()
        [2.0, 0.0]
    """
    return _parts(k, k.fft(_pair("fft", k, x, 1)))


@op(lists=("x",), module="math", class_name="FFT2")
def fft2(k: Kernel, x: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Discrete Fourier transform over the last two axes.

    `X_kl = sum_nm x_nm exp(-2 pi i (k n / N + l m / M))`

    Args:
        x: A pair (real, imaginary) of float tensors (..., n, m).

    Returns:
        A pair (real, imaginary) of the same shape.

    Raises:
        ValueError: if x is no such pair.

    Example:
        >>> import lamina
        >>> real, imaginary = lamina.ops.fft2(([[1.0, 1.0]], [[0.0, 0.0]]))
        >>> lamina.ops.convert_to_numpy(real).tolist()
        [[2.0, 0.0]]
    """
    return _parts(k, _over_rows(k, k.fft(_pair("fft2", k, x, 2)), k.fft))


@op(lists=("x",), module="math", class_name="IFFT2")
def ifft2(k: Kernel, x: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Inverse of the discrete Fourier transform over the last two axes.

    `x_nm = 1 / (N M) sum_kl X_kl exp(2 pi i (k n / N + l m / M))`

    Args:
        x: A pair (real, imaginary) of float tensors (..., n, m).

    Returns:
        A pair (real, imaginary) of the same shape.

    Raises:
        ValueError: if x is no such pair.

    Example:
        >>> import lamina
        >>> real, imaginary = lamina.ops.ifft2(([[2.0, 0.0]], [[0.0, 0.0]]))
        >>> lamina.ops.convert_to_numpy(real).tolist()
        [[1.0, 1.0]]
    """
    return _parts(k, _over_rows(k, k.ifft(_pair("ifft2", k, x, 2)), k.ifft))


def _fitted(k: Kernel, x: Any, size: int) -> Any:
    """The last axis cut or filled with zeros."""
    have = x.shape[-1]
    if have == size and type(have) is not Unknown:
        return x
    if have > size:
        return k.getitem(x, (Ellipsis, slice(0, size)))
    return k.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(0, size - have)], "constant", 0)


@op("x", promote="float", module="math", class_name="RFFT")
def rfft(k: Kernel, x: Tensor, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """Discrete Fourier transform of real numbers over the last axis, without the mirrored half.

    `X_k = sum_n x_n exp(-2 pi i k n / N)` for k = 0 .. N // 2

    Args:
        x: Float tensor (..., n).
        fft_length: N: x is cut or filled with zeros to it; None means n.

    Returns:
        A pair (real, imaginary) of tensors (..., N // 2 + 1).

    Raises:
        ValueError: if x has no axes or N is below 1.

    Example:
        >>> import lamina
        >>> real, imaginary = lamina.ops.rfft([1.0, 1.0])
        >>> lamina.ops.convert_to_numpy(real).tolist()
        [2.0, 0.0]
    """
    rank_at_least("rfft", x, 1)
    size = x.shape[-1] if fft_length is None else at_least("rfft", "fft_length", fft_length, 1)
    return _parts(k, k.rfft(_fitted(k, _wide(k, x), size), size))


def _wide(k: Kernel, x: Any) -> Any:
    return k.astype(x, "float32") if k.dtype(x) in ("float16", "bfloat16") else x


@op(lists=("x",), module="math", class_name="IRFFT")
def irfft(k: Kernel, x: Sequence[Tensor], fft_length: int | None = None) -> Output:
    """Inverse of the discrete Fourier transform of real numbers.

    Args:
        x: A pair (real, imaginary) of float tensors (..., m).
        fft_length: The length of the result; None means 2 (m - 1).

    Returns:
        A float tensor (..., fft_length).

    Raises:
        ValueError: if x is no such pair or the length is below 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.irfft(([2.0, 0.0], [0.0, 0.0]))).tolist()
        [1.0, 1.0]
    """
    z = _pair("irfft", k, x, 1)
    size = 2 * (z.shape[-1] - 1) if fft_length is None else fft_length
    size = at_least("irfft", "fft_length", size, 1)
    return k.irfft(_fitted(k, z, size // 2 + 1), size)


def _window(name: str, k: Kernel, window: Any, length: int, fft_length: int, dtype: str) -> Any:
    """The window in the middle of fft_length places.

    Raises:
        ValueError: if it is unknown or of another length.
    """
    if window is None:
        return k.ones((fft_length,), dtype)
    if isinstance(window, str):
        one_of(name, "window", window, ("hann", "hamming"))
        angle = 2 * math.pi * np.arange(length) / length
        mean, swing = (0.5, 0.5) if window == "hann" else (0.54, 0.46)
        values = k.asarray((mean - swing * np.cos(angle)).astype("float64"), dtype)
    else:
        values = convert(k, window, dtype)
        if len(values.shape) != 1 or (values.shape[0] != length and type(values.shape[0]) is not Unknown):
            raise ValueError(f"{name}: `window` must have shape ({length},), got {shown(values.shape)}.")
    before = (fft_length - length) // 2
    return k.pad(values, [(before, fft_length - length - before)], "constant", 0)


def _lengths(name: str, sequence_length: int, sequence_stride: int, fft_length: int) -> None:
    at_least(name, "sequence_length", sequence_length, 1)
    at_least(name, "sequence_stride", sequence_stride, 1)
    if at_least(name, "fft_length", fft_length, 1) < sequence_length:
        raise ValueError(
            f"{name}: `fft_length` must be at least `sequence_length`, got {fft_length} and {sequence_length}."
        )


@op("x", module="math", class_name="STFT")
def stft(
    k: Kernel,
    x: Tensor,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """Short-time Fourier transform: that of windows along the last axis.

    `X_tk = sum_n w_n x_(t stride + n) exp(-2 pi i k n / fft_length)`

    Args:
        x: Float tensor (..., n).
        sequence_length: How long the window is.
        sequence_stride: How far apart windows start.
        fft_length: The length of the transform, at least that of the window.
        window: "hann", "hamming", a tensor (sequence_length,), or None for ones of the length of the transform.
        center: Whether x is mirrored at its ends, so that window t is centered at t * stride.

    Returns:
        A pair (real, imaginary) of tensors (..., windows, fft_length // 2 + 1).

    Raises:
        ValueError: if a length is out of range or the window unknown.
        TypeError: if x is not float.

    Example:
        >>> import lamina
        >>> real, imaginary = lamina.ops.stft(lamina.ops.ones((12,)), 4, 2, 4)
        >>> real.shape == (7, 3)
        True
    """
    _lengths("stft", sequence_length, sequence_stride, fft_length)
    rank_at_least("stft", x, 1)
    if k.dtype(x) not in dtypes.FLOATS:
        raise TypeError(f"stft: `x` must be float, got {k.dtype(x)}.")
    x = _wide(k, x)
    half = fft_length // 2
    if center:
        x = k.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(half, half)], "reflect", 0)
    if type(x.shape[-1]) is int and x.shape[-1] < fft_length:
        raise ValueError(
            f"stft: the signal is shorter than `fft_length` {fft_length} (shape {shown(x.shape)})."
        )
    values = _window("stft", k, window, sequence_length, fft_length, k.dtype(x))
    return _parts(k, k.rfft(windows(k, x, fft_length, sequence_stride) * values, fft_length))


@op(lists=("x",), module="math", class_name="ISTFT")
def istft(
    k: Kernel,
    x: Sequence[Tensor],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Output:
    """Inverse of the short-time Fourier transform: windows added up, over the sum of squares of the window.

    Args:
        x: A pair (real, imaginary) of float tensors (..., windows, fft_length // 2 + 1).
        sequence_length: How long the window was.
        sequence_stride: How far apart windows started.
        fft_length: The length of the transform.
        length: How much of the signal is wanted; None means what the windows reach.
        window: As in `stft`; with None the windows are added up and not divided by anything.
        center: As in `stft`.

    Returns:
        A float tensor (..., length).

    Raises:
        ValueError: if a length is out of range, the window unknown, or x no such pair.

    Example:
        >>> import lamina
        >>> x = lamina.ops.stft(lamina.ops.ones((12,)), 4, 2, 4)
        >>> lamina.ops.istft(x, 4, 2, 4).shape == (12,)
        True
    """
    _lengths("istft", sequence_length, sequence_stride, fft_length)
    z = _pair("istft", k, x, 2)
    frames = k.irfft(z, fft_length)
    if window is None:  # plain sums, as in `stft` nothing was weighed
        signal = _overlap_add(k, frames, sequence_stride)
    else:
        values = _window("istft", k, window, sequence_length, fft_length, k.dtype(frames))
        signal = _overlap_add(k, frames * values, sequence_stride)
        weight = _overlap_add(k, k.broadcast_to(k.square(values), frames.shape[-2:]), sequence_stride)
        signal = signal / k.where(weight > 1e-10, weight, 1.0)
    start = fft_length // 2 if center else 0
    reached = signal.shape[-1]
    stop = start + length if length is not None else reached - start
    return k.getitem(signal, (Ellipsis, slice(start, stop)))


def _overlap_add(k: Kernel, frames: Any, stride: int) -> Any:
    """Frames (..., t, n) added up at places `stride` apart."""
    *batch, count, size = frames.shape
    rank = len(batch)
    pieces = -(-size // stride)
    padded = k.pad(frames, [(0, 0)] * (rank + 1) + [(0, pieces * stride - size)], "constant", 0)
    blocks = k.reshape(padded, (*batch, count, pieces, stride))
    total = None
    for i in range(pieces):  # piece i of frame t lies at block t + i
        part = k.getitem(blocks, (Ellipsis, i, slice(None)))
        part = k.pad(part, [(0, 0)] * rank + [(i, pieces - 1 - i), (0, 0)], "constant", 0)
        total = part if total is None else total + part
    flat = k.reshape(total, (*batch, (count + pieces - 1) * stride))
    return k.getitem(flat, (Ellipsis, slice(0, size + stride * (count - 1))))
