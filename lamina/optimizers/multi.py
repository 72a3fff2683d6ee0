"""Different optimizers for different variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from lamina.core.codec import deserialize, serialize
from lamina.core.pattern_map import PatternMap
from lamina.core.variable import Variable
from lamina.kernel.contract import Kernel
from lamina.optimizers.base import Optimizer
from lamina.optimizers.loss_scale import LossScaleOptimizer


class OptimizerMap(PatternMap):
    """Optimizers by the path of a variable: exact paths, or regular expressions that match all of one.

    Args:
        default_optimizer: The optimizer of variables that nothing matches.
        optimizer_map: Path or expression -> optimizer.

    Raises:
        TypeError: if something is not an optimizer.

    Example:
        >>> import lamina
        >>> m = lamina.optimizers.OptimizerMap(lamina.optimizers.SGD(), {"encoder/.*": lamina.optimizers.Adam()})
        >>> type(m["encoder/kernel"]).__name__, type(m["decoder/kernel"]).__name__
        ('Adam', 'SGD')
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None
    ) -> None:
        self._default = self.checked(default_optimizer)
        self._entries = {key: self.checked(value) for key, value in (optimizer_map or {}).items()}

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable, by its path."""
        return self[variable.path]

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of variables that nothing matches."""
        return self._default

    def fallback(self) -> Optimizer:
        return self._default

    def checked(self, value: Any) -> Optimizer:
        if not isinstance(value, Optimizer):
            raise TypeError(f"An OptimizerMap holds optimizers, got {value!r}.")
        return value

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal map."""
        return {
            "default_optimizer": serialize(self._default),
            "optimizer_map": {key: serialize(value) for key, value in self._entries.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """A map from `get_config`."""
        return cls(**deserialize(config, custom_objects))


class MultiOptimizer(Optimizer):
    """Different optimizers for different variables.

    Args:
        optimizer_map: An OptimizerMap, or a function that gives the optimizer of a variable.
        loss_scale_factor: What the loss is multiplied by, and all gradients divided by.
        name: A name.

    Raises:
        TypeError: if `optimizer_map` is neither.
        ValueError: if an optimizer has a loss scale of its own, or is a LossScaleOptimizer.

    Example:
        >>> import lamina
        >>> optimizer = lamina.optimizers.MultiOptimizer(
        ...     lambda v: lamina.optimizers.SGD(0.5) if v.name == "slow" else lamina.optimizers.SGD(1.0)
        ... )
        >>> slow, fast = lamina.Variable([1.0], name="slow"), lamina.Variable([1.0], name="fast")
        >>> optimizer.apply([lamina.ops.array([1.0])] * 2, [slow, fast])
        >>> float(slow.numpy()[0]), float(fast.numpy()[0])
        (0.5, 0.0)
    """

    loss_scale_factor: float | None = None

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(optimizer_map, OptimizerMap) and (
            not callable(optimizer_map) or isinstance(optimizer_map, Optimizer)
        ):
            raise TypeError(f"`optimizer_map` must be an OptimizerMap or a function, got {optimizer_map!r}.")
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self.optimizer_map = optimizer_map
        self._of: dict[int, Optimizer] = {}  # id of a variable -> its optimizer
        self._optimizers: list[Optimizer] = []
        if isinstance(optimizer_map, OptimizerMap):
            self._take([*optimizer_map.values(), optimizer_map.default_optimizer])

    def _take(self, optimizers: Iterable[Optimizer]) -> None:
        for optimizer in optimizers:
            # it would divide gradients of a loss that nothing multiplied
            if isinstance(optimizer, LossScaleOptimizer):
                raise ValueError(
                    f"{optimizer.name!r} is a LossScaleOptimizer, which cannot stand inside a MultiOptimizer: write "
                    "LossScaleOptimizer(MultiOptimizer(...))."
                )
            if optimizer.loss_scale_factor is not None:
                raise ValueError(f"Set `loss_scale_factor` on the MultiOptimizer, not on {optimizer.name!r}.")
            if all(optimizer is not known for known in self._optimizers):
                self._optimizers = [*self._optimizers, optimizer]

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers; with a function, those that `build` got from it."""
        return self._optimizers[:]

    @property
    def variables(self) -> list[Variable]:
        """Its own state, then that of each optimizer."""
        return [*self._variables, *(v for optimizer in self._optimizers for v in optimizer.variables)]

    @property
    def learning_rate(self) -> Any:
        """There is none: each optimizer has its own."""
        raise AttributeError("A MultiOptimizer has no learning rate: see those of its `optimizers`.")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError("A MultiOptimizer has no learning rate: set those of its `optimizers`.")

    def build(self, variables: Iterable[Variable]) -> None:
        if self.built:
            return
        variables = list(variables)
        found = self.optimizer_map
        for variable in variables:
            self._of[id(variable)] = (
                found[variable.path] if isinstance(found, OptimizerMap) else found(variable)
            )
        self._take(self._of[id(v)] for v in variables)
        for optimizer in self._optimizers:
            optimizer.build([v for v in variables if self._of[id(v)] is optimizer])
        self._trainable_variables = variables
        self._index = {id(v): i for i, v in enumerate(variables)}
        self.built = True

    def _update(self, k: Kernel, grads: list[Any], variables: list[Variable]) -> None:
        for optimizer in self._optimizers:
            mine = [i for i, v in enumerate(variables) if self._of[id(v)] is optimizer]
            if mine:
                optimizer.apply([grads[i] for i in mine], [variables[i] for i in mine])

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_of": [self._of[id(v)] for v in self._trainable_variables]}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        super().__setstate__(kept)
        self._of = {id(v): o for v, o in zip(self._trainable_variables, kept["_of"], strict=True)}

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Not to be called: the rate is that of the variable's own optimizer."""
        raise NotImplementedError("Call `apply`: the step of a variable is made by its own optimizer.")

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        variables, found = list(var_list or ()), list(var_names or ())
        for optimizer in self._optimizers:
            optimizer.exclude_from_weight_decay(variables, found)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        variables: Sequence[Variable] = list(var_list)
        for optimizer in self._optimizers:
            optimizer.finalize_variable_values([v for v in variables if self._of.get(id(v)) is optimizer])
