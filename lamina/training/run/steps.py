"""What a step does, and how the model is built from a first batch before it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.core.transforms import value_and_grad
from lamina.kernel.context import state
from lamina.training.feed.batch import unpack_x_y_sample_weight
from lamina.training.run.on_shapes import build_on_shapes


def train(model: Any, data: Any) -> None:
    """One step of training: gradients, the optimizer's update, metrics."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)

    def forward() -> tuple[Any, Any]:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
        return model.optimizer.scale_loss(loss), (loss, y_pred)

    variables = model.trainable_variables
    (_, (loss, y_pred)), gradients = value_and_grad(forward, variables, has_aux=True)()
    if not variables:
        raise ValueError(f"Model {model.name!r} has no trainable weights, so there is nothing to train.")
    model.optimizer.apply(gradients, variables)
    model._track_loss(loss, x)
    model._update_metrics(y, y_pred, sample_weight)


def test(model: Any, data: Any) -> None:
    """One step of evaluation: the loss, where there is one, and metrics."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    y_pred = model(x, training=False)
    if model._model_state.loss_tracker is not None:
        model._track_loss(model.compute_loss(x, y, y_pred, sample_weight, training=False), x)
    model._update_metrics(y, y_pred, sample_weight)


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
    own = model._has_own("train_step" if training else "test_step")
    evaluate = _evaluate_if_it_can if own else _evaluate
    build_on_shapes(k, lambda batch: evaluate(model, batch), sample)
    if training and model.optimizer is not None:
        model.optimizer.build(model.trainable_variables)


def _evaluate(model: Any, batch: Any) -> None:
    x, y, sample_weight = unpack_x_y_sample_weight(batch)
    y_pred = model(x, training=False)
    if model._model_state.given.get("loss") is not None:
        model.compute_loss(x, y, y_pred, sample_weight)
    model._update_metrics(y, y_pred, sample_weight)


def _evaluate_if_it_can(model: Any, batch: Any) -> None:
    """A step of the user's own may use the batch in another way: it builds the rest by itself, then."""
    if not model._has_own("call"):
        return
    try:
        _evaluate(model, batch)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
        model._model_state.losses = model._model_state.metrics = None
