"""The losses that `compile` was given, and whether labels fit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamina import losses, metrics, ops
from lamina.core.masks import get_mask
from lamina.kernel.context import current
from lamina.kernel.namespaces import is_ours
from lamina.kernel.shapes.spec import Unknown
from lamina.kernel.trees import leaves
from lamina.losses.loss import LossFunctionWrapper
from lamina.ops.checks import shown
from lamina.training.compile.outputs import Outputs, spread_weights


class CompileLoss:
    """The loss of all outputs: each output's own, weighted and summed.

    Args:
        loss: A loss, or a list or dict of losses for several outputs.
        loss_weights: The same with numbers.
        outputs: The model's outputs.
    """

    def __init__(self, loss: Any, loss_weights: Any, outputs: Outputs) -> None:
        self.outputs = outputs
        weights = outputs.paired(loss_weights, "`loss_weights`", spread=outputs.single)
        self.parts: list[_Part] = []
        for i, chosen in enumerate(_spread(loss, outputs, "`loss`")):
            for one, weight in _several(chosen, weights[i], outputs):
                if one is not None:
                    self.parts.append(_Part(i, as_loss(losses.get(one)), 1.0 if weight is None else weight))
                    self.parts[-1].name = _label(one, outputs.labels[i], outputs.short[i])
        # of each output how many classes its labels may name; 0 where they are not numbers of classes
        self.classes = [0] * len(outputs.names)
        self.trackers = (
            [metrics.Mean(name=f"{part.name}_loss") for part in self.parts] if len(self.parts) > 1 else []
        )

    @property
    def losses(self) -> list[Any]:
        """The (first) loss of each output, or None."""
        found: list[Any] = [None] * len(self.classes)
        for part in reversed(self.parts):
            found[part.output] = part.loss
        return found

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The weighted sum of the losses of a batch."""
        predictions = self.outputs.flat(y_pred)
        targets = self.outputs.paired(y, "The target `y`")
        weights = spread_weights(sample_weight, self.outputs)
        total: Any = None
        for n, part in enumerate(self.parts):
            i, one = part.output, part.loss
            if targets[i] is None:
                raise ValueError(
                    f"Output {self.outputs.names[i]!r} has a loss ({_name(one)}), but no target came for it in `y`. Give "
                    "labels: fit(x, y), and (x, y) as `validation_data`; a source of batches gives (x, y)."
                )
            check_target(targets[i], predictions[i], one, self.outputs.names[i])
            self.classes[i] = _classes_of(one, predictions[i]) or self.classes[i]  # of several losses one may
            try:
                value = one(targets[i], predictions[i], sample_weight=weights[i])
            except Exception as error:
                self._explain(error, one, i, targets[i], predictions[i])
                raise
            empty = tuple(getattr(value, "shape", ())) == (0,)
            if empty:  # of a batch without rows, whose total is a number too
                value = ops.sum(value)
            if self.trackers:
                self.trackers[n].update_state(value, sample_weight=_rows(predictions[i]))
            value = value if part.weight == 1.0 else value * part.weight
            total = value if total is None else total + value
        return total

    def _explain(self, error: Exception, one: Any, i: int, y_true: Any, y_pred: Any) -> None:
        """Say which loss failed, on what, and how a loss of one's own is called."""
        shapes = [shown(tuple(getattr(y, "shape", ()))) for y in (y_true, y_pred)]
        own = not is_ours(getattr(one, "fn", one))
        error.add_note(
            f"In the loss {_name(one)!r} of output {self.outputs.names[i]!r}, called with y_true of shape {shapes[0]} and "
            f"y_pred of shape {shapes[1]}."
            + (
                " A loss is a function of (y_true, y_pred), written with lamina.ops, that returns a tensor."
                if own
                else ""
            )
        )


@dataclass(eq=False)
class _Part:
    """One loss of one output."""

    output: int
    loss: Any
    weight: Any
    name: str = ""


def _several(loss: Any, weight: Any, outputs: Outputs) -> list[tuple[Any, Any]]:
    """The losses of one output, of which there may be a list where the model has several outputs, with their weights."""
    if outputs.single or not isinstance(loss, list | tuple):
        return [(loss, weight)]
    weights = weight if isinstance(weight, list | tuple) else [weight] * len(loss)
    if len(weights) != len(loss):
        raise ValueError(f"`loss_weights` has {len(weights)} entries for an output with {len(loss)} losses.")
    return list(zip(loss, weights, strict=True))


def _label(given: Any, label: str, own: str | None) -> str:
    """The name of a loss in the logs: that of its output, or its own where outputs have no names."""
    if own is not None:
        return label
    found = losses.get(given) if isinstance(given, str) else given
    name = found.name if isinstance(found, losses.Loss) else given if isinstance(given, str) else _name(given)
    return f"{label}/{name}" if label else name


def _classes_of(loss: Any, y_pred: Any) -> int:
    """How many classes a loss of class numbers has; 0 for others, and where a mask says which labels count."""
    size = y_pred.shape[-1] if getattr(y_pred, "shape", ()) else None
    named = type(loss) is LossFunctionWrapper and loss.fn is losses.sparse_categorical_crossentropy
    sparse = named or type(loss) is losses.SparseCategoricalCrossentropy
    last = arguments_of(loss).get("axis", -1) == -1
    return size if sparse and last and type(size) is int and get_mask(y_pred) is None else 0


def arguments_of(loss: Any) -> dict[str, Any]:
    """What a loss passes to its function beside labels and predictions."""
    return getattr(loss, "_fn_kwargs", {})


def _rows(x: Any) -> Any:
    """How many rows a batch has: in a graph of TensorFlow only the run may know."""
    return current().shape(x)[0] if len(getattr(x, "shape", ())) else 1


def _name(loss: Any) -> str:
    return getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)


def as_loss(loss: Any) -> Any:
    """Plain functions of (y_true, y_pred) get the reduction and the weights of a Loss."""
    if loss is None or isinstance(loss, losses.Loss):
        return loss
    return LossFunctionWrapper(loss, name=getattr(loss, "__name__", "loss"))


def _spread(given: Any, outputs: Outputs, what: str) -> list[Any]:
    """One entry per output; a single entry for several outputs serves them all."""
    if isinstance(given, list | tuple | dict):
        if isinstance(given, dict) and "class_name" in given:
            return [given] * len(outputs.names)
        return outputs.paired(given, what, spread=True)
    return [given] * len(outputs.names)


_DENSE = {"categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence"}
_SPARSE = {"sparse_categorical_crossentropy"}


def takes_classes(loss: Any) -> bool:
    """Whether a loss, as `compile` got it, takes class numbers as targets."""
    only = next(leaves(loss), None) if isinstance(loss, list | tuple | dict) and len(loss) == 1 else loss
    found = losses.get(only) if isinstance(only, str) else only
    return _name(found) in _SPARSE or isinstance(found, losses.SparseCategoricalCrossentropy)


def check_target(y: Any, y_pred: Any, loss: Any, output: str) -> None:
    """That the labels of an output have a shape its loss can compare.

    Raises:
        ValueError: naming the output, both shapes, the loss, and the way out.
    """
    name = _name(loss)
    known = isinstance(loss, losses.Loss) and is_ours(loss)
    ys, ps = tuple(getattr(y, "shape", ())), tuple(getattr(y_pred, "shape", ()))
    if not known or not hasattr(y_pred, "shape"):
        return
    hint = _target_hint(name, ys, ps)
    if hint:
        raise ValueError(
            f"Output {output!r}: labels of shape {shown(ys)} do not fit predictions of shape {shown(ps)} for the loss "
            f"{name!r}. {hint}"
        )


def _target_hint(name: str, ys: tuple, ps: tuple) -> str:
    if name in _SPARSE:
        wanted = ps[:-1]
        squeezed = ys[:-1] if len(ys) == len(ps) and ys and ys[-1] == 1 else ys
        if len(squeezed) != len(wanted) or _differ(squeezed, wanted):
            one_hot = len(ys) == len(ps) and not _differ(ys, ps)
            return (
                "These labels look one-hot: use 'categorical_crossentropy'."
                if one_hot
                else f"This loss takes integer class numbers of shape {shown(wanted)}."
            )
        return ""
    if name in _DENSE and (len(ys) != len(ps) or _differ(ys[-1:], ps[-1:])):
        integers = len(ys) == len(ps) - 1 or (len(ys) == len(ps) and ys[-1] == 1)
        return (
            "These labels look like class numbers: use 'sparse_categorical_crossentropy', or one-hot labels "
            "(lamina.ops.one_hot)."
            if integers
            else f"This loss takes labels of shape {shown(ps)}."
        )
    close = (
        len(ys) == len(ps)
        or (len(ys) + 1 == len(ps) and ps[-1] == 1)
        or (len(ps) + 1 == len(ys) and ys[-1] == 1)
    )
    if (
        name in _ELEMENTWISE
        and ys
        and ps
        and (not close or (len(ys) == len(ps) and _differ(ys, ps, broadcast=True)))
    ):
        return f"This loss compares entry by entry: give labels of shape {shown(ps)}."
    return ""


_ELEMENTWISE = {
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "binary_crossentropy", "binary_focal_crossentropy", "huber_loss", "log_cosh", "hinge", "squared_hinge", "poisson",
}  # fmt: skip


def _differ(a: tuple, b: tuple, *, broadcast: bool = False) -> bool:
    loose = (1,) if broadcast else ()
    return any(
        n != m
        and n not in loose
        and m not in loose
        and Unknown not in (type(n), type(m))
        and None not in (n, m)
        for n, m in zip(a, b, strict=True)
    )
