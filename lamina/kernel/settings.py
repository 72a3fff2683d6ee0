"""The settings of the process as values; `lamina.config` is their public face."""

from __future__ import annotations

from typing import Any

SETTINGS: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "dtype_policy": None,
    "interactive_logging": True,
    "traceback_filtering": True,
    "flash_attention": None,
    "portable_random": False,
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


def floatx() -> str:
    """The default float dtype, as a name."""
    return SETTINGS["floatx"]


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite."""
    return SETTINGS["epsilon"]


def standardize_data_format(data_format: str | None) -> str:
    """The given data format, checked, or the default for None."""
    if data_format is None:
        return SETTINGS["image_data_format"]
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"Unknown data_format: {data_format!r}. Use 'channels_last', 'channels_first' or None (the default)."
        )
    return data_format
