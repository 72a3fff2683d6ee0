"""Metric: a number that follows a model over many batches; its state is Variables."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lamina import config, ops
from lamina.core import names, policy
from lamina.core.config import constructor
from lamina.core.stateless import in_stateless_scope, run_pure, value_of
from lamina.core.tracking import Tracker, owned
from lamina.core.variable import Variable
from lamina.kernel.tracebacks import folds_frames
from lamina.losses._prepare import without_defaults


class Metric(Tracker):
    """Base of all metrics: `update_state` takes in a batch, `result` says how things stand, `reset_state` forgets.

    State is made with `add_variable` in the constructor. `update_state` is written with `lamina.ops` on tensors and
    variables, and reads no numbers, so that it runs inside compiled steps. `merge_state` makes one of several.

    Args:
        dtype: The dtype, or dtype policy, of the state; None means the default float.
        name: A name; made from the class when None.

    Example:
        >>> import lamina
        >>> class Largest(lamina.metrics.Metric):
        ...     def __init__(self, name="largest", dtype=None):
        ...         super().__init__(dtype, name)
        ...         self.value = self.add_variable((), "zeros", name="value")
        ...     def update_state(self, values):
        ...         self.value.assign(lamina.ops.maximum(self.value, lamina.ops.max(values)))
        ...     def result(self):
        ...         return self.value.value
        >>> metric = Largest()
        >>> metric.update_state([1.0, 3.0])
        >>> float(metric(lamina.ops.array([2.0])))
        3.0
    """

    _finds = frozenset(("variable", "metric"))
    name: str = names.set_by_init()
    _tracked_as = "metric"  # layers find the metrics among their attributes
    _omitted: tuple[str, ...] = ()  # arguments that a config holds only where they are not the default
    _direction: str | None = (
        None  # "up" or "down": which way is better, for callbacks that choose the best epoch
    )

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or names.unique(names.to_snake_case(type(self).__name__))
        self._dtype_policy = policy.get(config.floatx() if dtype is None else dtype)

    @property
    def dtype(self) -> str:
        """The dtype of the state."""
        return self._dtype_policy.compute_dtype

    @property
    def _summed_in(self) -> str:
        """The dtype of sums whose differences matter: the metric's own, but no half and no integer."""
        return self.dtype if self.dtype in ("float32", "float64") else "float32"

    @property
    def _counted_in(self) -> str:
        """The dtype of counts: the default float, since half precision stops to count at 2048."""
        return config.floatx()

    @property
    def variables(self) -> list[Variable]:
        """The state: the metric's own variables, then those of the metrics it holds."""
        found: dict[int, Variable] = {}
        for part in self._parts():
            found.update((id(v), v) for v in ([part] if isinstance(part, Variable) else part.variables))
        return list(found.values())

    def _parts(self) -> list[Variable | Metric]:
        """The metric's own variables, then the metrics that it holds."""
        return [*owned(self, "variable"), *owned(self, "metric")]

    # -- state -----------------------------------------------------------------------------------------------------

    @folds_frames
    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A new variable of the state.

        Args:
            shape: Its shape.
            initializer: Its value at the start: an initializer or its name; None means zeros.
            dtype: Its dtype; the metric's when None.
            aggregation: How `merge_state` combines several: "sum", "mean", or "only_first_replica" (this one's).
            name: A name.

        Returns:
            The variable, not trainable.
        """
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        with names.name_scope(self.name.replace("/", "_") if isinstance(self.name, str) else self.name):
            variable = Variable(
                "zeros" if initializer is None else initializer,
                shape=shape,
                dtype=self.dtype if dtype is None else dtype,
                trainable=False,
                autocast=False,
                aggregation=aggregation,
                name=name,
            )
        self._adopt(variable)
        return variable

    @folds_frames
    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """The same as `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Set the state to zeros."""
        # zeros of the host: of its own, jax compiles a program for each shape
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, "float32"))

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take in a batch."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `update_state(self, ...)`, which takes in a batch."
        )

    @folds_frames
    def result(self) -> Any:
        """The metric as things stand: a scalar, a tensor, or a dict of them."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `result(self)`, which gives the metric's value."
        )

    def merge_state(self, metrics: Iterable[Metric]) -> None:
        """Take in the state of metrics made like this one, as if their batches had been given to it.

        So the metrics of parallel workers become one. Each variable is merged by its `aggregation`: "sum" (of metrics,
        the default) adds, "mean" averages over all metrics, others keep the value they have here. A metric whose
        state is merged in another way, such as a largest value, overrides this.

        Args:
            metrics: Metrics of the same class, made with the same arguments. They stay as they are.

        Raises:
            ValueError: if one is of another class, or its state has other shapes.

        Example:
            >>> import lamina
            >>> here, there = lamina.metrics.Mean(), lamina.metrics.Mean()
            >>> here.update_state([1.0, 2.0])
            >>> there.update_state([6.0])
            >>> here.merge_state([there])
            >>> float(here.result())
            3.0
        """
        others = list(metrics)
        for other in others:
            if type(other) is not type(self):
                raise ValueError(
                    f"{self!r} cannot take in the state of {other!r}: give metrics of the same class."
                )
            self._make_variables_of(other)
        for other in others:
            other._make_variables_of(self)
            self._check_state(other)
        for mine, *theirs in zip(self._parts(), *(other._parts() for other in others), strict=True):
            if isinstance(mine, Metric):
                mine.merge_state(theirs)
            else:
                mine.assign(_merged(mine, theirs))

    def _make_variables_of(self, other: Metric) -> None:
        """The variables, zero, that the other made at its first batch and this one has not made yet."""
        for name, value in other.__dict__.items():
            if isinstance(value, Variable) and getattr(self, name, None) is None:
                made = self.add_variable(value.shape, "zeros", value.dtype, value.aggregation, value.name)
                setattr(self, name, made)

    def _check_state(self, other: Metric) -> None:
        mine, theirs = ([(v.name, tuple(v.shape)) for v in m.variables] for m in (self, other))
        if mine != theirs:
            raise ValueError(
                f"{self!r} cannot take in the state of {other!r}: its variables are {theirs}, here they are {mine}. Make "
                "both with the same arguments."
            )

    # -- pure forms ------------------------------------------------------------------------------------------------

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """`update_state` as a function of the state.

        Args:
            metric_variables: The values of `variables`.
            *args, **kwargs: For `update_state`.

        Returns:
            The values of `variables` afterwards: more than before where the first batch makes variables of its size.

        Raises:
            ValueError: if the number of values is not that of `variables`.
        """
        values = self._as_many(metric_variables, "stateless_update_state")
        variables = self.variables
        _, after, scope = run_pure(lambda: self.update_state(*args, **kwargs), variables, values)
        known = {id(v): value for v, value in zip(variables, after, strict=True)}
        made = [
            v for v in self.variables if id(v) not in known
        ]  # by this batch: of its size, and zero before it
        known |= {id(v): scope.values.get(id(v), v) for v in made}
        return [value_of(known[id(v)]) for v in self.variables]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """`result` as a function of the state.

        Args:
            metric_variables: The values of `variables`.

        Returns:
            What `result` gives.

        Raises:
            ValueError: if the number of values is not that of `variables`.
        """
        return run_pure(self.result, self.variables, self._as_many(metric_variables, "stateless_result"))[0]

    def stateless_reset_state(self) -> list[Any]:
        """The values of `variables` after `reset_state`."""
        variables = self.variables
        return run_pure(self.reset_state, variables, [v.value for v in variables])[1]

    def _as_many(self, values: Sequence[Any], method: str) -> list[Any]:
        wanted = self.variables
        if len(values) != len(wanted):
            raise ValueError(
                f"{type(self).__name__}.{method}: `metric_variables` must hold one value for each of the {len(wanted)} "
                f"variables ({', '.join(v.path for v in wanted)}), got {len(values)}."
            )
        return list(values)

    @folds_frames
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in a batch; the metric as things stand then."""
        self.update_state(*args, **kwargs)
        return self.result()

    # -- config ----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in a form that JSON can hold."""
        written = super().get_config()
        parameters = constructor(type(self)).parameters
        open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        for name, value in (("name", self.name), ("dtype", self.dtype)):
            if open_ended or name in parameters:
                written[name] = value
        return without_defaults(self, written)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _merged(mine: Variable, theirs: Sequence[Variable]) -> Any:
    """The value that stands for several, by the variable's `aggregation`."""
    if mine.aggregation not in ("sum", "mean"):
        return mine.value
    # through the host, unless values are being traced: they may lie on several devices
    values = [v.value if in_stateless_scope() else ops.convert_to_tensor(v.numpy()) for v in (mine, *theirs)]
    total = functools.reduce(ops.add, values)
    return total if mine.aggregation == "sum" else ops.cast(total / len(values), mine.dtype)
