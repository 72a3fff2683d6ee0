"""Input: where a functional model begins."""

from __future__ import annotations

from typing import Any

from lamina.backends.sparse import require
from lamina.core.layer import Layer
from lamina.core.operation import Node
from lamina.core.tensor import KerasTensor, standardize_shape
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.kernel.tracebacks import folds_frames


class InputLayer(Layer):
    """The beginning of a graph: one symbolic tensor.

    Args:
        shape: The shape without the batch axis.
        batch_size: The size of the batch axis; None when unknown.
        dtype: A dtype name; the default float by default.
        sparse: Whether sparse tensors are fed (of jax, TensorFlow or SciPy); they become dense batch by batch.
        ragged: Not supported: pad the rows, and mask what was added.
        batch_shape: The whole shape, instead of `shape` and `batch_size`.
        input_tensor: A symbolic tensor to use.
        optional: Whether None may be fed.
        name: A name, by which data is fed when inputs come as a dict.

    Example:
        >>> import lamina
        >>> lamina.layers.InputLayer(shape=(3,), name="x").output.shape
        (None, 3)
    """

    batch_shape: tuple[int | None, ...] = ()

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        shape = kwargs.pop("input_shape", shape)
        super().__init__(name=name, **kwargs)
        if ragged:
            raise ValueError(
                f"Input {self.name!r}: `ragged=True` is not supported. Pad the rows, and mask what was added."
            )
        if sparse:
            require(current(), f"Input {self.name!r}")
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise ValueError(f"`input_tensor` must be a symbolic tensor, got {input_tensor!r:.80}.")
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        elif shape is not None and batch_shape is not None:
            raise ValueError(f"Input {self.name!r}: give `shape` or `batch_shape`, not both.")
        elif batch_size is not None and batch_shape is not None:
            raise ValueError(f"Input {self.name!r}: give `batch_size` or `batch_shape`, not both.")
        elif shape is None and batch_shape is None:
            raise ValueError(
                f"Input {self.name!r}: `shape` is missing. Give the shape without the batch axis: Input((28, 28, 1))."
            )
        if batch_shape is None:
            batch_shape = (batch_size, *standardize_shape(shape))
        self.batch_shape = standardize_shape(batch_shape)
        self._dtype = dtypes.standardize(dtype)
        self.optional = optional
        self.sparse, self.ragged = bool(sparse), False
        self.built = True
        x = input_tensor or KerasTensor(self.batch_shape, self._dtype, sparse=self.sparse, name=self.name)
        Node(self, (), {}, x, is_input=True)

    @property
    def dtype(self) -> str:
        """The dtype of the tensor."""
        return self._dtype

    def call(self) -> None:
        """An input gives its tensor when it is made; it is not called."""
        raise NotImplementedError("An InputLayer is not called: use its `output`.")

    def get_build_config(self) -> None:
        """Nothing: an input has no weights."""
        return

    def get_config(self) -> dict[str, Any]:
        """The shape, dtype and name."""
        return {
            "batch_shape": list(self.batch_shape), "dtype": self._dtype, "sparse": self.sparse, "ragged": False,
            "name": self.name, "optional": self.optional,
        }  # fmt: skip


@folds_frames
def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Any:
    """A symbolic tensor, the beginning of a functional model.

    Args:
        shape: The shape without the batch axis; None for unknown sizes.
        batch_size: The size of the batch axis; None when unknown.
        dtype: A dtype name; the default float by default.
        sparse: Whether sparse tensors are fed (of jax, TensorFlow or SciPy); they become dense batch by batch.
        ragged: Not supported: pad the rows, and mask what was added.
        batch_shape: The whole shape, instead of `shape` and `batch_size`.
        name: A name, by which data is fed when inputs come as a dict.
        tensor: A symbolic tensor to use.
        optional: Whether None may be fed.

    Returns:
        A KerasTensor.

    Raises:
        ValueError: if no shape is given, or both forms of it; for `ragged`; for `sparse` where the backend has no such
            tensors.

    Example:
        >>> import lamina
        >>> x = lamina.Input((28, 28, 1))
        >>> x.shape
        (None, 28, 28, 1)
    """
    layer = InputLayer(
        shape=shape, batch_size=batch_size, dtype=dtype, sparse=sparse, ragged=ragged, batch_shape=batch_shape,
        input_tensor=tensor, optional=optional, name=name,
    )  # fmt: skip
    return layer.output
