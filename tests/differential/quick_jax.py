"""jax that compiles nothing for the simple primitives: the cases of the explorer are small and each has shapes of its own.

Compiling takes nine tenths of the time that real Keras needs for a case. Here NumPy computes what it computes exactly
as IEEE says; what fails here goes to jax itself. A difference that is found is tried again with jax as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax import lax
from jax._src.core import ShapedArray
from jax._src.interpreters import pxla


def _same_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs, **_: np.asarray(function(*xs)).astype(xs[0].dtype, copy=False)


def _compare(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y, **_: np.asarray(function(x, y))


def _over_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axes, **_: np.asarray(function(x, axis=tuple(axes))).astype(x.dtype, copy=False)


def _convert(x: np.ndarray, new_dtype: Any, **_: Any) -> np.ndarray:
    if x.dtype.kind in "fV" and np.dtype(new_dtype).kind in "iu":
        raise ValueError("each framework has rules of its own for numbers that no integer holds")
    return x.astype(new_dtype)


def _broadcast(x: np.ndarray, shape: Any, broadcast_dimensions: Any, **_: Any) -> np.ndarray:
    sizes = [1] * len(shape)
    for axis, n in zip(broadcast_dimensions, x.shape, strict=True):
        sizes[axis] = n
    return np.broadcast_to(x.reshape(sizes), shape)


def _select(which: np.ndarray, *cases: np.ndarray, **_: Any) -> np.ndarray:
    if len(cases) != 2 or which.dtype != bool:
        raise ValueError("only two cases")
    return np.where(which, cases[1], cases[0])


def _dot(
    x: np.ndarray, y: np.ndarray, dimension_numbers: Any, preferred_element_type: Any = None, **_: Any
) -> Any:
    (cx, cy), (bx, by) = dimension_numbers
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    names_x = [next(letters) for _ in x.shape]
    names_y = [next(letters) for _ in y.shape]
    for i, j in zip((*bx, *cx), (*by, *cy), strict=True):
        names_y[j] = names_x[i]
    out = [names_x[i] for i in bx]
    out += [n for i, n in enumerate(names_x) if i not in (*bx, *cx)]
    out += [n for j, n in enumerate(names_y) if j not in (*by, *cy)]
    return np.einsum(f"{''.join(names_x)},{''.join(names_y)}->{''.join(out)}", x, y).astype(
        preferred_element_type or x.dtype
    )


def _pad(x: np.ndarray, value: np.ndarray, padding_config: Any, **_: Any) -> np.ndarray:
    if any(low < 0 or high < 0 or inner for low, high, inner in padding_config):
        raise ValueError("only what NumPy pads")
    return np.pad(x, [(low, high) for low, high, _ in padding_config], constant_values=value)


def _slice(x: np.ndarray, start_indices: Any, limit_indices: Any, strides: Any, **_: Any) -> np.ndarray:
    steps = strides or (1,) * x.ndim
    return x[tuple(slice(a, b, s) for a, b, s in zip(start_indices, limit_indices, steps, strict=True))]


def _iota(dtype: Any, shape: Any, dimension: int, **_: Any) -> np.ndarray:
    sizes = [n if i == dimension else 1 for i, n in enumerate(shape)]
    return np.broadcast_to(np.arange(shape[dimension], dtype=dtype).reshape(sizes), shape)


def _power(x: np.ndarray, y: int, **_: Any) -> np.ndarray:
    if x.dtype.kind in "iu" and y < 0:
        raise ValueError("no integer")
    return np.asarray(x**y).astype(x.dtype, copy=False)


def _divide(x: np.ndarray, y: np.ndarray, **_: Any) -> np.ndarray:
    if x.dtype.kind in "iub":
        raise ValueError("jax's own rules for division by 0")
    return np.asarray(x / y).astype(x.dtype, copy=False)


def _split(x: np.ndarray, sizes: Any, axis: int, **_: Any) -> list[np.ndarray]:
    return np.split(x, np.cumsum(sizes)[:-1], axis)


RULES: dict[str, Callable[..., Any]] = {
    "add_p": _same_dtype(np.add), "sub_p": _same_dtype(np.subtract), "mul_p": _same_dtype(np.multiply), "div_p": _divide,
    "neg_p": _same_dtype(np.negative), "abs_p": lambda x, **_: np.abs(x), "sign_p": _same_dtype(np.sign),
    "max_p": _same_dtype(np.maximum), "min_p": _same_dtype(np.minimum), "square_p": _same_dtype(np.square),
    "exp_p": _same_dtype(np.exp), "log_p": _same_dtype(np.log), "log1p_p": _same_dtype(np.log1p),
    "expm1_p": _same_dtype(np.expm1), "tanh_p": _same_dtype(np.tanh), "sqrt_p": _same_dtype(np.sqrt),
    "rsqrt_p": lambda x, **_: (1 / np.sqrt(x)).astype(x.dtype), "sin_p": _same_dtype(np.sin), "cos_p": _same_dtype(np.cos),
    "logistic_p": lambda x, **_: (1 / (1 + np.exp(-x))).astype(x.dtype), "floor_p": _same_dtype(np.floor),
    "ceil_p": _same_dtype(np.ceil), "is_finite_p": lambda x, **_: np.isfinite(x), "integer_pow_p": _power,
    "eq_p": _compare(np.equal), "ne_p": _compare(np.not_equal), "lt_p": _compare(np.less), "le_p": _compare(np.less_equal),
    "gt_p": _compare(np.greater), "ge_p": _compare(np.greater_equal), "and_p": _same_dtype(np.bitwise_and),
    "or_p": _same_dtype(np.bitwise_or), "xor_p": _same_dtype(np.bitwise_xor), "not_p": _same_dtype(np.invert),
    "select_n_p": _select, "clamp_p": lambda low, x, high, **_: np.minimum(np.maximum(x, low), high).astype(x.dtype),
    "convert_element_type_p": _convert, "broadcast_in_dim_p": _broadcast, "iota_p": _iota, "dot_general_p": _dot,
    "reshape_p": lambda x, new_sizes, **_: x.reshape(new_sizes), "transpose_p": lambda x, permutation: x.transpose(permutation),
    "squeeze_p": lambda x, dimensions, **_: x.squeeze(tuple(dimensions)), "rev_p": lambda x, dimensions: np.flip(x, dimensions),
    "concatenate_p": lambda *xs, dimension, **_: np.concatenate(xs, dimension), "pad_p": _pad, "slice_p": _slice,
    "split_p": _split, "reduce_sum_p": _over_axes(np.sum), "reduce_max_p": _over_axes(np.max), "reduce_min_p": _over_axes(np.min),
    "reduce_prod_p": _over_axes(np.prod), "reduce_and_p": _over_axes(np.all), "reduce_or_p": _over_axes(np.any),
    "copy_p": lambda x, **_: x, "stop_gradient_p": lambda x, **_: x,
}  # fmt: skip


def _weak(x: Any) -> bool:
    return isinstance(x, bool | int | float | complex) or bool(getattr(x, "weak_type", False))


def _tensor(x: np.ndarray, weak: bool) -> Any:
    """A tensor of jax; `device_put` is made for more and takes five times as long."""
    x = np.ascontiguousarray(x).reshape(x.shape)
    device = jax.devices()[0]
    aval = ShapedArray(x.shape, x.dtype, weak_type=weak)
    return pxla.batched_device_put(aval, jax.sharding.SingleDeviceSharding(device), [x], [device])


def _with_numpy(name: str, rule: Callable[..., Any], native: Callable[..., Any]) -> Callable[..., Any]:
    def impl(*args: Any, **params: Any) -> Any:
        try:
            with np.errstate(all="ignore"):
                found = rule(*map(np.asarray, args), **params)
        except Exception:  # jax has its own word on it
            return native(*args, **params)
        if name == "convert_element_type_p":
            weak = params["weak_type"]
        elif name == "select_n_p":
            weak = all(map(_weak, args[1:]))
        else:
            weak = bool(args) and all(map(_weak, args)) and name != "reduce_precision_p"
        if isinstance(found, list):
            return [_tensor(x, weak) for x in found]
        return _tensor(found, weak and found.dtype != bool)

    return impl


def _uniform(
    key: Any, shape: Any = (), dtype: Any = "float32", minval: Any = 0.0, maxval: Any = 1.0, **_: Any
) -> Any:
    drawn = np.random.default_rng(0).random(shape)
    return jax.device_put(np.asarray(drawn * (maxval - minval) + minval).astype(dtype))


def _normal(key: Any, shape: Any = (), dtype: Any = "float32", **_: Any) -> Any:
    return jax.device_put(np.asarray(np.random.default_rng(0).normal(size=shape)).astype(dtype))


def _truncated(key: Any, lower: Any, upper: Any, shape: Any = (), dtype: Any = "float32", **_: Any) -> Any:
    return jax.device_put(
        np.asarray(np.random.default_rng(0).normal(size=shape).clip(lower, upper)).astype(dtype)
    )


DRAWS = {"uniform": _uniform, "normal": _normal, "truncated_normal": _truncated}


@contextmanager
def quick() -> Iterator[None]:
    """Within it jax runs the simple primitives by NumPy, and draws (which nobody compares) are NumPy's."""
    primitives = {name: getattr(lax, name, None) for name in RULES}
    natives = {name: p.impl for name, p in primitives.items() if p is not None}
    draws = {name: getattr(jax.random, name) for name in DRAWS}
    for name, native in natives.items():
        primitives[name].impl = _with_numpy(name, RULES[name], native)
    for name, draw in DRAWS.items():
        setattr(jax.random, name, draw)
    try:
        with jax.disable_jit():
            yield
    finally:
        for name, native in natives.items():
            primitives[name].impl = native
        for name, draw in draws.items():
            setattr(jax.random, name, draw)
