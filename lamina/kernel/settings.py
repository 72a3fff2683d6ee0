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
