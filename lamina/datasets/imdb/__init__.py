"""Film reviews, good and bad: 25,000 and 25,000 lists of word numbers."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
