"""Pictures of models, under the names of `keras.utils`."""

from lamina.visual.graph import model_to_dot, plot_model

__all__ = ["model_to_dot", "plot_model"]
