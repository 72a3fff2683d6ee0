"""Normalization: numbers shifted and scaled to mean 0 and variance 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamina.core.tensor import KerasTensor
from lamina.kernel.context import current, state
from lamina.kernel.shapes.spec import Spec
from lamina.kernel.tracebacks import folds_frames
from lamina.layers.preprocessing.base import Preprocessing, is_beside
from lamina.layers.preprocessing.streams import in_memory, numbers, pieces, told

_LEAST = 1e-7  # the least deviation that is divided by


class Normalization(Preprocessing):
    """Shift and scale to mean 0 and variance 1, by the mean and variance of data or by given ones.

    `y = (x - mean) / sqrt(variance)`

    Args:
        axis: The axes whose places have a mean and variance each; None for one of each for all numbers.
        mean, variance: Numbers that broadcast to the kept axes, both or none.
        invert: Whether to undo it: `y = x * sqrt(variance) + mean`.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        Floats of the input's shape.

    Raises:
        ValueError: if one of mean and variance is missing, or an axis is out of range or of unknown size.
        RuntimeError: if it is called, outside a compiled model, before it has learned or been given anything.

    Example:
        >>> layer = lamina.layers.Normalization(axis=None)
        >>> layer.adapt(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        >>> [round(v, 4) for v in lamina.ops.convert_to_numpy(layer(np.array([1.0, 3.0]))).tolist()]
        [-1.4142, 0.0]
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"Normalization: give both `mean` and `variance`, or none of them; got mean={mean!r}, variance={variance!r}."
            )
        for name, value in (("mean", mean), ("variance", variance)):
            if value is not None and np.asarray(value).dtype.kind not in "biuf":
                raise ValueError(f"Normalization: `{name}` must be a number or several; got {value!r}.")
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.invert, self.supports_masking = bool(invert), True
        self._given_mean = None if mean is None else np.asarray(mean, np.float32)
        self._given_variance = None if variance is None else np.asarray(variance, np.float32)
        shapes = [np.asarray(v).shape for v in (mean, variance)]
        if mean is not None and shapes[0] != shapes[1]:
            raise ValueError(
                f"Normalization: `mean` and `variance` must have one shape; got {shapes[0]} and {shapes[1]}."
            )
        self._known = mean is not None  # whether there is anything to normalize by
        self._host: Any = None  # mean and variance for calls beside the model
        self._moments: Any = None

    @folds_frames
    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(inputs, list | tuple | int | float):
            inputs = numbers(inputs, "Normalization")
        alone = not self._known and not state.frame.inside and state.scope is None
        outputs = super().__call__(inputs, *args, **kwargs)
        if alone and not isinstance(outputs, KerasTensor | Spec):
            self._require_moments()
        return outputs

    # -- building -----------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Find the kept axes, and make mean and variance if they are to be learned."""
        rank, self._built_for = len(input_shape), tuple(input_shape)
        for axis in self.axis:
            if not -rank <= axis < rank:
                raise ValueError(
                    f"Layer {self.path!r} (Normalization): `axis` {self.axis} is out of range for an input of shape "
                    f"{tuple(input_shape)}."
                )
        kept = sorted(axis % rank for axis in self.axis)
        unknown = [axis for axis in kept if input_shape[axis] is None]
        if unknown:
            raise ValueError(
                f"Layer {self.path!r} (Normalization): the size of axis {unknown[0]} must be known, the input's shape is "
                f"{tuple(input_shape)}. Give it in Input, or use axis=None."
            )
        self._kept = tuple(kept)
        self._reduced = tuple(axis for axis in range(rank) if axis not in kept)
        self._wide = tuple(input_shape[axis] if axis in kept else 1 for axis in range(rank))
        shape = tuple(input_shape[axis] for axis in kept)
        if self._given_mean is None:
            self.adapt_mean = self.add_weight(shape, "zeros", name="mean", trainable=False)
            self.adapt_variance = self.add_weight(shape, "ones", name="variance", trainable=False)
            self.count = self.add_weight((), "zeros", "int64", name="count", trainable=False)
            return
        try:
            np.broadcast_to(self._given_mean, shape or (1,))
        except ValueError:
            raise ValueError(
                f"Layer {self.path!r} (Normalization): `mean` of shape {self._given_mean.shape} does not fit the kept axes, "
                f"of shape {shape}, of an input of shape {tuple(input_shape)}."
            ) from None

    @property
    def mean(self) -> Any:
        """The mean, in a shape that broadcasts with the input; None before the layer is built."""
        return self._shown(0)

    @property
    def variance(self) -> Any:
        """The variance, in a shape that broadcasts with the input; None before the layer is built."""
        return self._shown(1)

    def _shown(self, which: int) -> Any:
        return self._constants()[which] if self.built else None

    def _constants(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance on the host."""
        if self._given_mean is not None:
            pair: Any = (self._given_mean, self._given_variance)
            return tuple(np.broadcast_to(v, [n for n in self._wide if n != 1] or (1,)).reshape(self._wide) if v.ndim
                         else np.broadcast_to(v, self._wide) for v in pair)  # type: ignore[return-value,union-attr]  # fmt: skip
        if self._host is None or not is_beside():
            self._host = tuple(v.numpy().reshape(self._wide) for v in (self.adapt_mean, self.adapt_variance))
        return self._host

    # -- adapting -----------------------------------------------------------------------------------------------------

    @folds_frames
    def adapt(self, data: Any, progress: Any = None) -> None:
        """Learn mean and variance from data, whatever the layer has learned before.

        Args:
            data: An array, or an iterable of batches.
            progress: Called after each part of the data with the number of rows so far, such as
                `lamina.utils.Progbar(None, unit_name="row").update`.

        Raises:
            ValueError: if mean and variance were given, or the data has another shape than the layer was built for.
        """
        if self._given_mean is not None:
            raise ValueError(
                f"Layer {self.path!r} (Normalization) has a `mean` and `variance` that were given to it, so it cannot adapt. "
                "Make one without."
            )
        self._moments = None
        whole = in_memory(data) and not hasattr(data, "iloc")
        for piece in (
            told(iter([data]), progress) if whole else pieces(data, "Normalization.adapt", progress=progress)
        ):
            self._add(numbers(piece, "Normalization.adapt"))
        self.finalize_state()

    def _add(self, batch: np.ndarray) -> None:
        if not self.built:
            self.build(batch.shape)
        if len(batch.shape) != len(self._wide) or any(batch.shape[a] != self._wide[a] for a in self._kept):
            raise ValueError(
                f"Layer {self.path!r} (Normalization) was built for inputs of shape "
                f"{self._built_for}, but the data has shape {batch.shape}."
            )
        if not batch.size:
            return
        batch = batch.astype(np.float64)
        count = math.prod(batch.shape[a] for a in self._reduced)
        mean, variance = batch.mean(self._reduced), batch.var(self._reduced)
        if self._moments is not None:  # of both parts together
            n, m, v = self._moments
            share = count / (n + count)
            both = m + (mean - m) * share
            variance = (v + (m - both) ** 2) * (1 - share) + (variance + (mean - both) ** 2) * share
            mean, count = both, n + count
        self._moments = (count, mean, variance)

    def finalize_state(self) -> None:
        """Take over what the batches have shown."""
        if self._given_mean is not None or self._moments is None:
            return
        _, mean, variance = self._moments
        self.adapt_mean.assign(mean.astype(np.float32))
        self.adapt_variance.assign(variance.astype(np.float32))
        self._host = (
            mean.astype(np.float32).reshape(self._wide),
            variance.astype(np.float32).reshape(self._wide),
        )
        self._known = True

    # -- computing ----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        k, dtype = current(), self.compute_dtype
        x = k.astype(inputs, dtype)
        if self._given_mean is not None or is_beside():
            mean, variance = (k.asarray(np.ascontiguousarray(v), dtype) for v in self._constants())
        else:
            pair = (self.adapt_mean.value, self.adapt_variance.value)
            mean, variance = (k.reshape(k.astype(v, dtype), self._wide) for v in pair)
        deviation = k.maximum(k.sqrt(variance), _LEAST)
        if self.invert:
            return k.add(k.multiply(x, deviation), mean)
        return k.divide(k.subtract(x, mean), deviation)

    def _require_moments(self) -> None:
        mean, variance = self._constants()
        if not (mean == 0).all() or not (variance == 1).all():
            self._known = True
            return
        raise RuntimeError(
            f"Layer {self.path!r} (Normalization) has learned nothing yet. Call `layer.adapt(data)`, or pass `mean=` and "
            "`variance=`."
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments; mean and variance if they were given."""
        listed = lambda v: None if v is None else v.tolist()
        return super().get_config() | {
            "axis": self.axis, "mean": listed(self._given_mean), "variance": listed(self._given_variance),
        }  # fmt: skip
