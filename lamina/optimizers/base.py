"""Optimizer: everything around an update rule, composed once.

A family of optimizers is a pure rule on one variable; `Optimizer` adds to it schedules, clipping, weight decay, an
average of the weights, accumulation of gradients, loss scaling and constraints.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Self

from lamina.core import names
from lamina.core.codec import serialize
from lamina.core.config import constructor
from lamina.core.stateless import StatelessScope, value_of
from lamina.core.variable import Variable
from lamina.errors import ArgumentError, suggestion
from lamina.initializers.constant import Constant
from lamina.kernel.context import current, state
from lamina.kernel.contract import Fused, Kernel, Unfit
from lamina.kernel.tracebacks import folds_frames
from lamina.ops.op import convert
from lamina.optimizers import rates
from lamina.optimizers.around import Around, alike, is_multiple
from lamina.optimizers.branch import choose
from lamina.optimizers.lists import change
from lamina.optimizers.options import of_today


class Optimizer(Around):
    """Changes variables by their gradients.

    An optimizer of your own overrides `update_step(gradient, variable, learning_rate)`, and `build(variables)` if it
    keeps state. Everything else is composed around it, in this order: unscale, accumulate, clip, decay, update,
    average, constrain. A variable's attribute `learning_rate_multiplier`, if it has one, scales its rate.

    Args:
        learning_rate: A number, a schedule, or a callable without arguments (or of the number of updates).
        weight_decay: The share of a weight that is taken away at every update, times the learning rate.
        clipnorm: The greatest norm of one variable's gradient.
        clipvalue: The greatest absolute value in a gradient.
        global_clipnorm: The greatest norm of all gradients together.
        use_ema: Whether to keep a moving average of the weights, which they become at the end of `fit`.
        ema_momentum: The share of the average that stays at every update.
        ema_overwrite_frequency: After how many updates the weights become their averages.
        loss_scale_factor: What the loss is multiplied by (see `scale_loss`), and gradients divided by.
        gradient_accumulation_steps: How many calls make one update, by the mean of their gradients. Updates, not
            calls, are what schedules and averages count: the result is that of one larger batch.
        name: A name.

    Raises:
        ValueError: for a number out of its range, or more than one kind of clipping.

    Example:
        >>> import lamina
        >>> class SignDescent(lamina.optimizers.Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         self.assign_sub(variable, learning_rate * lamina.ops.sign(gradient))
        >>> weight = lamina.Variable([1.0, 2.0])
        >>> SignDescent(learning_rate=0.5).apply([lamina.ops.array([3.0, -3.0])], [weight])
        >>> weight.numpy().tolist()
        [0.5, 2.5]
    """

    fused: str | None = None  # the name in `Fused` of a form of the rule that an interpreter may have
    elementwise = True  # whether each number changes by itself, so that the rule may run on all at once

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        _refuse(type(self), kwargs)
        self.name = (
            names.check(name) if name is not None else names.unique(names.to_snake_case(type(self).__name__))
        )
        self.weight_decay, self.loss_scale_factor = weight_decay, loss_scale_factor
        self.clipnorm, self.clipvalue, self.global_clipnorm = (clipnorm, clipvalue, global_clipnorm)
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = (
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
        )
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_options()
        self._begin()
        self._learning_rate: Any = self._rate_of(learning_rate)

    def _check_options(self) -> None:
        given = {
            n: v for n in ("clipnorm", "clipvalue", "global_clipnorm") if (v := getattr(self, n)) is not None
        }
        if len(given) > 1:
            raise ValueError(f"Set one of `clipnorm`, `clipvalue` and `global_clipnorm`, got {given}.")
        decay = self.weight_decay
        if decay is not None and (isinstance(decay, str | list | tuple) or decay < 0):
            raise ValueError(f"`weight_decay` must be 0 or more, got {decay!r}.")
        for option, value in given.items():
            if isinstance(value, str | list | tuple) or value <= 0:
                raise ValueError(f"`{option}` must be positive, got {value!r}.")
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"`ema_momentum` must be from 0 to 1, got {self.ema_momentum!r}.")
        every = self.ema_overwrite_frequency
        if self.use_ema and every is not None and (not isinstance(every, int) or every < 1):
            raise ValueError(f"`ema_overwrite_frequency` must be a positive integer or None, got {every!r}.")
        steps = self.gradient_accumulation_steps
        if steps and (not isinstance(steps, int) or steps < 2):
            raise ValueError(
                f"`gradient_accumulation_steps` must be an integer of 2 or more, or None, got {steps!r}."
            )

    # -- the learning rate and the count of updates ------------------------------------------------------------------

    def _rate_of(self, rate: Any) -> Any:
        rate = rates.checked(rate)
        if rates.moves(rate):
            return rate
        return self.add_variable((), Constant(rate), "float32", "only_first_replica", name="learning_rate")

    @property
    def learning_rate(self) -> Any:
        """The rate as it is now: a Variable, or what the schedule or callable gives."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return rates.call(self._learning_rate, self.iterations)

    @learning_rate.setter
    @folds_frames
    def learning_rate(self, value: Any) -> None:
        if rates.moves(value):
            if isinstance(self._learning_rate, Variable):
                self._release(self._learning_rate)
            self._learning_rate = value
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(value)
        else:
            raise TypeError(
                f"Optimizer {self.name!r} was made with a schedule, so its learning rate cannot be set to {value!r}. "
                "Make it with a number, or set another schedule."
            )

    @property
    def iterations(self) -> Any:
        """How many updates were made (with accumulation, several calls make one)."""
        if self.gradient_accumulation_steps:
            k = current()
            count = self._iterations.value
            return k.floor_divide(count, k.full((), self.gradient_accumulation_steps, "int32"))
        return self._iterations

    # -- one call ----------------------------------------------------------------------------------------------------

    @folds_frames
    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """`apply` for pairs of (gradient, variable); gives the number of updates."""
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("apply_gradients needs one pair of gradient and variable at least.")
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    @folds_frames
    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Change variables by their gradients.

        Args:
            grads: A gradient, or None, for each variable.
            trainable_variables: The variables; by default those the optimizer was built for.

        Raises:
            ValueError: if there are no gradients, their number differs from that of the variables, or a variable is
                not one that the optimizer was built for.
        """
        grads = list(grads)
        if not grads:
            return
        variables = self._matching(grads, trainable_variables)
        try:
            self._apply(grads, variables)
        except Exception:
            _explain_shapes(grads, variables)
            raise

    def _apply(self, grads: list[Any], variables: list[Variable]) -> None:
        grads, variables = self._given_gradients(grads, variables)
        k = current()
        grads = [self._ready(k, g, v) for g, v in zip(grads, variables, strict=True)]
        if self.gradient_accumulation_steps and grads:
            self._accumulate(k, grads, variables)
        elif grads:
            self._update(k, grads, variables)
        self._iterations.assign(k.add(self._iterations.value, k.full((), 1, "int32")))

    def stateless_apply(
        self, optimizer_variables: Any, grads: Any, trainable_variables: Any
    ) -> tuple[list, list]:
        """`apply` as a pure function.

        Args:
            optimizer_variables: Values of `variables`.
            grads: A gradient for each variable.
            trainable_variables: Values of the variables that the optimizer was built for.

        Returns:
            The new values: (of the trainable variables, of the optimizer's).

        Raises:
            ValueError: if the optimizer is not built, or a number of values differs.
        """
        if not self.built:
            raise ValueError(f"Call `build(variables)` of optimizer {self.name!r} before `stateless_apply`.")
        own_variables = self.variables
        for what, got, own in (
            ("optimizer_variables", optimizer_variables, own_variables),
            ("trainable_variables", trainable_variables, self._trainable_variables),
        ):
            if len(got) != len(own):
                raise ValueError(
                    f"`{what}` must have {len(own)} values, one for each variable, got {len(got)}."
                )
        every = [*own_variables, *self._trainable_variables]
        mapping = zip(every, [*optimizer_variables, *trainable_variables], strict=True)
        with StatelessScope(state_mapping=mapping) as scope:
            self.apply(grads, self._trainable_variables)
        new = [scope.get_current_value(v) for v in every]
        return new[len(own_variables) :], new[: len(own_variables)]

    def _matching(self, grads: list[Any], variables: Sequence[Variable] | None) -> list[Variable]:
        if variables is None:
            if not self.built:
                raise ValueError(f"Give optimizer {self.name!r} the variables: `apply(grads, variables)`.")
            variables = self._trainable_variables
        variables = list(variables)
        if len(grads) != len(variables):
            raise ValueError(f"Got {len(grads)} gradients for {len(variables)} variables.")
        if not self.built:
            self.build(variables)
        for variable in variables:
            if id(variable) not in self._index:
                raise ValueError(
                    f"Optimizer {self.name!r} was not built for {variable.path!r}. It takes only the variables it was "
                    "built with: make a new optimizer, or call `build` with all variables first."
                )
        return variables

    def _given_gradients(
        self, grads: list[Any], variables: list[Variable]
    ) -> tuple[list[Any], list[Variable]]:
        """Without the variables that have no gradient, and those whose gradient is their new value."""
        missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
        if len(missing) == len(grads):
            raise ValueError(
                f"No gradients: the loss does not depend on any of the variables ({', '.join(missing[:5])}"
                f"{', ...' if len(missing) > 5 else ''}). Compute it from what the model gives, with lamina.ops."
            )
        if missing:
            warnings.warn(
                f"The loss does not depend on {', '.join(missing)}. If that is meant, set `trainable = False` there.",
                stacklevel=4,
            )
        kept = []
        for gradient, variable in zip(grads, variables, strict=True):
            if gradient is not None and variable.overwrite_with_gradient:
                self._overwrite(variable, gradient)
            elif gradient is not None:
                kept.append((gradient, variable))
        return [g for g, _ in kept], [v for _, v in kept]

    def _overwrite(self, variable: Variable, gradient: Any) -> None:
        """Assign a gradient that is the next value; while gradients are accumulated, at the update only."""
        if self.gradient_accumulation_steps:
            k = current()
            last = is_multiple(k, self._iterations.value + 1, self.gradient_accumulation_steps)
            gradient = convert(k, gradient, variable.dtype)
            gradient = k.where(last, gradient, variable.value)
        variable.assign(gradient)

    def _ready(self, k: Kernel, gradient: Any, variable: Variable) -> Any:
        gradient = convert(k, gradient, variable.dtype)
        return gradient / self.loss_scale_factor if self.loss_scale_factor is not None else gradient

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, to be differentiated in place of the loss."""
        return loss * self.loss_scale_factor if self.loss_scale_factor is not None else loss

    def _accumulate(self, k: Kernel, grads: list[Any], variables: list[Variable]) -> None:
        """Add to the sums of gradients, and update by their means at every last call."""
        steps = self.gradient_accumulation_steps
        sums = [self._accumulators[self._index[id(v)]] for v in variables]

        def update() -> None:
            self._update(k, [(s.value + g) / steps for s, g in zip(sums, grads, strict=True)], variables)
            for total in sums:
                total.assign(k.zeros(total.shape, total.dtype))

        def add() -> None:
            for total, gradient in zip(sums, grads, strict=True):
                total.assign(total.value + gradient)

        last = is_multiple(k, self._iterations.value + 1, steps)
        choose(k, last, update, add, [*self._variables, *self._trainable_variables])

    def _update(self, k: Kernel, grads: list[Any], variables: list[Variable]) -> None:
        grads = self._clip(k, grads)
        rate = convert(k, value_of(self.learning_rate), "float32")
        self._decay(k, variables, rate)
        self.update_all(k, grads, variables, rate)
        if self.use_ema:
            self._average(
                k, self._trainable_variables
            )  # also of those without a gradient: all become their averages
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))

    # -- the rule ----------------------------------------------------------------------------------------------------

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        """A scalar or a tuple: what the rule needs that is the same for all variables; `step` counts from 1."""
        return rate

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        """(the new parameter, the new state...) from a parameter, its gradient, the coefficients and the state."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `update_step(gradient, variable, learning_rate)`."
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Change one variable.

        Args:
            gradient: Its gradient.
            variable: The variable.
            learning_rate: The rate of this step.
        """
        k = current()
        c = self._coefficients(k, convert(k, value_of(learning_rate)), variable.dtype, 1.0)
        self._change(k, [variable], [convert(k, gradient, variable.dtype)], c)

    def update_all(self, k: Kernel, grads: list[Any], variables: list[Variable], rate: Any) -> None:
        """Change all variables: by `update_step` where a subclass defines it, else by the rule."""
        if type(self).update_step is not Optimizer.update_step:
            for gradient, variable in zip(grads, variables, strict=True):
                self.update_step(gradient, variable, rate)
            return
        for (dtype, multiplier), members in alike(variables).items():
            c = self._coefficients(k, rate, dtype, multiplier)
            self._change(k, [variables[i] for i in members], [grads[i] for i in members], c)

    def _coefficients(self, k: Kernel, rate: Any, dtype: str, multiplier: float) -> Any:
        wide = "float64" if dtype == "float64" else "float32"  # a beta of 0.999 is 1 in bfloat16
        rate = k.astype(rate, wide)
        step = k.astype(convert(k, value_of(self.iterations)), wide) + 1
        found = self.coefficients(k, rate * multiplier if multiplier != 1 else rate, step)
        return (
            tuple([k.astype(c, dtype) for c in found]) if isinstance(found, tuple) else k.astype(found, dtype)
        )

    def _change(self, k: Kernel, variables: list[Variable], grads: list[Any], c: Any) -> None:
        """Run the rule: in the backend's own form, on all variables at once, or one by one."""
        slots = [self._slots[self._index[id(v)]] for v in variables]
        if not self.elementwise:
            for variable, gradient, own in zip(variables, grads, slots, strict=True):
                new = self.rule(k, variable.value, gradient, c, *[s.value for s in own])
                for each, value in zip([variable, *own], new, strict=True):
                    each.assign(value)
            return
        columns = [list(column) for column in zip(*slots, strict=True)]
        if self._has_fused(k):
            p, *own = [[v.value for v in column] for column in (variables, *columns)]
            if not isinstance(self.run_fused(k.fused, p, grads, own, c), Unfit):
                return
        rule = lambda k, p, *rest: self.rule(k, p, rest[-1], c, *rest[:-1])
        change(k, rule, [variables, *columns], [grads])

    def run_fused(
        self, fused: Fused, p: list[Any], g: list[Any], slots: list[list[Any]], c: Any
    ) -> Unfit | None:
        """The rule on all parameters in place, by the form named in `fused`; or why that does not serve."""
        raise NotImplementedError(f"{type(self).__name__} names a fused form and must define `run_fused`.")

    def _has_fused(self, k: Kernel) -> bool:
        """Whether there is a form for this rule, which is still that of the family, and variables change in place."""
        if self.fused is None or state.scope is not None or not k.fused.offers(self.fused):
            return False
        family = next(cls for cls in type(self).__mro__ if "fused" in vars(cls))
        return type(self).rule is family.rule

    # -- config ------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer; the learning rate is the one in force."""
        config = super().get_config()
        if "name" in config:
            config["name"] = self.name
        if "learning_rate" in config:
            rate = self._learning_rate
            config["learning_rate"] = float(rate.numpy()) if isinstance(rate, Variable) else serialize(rate)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An optimizer from `get_config`, that of Keras 2 included."""
        return super().from_config(of_today(config, constructor(cls).parameters))


def _explain_shapes(grads: list[Any], variables: list[Variable]) -> None:
    """Say which gradient has another shape than its variable."""
    for gradient, variable in zip(grads, variables, strict=True):
        shape = getattr(gradient, "shape", None)
        if shape is not None and tuple(shape) != variable.shape and not variable.overwrite_with_gradient:
            raise ArgumentError(
                f"The gradient of {variable.path!r} has shape {tuple(shape)}, and the variable {variable.shape}: they must be "
                "equal. Check the order of gradients and variables."
            ) from None


def _refuse(cls: type, kwargs: dict[str, Any]) -> None:
    if not kwargs:
        return
    hints = {"lr": "learning_rate=...", "decay": "a schedule such as InverseTimeDecay as the learning rate"}
    told = "".join(f" In place of `{name}` use {hints[name]}." for name in kwargs if name in hints)
    known = [name for name in constructor(cls).parameters if name not in ("kwargs", "options")]
    hint = "" if told else suggestion(next(iter(kwargs)), known)
    raise ArgumentError(
        f"{cls.__name__} got unknown arguments: {', '.join(map(repr, kwargs))}.{told}{hint} It takes: {', '.join(known)}."
    )
