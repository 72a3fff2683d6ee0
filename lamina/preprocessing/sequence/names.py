"""What `lamina.utils` has."""

from lamina.utils.numeric import pad_sequences

__all__ = ["pad_sequences"]
