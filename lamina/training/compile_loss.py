"""What `compile` was given, paired with the outputs strictly by name: losses, their weights, metrics."""

from __future__ import annotations

import inspect
from typing import Any

from lamina import ops
from lamina.errors import suggestion
from lamina.kernel.trees import leaves
from lamina.ops.checks import shown


class Outputs:
    """The outputs of a model: their names, and how values in any accepted structure are put beside them.

    Args:
        structure: The model's predictions (tensors, or specs of them).
        names: The names of the outputs, where the model knows them; keys are names in a dict.
    """

    def __init__(self, structure: Any, names: list[str] | None) -> None:
        self.is_dict = isinstance(structure, dict)
        self.single = not isinstance(structure, list | tuple | dict)
        if self.is_dict:
            self.names = list(structure)
        elif self.single:
            self.names = [names[0] if names else "output"]
        else:
            count = len(list(leaves(structure)))
            self.names = (
                list(names) if names and len(names) == count else [f"output_{i}" for i in range(count)]
            )

    def flat(self, structure: Any) -> list[Any]:
        """The predictions in the order of the names."""
        if self.is_dict:
            return [structure[name] for name in self.names]
        return [structure] if self.single else list(leaves(structure))

    def paired(self, given: Any, what: str, *, missing: bool = True) -> list[Any]:
        """Values for the outputs, in the order of the names.

        Args:
            given: One value for a single output (also in a list), or a list in order, or a dict by name.
            what: What the values are, for errors.
            missing: Whether an output may go without (it gets None).

        Raises:
            ValueError: if the names or numbers do not match; both lists are printed.
        """
        if given is None:
            return [None] * len(self.names)
        if isinstance(given, dict):
            return self._by_name(given, what, missing)
        if self.single:
            return list(given) if isinstance(given, list | tuple) and len(given) == 1 else [given]
        if isinstance(given, list | tuple):
            if len(given) != len(self.names):
                raise ValueError(
                    f"{what} has {len(given)} entries, but the model has {len(self.names)} outputs: "
                    f"{', '.join(self.names)}. Give one per output, in that order, or a dict by name."
                )
            return list(given)
        raise ValueError(
            f"{what} is one value, but the model has {len(self.names)} outputs: {', '.join(self.names)}. Give a list "
            "in that order, or a dict by name."
        )

    def _by_name(self, given: dict, what: str, missing: bool) -> list[Any]:
        unknown = [k for k in given if k not in self.names]
        if self.single and len(given) == 1 and unknown:
            return list(given.values()) if self.names == ["output"] else self._raise(given, what, unknown)
        if unknown:
            self._raise(given, what, unknown)
        absent = [n for n in self.names if n not in given]
        if absent and not missing:
            self._raise(given, what, absent)
        return [given.get(n) for n in self.names]

    def _raise(self, given: dict, what: str, wrong: list[Any]) -> Any:
        raise ValueError(
            f"The keys of {what} do not match the outputs of the model at {', '.join(map(repr, wrong))}."
            f"{suggestion(str(wrong[0]), self.names)}\n  keys given: {', '.join(map(str, given))}\n"
            f"  outputs:    {', '.join(self.names)}"
        )


class CompileLoss:
    """The loss of all outputs: each output's own, weighted and summed.

    Args:
        loss: A loss, or a list or dict of losses for several outputs.
        loss_weights: The same with numbers.
        outputs: The model's outputs.
    """

    def __init__(self, loss: Any, loss_weights: Any, outputs: Outputs) -> None:
        from lamina import losses

        self.outputs = outputs
        chosen = _spread(loss, outputs, "`loss`")
        self.losses = [_as_loss(losses.get(one)) for one in chosen]
        weights = (
            outputs.paired(loss_weights, "`loss_weights`")
            if loss_weights is not None
            else [None] * len(chosen)
        )
        self.weights = [1.0 if w is None else w for w in weights]
        if all(one is None for one in self.losses):
            raise ValueError("`loss` names no loss for any output.")
        self.trackers: list[Any] = []
        if sum(one is not None for one in self.losses) > 1:
            from lamina.metrics import Mean

            self.trackers = [
                Mean(name=f"{name}_loss") if one is not None else None
                for name, one in zip(outputs.names, self.losses, strict=True)
            ]

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The weighted sum of the losses of a batch."""
        predictions = self.outputs.flat(y_pred)
        targets = self.outputs.paired(y, "The target `y`")
        weights = _spread_weights(sample_weight, self.outputs)
        total: Any = None
        for i, one in enumerate(self.losses):
            if one is None:
                continue
            if targets[i] is None:
                raise ValueError(
                    f"Output {self.outputs.names[i]!r} has a loss ({_name(one)}), but no target came for it in `y`."
                )
            check_target(targets[i], predictions[i], one, self.outputs.names[i])
            value = one(targets[i], predictions[i], sample_weight=weights[i])
            empty = tuple(getattr(value, "shape", ())) == (0,)
            if empty:  # of a batch without rows, whose total is a number too
                value = ops.sum(value)
            if self.trackers:
                self.trackers[i].update_state(value, sample_weight=_rows(predictions[i]))
            value = value if self.weights[i] == 1.0 else value * self.weights[i]
            total = value if total is None else total + value
        return total


def _rows(x: Any) -> Any:
    shape = getattr(x, "shape", ())
    return shape[0] if len(shape) else 1


def _name(loss: Any) -> str:
    return getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)


def _as_loss(loss: Any) -> Any:
    """Plain functions of (y_true, y_pred) get the reduction and the weights of a Loss."""
    from lamina.losses import Loss

    if loss is None or isinstance(loss, Loss):
        return loss
    from lamina.losses.loss import LossFunctionWrapper

    return LossFunctionWrapper(loss, name=getattr(loss, "__name__", "loss"))


def _spread(given: Any, outputs: Outputs, what: str) -> list[Any]:
    """One entry per output; a single entry for several outputs serves them all."""
    if isinstance(given, list | tuple | dict):
        if isinstance(given, dict) and "class_name" in given:
            return [given] * len(outputs.names)
        return outputs.paired(given, what)
    return [given] * len(outputs.names)


def _spread_weights(given: Any, outputs: Outputs) -> list[Any]:
    if given is None or isinstance(given, list | tuple | dict):
        return outputs.paired(given, "`sample_weight`")
    return [given] * len(outputs.names)


_DENSE = {"categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence"}
_SPARSE = {"sparse_categorical_crossentropy"}


def check_target(y: Any, y_pred: Any, loss: Any, output: str) -> None:
    """That the labels of an output have a shape its loss can compare.

    Raises:
        ValueError: naming the output, both shapes, the loss, and the way out.
    """
    from lamina.losses import Loss

    name = _name(loss)
    known = isinstance(loss, Loss) and type(loss).__module__.startswith("lamina.")
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
    from lamina.kernel.shapes.spec import Unknown

    loose = (1,) if broadcast else ()
    return any(
        n != m
        and n not in loose
        and m not in loose
        and Unknown not in (type(n), type(m))
        and None not in (n, m)
        for n, m in zip(a, b, strict=True)
    )


class CompileMetrics:
    """The metrics of all outputs.

    Args:
        metrics, weighted_metrics: A list for a single output; for several a list of lists, or a dict by name.
            The second get the sample weights.
        outputs: The model's outputs.
        y, y_pred: Targets and predictions (or specs), from which "accuracy" knows which accuracy is meant.
    """

    def __init__(self, metrics: Any, weighted_metrics: Any, outputs: Outputs, y: Any, y_pred: Any) -> None:
        self.outputs = outputs
        targets, predictions = outputs.paired(y, "The target `y`"), outputs.flat(y_pred)
        self.groups: list[list[Any]] = []
        self.weighted: list[list[Any]] = []
        self.entries: list[tuple[str, Any]] = []  # (name in the logs, metric)
        labels: list[str] = []  # the names in the logs, before equal ones were numbered
        given = [
            _metric_lists(m, outputs, n)
            for m, n in ((metrics, "`metrics`"), (weighted_metrics, "`weighted_metrics`"))
        ]
        for i, name in enumerate(outputs.names):
            for box, lists in ((self.groups, given[0]), (self.weighted, given[1])):
                box.append([_as_metric(m, targets[i], predictions[i]) for m in lists[i]])
            plain = [metric.name for metric in self.groups[i]]
            both = [f"weighted_{m.name}" if m.name in plain else m.name for m in self.weighted[i]]
            for own, metric in zip([*plain, *both], [*self.groups[i], *self.weighted[i]], strict=True):
                label = own if outputs.single else f"{name}_{own}"
                taken = labels.count(label)
                labels.append(label)
                self.entries.append((f"{label}_{taken}" if taken else label, metric))

    @property
    def metrics(self) -> list[Any]:
        """All metrics."""
        return [metric for _, metric in self.entries]

    def update(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Take a batch in."""
        if not self.entries:
            return
        targets, predictions = self.outputs.paired(y, "The target `y`"), self.outputs.flat(y_pred)
        weights = _spread_weights(sample_weight, self.outputs)
        for i in range(len(self.outputs.names)):
            for metric in self.groups[i]:
                metric.update_state(targets[i], predictions[i])
            for metric in self.weighted[i]:
                metric.update_state(targets[i], predictions[i], sample_weight=weights[i])


def _metric_lists(given: Any, outputs: Outputs, what: str) -> list[list[Any]]:
    if given is None:
        return [[] for _ in outputs.names]
    listed = lambda m: [] if m is None else list(m) if isinstance(m, list | tuple) else [m]
    if isinstance(given, dict) and "class_name" not in given:
        return [listed(m) for m in outputs.paired(given, what)]
    if outputs.single:
        nested = isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], list | tuple)
        return [listed(given[0] if nested else given)]
    if isinstance(given, list | tuple) and any(isinstance(m, list | tuple | type(None)) for m in given):
        return [listed(m) for m in outputs.paired(given, what)]
    if isinstance(given, list | tuple) and len(given) == len(outputs.names):
        return [listed(m) for m in given]
    raise ValueError(
        f"{what} must say which output each metric is for: the model has the outputs {', '.join(outputs.names)}. Give a "
        "dict by name, or one list per output."
    )


def _as_metric(metric: Any, y: Any, y_pred: Any) -> Any:
    from lamina import metrics
    from lamina.metrics import MeanMetricWrapper, Metric

    if isinstance(metric, str) and metric.lower() in ("accuracy", "acc"):
        found = _accuracy(y, y_pred)
        found.name = metric.lower() if metric.lower() == "acc" else "accuracy"
        return found
    if isinstance(metric, str) and metric.lower() in ("crossentropy", "ce"):
        found = _crossentropy(y, y_pred)
        found.name = metric.lower()
        return found
    label = metric if isinstance(metric, str) else None
    found = metrics.get(metric)
    if not isinstance(found, Metric):
        if inspect.isfunction(found) or callable(found):
            name = label or getattr(found, "__name__", type(found).__name__)
            found = MeanMetricWrapper(found, name=name)
        else:
            raise ValueError(f"Cannot use {metric!r} as a metric.")
    elif label:
        found.name = label
    return found


def _kind(y: Any, y_pred: Any) -> str:
    ps, ys = tuple(y_pred.shape), tuple(getattr(y, "shape", ()))
    if len(ps) == 0 or ps[-1] == 1:
        return "binary"
    same = len(ys) == len(ps) and (ys[-1] == ps[-1] or None in (ys[-1], ps[-1]))
    if same:
        return "categorical"
    return "sparse" if len(ps) > 1 else "binary"


def _accuracy(y: Any, y_pred: Any) -> Any:
    from lamina import metrics

    return {
        "binary": metrics.BinaryAccuracy, "categorical": metrics.CategoricalAccuracy,
        "sparse": metrics.SparseCategoricalAccuracy,
    }[_kind(y, y_pred)]()  # fmt: skip


def _crossentropy(y: Any, y_pred: Any) -> Any:
    from lamina import metrics

    return {
        "binary": metrics.BinaryCrossentropy, "categorical": metrics.CategoricalCrossentropy,
        "sparse": metrics.SparseCategoricalCrossentropy,
    }[_kind(y, y_pred)]()  # fmt: skip
