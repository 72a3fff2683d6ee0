"""Names below `keras.src` that packages import: what does the same here, or an object that says so when it is used."""

from __future__ import annotations

import functools
import importlib
import unittest
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from lamina import ops
from lamina.core.graph import Function as Function
from lamina.core.masks import get_mask as get_keras_mask
from lamina.core.masks import set_mask as set_keras_mask
from lamina.core.names import name_scope as name_scope
from lamina.core.operation import Node as Node
from lamina.core.operation import Operation as Operation
from lamina.core.operation import infer_call, symbolic_leaves
from lamina.core.stateless import StatelessScope as StatelessScope
from lamina.core.stateless import in_stateless_scope as in_stateless_scope
from lamina.core.tensor import KerasTensor as KerasTensor
from lamina.core.tensor import standardize_shape as standardize_shape
from lamina.core.variable import Variable
from lamina.kernel.context import state
from lamina.kernel.dtypes import result_type as result_type
from lamina.layers.conv import BaseConv as BaseConv
from lamina.layers.global_pool import _Global as BaseGlobalPooling
from lamina.layers.merge import _Merge as Merge
from lamina.layers.pool import BasePooling as BasePooling
from lamina.layers.separable import BaseDepthwise as BaseDepthwiseConv
from lamina.layers.separable import BaseSeparable as BaseSeparableConv
from lamina.legacy.utils import conv_output_length
from lamina.training.trainer import Trainer as Trainer

__all__ = [
    "BaseConv", "BaseDepthwiseConv", "BaseGlobalPooling", "BasePooling", "BaseSeparableConv", "Function",
    "KerasTensor", "KerasVariable", "Merge", "Node", "Operation", "StatelessScope", "TestCase", "Trainer", "Variable",
    "any_symbolic_tensors", "class_weight_to_sample_weights", "compute_conv_output_shape", "compute_output_spec",
    "get_keras_mask", "get_stateless_scope", "in_grain_data_pipeline", "in_safe_mode", "in_stateless_scope", "in_tf_graph",
    "name_scope", "no_automatic_dependency_tracking", "result_type", "set_keras_mask",
    "standardize_shape",
]  # fmt: skip

KerasVariable = Variable


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The symbolic results of a function of symbolic tensors."""
    return infer_call(fn, args, kwargs)


def any_symbolic_tensors(args: Any = None, kwargs: Any = None) -> bool:
    """Whether a symbolic tensor is among the arguments."""
    return bool(symbolic_leaves((args or (), list((kwargs or {}).values()))))


def get_stateless_scope() -> Any:
    """The scope in which variables read their values, or None."""
    return state.scope


def in_safe_mode() -> bool:
    """Whether an object is being made from a config, when no path in it may be followed."""
    return state.sharing is not None


def in_grain_data_pipeline() -> bool:
    """Whether the caller runs inside a pipeline of grain's: Lamina's ops do not care."""
    return False


def in_tf_graph() -> bool:
    """Whether the caller runs inside a graph of TensorFlow's: Lamina's ops do not care."""
    return False


def no_automatic_dependency_tracking(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose new attributes are not tracked."""

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.__dict__["_track"] = lambda value: value
        try:
            return function(self, *args, **kwargs)
        finally:
            self.__dict__.pop("_track", None)

    return method


def class_weight_to_sample_weights(y: Any, class_weight: dict[int, float]) -> Any:
    """A weight per row, from those of the classes; 1 where there is none."""
    y = np.asarray(ops.convert_to_numpy(y))
    labels = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else np.rint(y.reshape(-1)).astype(int)
    return np.array([class_weight.get(int(label), 1.0) for label in labels], "float32")


def compute_conv_output_shape(
    input_shape: Any, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
    data_format: str = "channels_last", dilation_rate: Any = 1,
) -> tuple:  # fmt: skip
    """The shape of a convolution's output."""
    last = data_format == "channels_last"
    sizes = input_shape[1:-1] if last else input_shape[2:]
    wide = lambda n: (n,) * len(sizes) if isinstance(n, int) else tuple(n)
    places = zip(sizes, wide(kernel_size), wide(strides), wide(dilation_rate), strict=True)
    found = [conv_output_length(n, k, padding.lower(), s, d) for n, k, s, d in places]
    return (input_shape[0], *found, filters) if last else (input_shape[0], filters, *found)


class TestCase(unittest.TestCase):
    """A test case that compares tensors."""

    def assertAllClose(self, x1: Any, x2: Any, atol: float = 1e-6, rtol: float = 1e-6, msg: str = "") -> None:
        """That numbers are close."""
        x1, x2 = (np.asarray(ops.convert_to_numpy(x)) for x in (x1, x2))
        np.testing.assert_allclose(x1, x2, atol=atol, rtol=rtol, err_msg=msg)

    def assertAllEqual(self, x1: Any, x2: Any, msg: str = "") -> None:
        """That numbers are equal."""
        np.testing.assert_array_equal(*(np.asarray(ops.convert_to_numpy(x)) for x in (x1, x2)), err_msg=msg)


class _MissingType(type):
    """A class of Keras's own that Lamina does not have: it can be imported and asked about, not used."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _say(cls.__name__)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        _say(cls.__name__)


def _say(name: str) -> NoReturn:
    raise NotImplementedError(
        f"`{name}` is an internal name of Keras that Lamina, which stands in for it here, does not have."
    )


_MISSING = (
    "LossFunctionWrapper", "jax_draw_seed", "load_model_from_hdf5", "save_model_to_hdf5",
    "_analyze_quantization_info",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "LossFunctionWrapper":
        found = getattr(importlib.import_module("lamina.losses.classes"), name, None)
        if found is not None:
            return found
    if name in _MISSING:
        return _MissingType(name, (), {"__module__": "keras.src"})
    raise AttributeError(f"module 'keras.src' of Lamina has no name {name!r}.")
