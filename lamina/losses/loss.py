"""Loss: what a model is trained to make small; and how the values of a batch become one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina import config, ops
from lamina.core import names, policy
from lamina.core.config import Configurable
from lamina.core.masks import get_mask
from lamina.core.numeric import check_numbers
from lamina.errors import suggestion
from lamina.kernel.namespaces import is_ours
from lamina.kernel.tracebacks import folds_frames
from lamina.losses import _prepare, identifiers
from lamina.losses.identifiers import function_config

REDUCTIONS = (
    "sum_over_batch_size",
    "mean_with_sample_weight",
    "mean",
    "sum",
    "none",
    None,
)


def check_reduction(reduction: Any) -> Any:
    """A known reduction.

    Raises:
        ValueError: otherwise, naming the nearest.
    """
    if hasattr(reduction, "shape") or isinstance(reduction, list | tuple):
        raise ValueError(
            "A loss is made first and called then, MeanSquaredError()(y_true, y_pred): `reduction` got data of shape "
            f"{tuple(getattr(reduction, 'shape', (len(reduction),) if isinstance(reduction, list | tuple) else ()))}."
        )
    if reduction not in REDUCTIONS:
        listed = ", ".join(repr(r) for r in REDUCTIONS)
        hint = suggestion(str(reduction), REDUCTIONS[:-1])
        raise ValueError(f"Unknown reduction {reduction!r}.{hint} Use one of {listed}.")
    return reduction


class Loss(Configurable):
    """Base of all losses: `call` gives one value per sample, `loss(y_true, y_pred)` weighs and reduces them.

    Args:
        name: A name; made from the class when None.
        reduction: "sum_over_batch_size" or "mean" (the mean of the weighted values), "mean_with_sample_weight" (their
            sum over the sum of the weights), "sum", or "none" (no reduction).
        dtype: The dtype, or dtype policy, to compute in; None means the default float.

    Raises:
        ValueError: if the reduction is unknown.

    Example:
        >>> import lamina
        >>> class Distance(lamina.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return lamina.ops.abs(y_true - y_pred)
        >>> float(Distance(reduction="sum")([1.0, 2.0], [2.0, 4.0]))
        3.0
    """

    _omitted: tuple[str, ...] = (
        "dtype",
    )  # arguments that a config holds only where they are not the default

    name: str = names.set_by_init()
    _dtype_policy: Any = names.set_by_init()

    def __init__(
        self,
        name: str | None = None,
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.reduction = check_reduction(reduction)
        self.name = name or names.unique(names.to_snake_case(type(self).__name__))
        self._dtype_policy = policy.get(config.floatx() if dtype is None else dtype)

    @property
    def dtype(self) -> str:
        """The dtype that the loss is computed in."""
        return self._dtype_policy.compute_dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss values, one per sample: (batch, ...) without the last axis, as a rule."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `call(self, y_true, y_pred)` that returns one value per sample."
        )

    @folds_frames
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss of a batch.

        Args:
            y_true: The labels, in whatever structure `call` takes.
            y_pred: The predictions. Their mask leaves entries out.
            sample_weight: One weight per sample, or per value of `call`.

        Returns:
            A scalar, or the weighted values with reduction "none". Of a batch without samples there is nothing to
            reduce: the values, of shape (0,), come back (in training they count as 0).

        Raises:
            ValueError: if the weights fit no axis of the values.
        """
        mask = get_mask(y_pred)
        dtype = self.dtype
        values = self.call(_prepare.tensors(y_true, dtype), _prepare.tensors(y_pred, dtype))
        left = get_mask(values)
        if left is not None:
            mask = left if mask is None else ops.logical_and(mask, left)
        return reduce(values, sample_weight, mask, self.reduction, dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in a form that JSON can hold."""
        return _prepare.without_defaults(self, super().get_config())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def reduce(
    values: Any,
    sample_weight: Any,
    mask: Any,
    reduction: Any,
    dtype: Any = None,
    name: str = "loss",
) -> Any:
    """The values of a batch as one number.

    Args:
        values: Tensor (batch, ...).
        sample_weight: Tensor that broadcasts to the values, or None.
        mask: Boolean tensor of the values that count, or None.
        reduction: One of `REDUCTIONS`.
        dtype: The dtype of the result.
        name: What is computed, for errors.

    Returns:
        A scalar, or the weighted values without a reduction, or where they are of shape (0,).
    """
    values = ops.convert_to_tensor(values, dtype=dtype)
    mean = reduction in ("mean", "sum_over_batch_size")
    weight = None if sample_weight is None else ops.convert_to_tensor(sample_weight, dtype=dtype)
    weight = _prepare.masked_weight(weight, mask, dtype, mean or reduction == "mean_with_sample_weight")
    if weight is not None:
        if not len(values.shape):  # one value for the whole batch: each weight weighs it
            values = ops.broadcast_to(values, ops.shape(weight))
        values, weight = _prepare.weighted(name, values, weight)
    if reduction in (None, "none") or tuple(values.shape) in ((), (0,)):
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if mean or weight is None:
        entries = _prepare.size(values)
        # no entries along another axis: the sum is 0, and 0 / 1 is the cost of nothing
        return (
            total / max(entries, 1)
            if isinstance(entries, int)
            else ops.divide(total, ops.maximum(entries, 1))
        )
    return ops.divide_no_nan(total, ops.sum(weight))


class LossFunctionWrapper(Loss):
    """A loss from a function `fn(y_true, y_pred, **kwargs)` that gives one value per sample.

    Args:
        fn: The function.
        reduction: See `Loss`.
        name: A name; the function's when None.
        dtype: See `Loss`.
        **kwargs: Further arguments of `fn`.

    Example:
        >>> import lamina
        >>> from lamina.losses.loss import LossFunctionWrapper
        >>> float(LossFunctionWrapper(lamina.losses.huber, delta=2.0)([[0.0]], [[1.0]]))
        0.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: Any = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.fn = _function(fn)
        _check_arguments(type(self).__name__, self.fn, kwargs)
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The function's values."""
        if not isinstance(y_true, dict | list | tuple) and not isinstance(y_pred, dict | list | tuple):
            y_true, y_pred = _prepare.same_rank(y_true, y_pred)
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        if values is None:
            raise ValueError(
                f"The loss function {getattr(self.fn, '__name__', self.fn)!r} gave None: it lacks a `return`."
            )
        return values

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in a form that JSON can hold."""
        written = super().get_config()
        return written | {"fn": function_config(self.fn)} if "fn" in written else written

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, fn={getattr(self.fn, '__name__', self.fn)}>"


def _check_arguments(name: str, fn: Any, given: dict[str, Any]) -> None:
    """That what goes to the function is in its range, where it is a plain number."""
    if is_ours(fn):
        check_numbers(name, fn, given)
    smoothing, delta = given.get("label_smoothing"), given.get("delta")
    if isinstance(smoothing, int | float) and not 0 <= smoothing <= 1:
        raise ValueError(f"{name}: `label_smoothing` must be a number from 0 to 1, got {smoothing!r}.")
    if isinstance(delta, int | float) and delta <= 0:
        raise ValueError(f"{name}: `delta` must be above 0, got {delta!r}.")


def _function(fn: Any) -> Any:
    """A function, also by name."""
    return identifiers.get(fn) if isinstance(fn, str) else fn
