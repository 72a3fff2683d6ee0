"""Settings of the process: the default float, epsilon, image layout, backend."""

from __future__ import annotations

from typing import Any

_settings: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "dtype_policy": None,
    "interactive_logging": True,
    "traceback_filtering": True,
    "flash_attention": None,
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


def floatx() -> str:
    """The default float dtype, as a name.

    Returns:
        "float32" unless changed.

    Example:
        >>> import lamina
        >>> lamina.config.floatx()
        'float32'
    """
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float dtype.

    Args:
        value: "bfloat16", "float16", "float32" or "float64".

    Raises:
        ValueError: for any other name.
    """
    accepted = ("bfloat16", "float16", "float32", "float64")
    if value not in accepted:
        raise ValueError(f"Unknown floatx: {value!r}. Use one of {', '.join(accepted)}.")
    _settings["floatx"] = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite.

    Returns:
        1e-7 unless changed.
    """
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the small number that keeps divisions and logarithms finite.

    Args:
        value: A positive number.
    """
    _settings["epsilon"] = value


def image_data_format() -> str:
    """Where images keep their channels.

    Returns:
        "channels_last" unless changed.
    """
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set where images keep their channels.

    Args:
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: for anything else.
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown data format: {data_format!r}. Use 'channels_last' or 'channels_first'.")
    _settings["image_data_format"] = data_format


def standardize_data_format(data_format: str | None) -> str:
    """The given data format, checked, or the default for None."""
    if data_format is None:
        return _settings["image_data_format"]
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"Unknown data_format: {data_format!r}. Use 'channels_last', 'channels_first' or None (the default)."
        )
    return data_format


def backend() -> str:
    """The name of the backend in force.

    Returns:
        "jax", "torch", "tensorflow" or "numpy".
    """
    from lamina import backends
    from lamina.kernel.context import state

    kernel = state.kernel
    return kernel.name if kernel is not None and not kernel.abstract else backends.default_name()


def set_backend(backend: str) -> None:
    """Choose the backend for this process; variables move to it when they are next read.

    Args:
        backend: "jax", "torch", "tensorflow" or "numpy".

    Raises:
        ValueError: if there is no such backend.
        BackendError: if its framework is not installed.
    """
    from lamina import backends
    from lamina.kernel import context

    context.use(backends.load(backend))
