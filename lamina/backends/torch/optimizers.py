"""Optimizers on torch: one rule on lists of tensors by torch's `_foreach` functions, in place.

`Tensors` is a list that computes like one tensor, `ListKernel` the kernel language on it: a rule that is written for
one variable runs on all of them in as many launches as it has operations.
"""

# torch._foreach_* is how lists of tensors are updated at once, and not in its public list:
# pyright: reportPrivateImportUsage=false
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lamina.backends.torch import array, control, elementwise, linear, neural, reduction, shaping
from lamina.kernel.contract import Unfit

Scalar = float | Tensor
Column = Sequence[Tensor]  # one tensor per variable
Items = tuple[Tensor, ...] | list[Tensor]  # what torch takes as a list


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


# Where update rules find what they are written in; the backend itself is made of these and of this file.
_LANGUAGE = (array, elementwise, reduction, shaping, linear, neural, control)


class ListKernel:
    """The kernel language on `Tensors`; what torch has no list form of is done tensor by tensor."""

    def __getattr__(self, name: str) -> Any:
        function = next(getattr(part, name) for part in _LANGUAGE if hasattr(part, name))

        def call(*args: Any, **kwargs: Any) -> Any:
            lengths = {len(a.items) for a in args if isinstance(a, Tensors)}
            if not lengths:
                return function(*args, **kwargs)
            rows = [[a.items[i] if isinstance(a, Tensors) else a for a in args] for i in range(lengths.pop())]
            return Tensors([function(*row, **kwargs) for row in rows])

        return call

    def dtype(self, x: Any) -> str:
        return array.dtype(x.items[0] if isinstance(x, Tensors) else x)

    def square(self, x: Tensors) -> Tensors:
        return x * x

    def sqrt(self, x: Any) -> Any:
        return Tensors(torch._foreach_sqrt(x.items)) if isinstance(x, Tensors) else elementwise.sqrt(x)

    def rsqrt(self, x: Any) -> Any:
        return Tensors(torch._foreach_rsqrt(x.items)) if isinstance(x, Tensors) else elementwise.rsqrt(x)

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
        if isinstance(x, Tensors) and not isinstance(other, Tensor):
            return Tensors(torch._foreach_maximum(x.items, _plain(other)))
        return self.__getattr__("maximum")(x, other)


PORTION = 2**17  # numbers: on the CPU, those of all lists together stay in its cache


def _portions(columns: Sequence[Column]) -> Iterator[Sequence[Items]]:
    """The lists, on the CPU in pieces: small tensors together, large ones cut."""
    if torch.compiler.is_compiling() or columns[0][0].device.type != "cpu":
        yield [list(column) for column in columns]
        return
    held, batch = 0, []
    for row in zip(*columns, strict=True):
        if row[0].numel() > PORTION and all(x.is_contiguous() for x in row):
            yield from (
                [[piece] for piece in pieces] for pieces in zip(*[x.view(-1).split(PORTION) for x in row])
            )
            continue
        if held and held + row[0].numel() > PORTION:
            yield list(zip(*batch, strict=True))
            held, batch = 0, []
        held += row[0].numel()
        batch.append(row)
    if batch:
        yield list(zip(*batch, strict=True))


_kernel = ListKernel()


@torch.no_grad()
def foreach(rule: Any, columns: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """`rule(kernel, *columns)` in new memory."""
    return rule(_kernel, *[Tensors(column) for column in columns]).items


@torch.no_grad()
def foreach_in_place(
    rule: Any, state: Sequence[Sequence[Tensor]], inputs: Sequence[Sequence[Tensor]]
) -> None:
    """Write `rule(kernel, *state, *inputs)` over the state."""
    for columns in _portions([*state, *inputs]):
        new = rule(_kernel, *[Tensors(column) for column in columns])
        for column, values in zip(columns, new, strict=False):
            if values.items[0] is not column[0]:
                torch._foreach_copy_(column, values.items)


def global_norm(grads: Sequence[Tensor]) -> Tensor:
    """The norm of all gradients together; float32 at least."""
    norms = torch._foreach_norm(list(grads))
    return torch.linalg.vector_norm(torch.stack([n.float() if n.dtype.itemsize < 4 else n for n in norms]))


# -- the rules that are worth a form of their own: they touch each number once, or need no memory beside it ------------


@torch.no_grad()
def sgd(
    params: Column, grads: Column, momenta: Column, rate: Tensor, momentum: float, nesterov: bool
) -> None:
    for p, g, *state in _portions([params, grads, *([momenta] if momenta else [])]):
        if state:
            torch._foreach_mul_(state[0], momentum)
            _add(state[0], g, -rate)
            torch._foreach_add_(p, state[0], alpha=momentum if nesterov else 1)
        if not state or nesterov:
            _add(p, g, -rate)


def _add(xs: Items, ys: Items, rate: Tensor) -> None:
    """Add `rate * ys` to `xs`; on the CPU, where reading the rate waits for nothing, in one pass."""
    if rate.device.type == "cpu" and not torch.compiler.is_compiling():
        torch._foreach_add_(xs, ys, alpha=rate.item())
    else:
        torch._foreach_add_(xs, torch._foreach_mul(ys, rate))


@torch.no_grad()
def rmsprop(
    params: Column,
    grads: Column,
    velocities: Column,
    momenta: Column,
    means: Column,
    rate: Tensor,
    rho: float,
    momentum: float,
    epsilon: float,
) -> None:
    optional = [column for column in (momenta, means) if column]
    for p, g, v, *others in _portions([params, grads, velocities, *optional]):
        torch._foreach_mul_(v, rho)
        torch._foreach_addcmul_(v, g, g, 1 - rho)
        if means:
            torch._foreach_lerp_(others[-1], g, 1 - rho)
            sizes = torch._foreach_addcmul(v, others[-1], others[-1], -1)
            torch._foreach_add_(sizes, epsilon)
        else:
            sizes = torch._foreach_add(v, epsilon)
        torch._foreach_rsqrt_(sizes)
        torch._foreach_mul_(sizes, g)
        if momenta:
            torch._foreach_mul_(others[0], momentum)
            _add(others[0], sizes, rate)
            torch._foreach_sub_(p, others[0])
        else:
            _add(p, sizes, -rate)


@torch.no_grad()
def adam(
    p: Column,
    g: Column,
    m: Column,
    v: Column,
    greatest: Column,
    rate: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Unfit | None:
    if torch.compiler.is_compiling():
        return Unfit("the compiler fuses the rule itself")
    if max(beta_1, beta_2) >= 1:
        return Unfit("1 to an endless step is no correction that vanishes")
    # the fused form walks the memory of all of them alike, whatever their strides: the gradient that the native LSTM
    # gives its kernels is a transpose, and would be added to the wrong elements
    if not all(x.is_contiguous() for column in (p, m, v, greatest) for x in column):
        return Unfit("elements lie in another order")
    g = [x.contiguous() for x in g]
    # torch's own corrections of the bias vanish at an endless step: the rate has them already
    endless = [rate.new_full((), torch.inf, dtype=torch.float32)] * len(p)
    torch._fused_adam_(
        list(p), list(g), list(m), list(v), list(greatest), endless, lr=rate, beta1=beta_1, beta2=beta_2,
        weight_decay=0.0, eps=epsilon, amsgrad=bool(greatest), maximize=False,
    )  # fmt: skip
    return None
