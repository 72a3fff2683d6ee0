"""Layers that take strings or integers, and work on the host unless a tensor of the backend is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backends.beside import host_call, is_of_a_graph
from lamina.backends.sparse import sparse as as_sparse
from lamina.core.tensor import KerasTensor
from lamina.kernel import dtypes
from lamina.kernel.context import current, state
from lamina.kernel.shapes.spec import Spec
from lamina.kernel.tracebacks import folds_frames
from lamina.layers.preprocessing.base import Preprocessing, is_abstract, only_shapes, symbolic
from lamina.layers.preprocessing.streams import numbers
from lamina.layers.preprocessing.strings import Strings, is_strings, strings

# tuples: torch's compiler cannot follow unions of types
_SYMBOLIC = (KerasTensor, Spec)
_ARRAYS = (np.ndarray, np.generic)


class OnHost(Preprocessing):
    """The base of layers for categories and texts.

    A subclass computes in `_of_strings`, `_of_numbers` (both on the host) and, if it can, in `_in_program`.
    """

    _convert_input_args = False
    sparse = False

    @folds_frames
    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = super().__call__(self._received(inputs), *args, **kwargs)
        if not self.sparse:
            return outputs
        if isinstance(outputs, KerasTensor):
            outputs.sparse = True
            return outputs
        return as_sparse(current(), outputs, type(self).__name__)

    def _received(self, inputs: Any) -> Any:
        return received(inputs, type(self).__name__)

    # -- shapes -------------------------------------------------------------------------------------------------------

    def _output_dtype(self) -> str:
        return self.compute_dtype

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output; None where only the data tells."""
        return tuple(input_shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        """The symbolic output."""
        self._takes(inputs.dtype)
        return symbolic(self.compute_output_shape(inputs.shape), self._output_dtype())

    def _takes(self, dtype: str) -> None:
        """That the layer takes values of this dtype."""

    # -- computing ----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, Strings):
            self._takes("string")
            return self._out(self._of_strings(inputs))
        if isinstance(inputs, np.ndarray):
            self._takes(inputs.dtype.name)
            return self._out(self._of_numbers(inputs))
        k = current()
        self._takes(k.dtype(inputs))
        if k.dtype(inputs) == "string":
            return self._strings_of_a_program(k, inputs)
        return self._in_program(k, inputs)

    def _strings_of_a_program(self, k: Any, inputs: Any) -> Any:
        """Strings while a program is built: only their shape is known, or Python is called from inside it."""
        shape = self.compute_output_shape(inputs.shape)
        if is_abstract(inputs):
            return only_shapes(shape, self._output_dtype())

        compute = lambda x: np.asarray(self._of_strings(strings(x, type(self).__name__)))
        return host_call(k, compute, [inputs], self._output_dtype(), shape)

    def _out(self, array: Any) -> Any:
        """A result of the host, where the backend's next layers find it."""
        k, dtype = current(), self._output_dtype()
        if dtype == "string" or (isinstance(array, k.Tensor) and k.dtype(array) == dtype):
            return array
        return k.asarray(array, dtype)

    def _host_dtype(self) -> np.dtype:
        """The dtype to compute in on the host: NumPy does not know the narrow floats."""
        name = self._output_dtype()
        return np.dtype(name if name in dtypes.IS_INTEGER or name == "float64" else "float32")

    def _of_strings(self, inputs: Strings) -> Any:
        raise TypeError(f"Layer {self.path!r} ({type(self).__name__}) takes numbers, got strings.")

    def _of_numbers(self, inputs: np.ndarray) -> Any:
        raise TypeError(f"Layer {self.path!r} ({type(self).__name__}) takes strings, got {inputs.dtype}.")

    def _in_program(self, k: Any, inputs: Any) -> Any:
        return self._out(self._of_numbers(k.to_numpy(inputs)))


def received(x: Any, where: str) -> Any:
    """Inputs as strings, arrays, or the tensors that they are."""
    if isinstance(x, _SYMBOLIC):
        return x
    k = state.kernel
    if k is not None and isinstance(x, k.Tensor) and not isinstance(x, _ARRAYS):
        return (
            strings(np.asarray(x), where)
            if k.dtype(x) == "string" and hasattr(x, "__array__") and _is_eager(x)
            else x
        )
    if not _is_eager(x):
        return x
    if is_strings(x):
        return strings(x, where)
    return numbers(x, where)


def _is_eager(x: Any) -> bool:
    """Whether x has values; a graph's tensor has a name for them only."""
    return not is_of_a_graph(x)


def integers(x: np.ndarray) -> np.ndarray:
    """Whole numbers; floats lose their fraction."""
    return x if x.dtype.kind in "iu" else x.astype(np.int64)


def whole(k: Any, x: Any) -> Any:
    """The same of a tensor."""
    return x if k.dtype(x) in dtypes.IS_INTEGER else k.astype(x, "int64")
