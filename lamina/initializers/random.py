"""Initializers that draw from a distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.initializers.base import RandomInitializer, host_dtype, in_blocks, width

# The deviation of a standard normal that is cut at two: what VarianceScaling divides by.
_TRUNCATED_DEVIATION = 0.87962566103423978


def uniform(generator: Any, shape: tuple[int, ...], dtype: str, low: float, high: float) -> np.ndarray:
    """Uniform in [low, high)."""

    def fill(generator: Any, out: np.ndarray) -> None:
        generator.random(out=out, dtype=out.dtype)
        out *= high - low
        out += low

    return in_blocks(generator, shape, dtype, fill)


def normal(generator: Any, shape: tuple[int, ...], dtype: str, mean: float, stddev: float) -> np.ndarray:
    """Normal."""

    def fill(generator: Any, out: np.ndarray) -> None:
        generator.standard_normal(out=out, dtype=out.dtype)
        out *= stddev
        out += mean

    return in_blocks(generator, shape, dtype, fill)


def truncated(generator: Any, shape: tuple[int, ...], dtype: str, mean: float, stddev: float) -> np.ndarray:
    """Normal; what lies beyond two deviations is drawn again."""

    def fill(generator: Any, out: np.ndarray) -> None:
        generator.standard_normal(out=out, dtype=out.dtype)
        beyond = np.flatnonzero(np.abs(out) > 2)
        while beyond.size:
            again = generator.standard_normal(beyond.size, out.dtype)
            out[beyond] = again
            beyond = beyond[np.abs(again) > 2]
        out *= stddev
        out += mean

    return in_blocks(generator, shape, dtype, fill)


class RandomNormal(RandomInitializer):
    """Normal.

    Args:
        mean: The mean.
        stddev: The standard deviation.
        seed: An integer, a SeedGenerator or None.

    Example:
        >>> import lamina
        >>> lamina.initializers.RandomNormal(stddev=1.0)((2, 3)).shape
        (2, 3)
    """

    _by_entry = True

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        return normal(generator, shape, dtype, self.mean, self.stddev)


class TruncatedNormal(RandomInitializer):
    """Normal without what lies beyond two standard deviations.

    Args:
        mean: The mean.
        stddev: The standard deviation before the cut.
        seed: An integer, a SeedGenerator or None.

    Example:
        >>> import lamina
        >>> lamina.initializers.TruncatedNormal(stddev=1.0)((2, 3)).shape
        (2, 3)
    """

    _by_entry = True

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        return truncated(generator, shape, dtype, self.mean, self.stddev)


class RandomUniform(RandomInitializer):
    """Uniform in [minval, maxval).

    Args:
        minval: The lower limit.
        maxval: The upper limit.
        seed: An integer, a SeedGenerator or None.

    Example:
        >>> import lamina
        >>> lamina.initializers.RandomUniform(0.0, 1.0)((2, 3)).shape
        (2, 3)
    """

    _by_entry = True

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        return uniform(generator, shape, dtype, self.minval, self.maxval)


class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns, whichever are fewer.

    `Q` of the QR decomposition of a normal matrix, with the signs that make it uniform over all such matrices. All
    axes but the last are taken together.

    Args:
        gain: A factor.
        seed: An integer, a SeedGenerator or None.

    Raises:
        ValueError: for a shape of fewer than two axes.

    Example:
        >>> import lamina
        >>> q = lamina.initializers.Orthogonal()((3, 3))
        >>> bool(lamina.ops.all(lamina.ops.isclose(lamina.ops.transpose(q) @ q, lamina.ops.eye(3), atol=1e-5)))
        True

    Reference:
        Saxe et al., 2014, Exact solutions to the nonlinear dynamics of learning in deep linear neural networks.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        if not isinstance(gain, int | float | np.number):
            raise TypeError(f"Orthogonal: `gain` must be a number, got {gain!r}.")
        self.gain = gain

    def check(self, shape: tuple[int, ...], dtype: str) -> None:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a shape of two axes or more, got {shape}.")

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = generator.standard_normal((max(rows, columns), min(rows, columns)), width(dtype))
        q, r = np.linalg.qr(tall)
        q *= self.gain * np.where(np.diagonal(r) < 0, -1, 1).astype(q.dtype)
        return (
            np.ascontiguousarray(q if rows >= columns else q.T)
            .reshape(shape)
            .astype(host_dtype(dtype), copy=False)
        )


# -- scaled by the number of inputs and outputs ------------------------------------------------------------------------


def fans(shape: Sequence[int], input_axes: Any = None, output_axes: Any = None) -> tuple[int, int]:
    """How many inputs an output sees, and how many outputs an input reaches.

    Args:
        shape: The shape of a kernel: (*window, in, out) unless the axes say otherwise.
        input_axes: The axes that hold the inputs of one output; no other axis counts then.
        output_axes: The axes that hold the outputs of one input.
    """
    if input_axes is not None or output_axes is not None:
        return _fans_of_axes(shape, input_axes, output_axes)
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


def _fans_of_axes(shape: Sequence[int], input_axes: Any, output_axes: Any) -> tuple[int, int]:
    if input_axes is None or output_axes is None:
        raise ValueError("Give both `input_axes` and `output_axes`, or neither.")
    return _size(shape, input_axes), _size(shape, output_axes)


def _size(shape: Sequence[int], axes: Any) -> int:
    if isinstance(axes, bool):
        raise ValueError(f"`input_axes` and `output_axes` must be integers, got {axes!r}.")
    axes = (axes,) if isinstance(axes, int) else tuple(axes)
    if any(not -len(shape) <= a < len(shape) for a in axes):
        raise ValueError(f"Axes {axes} are out of range for a weight of shape {tuple(shape)}.")
    return math.prod(shape[a] for a in axes)


_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class VarianceScaling(RandomInitializer):
    """A variance that keeps signals of the same size through the layers: `scale / n`.

    Args:
        scale: A positive factor.
        mode: What `n` is: "fan_in" (inputs), "fan_out" (outputs) or "fan_avg" (their mean).
        distribution: "truncated_normal" (also "normal"), "untruncated_normal" or "uniform".
        seed: An integer, a SeedGenerator or None.
        input_axes: The axes of the inputs; by default all but the last.
        output_axes: The axes of the outputs; by default all but the last but one.

    Raises:
        ValueError: for a scale that is not positive, or an unknown mode or distribution.

    Example:
        >>> import lamina
        >>> lamina.initializers.VarianceScaling(2.0, "fan_out", "uniform")((2, 3)).shape
        (2, 3)
    """

    _by_entry = True

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        super().__init__(seed)
        distribution = str(distribution).lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if scale <= 0:
            raise ValueError(f"`scale` must be positive, got {scale!r}.")
        if mode not in _MODES:
            raise ValueError(f"Unknown mode {mode!r}. Use one of {', '.join(_MODES)}.")
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(
                f"Unknown distribution {distribution!r}. Use one of {', '.join(_DISTRIBUTIONS)}."
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def check(self, shape: tuple[int, ...], dtype: str) -> None:
        fans(shape, self.input_axes, self.output_axes)

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return uniform(generator, shape, dtype, -limit, limit)
        if self.distribution == "truncated_normal":
            return truncated(generator, shape, dtype, 0.0, math.sqrt(variance) / _TRUNCATED_DEVIATION)
        return normal(generator, shape, dtype, 0.0, math.sqrt(variance))


class _Scaled(VarianceScaling):
    """A VarianceScaling with its scale, mode and distribution fixed."""

    _fixed: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self._fixed, seed=seed, input_axes=input_axes, output_axes=output_axes)


class GlorotUniform(_Scaled):
    """Uniform within `sqrt(6 / (fan_in + fan_out))`, also called Xavier uniform.

    Args:
        seed: An integer, a SeedGenerator or None.
        input_axes: The axes of the inputs; by default all but the last.
        output_axes: The axes of the outputs; by default all but the last but one.

    Example:
        >>> import lamina
        >>> lamina.initializers.GlorotUniform(seed=1)((2, 3)).shape
        (2, 3)

    Reference:
        Glorot and Bengio, 2010, Understanding the difficulty of training deep feedforward neural networks.
    """

    _fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance `2 / (fan_in + fan_out)`, also called Xavier normal.

    Args:
        seed: An integer, a SeedGenerator or None.
        input_axes: The axes of the inputs; by default all but the last.
        output_axes: The axes of the outputs; by default all but the last but one.

    Example:
        >>> import lamina
        >>> lamina.initializers.GlorotNormal(seed=1)((2, 3)).shape
        (2, 3)

    Reference:
        Glorot and Bengio, 2010, Understanding the difficulty of training deep feedforward neural networks.
    """

    _fixed = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_Scaled):
    """Truncated normal of variance `1 / fan_in`.

    Args:
        seed: An integer, a SeedGenerator or None.
        input_axes: The axes of the inputs; by default all but the last.
        output_axes: The axes of the outputs; by default all but the last but one.

    Example:
        >>> import lamina
        >>> lamina.initializers.LecunNormal(seed=1)((2, 3)).shape
        (2, 3)

    Reference:
        Klambauer et al., 2017, Self-Normalizing Neural Networks.
    """

    _fixed = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform within `sqrt(3 / fan_in)`.

    Args:
        seed: An integer, a SeedGenerator or None.
        input_axes: The axes of the inputs; by default all but the last.
        output_axes: The axes of the outputs; by default all but the last but one.

    Example:
        >>> import lamina
        >>> lamina.initializers.LecunUniform(seed=1)((2, 3)).shape
        (2, 3)

    Reference:
        Klambauer et al., 2017, Self-Normalizing Neural Networks.
    """

    _fixed = (1.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance `2 / fan_in`.

    Args:
        seed: An integer, a SeedGenerator or None.
        input_axes: The axes of the inputs; by default all but the last.
        output_axes: The axes of the outputs; by default all but the last but one.

    Example:
        >>> import lamina
        >>> lamina.initializers.HeNormal(seed=1)((2, 3)).shape
        (2, 3)

    Reference:
        He et al., 2015, Delving Deep into Rectifiers.
    """

    _fixed = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform within `sqrt(6 / fan_in)`.

    Args:
        seed: An integer, a SeedGenerator or None.
        input_axes: The axes of the inputs; by default all but the last.
        output_axes: The axes of the outputs; by default all but the last but one.

    Example:
        >>> import lamina
        >>> lamina.initializers.HeUniform(seed=1)((2, 3)).shape
        (2, 3)

    Reference:
        He et al., 2015, Delving Deep into Rectifiers.
    """

    _fixed = (2.0, "fan_in", "uniform")


# The other names under which these are public.
glorot_normal, glorot_uniform, he_normal, he_uniform = (GlorotNormal, GlorotUniform, HeNormal, HeUniform)
lecun_normal, lecun_uniform, variance_scaling = (LecunNormal, LecunUniform, VarianceScaling)
random_normal, random_uniform, truncated_normal = (RandomNormal, RandomUniform, TruncatedNormal)
orthogonal = OrthogonalInitializer = Orthogonal
