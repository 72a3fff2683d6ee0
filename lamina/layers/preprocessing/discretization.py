"""Discretization: numbers to the bins that they fall into."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.core.tracking import changed
from lamina.layers.preprocessing.base import one_of, only_shapes, sparse_output
from lamina.layers.preprocessing.encode import MODES, encode, encode_on_host, encoded_shape
from lamina.layers.preprocessing.host import OnHost
from lamina.layers.preprocessing.streams import in_memory, numbers, pieces, told


class Discretization(OnHost):
    """Numbers to bins: by given boundaries, or by quantiles that it learns.

    `bin = how many boundaries are not above x`

    Args:
        bin_boundaries: The boundaries in ascending order: n of them make n + 1 bins.
        num_bins: How many bins of about equal content to learn by `adapt`, instead.
        epsilon: How exact the quantiles are: the sketch keeps 1 / epsilon numbers.
        output_mode: "int" for the bins, "one_hot" for a vector for each number, "multi_hot" or "count" for one vector
            for the last axis.
        sparse: Whether vectors are sparse tensors of jax or TensorFlow; in a compiled program they stay dense.
        dtype: Of vectors; bins are int32.
        name: A name.

    Returns:
        Integers of the input's shape, or floats (..., bins).

    Raises:
        ValueError: if neither or both of boundaries and `num_bins` are given, or boundaries do not ascend.
        RuntimeError: if it has no boundaries yet.

    Example:
        >>> layer = lamina.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])
        >>> lamina.ops.convert_to_numpy(layer([[-1.5, 1.0, 3.4, 0.5]])).tolist()
        [[0, 2, 3, 1]]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        one_of(self, "output_mode", output_mode, MODES)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                f"Discretization: give `bin_boundaries` or `num_bins`, one of them; got bin_boundaries={bin_boundaries!r}, "
                f"num_bins={num_bins!r}."
            )
        if num_bins is not None and (
            isinstance(num_bins, bool) or not hasattr(num_bins, "__index__") or num_bins < 0
        ):
            raise ValueError(f"Discretization: `num_bins` must be an integer of 0 or more; got {num_bins!r}.")
        self._static = bin_boundaries is not None
        self.bin_boundaries: Any = None
        self._edges: Any = None  # as an array: what compiled programs hold
        if bin_boundaries is not None:
            self._set_boundaries(_ascending(bin_boundaries))
        self.num_bins, self.epsilon, self.output_mode = num_bins, epsilon, output_mode
        self.sparse = sparse_output(self, sparse, output_mode)
        self._sketch = np.zeros((2, 0), np.float32)  # numbers, and how many each stands for

    # -- adapting -----------------------------------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None, progress: Any = None) -> None:
        """Learn boundaries between bins of about equal content.

        Args:
            data: Numbers in an array, or an iterable of batches.
            steps: How many batches of an iterable to read; None reads all.
            progress: Called after each part of the data with the number of rows so far, such as
                `lamina.utils.Progbar(None, unit_name="row").update`.

        Raises:
            ValueError: if boundaries were given.
        """
        self.reset_state()
        whole = in_memory(data) and steps is None and not hasattr(data, "iloc")  # one sketch of all is exact
        for piece in (
            told(iter([data]), progress) if whole else pieces(data, "Discretization.adapt", steps, progress)
        ):
            self.update_state(piece)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Add a batch to the sketch."""
        if self._static:
            raise ValueError(
                f"Layer {self.path!r} (Discretization) has `bin_boundaries` that were given to it, so it cannot adapt. Make "
                "one with `num_bins=`."
            )
        values = np.sort(numbers(data, "Discretization.adapt").astype(np.float32).ravel())
        merged = np.concatenate([_sketch(values, self.epsilon), self._sketch], 1)
        self._sketch = _compressed(merged[:, np.argsort(merged[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Take the boundaries from the sketch."""
        if not self._static and self.num_bins:
            self._set_boundaries(_compressed(self._sketch, 1.0 / self.num_bins)[0, :-1].tolist())

    def _set_boundaries(self, edges: list[float]) -> None:
        self.bin_boundaries, self._edges = edges, np.asarray(edges, np.float32)
        changed(self)  # compiled programs hold the boundaries

    def reset_state(self) -> None:
        """Forget the batches; the boundaries stay until the next ones are made."""
        if not self._static:
            self._sketch = np.zeros((2, 0), np.float32)

    # -- computing ----------------------------------------------------------------------------------------------------

    @property
    def output_dtype(self) -> str:
        """The dtype of the output."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def _output_dtype(self) -> str:
        return self.output_dtype

    def _takes(self, dtype: str) -> None:
        if dtype == "string":
            raise TypeError(f"Layer {self.path!r} (Discretization) takes numbers, got strings.")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output."""
        depth = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        return encoded_shape(input_shape, self.output_mode, depth)

    def _boundaries(self) -> np.ndarray:
        if self._edges is None:
            raise RuntimeError(
                f"Layer {self.path!r} (Discretization) has no boundaries yet. Call `layer.adapt(data)`, or pass "
                "`bin_boundaries=`."
            )
        return self._edges

    def _of_numbers(self, inputs: np.ndarray) -> Any:
        edges = self._boundaries()
        bins = np.searchsorted(edges, inputs.astype(np.float32), side="right")
        return encode_on_host(np.asarray(bins), self.output_mode, len(edges) + 1, self._host_dtype())

    def _in_program(self, k: Any, inputs: Any) -> Any:
        if k.abstract and self.bin_boundaries is None:
            return only_shapes(self.compute_output_shape(inputs.shape), self.output_dtype)
        edges = self._boundaries()
        bins = (
            k.searchsorted(k.asarray(edges), k.astype(inputs, "float32"), "right")
            if len(edges)
            else k.zeros(tuple(k.shape(inputs)), "int32")
        )
        return encode(k, bins, self.output_mode, len(edges) + 1, self.output_dtype)

    # -- configs ------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments, the dtype by its name, and the boundaries also if they were learned."""
        return {
            "bin_boundaries": self.bin_boundaries, "num_bins": self.num_bins, "epsilon": self.epsilon,
            "output_mode": self.output_mode, "sparse": self.sparse, "name": self.name, "dtype": self.dtype_policy.name,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from its config; with both boundaries and `num_bins` the former were learned."""
        edges = config.get("bin_boundaries")
        if edges is None or config.get("num_bins") is None:
            return super().from_config(config)
        layer = super().from_config(config | {"bin_boundaries": None})
        layer._set_boundaries(_ascending(edges))
        return layer


def _ascending(edges: Any) -> list[float]:
    try:
        found = np.asarray(edges, np.float64)
    except (TypeError, ValueError):
        found = np.zeros((0, 0))
    if found.ndim != 1 or not np.all(np.diff(found) >= 0):
        raise ValueError(
            f"Discretization: `bin_boundaries` must be numbers in ascending order; got {edges!r:.80}."
        )
    return [float(v) for v in found]


# -- a sketch of quantiles ---------------------------------------------------------------------------------------------


def _sketch(ordered: np.ndarray, epsilon: float) -> np.ndarray:
    """Every so many of the ordered numbers, about 1 / epsilon of them, and how many each stands for."""
    step = max(len(ordered) * epsilon, 1.0)
    chosen = ordered[int(step) - 1 :: int(step)]
    return np.stack([chosen, np.full(len(chosen), step)]).astype(np.float32)


def _compressed(sketch: np.ndarray, epsilon: float) -> np.ndarray:
    """A sketch of about 1 / epsilon numbers, by interpolation of the cumulative weight."""
    if sketch.shape[1] * epsilon < 1:  # short enough
        return sketch
    values, weights = sketch
    total = weights.cumsum()
    wanted = epsilon + np.arange(0.0, 1.0, epsilon)
    places = np.interp(wanted, total / total[-1], values)
    sums = np.interp(wanted, total / total[-1], total)
    return np.stack([places, np.diff(sums, prepend=0.0)]).astype(np.float32)
