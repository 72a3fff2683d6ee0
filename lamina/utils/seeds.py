"""What makes runs repeatable."""

from lamina.core.seeds import set_random_seed

__all__ = ["set_random_seed"]
