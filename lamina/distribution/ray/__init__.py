"""Training in workers that Ray starts, on one machine or a cluster. Ray is an extra: `pip install lamina[ray]`."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
