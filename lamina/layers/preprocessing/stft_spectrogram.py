"""STFTSpectrogram: the short-time Fourier transform as a convolution, whose kernels can be trained."""

from __future__ import annotations

import math
from typing import Any

from lamina import initializers
from lamina.config import image_data_format
from lamina.core.input_spec import InputSpec
from lamina.kernel.context import current
from lamina.layers.preprocessing.base import Preprocessing, one_of
from lamina.ops.nn.convolution import conv

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
_LEAST = 1e-7  # the least power whose logarithm or root is taken


class STFTSpectrogram(Preprocessing):
    """The spectrogram of signals, one for each channel.

    `X_tk = sum_n w_n x_(t step + n) exp(-2 pi i k n / fft_length)`

    Args:
        mode: "log" (of the magnitude), "magnitude", "psd" (the power, of both sides but for the first and last
            frequency), "real", "imag", "angle" or "stft" (real and imaginary parts behind one another).
        frame_length: Samples in a frame.
        frame_step: Samples between the beginnings of frames; half a frame by default.
        fft_length: The length of the transform; the least power of two that holds a frame by default. Of an odd one the
            frequencies are those of the even length below it.
        window: A name that `initializers.STFT` knows, an array of the frame's length, or None.
        periodic: Whether a named window is periodic rather than symmetric.
        scaling: "density", "spectrum" or None: what the transform is divided by, from the window.
        padding: "valid" or "same".
        expand_dims: Whether frequencies and channels have an axis each.
        data_format: "channels_last" (batch, time, channels) or "channels_first".
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        Floats (batch, frames, channels * frequencies), or (batch, frames, frequencies, channels) with `expand_dims`;
        the channels in front of frames for "channels_first".

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> layer = lamina.layers.STFTSpectrogram(mode="magnitude", frame_length=8, frame_step=4)
        >>> layer(np.ones((1, 32, 1), "float32")).shape == (1, 7, 5)
        True
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode, self.padding = (
            one_of(self, "mode", mode, MODES),
            one_of(self, "padding", padding, ("valid", "same")),
        )
        self.scaling = one_of(self, "scaling", scaling, ("density", "spectrum", None))
        if isinstance(frame_length, bool) or not hasattr(frame_length, "__index__") or frame_length <= 0:
            raise ValueError(
                f"STFTSpectrogram: `frame_length` must be a positive integer; got {frame_length!r}."
            )
        if frame_step is not None and (
            isinstance(frame_step, bool)
            or not hasattr(frame_step, "__index__")
            or not 0 < frame_step <= frame_length
        ):
            raise ValueError(
                f"STFTSpectrogram: `frame_step` must be a positive integer of at most `frame_length` ({frame_length}); got "
                f"{frame_step!r}."
            )
        if fft_length is not None and (not hasattr(fft_length, "__index__") or fft_length < frame_length):
            raise ValueError(
                f"STFTSpectrogram: `fft_length` must be an integer of at least `frame_length` ({frame_length}); got "
                f"{fft_length!r}."
            )
        self.frame_length, self.frame_step, self.fft_length = frame_length, frame_step, fft_length
        self._step = frame_step or max(frame_length // 2, 1)
        self._size = fft_length or 1 << math.ceil(math.log2(frame_length))
        self.window, self.periodic, self.expand_dims = window, bool(periodic), bool(expand_dims)
        initializers.STFT("real", window, scaling, periodic)  # what it refuses is refused here
        self.data_format = image_data_format() if data_format is None else data_format
        one_of(self, "data_format", self.data_format, ("channels_last", "channels_first"))
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        """Make the kernels that the mode needs."""
        shape = (self.frame_length, 1, self._size // 2 + 1)
        sides = {"real": ("real",), "imag": ("imag",)}.get(self.mode, ("real", "imag"))
        for side in sides:
            value = initializers.STFT(side, self.window, self.scaling, self.periodic)
            setattr(self, f"{side}_kernel", self.add_weight(shape, value, name=f"{side}_kernel"))

    def call(self, inputs: Any) -> Any:
        k = current()
        x = k.astype(inputs, self.compute_dtype)
        if self.data_format == "channels_last":
            x = k.permute_dims(x, (0, 2, 1))
        batch, channels, time = k.shape(x)
        x = k.reshape(x, (batch * channels, time, 1))
        side = lambda name: conv(
            x, getattr(self, f"{name}_kernel").value, self._step, self.padding, "channels_last"
        )
        made = self._modes(k, side)  # (batch * channels, frames, frequencies)
        frames, width = k.shape(made)[1:]
        made = k.reshape(made, (batch, channels, frames, width))
        return self._arranged(k, made)

    def _modes(self, k: Any, side: Any) -> Any:
        if self.mode in ("real", "imag"):
            return side(self.mode)
        real, imaginary = side("real"), side("imag")
        if self.mode == "stft":
            return k.concat([real, imaginary], -1)
        if self.mode == "angle":
            return k.atan2(imaginary, real)
        power = k.add(k.square(real), k.square(imaginary))
        if self.mode == "psd":
            return self._both_sides(k, power)
        power = k.maximum(power, _LEAST)
        return (
            k.sqrt(power)
            if self.mode == "magnitude"
            else k.multiply(k.log(power), k.full((), 0.5, k.dtype(power)))
        )

    def _both_sides(self, k: Any, power: Any) -> Any:
        """The negative frequencies' power is added to that of the positive ones."""
        width = self._size // 2 + 1
        if width < 3:
            return power
        twice = k.multiply(power[..., 1 : width - 1], k.full((), 2.0, k.dtype(power)))
        return k.concat([power[..., :1], twice, power[..., width - 1 :]], -1)

    def _arranged(self, k: Any, x: Any) -> Any:
        """From (batch, channels, frames, frequencies) to the layout that was asked for."""
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return k.permute_dims(x, (0, 2, 3, 1)) if last else x
        batch, channels, frames, width = k.shape(x)
        if last:
            return k.reshape(k.permute_dims(x, (0, 2, 1, 3)), (batch, frames, channels * width))
        return k.reshape(k.permute_dims(x, (0, 1, 3, 2)), (batch, channels * width, frames))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output."""
        batch, *rest = input_shape
        time, channels = rest if self.data_format == "channels_last" else reversed(rest)
        frames = None
        if time is not None:
            frames = (
                -(-time // self._step)
                if self.padding == "same"
                else (time - self.frame_length) // self._step + 1
            )
        width = (self._size // 2 + 1) * (2 if self.mode == "stft" else 1)
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return (batch, frames, width, channels) if last else (batch, channels, frames, width)
        together = None if channels is None else channels * width
        return (batch, frames, together) if last else (batch, together, frames)
