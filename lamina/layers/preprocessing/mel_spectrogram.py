"""MelSpectrogram: the power of sounds in bands as wide as the ear's."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel.context import current
from lamina.layers.preprocessing.base import Preprocessing
from lamina.layers.preprocessing.streams import numbers
from lamina.ops.checks import at_least
from lamina.ops.fourier import stft


class MelSpectrogram(Preprocessing):
    """The mel spectrogram of sounds.

    `S = |STFT(x)|^mag_exp M`, in decibels `10 log10(max(S, min_power) / ref_power)`, and at most `top_db` below the
    loudest. A band's edges are even in `mel = 2595 log10(1 + f / 700)`.

    Args:
        fft_length: The length of the Fourier transform.
        sequence_stride: Samples between the centers of windows.
        sequence_length: Samples in a window; `fft_length` by default.
        window: "hann", "hamming", an array, or None.
        sampling_rate: Samples in a second.
        num_mel_bins: How many bands there are.
        min_freq, max_freq: The bands' outer edges in Hz; half the sampling rate by default.
        power_to_db: Whether to give decibels.
        top_db: The range of decibels below the loudest place of the whole batch.
        mag_exp: The exponent of the magnitude: 1 for energy, 2 for power.
        min_power: The least power that is told from 0.
        ref_power: The power of 0 decibels.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        Floats (..., num_mel_bins, windows) for sounds (..., samples).

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> layer = lamina.layers.MelSpectrogram(num_mel_bins=64, sampling_rate=8000, sequence_stride=256)
        >>> layer(np.ones((2, 8000), "float32")).shape == (2, 64, 32)
        True
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fft_length, self.sequence_stride = fft_length, sequence_stride
        self.sequence_length = sequence_length or fft_length
        self.window, self.sampling_rate, self.num_mel_bins = window, sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power
        for name in ("fft_length", "sequence_stride", "sequence_length", "num_mel_bins", "sampling_rate"):
            at_least("MelSpectrogram", name, getattr(self, name), 1)
        if self.sequence_length > fft_length:
            raise ValueError(
                f"MelSpectrogram: `sequence_length` must be at most `fft_length` ({fft_length}); got {sequence_length}."
            )
        for name in ("min_freq", "max_freq", "mag_exp", "min_power", "ref_power"):
            if not isinstance(getattr(self, name), int | float):
                raise ValueError(f"MelSpectrogram: `{name}` must be a number; got {getattr(self, name)!r}.")
        if not 0 <= self.min_freq < self.max_freq:
            raise ValueError(
                f"MelSpectrogram: `min_freq` must be at least 0 and below `max_freq` ({self.max_freq}); got {min_freq}."
            )
        if power_to_db and (top_db is None or top_db < 0):
            raise ValueError(f"MelSpectrogram: `top_db` must be a number of 0 or more; got {top_db!r}.")
        if min_power <= 0 or ref_power <= 0:
            raise ValueError(
                f"MelSpectrogram: `min_power` and `ref_power` must be positive; got {min_power!r} and {ref_power!r}."
            )

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(inputs, list | tuple):
            inputs = numbers(inputs, "MelSpectrogram").astype(np.float32)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any) -> Any:
        k, dtype = current(), self.compute_dtype
        narrow = dtype in ("float16", "bfloat16")  # Fourier transforms, and squares of them, need more
        fine = "float32" if narrow else dtype
        real, imaginary = stft(
            k.astype(inputs, fine),
            self.sequence_length,
            self.sequence_stride,
            self.fft_length,
            window=self.window,
        )
        magnitude = k.sqrt(k.add(k.square(real), k.square(imaginary)))
        power = k.pow(magnitude, self.mag_exp) if self.mag_exp != 1 else magnitude
        bands = self._bands(
            self.num_mel_bins, self.fft_length // 2 + 1, self.sampling_rate, self.min_freq, self.max_freq
        )
        made = k.matmul(power, k.asarray(bands.astype(np.float32), fine))
        axes = list(range(len(made.shape)))
        made = k.permute_dims(made, (*axes[:-2], axes[-1], axes[-2]))
        made = self._decibels(k, made) if self.power_to_db else made
        return k.astype(made, dtype) if narrow else made

    def _decibels(self, k: Any, power: Any) -> Any:
        dtype = k.dtype(power)
        ten, reference = k.full((), 10.0, dtype), 10 * np.log10(max(self.ref_power, self.min_power))
        found = k.multiply(k.log10(k.maximum(power, self.min_power)), ten)
        found = k.subtract(found, k.full((), float(reference), dtype))
        if 0 in found.shape:  # of no signal there is no loudest moment
            return found
        return k.maximum(found, k.subtract(k.max(found), k.full((), float(self.top_db), dtype)))

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: int = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> Any:
        """The matrix that turns linear frequencies into mel bands: triangles that are even in mel.

        Args:
            num_mel_bins: How many bands.
            num_spectrogram_bins: How many linear frequencies, from 0 to half the sampling rate.
            sampling_rate: Samples in a second.
            lower_edge_hertz, upper_edge_hertz: The bands' outer edges.
            dtype: The result's dtype.

        Returns:
            Tensor (num_spectrogram_bins, num_mel_bins).
        """
        bands = self._bands(
            num_mel_bins, num_spectrogram_bins, sampling_rate, lower_edge_hertz, upper_edge_hertz
        )
        return current().asarray(bands.astype(np.float32), dtype)

    @staticmethod
    def _bands(bands: int, bins: int, rate: int, low: float, high: float) -> np.ndarray:
        frequencies = _mel(np.linspace(0.0, rate / 2, bins))[:, None]
        edges = np.linspace(_mel(low), _mel(high), bands + 2)
        left, center, right = edges[:-2], edges[1:-1], edges[2:]
        rising, falling = (frequencies - left) / (center - left), (right - frequencies) / (right - center)
        made = np.maximum(0.0, np.minimum(rising, falling))
        made[0] = 0.0  # a constant is no sound
        return made

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output."""
        *axes, samples = input_shape
        windows = None
        if samples is not None:
            windows = (samples + 2 * (self.fft_length // 2) - self.fft_length) // self.sequence_stride + 1
        return (*axes, self.num_mel_bins, windows)


def _mel(hertz: Any) -> Any:
    return 2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0)
