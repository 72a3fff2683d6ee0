"""The metrics that `compile` was given."""

from __future__ import annotations

import inspect
from typing import Any

from lamina import metrics
from lamina.training.compile.outputs import Outputs, spread_weights


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
        weights = spread_weights(sample_weight, self.outputs)
        for i in range(len(self.outputs.names)):
            for metric in self.groups[i]:
                metric.update_state(targets[i], predictions[i])
            for metric in self.weighted[i]:
                metric.update_state(targets[i], predictions[i], sample_weight=weights[i])


def _metric_lists(given: Any, outputs: Outputs, what: str) -> list[list[Any]]:
    if given is None or (isinstance(given, list | tuple) and not given):
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
    if not isinstance(found, metrics.Metric):
        if inspect.isfunction(found) or callable(found):
            name = label or getattr(found, "__name__", type(found).__name__)
            found = metrics.MeanMetricWrapper(found, name=name)
        else:
            raise ValueError(f"Cannot use {metric!r} as a metric.")
    elif label:
        found.name = label
    return found


def _kind(y: Any, y_pred: Any) -> str:
    ps: tuple[Any, ...] = tuple(y_pred.shape)
    ys: tuple[Any, ...] = tuple(getattr(y, "shape", ()))
    if len(ps) == 0 or ps[-1] == 1:
        return "binary"
    same = len(ys) == len(ps) and (ys[-1] == ps[-1] or None in (ys[-1], ps[-1]))
    if same:
        return "categorical"
    return "sparse" if len(ps) > 1 else "binary"


def _accuracy(y: Any, y_pred: Any) -> Any:
    return {
        "binary": metrics.BinaryAccuracy, "categorical": metrics.CategoricalAccuracy,
        "sparse": metrics.SparseCategoricalAccuracy,
    }[_kind(y, y_pred)]()  # fmt: skip


def _crossentropy(y: Any, y_pred: Any) -> Any:
    return {
        "binary": metrics.BinaryCrossentropy, "categorical": metrics.CategoricalCrossentropy,
        "sparse": metrics.SparseCategoricalCrossentropy,
    }[_kind(y, y_pred)]()  # fmt: skip
