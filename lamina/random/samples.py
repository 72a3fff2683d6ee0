"""Draws that belong to a sample of a data set."""

from lamina.core.sample import for_sample as for_sample

__all__ = ["for_sample"]
