"""Settings under the names of `keras.utils`."""

from lamina.backend.names import clear_session, is_keras_tensor, standardize_dtype
from lamina.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)

__all__ = [
    "clear_session",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "standardize_dtype",
]
