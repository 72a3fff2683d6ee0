"""What a step does, and how the model is built from a first batch before it is compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lamina.core.transforms import value_and_grad
from lamina.errors import ArgumentError
from lamina.kernel import dtypes
from lamina.kernel.context import state
from lamina.training.feed.batch import unpack_x_y_sample_weight
from lamina.training.run.on_shapes import build_on_shapes
from lamina.training.run.reader import to_device


def train(model: Any, data: Any) -> dict[str, Any] | None:
    """One step of training: gradients, the optimizer's update, metrics. Gives the logs where the model makes them itself."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)

    def forward() -> tuple[Any, Any]:
        y_pred = model(x, training=True)
        loss = compute_loss(model, x, y, y_pred, sample_weight, training=True)
        return model.optimizer.scale_loss(loss), (loss, y_pred)

    variables = model.trainable_variables
    if variables:
        (_, (loss, y_pred)), gradients = value_and_grad(forward, variables, has_aux=True)()
        if (norms := model._model_state.gradient_norms) is not None:
            norms.update(gradients, model.optimizer)
        model.optimizer.apply(gradients, variables)
    else:
        _, (loss, y_pred) = forward()
    model._track_loss(loss, x)
    return _metrics(model, x, y, y_pred, sample_weight)


def test(model: Any, data: Any) -> dict[str, Any] | None:
    """One step of evaluation: the loss, where there is one, and metrics."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    y_pred = model(x, training=False)
    if model._model_state.loss_tracker is not None:
        model._track_loss(compute_loss(model, x, y, y_pred, sample_weight, training=False), x)
    return _metrics(model, x, y, y_pred, sample_weight)


def _metrics(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any] | None:
    if model._has_own("compute_metrics"):
        return model.compute_metrics(x, y, y_pred, sample_weight)
    model._update_metrics(y, y_pred, sample_weight)
    return None


def compute_loss(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any, *, training: bool) -> Any:
    """The model's loss; a method of its own gets of Keras's arguments those that it takes."""
    given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight, "training": training}
    if model._has_own("compute_loss"):
        taken = _parameters(model.__dict__.get("compute_loss") or type(model).compute_loss)
        given = given if taken is None else {name: given[name] for name in given if name in taken}
    return model.compute_loss(**given)


@lru_cache(maxsize=256)
def _parameters(function: Any) -> frozenset[str] | None:
    """The names that a function takes; None for any."""
    found = inspect.signature(function).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found.values())
    return None if takes_any else frozenset(found)


def clearing(model: Any, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The step, leaving no losses of a trace behind."""

    def run(batch: Any) -> Any:
        try:
            return step(batch)
        finally:
            if state.scope is None:
                model._clear_losses()

    return run


# -- building from a first batch -----------------------------------------------------------------------------------------


def build(model: Any, k: Any, sample: Any, *, training: bool) -> None:
    """Build the model, losses, metrics and optimizer from the shapes of a batch, before anything is compiled.

    Errors in shapes come here, in Lamina's words and in microseconds.
    """
    kind = "train_step" if training else "test_step"
    own = model._has_own(kind)
    sample = sample[0] if len(sample) == 1 else sample  # what a source gave, for a step of the user's own
    evaluate = _evaluate_if_it_can if own else _evaluate
    build_on_shapes(k, lambda batch: evaluate(model, batch), sample)
    layers = list(model._flatten_layers())
    left = not own and not all(layer.built for layer in layers)
    if left and any(layer._layer_state.native for layer in layers):
        _call_on_numbers(
            model, k, sample
        )  # layers inside one whose `call` cannot do without; not those nobody calls
    if training and model.optimizer is not None:
        if not own:
            _check_trainable(model.trainable_variables)
        model.optimizer.build(model.trainable_variables)


def _check_trainable(variables: list[Any]) -> None:
    """That what is trained has a gradient.

    Raises:
        ValueError: naming a variable that has none.
    """
    for variable in variables:
        if variable.dtype not in dtypes.IS_INEXACT and not variable.overwrite_with_gradient:
            raise ArgumentError(
                f"Variable {variable.path!r} has dtype {variable.dtype}, which has no gradient, so it cannot be trained. Make it "
                "with trainable=False, or with a float dtype."
            )


def build_on_numbers(model: Any, k: Any, sample: Any) -> None:
    """Build a model that runs as it is written by one call, so that `call` sees numbers and never shapes alone."""
    if model.built:
        return
    layers_do_it = getattr(type(model).build, "usual", False)  # a `build` of the user's own comes first
    if layers_do_it:
        object.__setattr__(model, "built", True)
    try:
        _call_on_numbers(model, k, sample)
    except BaseException:
        if layers_do_it:
            object.__setattr__(model, "built", False)
        raise


def _call_on_numbers(model: Any, k: Any, sample: Any) -> None:
    x, _, _ = unpack_x_y_sample_weight(to_device(k, sample))
    model(x, training=False)


def _evaluate(model: Any, batch: Any) -> None:
    x, y, sample_weight = unpack_x_y_sample_weight(batch)
    y_pred = model(x, training=False)
    if model._model_state.given.get("loss") is not None:
        compute_loss(model, x, y, y_pred, sample_weight, training=True)
    _metrics(model, x, y, y_pred, sample_weight)


def _evaluate_if_it_can(model: Any, batch: Any) -> None:
    """A step of the user's own may use the batch in another way: it builds the rest by itself, then."""
    if not model._has_own("call"):
        return
    try:
        _evaluate(model, batch)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
        model._forget_outputs()
