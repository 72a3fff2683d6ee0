"""Adam and its kin: running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import numpy as np

from lamina.core.variable import Variable
from lamina.kernel.contract import Fused, Kernel, Unfit
from lamina.ops.op import convert
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options, OtherOptions
from lamina.optimizers.signature import takes_options


def rest(share: float, dtype: str) -> float:
    """`1 - share` of the share as a float32 step rounds it: of 0.999 the two roundings are 1e-5 apart, which a bias amplifies."""
    return 1 - share if dtype == "float64" else float(np.float32(1) - np.float32(share))


class Adam(Optimizer):
    r"""Running means of the gradient and of its square, without their bias towards zero.

    `m <- beta_1 m + (1 - beta_1) g`, `v <- beta_2 v + (1 - beta_2) g^2`,
    `w <- w - rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)`.

    Args:
        learning_rate: A number, a schedule or a callable.
        beta_1: The share of the mean that stays.
        beta_2: The share of the mean of squares that stays.
        epsilon: A small number against division by zero (the paper's "epsilon hat").
        amsgrad: Whether to divide by the greatest `v` so far.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.Adam(0.1).apply([lamina.ops.array([5.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.9

    Reference:
        Kingma and Ba, 2015, Adam: A Method for Stochastic Optimization. Reddi et al., 2018, On the Convergence of
        Adam and Beyond.
    """

    fused = "adam"

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = (beta_1, beta_2, epsilon, amsgrad)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"), *((("velocity_hat",),) if self.amsgrad else ()))

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        return rate * k.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        m, v, *rest = slots
        m = m + (g - m) * (1 - self.beta_1)
        v = v + (k.square(g) - v) * (1 - self.beta_2)
        greatest = [k.maximum(v_hat, v) for v_hat in rest]  # of amsgrad
        size = greatest[0] if greatest else v
        return p - m * c / (k.sqrt(size) + self.epsilon), m, v, *greatest

    def run_fused(self, fused: Fused, p: Any, g: Any, slots: Any, c: Any) -> Unfit | None:
        """The rule on all parameters in place."""
        m, v, greatest = slots if self.amsgrad else (*slots, [])
        numbers = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return fused.adam(p, g, m, v, greatest, rate=c, **numbers)


class AdamW(Adam):
    """Adam, with weight decay apart from the gradient.

    Args:
        learning_rate: A number, a schedule or a callable.
        weight_decay: The share of a weight that is taken away at every update, times the learning rate.
        beta_1: The share of the mean that stays.
        beta_2: The share of the mean of squares that stays.
        epsilon: A small number against division by zero.
        amsgrad: Whether to divide by the greatest `v` so far.
        **options: See `Optimizer`.

    Raises:
        ValueError: without weight decay.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.AdamW(0.1, weight_decay=0.1).apply([lamina.ops.array([5.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.89

    Reference:
        Loshchilov and Hutter, 2019, Decoupled Weight Decay Regularization.
    """

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OtherOptions],
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW needs a `weight_decay`; for none use Adam.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )


class Adamax(Optimizer):
    r"""Adam with the greatest absolute gradient, fading, in place of the mean of squares.

    `m <- beta_1 m + (1 - beta_1) g`, `u <- max(beta_2 u, |g|)`, `w <- w - rate / (1 - beta_1^t) * m / (u + epsilon)`.

    Args:
        learning_rate: A number, a schedule or a callable.
        beta_1: The share of the mean that stays.
        beta_2: How much of the greatest gradient stays.
        epsilon: A small number against division by zero.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.Adamax(0.1).apply([lamina.ops.array([5.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.9

    Reference:
        Kingma and Ba, 2015, Adam: A Method for Stochastic Optimization, section 7.
    """

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "norm"),)

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        return rate / (1 - self.beta_1**step)

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        m, u = slots
        m = m + (g - m) * (1 - self.beta_1)
        u = k.maximum(u * self.beta_2, k.abs(g))
        return p - m * c / (u + self.epsilon), m, u


class Nadam(Optimizer):
    r"""Adam with Nesterov's look ahead.

    With `u_t = beta_1 (1 - 0.96^t / 2)`: `m` and `v` as in Adam, and
    `w <- w - rate * (u_{t+1} m / (1 - u_1 ... u_{t+1}) + (1 - u_t) g / (1 - u_1 ... u_t)) / (sqrt(v / (1 - beta_2^t))
    + epsilon)`.

    Args:
        learning_rate: A number, a schedule or a callable.
        beta_1: The share of the mean that stays.
        beta_2: The share of the mean of squares that stays.
        epsilon: A small number against division by zero.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.Nadam(0.1).apply([lamina.ops.array([5.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.894

    Reference:
        Dozat, 2016, Incorporating Nesterov Momentum into Adam.
    """

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def build(self, variables: Iterable[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._product = self.add_variable((), "ones", "float32", name="u_product")

    def update_all(self, k: Kernel, grads: list[Any], variables: list[Variable], rate: Any) -> None:
        step = k.astype(convert(k, self.iterations), "float32") + 1
        self._product.assign(self._product.value * self.beta_1 * self._fading(step))
        super().update_all(k, grads, variables, rate)

    def _fading(self, step: Any) -> Any:
        return 1 - 0.5 * 0.96**step

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        now, following = self.beta_1 * self._fading(step), self.beta_1 * self._fading(step + 1)
        product = k.astype(self._product.value, k.dtype(rate))
        bias = 1 - self.beta_2**step
        return rate, following, 1 - product * following, 1 - now, 1 - product, bias

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        m, v = slots
        rate, following, bias_of_m, now, bias_of_g, bias_of_v = c
        dtype = k.dtype(p)
        m = m + (g - m) * rest(self.beta_1, dtype)
        v = v + (k.square(g) - v) * rest(self.beta_2, dtype)
        ahead = m * following / bias_of_m + g * now / bias_of_g
        return p - ahead * rate / (k.sqrt(v / bias_of_v) + self.epsilon), m, v
