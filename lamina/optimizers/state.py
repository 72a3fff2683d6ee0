"""The state of an optimizer: its variables, in the order of files."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from lamina.core.tracking import Tracker, owned
from lamina.core.variable import Variable


class OptimizerState(Tracker):
    """What an optimizer keeps between its steps.

    A family names its state by `slot_groups`; a subclass of the user's overrides `build` and calls `add_variable`.
    Only what `add_variable` made is its own: the attributes of an optimizer also hold variables of the model.
    """

    _tracked_as = "optimizer"
    _finds = frozenset(("optimizer",))
    _wraps = False  # compilers follow plain lists of variables

    name: str
    use_ema: bool
    _variables: list[Variable]  # the tracker's list
    gradient_accumulation_steps: int | None

    def _begin(self) -> None:
        self.built = False
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}  # id of a trainable variable -> its place
        self._slots: list[list[Variable]] = []  # of each trainable variable, in the order of the rule
        self._averages: list[Variable] = []
        self._accumulators: list[Variable] = []
        self._undecayed: set[int] = set()
        self._undecayed_names: list[str] = []
        self._iterations = self.add_variable((), "zeros", "int32", "only_first_replica", name="iteration")

    @property
    def variables(self) -> list[Variable]:
        """All state, in the order of files: iteration, learning rate, then what `build` made."""
        return owned(self, "variable")[:]

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The names of the rule's state: groups are made one after the other, a group variable by variable."""
        return ()

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        """The state called `name` of one variable, or None if it needs none."""
        return self.add_variable_from_reference(variable, name)

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the state for these variables.

        Args:
            variables: The variables that gradients will be given for.
        """
        if self.built:
            return
        variables = list(variables)
        self._trainable_variables = variables
        self._index = {id(v): i for i, v in enumerate(variables)}
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulators = self.add_optimizer_variables(variables, "gradient_accumulator")
        self._slots = [[] for _ in variables]
        for group in self.slot_groups():
            for variable, slots in zip(variables, self._slots, strict=True):
                made = [self.make_slot(variable, name) for name in group]
                slots.extend(slot for slot in made if slot is not None)
        self.built = True

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Add state.

        Args:
            shape: The sizes.
            initializer: An initializer, or its name.
            dtype: A dtype name.
            aggregation: How replicas are combined.
            layout: How the value is spread over devices.
            name: A name.
        """
        variable = Variable(
            initializer,
            shape,
            dtype,
            trainable=False,
            autocast=False,
            aggregation=aggregation,
            layout=layout,
            name=name,
        )
        variable.path = f"{self.name}/{variable.name}"
        self._adopt(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Add state of the shape and dtype of a variable.

        Args:
            reference_variable: The variable it belongs to.
            name: A name; the variable's path comes in front.
            initializer: An initializer, or its name.
        """
        path = reference_variable.path.replace("/", "_")
        made = self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            layout=reference_variable.layout,
            name=f"{path}_{name}" if name else path,
        )
        made._follows = reference_variable
        return made

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Add state for each of these variables.

        Args:
            trainable_variables: The variables.
            name: A name, or several for as many lists.
            initializer: An initializer or its name; or as many as names.

        Returns:
            A list of variables; a tuple of lists for several names.
        """
        if isinstance(name, str):
            return [self.add_variable_from_reference(v, name, initializer) for v in trainable_variables]
        initializers = [initializer] * len(name) if isinstance(initializer, str) else initializer
        made: list[list[Variable]] = [[] for _ in name]
        for variable in trainable_variables:
            for out, each, first in zip(made, name, initializers, strict=True):
                out.append(self.add_variable_from_reference(variable, each, first))
        return tuple(made)

    def __getstate__(self) -> dict[str, Any]:
        # what is kept by `id` is kept by place instead: a copy has variables of its own
        kept = super().__getstate__()
        places = {id(v): i for i, v in enumerate(self._trainable_variables)}
        kept["_undecayed"] = {places[n] for n in self._undecayed if n in places}
        return kept

    def __setstate__(self, kept: dict[str, Any]) -> None:
        super().__setstate__(kept)
        self._index = {id(v): i for i, v in enumerate(self._trainable_variables)}
        self._undecayed = {id(self._trainable_variables[i]) for i in kept["_undecayed"]}

    def _get_variable_index(self, variable: Variable) -> int:
        return self._index[id(variable)]

    def assign(self, variable: Variable, value: Any) -> None:
        """Set a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign_sub(value)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all state.

        Args:
            weights: A value for each of `variables`.

        Raises:
            ValueError: if the optimizer is not built, or their number differs.
        """
        if not self.built:
            raise ValueError(f"Optimizer {self.name!r} has no state before `build(variables)`.")
        variables = self.variables
        if len(weights) != len(variables):
            raise ValueError(
                f"Optimizer {self.name!r} has {len(variables)} variables, got {len(weights)} weights."
            )
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Write the state into a mapping, under "0", "1", ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read the state from a mapping; one of another size is left alone, with a warning."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            warnings.warn(
                f"Optimizer {self.name!r} has {len(variables)} variables, what was saved has "
                f"{len(store.keys())}: its state was not loaded.",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(variables):
            variable.assign(store[str(i)])
