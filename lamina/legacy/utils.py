"""`keras.utils`: names that Keras 3 has no more."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.utils import plot_model, to_categorical

__all__ = [
    "HDF5Matrix", "categorical_probas_to_classes", "conv_output_length", "convert_all_kernels_in_model",
    "convert_kernel", "multi_gpu_model", "plot", "print_summary", "probas_to_classes", "to_ordinal",
]  # fmt: skip


def probas_to_classes(y_pred: Any) -> Any:
    """Class numbers from probabilities."""
    return (
        categorical_probas_to_classes(y_pred)
        if y_pred.shape[-1] > 1
        else (y_pred > 0.5).astype("int32").ravel()
    )


def categorical_probas_to_classes(p: Any) -> Any:
    """The most likely class of each row."""
    return np.argmax(p, axis=1)


def to_ordinal(y: Any, num_classes: int | None = None, dtype: str = "float32") -> Any:
    """Rows of ones up to the class: class 2 of 4 is [1, 1, 0]."""
    classes = to_categorical(y, num_classes)
    return 1.0 - np.cumsum(classes, axis=-1)[..., :-1].astype(dtype)


def plot(model: Any, to_file: str = "model.png", **kwargs: Any) -> Any:
    """`plot_model` under its name in Keras 1."""
    return plot_model(model, to_file=to_file, **kwargs)


def print_summary(
    model: Any, line_length: int | None = None, positions: Any = None, print_fn: Any = None
) -> None:
    """`model.summary()` as a function."""
    model.summary(line_length=line_length, positions=positions, print_fn=print_fn)


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> Any:
    """The number of outputs of a convolution."""
    if input_length is None:
        return None
    span = (filter_size - 1) * dilation
    sizes = {"same": 0, "causal": 0, "valid": span, "full": -span}
    if padding not in sizes:
        raise ValueError(f"`padding` must be one of {', '.join(sizes)}, got {padding!r}.")
    return -(-(input_length - sizes[padding]) // stride)


def deconv_output_length(
    input_length: int | None, filter_size: int, padding: str, output_padding: int | None = None, stride: int = 0,
    dilation: int = 1,
) -> Any:  # fmt: skip
    """The number of outputs of a transposed convolution."""
    if input_length is None:
        return None
    span = (filter_size - 1) * dilation + 1
    if output_padding is None:
        sizes = {"same": 0, "valid": max(span - stride, 0), "full": -(stride + span - 2)}
        if padding not in sizes:
            raise ValueError(f"`padding` must be one of {', '.join(sizes)}, got {padding!r}.")
        return input_length * stride + sizes[padding]
    cut = {"same": span // 2, "valid": 0, "full": span - 1}[padding]
    return (input_length - 1) * stride + span - 2 * cut + output_padding


def convert_data_format(data_format: str, ndim: int) -> str:
    """ "channels_last" of so many axes in TensorFlow's letters: "NHWC"."""
    space = {3: "W", 4: "HW", 5: "DHW"}[ndim]
    return f"N{space}C" if data_format == "channels_last" else f"NC{space}"


def convert_kernel(kernel: Any) -> Any:
    """A kernel of Theano turned around, or back."""
    kernel = np.asarray(kernel)
    spatial = tuple(range(kernel.ndim - 2))
    return np.flip(kernel, spatial).copy()


def convert_all_kernels_in_model(model: Any) -> None:
    """Turn the kernels of all convolutions around, after loading weights that were made with Theano."""
    for layer in model.layers:
        if hasattr(layer, "kernel_size") and getattr(layer, "kernel", None) is not None:
            layer.kernel.assign(convert_kernel(layer.kernel.numpy()))


def multi_gpu_model(model: Any, gpus: Any = None, **_: Any) -> Any:
    """There is no such thing in Lamina.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "multi_gpu_model: several devices are not supported yet. Train `model` itself on one."
    )


class HDF5Matrix:
    """A stretch of a data set in an HDF5 file, read when its rows are asked for.

    Args:
        datapath: The file.
        dataset: The name of the data set in it.
        start, end: Which rows.
        normalizer: A function of what is read.
    """

    def __init__(
        self, datapath: Any, dataset: str, start: int = 0, end: int | None = None, normalizer: Any = None
    ) -> None:
        import h5py

        self.data: Any = h5py.File(datapath, "r")[dataset]
        self.start, self.end = start, len(self.data) if end is None else end
        self.normalizer = normalizer

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            found = self.data[self.start + first : self.start + last : step]
        else:
            rows = np.asarray(key)
            if rows.ndim == 0:
                found = self.data[self.start + int(rows)]
            else:  # HDF5 reads rows in ascending order only
                wanted, back = np.unique(rows, return_inverse=True)
                found = self.data[self.start + wanted][back]
        return self.normalizer(found) if self.normalizer else found

    @property
    def shape(self) -> tuple:
        """The shape of the stretch."""
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self) -> Any:
        """The dtype."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))
