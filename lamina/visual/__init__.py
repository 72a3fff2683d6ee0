"""Summaries, graph pictures, pages, and what a model costs."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
