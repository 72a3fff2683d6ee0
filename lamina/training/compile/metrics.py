"""The metrics that `compile` was given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from lamina import metrics
from lamina.core.variable import Variable
from lamina.training.compile.outputs import Outputs, spread_weights


class CompileMetrics(metrics.Metric):
    """The metrics of all outputs, as one: it takes in targets and predictions in the structure of the outputs.

    They are made at the first batch, which shows the outputs.

    Args:
        given, weighted: A list for a single output; for several a list of lists, or a dict by name.
            The second get the sample weights.
        names: Gives the names of the outputs.
    """

    def __init__(self, given: Any, weighted: Any, names: Callable[[], list[str] | None]) -> None:
        super().__init__(name="compile_metrics")
        self.given = (given, weighted)
        self.names_of_outputs = names
        self.forget()

    def forget(self) -> None:
        """Be as before the first batch."""
        self.outputs: Outputs | None = None
        self.groups: list[
            tuple[list[Any], list[Any]]
        ] = []  # of each output, the plain metrics and the weighted ones
        self.entries: list[tuple[str, Any]] = []  # (name in the logs, metric)

    def build(self, y: Any, y_pred: Any) -> None:
        """Make the metrics for targets and predictions (or specs): "accuracy" knows from them which one is meant."""
        outputs = Outputs(y_pred, self.names_of_outputs())
        targets, predictions = outputs.paired(y, "The target `y`"), outputs.flat(y_pred)
        plain, weighted = (
            _metric_lists(given, outputs, what)
            for given, what in zip(self.given, ("`metrics`", "`weighted_metrics`"), strict=True)
        )
        groups = [
            ([_as_metric(m, y, p) for m in own], [_as_metric(m, y, p) for m in heavy])
            for own, heavy, y, p in zip(plain, weighted, targets, predictions, strict=True)
        ]
        entries = _named(groups, outputs)
        self.outputs, self.groups, self.entries = outputs, groups, entries

    @property
    def variables(self) -> list[Variable]:
        """The state of all metrics."""
        found = {id(v): v for _, metric in self.entries for v in metric.variables}
        return list(found.values())

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in."""
        if self.outputs is None:
            self.build(y_true, y_pred)
        outputs: Any = self.outputs
        targets, predictions = outputs.paired(y_true, "The target `y`"), outputs.flat(y_pred)
        weights = spread_weights(sample_weight, outputs)
        for i, (plain, weighted) in enumerate(self.groups):
            for metric in plain:
                metric.update_state(targets[i], predictions[i])
            for metric in weighted:
                metric.update_state(targets[i], predictions[i], sample_weight=weights[i])

    def reset_state(self) -> None:
        """Set all to their beginning."""
        for _, metric in self.entries:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """The results by name."""
        found: dict[str, Any] = {}
        for name, metric in self.entries:
            result = metric.result()
            found.update(result if isinstance(result, dict) else {name: result})
        return found


def _named(groups: list[tuple[list[Any], list[Any]]], outputs: Outputs) -> list[tuple[str, Any]]:
    """All metrics with their names in the logs, those without weights first: equal names are told apart."""
    taken: list[str] = []  # before equal ones were numbered
    found = []
    for which in (0, 1):
        for name, group in zip(outputs.prefixes, groups, strict=True):
            before = "" if outputs.alone or name is None else f"{name}_"
            for metric in group[which]:
                label = f"{before}{metric.name}"
                if which and label in taken:
                    label = f"{before}weighted_{metric.name}"
                count = taken.count(label)
                taken.append(label)
                found.append((f"{label}_{count}" if count else label, metric))
    return found


def _metric_lists(given: Any, outputs: Outputs, what: str) -> list[list[Any]]:
    if given is None or (isinstance(given, list | tuple | dict) and not given):
        return [[] for _ in outputs.names]
    listed = lambda m: [] if m is None else list(m) if isinstance(m, list | tuple) else [m]
    if isinstance(given, dict) and "class_name" not in given:
        return [listed(m) for m in outputs.paired(given, what)]
    if outputs.alone:
        nested = isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], list | tuple)
        return [listed(given[0] if nested else given)]
    if isinstance(given, list | tuple):
        mirrors = any(isinstance(m, list | tuple | dict | type(None)) for m in given)
        if mirrors or len(given) in (len(outputs.names), len(outputs.structure)):
            return [listed(m) for m in outputs.paired(given, what)]
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
            name = label or getattr(found, "name", None) or getattr(found, "__name__", type(found).__name__)
            found = metrics.MeanMetricWrapper(found, name=name.strip("<>"))
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
