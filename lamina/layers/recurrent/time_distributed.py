"""TimeDistributed: one layer for every step."""

from __future__ import annotations

from typing import Any

from lamina.core.stateless import run_pure
from lamina.core.tracking import made_trainable
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.layers._masks import check_mask
from lamina.layers.recurrent.loop import time_first
from lamina.layers.wrap import Wrapper


class TimeDistributed(Wrapper):
    """A layer applied to every step of sequences, with the same weights.

    `y[:, t] = layer(x[:, t])`

    Args:
        layer: The layer.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, steps, ...) from (batch, steps, ...).

    Raises:
        TypeError: if `layer` is no layer.
        ValueError: if the input has fewer than three axes, or the mask does not fit.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.TimeDistributed(lamina.layers.Dense(4))
        >>> layer(lamina.ops.ones((2, 5, 3))).shape == (2, 5, 4)
        True
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        if len(input_shape) < 3:
            raise ValueError(
                f"Layer {self.path!r} (TimeDistributed) expected (batch, steps, ...), three axes or more, got the "
                f"shape {input_shape}. Without an axis of steps, call the inner layer itself."
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        k = current()
        plan = self.layer._plan
        options = {"training": training} if plan.takes_training and training is not None else {}
        if mask is not None:
            check_mask(self, "the mask", mask.shape[:2], "(batch, steps)", inputs.shape[:2])
        mask = mask if plan.takes_mask else None
        if self._has_state():
            return self._step_by_step(k, inputs, mask, options)
        batch, steps = k.shape(inputs)[:2]
        if mask is not None:
            options["mask"] = k.reshape(mask, (-1, *k.shape(mask)[2:]))
        merged = k.reshape(inputs, (batch * steps, *k.shape(inputs)[2:]))
        outputs = self.layer(merged, **options)
        return k.reshape(outputs, (batch, steps, *k.shape(outputs)[1:]))

    def _has_state(self) -> bool:
        """Whether calls change the layer (moving averages): then each step is a call of its own."""
        return any(not made_trainable(v) for v in self.layer.weights)

    def _step_by_step(self, k: Kernel, inputs: Any, mask: Any, options: dict[str, Any]) -> Any:
        kept = [v for v in self.layer.variables if not v.trainable]

        def step(values: list[Any], row: Any) -> tuple[list[Any], Any]:
            more = {"mask": row[1]} if mask is not None else {}
            outputs, values, _ = run_pure(lambda: self.layer(row[0], **options, **more), kept, values)
            return values, outputs

        rows = (time_first(k, inputs),) if mask is None else (time_first(k, inputs), time_first(k, mask))
        values, outputs = k.scan(step, [v.value for v in kept], rows, k.shape(inputs)[1], False, 1)
        for variable, value in zip(kept, values, strict=True):
            variable.assign(value)
        return time_first(k, outputs)
