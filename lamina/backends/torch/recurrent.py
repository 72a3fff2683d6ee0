"""torch's fused LSTM and GRU: one kernel for all steps, cuDNN's on a GPU.

Each takes the weights of Keras and gives (last output, outputs, last states), or says why it cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lamina.backends.torch._support import is_hidden
from lamina.kernel.contract import Unfit

Run = Callable[[Tensor, list[Tensor], Tensor | None], tuple[Tensor, list[Tensor]]]


def lstm(
    x: Tensor, states: list[Tensor], kernel: Tensor, recurrent: Tensor, bias: Tensor | None, mask: Tensor | None,
    backwards: bool, zero_masked: bool,
) -> Any:  # fmt: skip
    """`torch.lstm`; its gates stand in the order of Keras, and the second of its two biases is not needed."""
    biases = [] if bias is None else [bias, torch.zeros_like(bias)]
    weights = [kernel.t(), recurrent.t(), *biases]

    def run(x: Tensor, states: list[Tensor], sizes: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        outputs, *last = _call(torch.lstm, x, sizes, tuple(states), weights)
        return outputs, last

    return _over_time(run, x, states, mask, backwards, zero_masked)


def gru(
    x: Tensor, states: list[Tensor], kernel: Tensor, recurrent: Tensor, bias: Tensor | None, mask: Tensor | None,
    backwards: bool, zero_masked: bool,
) -> Any:  # fmt: skip
    """`torch.gru`; Keras has the gates as (update, reset, new), torch as (reset, update, new)."""
    biases = [] if bias is None else _reset_first(bias).unbind(0)
    weights = [_reset_first(kernel).t(), _reset_first(recurrent).t(), *biases]

    def run(x: Tensor, states: list[Tensor], sizes: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        outputs, last = _call(torch.gru, x, sizes, states[0], weights)
        return outputs, [last]

    return _over_time(run, x, states, mask, backwards, zero_masked)


def _reset_first(weight: Tensor) -> Tensor:
    update, reset, new = weight.chunk(3, -1)
    return torch.cat([reset, update, new], -1)


def _call(
    kernel: Callable[..., Any], x: Tensor, sizes: Tensor | None, states: Any, weights: list[Tensor]
) -> Any:
    # the training flag keeps what the gradient needs; dropout between layers, its other effect, is 0
    options = (weights, len(weights) == 4, 1, 0.0, torch.is_grad_enabled(), False)
    return kernel(x, states, *options, True) if sizes is None else kernel(x, sizes, states, *options)


def _over_time(
    run: Run, x: Tensor, states: list[Tensor], mask: Tensor | None, backwards: bool, zero_masked: bool
) -> Any:
    if x.dtype not in (torch.float32, torch.float64) and not x.is_cuda:
        return Unfit(f"on the CPU torch has no fused kernel for {x.dtype}")
    if is_hidden(x):
        return Unfit("a compiler or vmap traces the call, and cannot look into torch's kernel")
    states = [s[None] for s in states]
    if mask is not None:
        mask = mask.to(torch.bool)
        if not mask.all():
            return _over_masked(run, x, states, mask, backwards, zero_masked)
    outputs, last = run(x.flip(1) if backwards else x, states, None)
    return last[0][0], outputs, [s[0] for s in last]


def _over_masked(
    run: Run, x: Tensor, states: list[Tensor], mask: Tensor, backwards: bool, zero_masked: bool
) -> Any:
    """Rows of their own lengths, as torch packs them."""
    lengths, steps = mask.sum(1), mask.shape[1]
    place = torch.arange(steps, device=mask.device)
    if not torch.equal(mask, place < lengths[:, None]):
        return Unfit("the mask is not that of sequences padded at their end")
    if not lengths.all():
        return Unfit("a sequence is masked as a whole")
    if backwards:  # each row turned within its length: packing wants the padding behind
        x = _steps(x, torch.where(mask, lengths[:, None] - 1 - place, place))
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    data, last = run(packed.data, [s[:, packed.sorted_indices] for s in states], packed.batch_sizes)
    last = [s[0, packed.unsorted_indices] for s in last]
    outputs, _ = pad_packed_sequence(PackedSequence(data, *packed[1:]), batch_first=True, total_length=steps)
    before = last[0]  # what the loop gives at a masked step: the output of the step before
    if backwards:  # the loop meets the padding first
        outputs = _steps(outputs, (place - steps + lengths[:, None]).clamp(0))
        mask, before = mask.flip(1), states[0][0]
    outputs = torch.where(mask[:, :, None], outputs, 0.0 if zero_masked else before[:, None])
    return outputs[:, -1], outputs, last


def _steps(x: Tensor, positions: Tensor) -> Tensor:
    """The steps of x at these positions of each row."""
    return x.gather(1, positions[:, :, None].expand(-1, -1, x.shape[2]))
