"""Recurrent layers for which frameworks have one kernel for all steps."""

from __future__ import annotations

from typing import Any

from lamina import activations
from lamina.kernel.context import current
from lamina.kernel.contract import Unfit
from lamina.layers.recurrent.cell import Cell
from lamina.layers.recurrent.rnn import UnitsRNN


class FusedRNN(UnitsRNN):
    """A layer that runs on a fused kernel where the interpreter has one and the call fits it.

    See `lstm` and `gru` of `lamina.kernel.contract.Fused`.
    """

    _native = ""  # the name there

    def __init__(self, use_cudnn: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if use_cudnn not in ("auto", True, False):
            raise ValueError(
                f"{type(self).__name__}: `use_cudnn` must be 'auto', True or False, got {use_cudnn!r}."
            )
        self.use_cudnn = use_cudnn

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> tuple:
        """Go over all steps, by a fused kernel or the loop of `RNN.inner_loop`."""
        found = self._fused(sequences, initial_state, mask, training)
        if isinstance(found, Unfit):
            if self.use_cudnn is True:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}): use_cudnn=True, but there is no fused kernel for "
                    f"this call: {found.reason}. Use use_cudnn='auto'."
                )
            return super().inner_loop(sequences, initial_state, mask, training=training)
        last, outputs, states = found
        return last, outputs if self.return_sequences else None, states

    def why_not_fused(self, sequences: Any, mask: Any = None, training: bool = False) -> str | None:
        """What keeps this call from running on a fused kernel.

        Args:
            sequences: Tensor (batch, steps, features).
            mask: A bool tensor (batch, steps), or None.
            training: Whether the layer is being trained.

        Returns:
            The reason, or None if it does run on one.

        Example:
            >>> import lamina
            >>> lamina.layers.LSTM(4, activation="relu").why_not_fused(lamina.ops.ones((2, 5, 3)))
            "its activations are not 'tanh' and 'sigmoid'"
        """
        if not self.built:
            self.build(tuple(sequences.shape))
        found = self._fused(sequences, self._first_states(sequences.shape[0], None), mask, training)
        return found.reason if isinstance(found, Unfit) else None

    def _fused(self, sequences: Any, states: list[Any], mask: Any, training: Any) -> Any:
        reason = self._unfit(training)
        if reason is not None:
            return Unfit(reason)
        k, cell = current(), self.cell
        if not k.fused.offers(self._native):
            return Unfit(f"the backend {k.name!r} has no fused {self._native.upper()}")
        masks = cell._input_masks(k.getitem(sequences, (slice(None), 0)), training)
        if masks is not None:
            sequences = sequences * k.expand_dims(masks[0], 1)
            cell.reset_dropout_mask()
        bias = None if cell.bias is None else cell.bias.value
        kernels = cell.kernel.value, cell.recurrent_kernel.value
        form = getattr(k.fused, self._native)
        how = {"backwards": self.go_backwards, "zero_masked": self.zero_output_for_mask}
        return form(sequences, states, *kernels, bias, mask, **how)

    def _unfit(self, training: Any) -> str | None:
        """What in the layer's own arguments no fused kernel does."""
        cell: Any = self.cell
        checks = [
            (self.use_cudnn is False, "use_cudnn=False"),
            (not isinstance(self.cell, Cell) or not self._is_split(), "its cell is not the built-in one"),
            (cell.activation is not activations.tanh or cell.recurrent_activation is not activations.sigmoid,
             "its activations are not 'tanh' and 'sigmoid'"),
            (self.unroll, "unroll=True asks for single steps"),
            (bool(training and cell.recurrent_dropout), "recurrent_dropout drops between the steps"),
        ]  # fmt: skip
        return next((reason for unfit, reason in checks if unfit), self._unfit_cell())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `use_cudnn`, which Keras leaves out, only where it says something."""
        config = super().get_config()
        return config if self.use_cudnn != "auto" else {k: v for k, v in config.items() if k != "use_cudnn"}

    def _unfit_cell(self) -> str | None:
        return None
