"""The learned scale and offset of normalizations."""

from __future__ import annotations

from typing import Any

from lamina import constraints, initializers, regularizers
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer


class ScaledAndShifted(Layer):
    """What batch, layer and group normalization share: gamma and beta and their arguments."""

    gamma: Any = None
    beta: Any = None

    def __init__(
        self, epsilon: float, center: bool, scale: bool, beta_initializer: Any, gamma_initializer: Any,
        beta_regularizer: Any, gamma_regularizer: Any, beta_constraint: Any, gamma_constraint: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.input_spec = InputSpec(min_ndim=1)
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def _add_factors(self, shape: tuple, autocast: bool = True) -> None:
        """Make gamma and beta; without `autocast` they stay in their own dtype in half precision."""
        if None in shape:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) normalizes over an unknown size: {shape}."
            )
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, name="gamma", autocast=autocast,
                regularizer=self.gamma_regularizer, constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, name="beta", autocast=autocast,
                regularizer=self.beta_regularizer, constraint=self.beta_constraint,
            )  # fmt: skip
