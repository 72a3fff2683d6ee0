"""Initializers that draw nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.core.numeric import check_numbers
from lamina.initializers.base import HostInitializer, host_dtype, sizes


class Zeros(HostInitializer):
    """All zeros.

    Example:
        >>> import lamina
        >>> lamina.initializers.Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        return np.zeros(shape, host_dtype(dtype))

    def draw_part(
        self, shape: tuple[int, ...], dtype: str, generator: Any, bounds: tuple[slice, ...]
    ) -> np.ndarray:
        return self.draw(sizes(bounds), dtype, generator)


class Ones(HostInitializer):
    """All ones.

    Example:
        >>> import lamina
        >>> lamina.initializers.Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        return np.ones(shape, host_dtype(dtype))

    def draw_part(
        self, shape: tuple[int, ...], dtype: str, generator: Any, bounds: tuple[slice, ...]
    ) -> np.ndarray:
        return self.draw(sizes(bounds), dtype, generator)


class Constant(HostInitializer):
    """One value everywhere.

    Args:
        value: A number, or an array that broadcasts to the shape.

    Raises:
        ValueError: without a value, or where its shape does not broadcast to that of the weight.

    Example:
        >>> import lamina
        >>> lamina.initializers.Constant(3.0)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        if value is None:
            raise ValueError("Constant: `value` must be a number or an array, got None.")
        self.value = value

    def check(self, shape: tuple[int, ...], dtype: str) -> None:
        given = np.shape(self.value)
        try:
            fits = np.broadcast_shapes(given, shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"Constant: a value of shape {given} does not broadcast to {shape}.")

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        out = np.empty(shape, host_dtype(dtype))
        out[...] = np.asarray(self.value).astype(out.dtype)
        return out


class Identity(HostInitializer):
    """The identity matrix.

    Args:
        gain: The number on the diagonal.

    Raises:
        ValueError: for a gain that is no number, or a shape that is not a matrix.

    Example:
        >>> import lamina
        >>> lamina.initializers.Identity(gain=2.0)((2, 2)).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        check_numbers("Identity", Identity.__init__, {"gain": gain})
        self.gain = gain

    def check(self, shape: tuple[int, ...], dtype: str) -> None:
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices only, got shape {shape}.")

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        return (self.gain * np.eye(shape[0], shape[1])).astype(host_dtype(dtype))


class STFT(HostInitializer):
    """The kernel of a short-time Fourier transform, to be used in a 1-d convolution.

    `w[n] cos(2 pi k n / F)` or `-w[n] sin(2 pi k n / F)` at frame position `n` and frequency `k`.

    Args:
        side: "real" (cosines) or "imag" (negative sines).
        window: A name ("hann", "hamming", "blackman", "bartlett", or another that scipy knows), an array of the
            frame's length, or None.
        scaling: "density" (divides by the root of the window's sum of squares), "spectrum" (by its sum) or None.
        periodic: Whether a named window is periodic rather than symmetric.

    Raises:
        ValueError: for an unknown side or scaling, or a shape that is not `(frame, 1, frequencies)`.

    Example:
        >>> import lamina
        >>> lamina.initializers.STFT("real")((128, 1, 65)).shape
        (128, 1, 65)
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"Unknown side {side!r}. Use 'real' or 'imag'.")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"Unknown scaling {scaling!r}. Use 'density', 'spectrum' or None.")
        if isinstance(window, str):
            _named(window, 3)  # refuses what nobody knows
        self.side, self.window, self.scaling, self.periodic = (side, window, scaling, periodic)

    def check(self, shape: tuple[int, ...], dtype: str) -> None:
        if len(shape) != 3 or shape[1] != 1 or shape[2] < 2:
            raise ValueError(f"STFT makes kernels of shape (frame, 1, frequencies), got {shape}.")
        if (
            self.window is not None
            and not isinstance(self.window, str)
            and np.shape(self.window) != shape[:1]
        ):
            raise ValueError(f"STFT: the window has shape {np.shape(self.window)}, the frame {shape[:1]}.")

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        frame, _, frequencies = shape
        n, k = np.arange(frame)[:, None, None], np.arange(frequencies)
        angle = 2 * np.pi * k * n / ((frequencies - 1) * 2)
        wave = np.cos(angle) if self.side == "real" else -np.sin(angle)
        if self.window is not None:
            wave = wave * self._window(frame)[:, None, None]
        return wave.astype(host_dtype(dtype))

    def _window(self, frame: int) -> np.ndarray:
        if isinstance(self.window, str):
            window = _named(self.window, frame + 1)[:-1] if self.periodic else _named(self.window, frame)
        else:
            window = np.asarray(self.window, "float64")
        if self.scaling == "density":
            return window / np.sqrt(np.sum(window**2))
        return window / np.abs(window.sum()) if self.scaling == "spectrum" else window


def _named(name: str, length: int) -> np.ndarray:
    """A symmetric window."""
    own = {"hann": np.hanning, "hamming": np.hamming, "blackman": np.blackman, "bartlett": np.bartlett}
    if name in own:
        return own[name](length)
    try:
        from scipy.signal import get_window
    except ImportError:
        raise ImportError(
            f"The window {name!r} needs scipy: `pip install scipy`, or use one of {list(own)}."
        ) from None
    return np.asarray(get_window(name, length, fftbins=False))


# The other names under which these are public.
zeros, ones, constant, identity, stft = Zeros, Ones, Constant, Identity, STFT
IdentityInitializer, STFTInitializer = Identity, STFT
