"""Python's operators on things that stand for a tensor: each is one public op."""

from __future__ import annotations

from typing import Any

from lamina import ops


def _forward(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        return getattr(ops, name)(self, other)

    return method


def _reflected(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        return getattr(ops, name)(other, self)

    return method


def _unary(name: str) -> Any:
    def method(self: Any) -> Any:
        return getattr(ops, name)(self)

    return method


class Arithmetic:
    """The operators of a tensor."""

    shape: Any
    dtype: Any

    __add__, __radd__ = _forward("add"), _reflected("add")
    __sub__, __rsub__ = _forward("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _forward("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _forward("true_divide"), _reflected("true_divide")
    __floordiv__, __rfloordiv__ = _forward("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _forward("mod"), _reflected("mod")
    __pow__, __rpow__ = _forward("power"), _reflected("power")
    __matmul__, __rmatmul__ = _forward("matmul"), _reflected("matmul")
    __and__, __rand__ = _forward("logical_and"), _reflected("logical_and")
    __or__, __ror__ = _forward("logical_or"), _reflected("logical_or")
    __xor__, __rxor__ = _forward("logical_xor"), _reflected("logical_xor")
    __lt__, __le__ = _forward("less"), _forward("less_equal")
    __gt__, __ge__ = _forward("greater"), _forward("greater_equal")
    __eq__: Any = _forward("equal")
    __ne__: Any = _forward("not_equal")
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("absolute"), _unary("logical_not")
    __hash__ = object.__hash__

    def __getitem__(self, key: Any) -> Any:
        return ops.get_item(self, key)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("A tensor without axes has no length.")
        if self.shape[0] is None:
            raise TypeError(f"The length of a tensor of shape {self.shape} is not known yet.")
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Any:
        """The tensor with its axes in reverse order."""
        return ops.transpose(self)

    def reshape(self, *newshape: Any) -> Any:
        """The same values in another shape, as `ops.reshape`."""
        return ops.reshape(self, newshape[0] if len(newshape) == 1 else newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """Without the axes of size 1, as `ops.squeeze`."""
        return ops.squeeze(self, axis)
