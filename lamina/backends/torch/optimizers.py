"""Optimizers on torch: one rule on lists of tensors by torch's `_foreach` functions, in place.

`Tensors` is a list that computes like one tensor, `ListKernel` the kernel language on it: a rule that is written for
one variable runs on all of them in as many launches as it has operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lamina.backends import torch as base

Scalar = float | Tensor


class Tensors:
    """A list of tensors that computes like one tensor."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Tensor]) -> None:
        self.items = list(items)

    def __add__(self, other: Any) -> Tensors:
        return Tensors(torch._foreach_add(self.items, _plain(other)))

    def __sub__(self, other: Any) -> Tensors:
        if isinstance(other, Tensor):  # torch has no difference of a list and a tensor
            return Tensors(torch._foreach_add(self.items, -other))
        return Tensors(torch._foreach_sub(self.items, _plain(other)))

    def __mul__(self, other: Any) -> Tensors:
        return Tensors(torch._foreach_mul(self.items, _plain(other)))

    def __truediv__(self, other: Any) -> Tensors:
        return Tensors(torch._foreach_div(self.items, _plain(other)))

    def __neg__(self) -> Tensors:
        return Tensors(torch._foreach_neg(self.items))

    def __rsub__(self, other: Scalar) -> Tensors:
        return -self + other

    def __rtruediv__(self, other: Scalar) -> Tensors:
        return Tensors(torch._foreach_reciprocal(self.items)) * other

    __radd__, __rmul__ = __add__, __mul__


def _plain(x: Any) -> Any:
    return x.items if isinstance(x, Tensors) else x


class ListKernel:
    """The kernel language on `Tensors`; what torch has no list form of is done tensor by tensor."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(base, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            lengths = {len(a.items) for a in args if isinstance(a, Tensors)}
            if not lengths:
                return function(*args, **kwargs)
            rows = [[a.items[i] if isinstance(a, Tensors) else a for a in args] for i in range(lengths.pop())]
            return Tensors([function(*row, **kwargs) for row in rows])

        return call

    def dtype(self, x: Any) -> str:
        return base.dtype(x.items[0] if isinstance(x, Tensors) else x)

    def square(self, x: Tensors) -> Tensors:
        return x * x

    def sqrt(self, x: Any) -> Any:
        return Tensors(torch._foreach_sqrt(x.items)) if isinstance(x, Tensors) else base.sqrt(x)

    def rsqrt(self, x: Any) -> Any:
        return Tensors(torch._foreach_rsqrt(x.items)) if isinstance(x, Tensors) else base.rsqrt(x)

    def abs(self, x: Tensors) -> Tensors:
        return Tensors(torch._foreach_abs(x.items))

    def sign(self, x: Tensors) -> Tensors:
        return Tensors(torch._foreach_sign(x.items))

    def pow(self, x: Any, exponent: Any) -> Any:
        listed = isinstance(x, Tensors) and isinstance(exponent, int | float)
        return (
            Tensors(torch._foreach_pow(x.items, exponent)) if listed else self.__getattr__("pow")(x, exponent)
        )

    def maximum(self, x: Any, other: Any) -> Any:
        listed = isinstance(x, Tensors) and not isinstance(other, Tensor)
        found = torch._foreach_maximum(x.items, _plain(other)) if listed else None
        return Tensors(found) if listed else self.__getattr__("maximum")(x, other)


class Lists:
    """What `lamina.optimizers.lists` calls."""

    kernel = ListKernel()

    @torch.no_grad()
    def change(self, rule: Any, state: Sequence[list[Tensor]], inputs: Sequence[Sequence[Tensor]]) -> None:
        """Write `rule(kernel, *state, *inputs)` over the state."""
        new = rule(self.kernel, *[Tensors(column) for column in (*state, *inputs)])
        for column, values in zip(state, new, strict=True):
            if values.items[0] is not column[0]:
                torch._foreach_copy_(column, values.items)

    @torch.no_grad()
    def map(self, rule: Any, inputs: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """`rule(kernel, *inputs)` in new memory."""
        return rule(self.kernel, *[Tensors(column) for column in inputs]).items


def global_norm(grads: Sequence[Tensor]) -> Tensor:
    """The norm of all gradients together; float32 at least."""
    norms = torch._foreach_norm(list(grads))
    return torch.linalg.vector_norm(torch.stack([n.float() if n.dtype.itemsize < 4 else n for n in norms]))


# -- the rules that are worth a form of their own: they touch each number once, or need no memory beside it ------------


@torch.no_grad()
def sgd(
    optimizer: Any, params: list[Tensor], grads: list[Tensor], slots: list[list[Tensor]], rate: Tensor
) -> None:
    steps = torch._foreach_mul(grads, rate)
    if slots:
        momentum = slots[0]
        torch._foreach_mul_(momentum, optimizer.momentum)
        torch._foreach_sub_(momentum, steps)
        if not optimizer.nesterov:
            torch._foreach_add_(params, momentum)
            return
        torch._foreach_add_(params, momentum, alpha=optimizer.momentum)
    torch._foreach_sub_(params, steps)


@torch.no_grad()
def adam(
    optimizer: Any, params: list[Tensor], grads: list[Tensor], slots: list[list[Tensor]], rate: Tensor
) -> None:
    greatest = slots[2] if optimizer.amsgrad else []
    if _one_device(params):
        # torch's own corrections of the bias vanish at an endless step: the rate has them already
        endless = [rate.new_full((), float("inf"), dtype=torch.float32)] * len(params)
        torch._fused_adam_(
            params, grads, slots[0], slots[1], greatest, endless, lr=rate, beta1=optimizer.beta_1,
            beta2=optimizer.beta_2, weight_decay=0.0, eps=optimizer.epsilon, amsgrad=optimizer.amsgrad, maximize=False,
        )  # fmt: skip
        return
    torch._foreach_lerp_(slots[0], grads, 1 - optimizer.beta_1)
    torch._foreach_mul_(slots[1], optimizer.beta_2)
    torch._foreach_addcmul_(slots[1], grads, grads, 1 - optimizer.beta_2)
    if optimizer.amsgrad:
        torch._foreach_maximum_(greatest, slots[1])
    sizes = torch._foreach_sqrt(greatest or slots[1])
    torch._foreach_add_(sizes, optimizer.epsilon)
    steps = torch._foreach_div(slots[0], sizes)
    torch._foreach_mul_(steps, rate)
    torch._foreach_sub_(params, steps)


def _one_device(params: list[Tensor]) -> bool:
    return len({p.device for p in params}) == 1


overrides: dict[str, Callable[..., Any] | Lists] = {
    "lists": Lists(),
    "optimizer/global_norm": global_norm,
    "optimizer/sgd": sgd,
    "optimizer/adam": adam,
}
