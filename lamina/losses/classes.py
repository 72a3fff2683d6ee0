"""The losses as objects: a function, its arguments and a reduction. The formulas are in the functions' docstrings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.losses import crossentropy, margins, overlap, regression, sequence
from lamina.losses.loss import LossFunctionWrapper

_MEAN = "sum_over_batch_size"


class MeanSquaredError(LossFunctionWrapper):
    """Mean of squared errors: `mean_squared_error`.

    `mean((y_true - y_pred)^2)` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]]))
        2.0
    """

    def __init__(
        self,
        reduction: Any = _MEAN,
        name: str = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """Mean of absolute errors: `mean_absolute_error`.

    `mean(|y_true - y_pred|)` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]]))
        1.0
    """

    def __init__(
        self,
        reduction: Any = _MEAN,
        name: str = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """Mean of absolute errors in percent of the label: `mean_absolute_percentage_error`.

    `100 mean(|y_true - y_pred| / max(|y_true|, epsilon))` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
        25.0
    """

    def __init__(
        self,
        reduction: Any = _MEAN,
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """Mean of squared differences of logarithms: `mean_squared_logarithmic_error`.

    `mean((log(1 + max(y_true, epsilon)) - log(1 + max(y_pred, epsilon)))^2)` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.MeanSquaredLogarithmicError()([[1.0, 4.0]], [[1.0, 4.0]]))
        0.0
    """

    def __init__(
        self,
        reduction: Any = _MEAN,
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Negated cosine of the angle between labels and predictions: `cosine_similarity`.

    `-sum(y_true / |y_true| * y_pred / |y_pred|)`

    Args:
        axis: The axis of the vectors.
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.CosineSimilarity()([[0.0, 2.0]], [[0.0, 4.0]]))
        -1.0
    """

    _omitted = ("dtype", "axis")

    def __init__(
        self,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(LossFunctionWrapper):
    """Squares of small errors, absolute values of large ones: `huber`.

    `mean(e^2 / 2 if |e| <= delta else delta (|e| - delta / 2))` over the last axis, for `e = y_true - y_pred`

    Args:
        delta: Where squares turn into absolute values.
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.Huber()([[0.0, 0.0]], [[1.0, 3.0]]))
        1.5
    """

    _omitted = ("dtype", "delta")

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Any = _MEAN,
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        if not isinstance(delta, int | float):
            raise ValueError(f"Huber: `delta` must be a number, got {delta!r}.")
        super().__init__(regression.huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """Logarithm of the hyperbolic cosine of the error: `log_cosh`.

    `mean(log(cosh(y_pred - y_true)))` over the last axis: about `e^2 / 2` for small errors, `|e| - log 2` for large ones.

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.LogCosh()([[1.0, 2.0]], [[1.0, 2.0]]))
        0.0
    """

    def __init__(self, reduction: Any = _MEAN, name: str = "log_cosh", dtype: Any = None) -> None:
        super().__init__(regression.log_cosh, reduction, name, dtype)


class KLDivergence(LossFunctionWrapper):
    """Kullback-Leibler divergence: `kl_divergence`.

    `sum(y_true log(y_true / y_pred))`, with both kept between epsilon and 1

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """

    def __init__(self, reduction: Any = _MEAN, name: str = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(regression.kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """Poisson loss, of counts: `poisson`.

    `mean(y_pred - y_true log(y_pred + epsilon))` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.Poisson()([[0.0, 0.0]], [[1.0, 3.0]]))
        2.0
    """

    def __init__(self, reduction: Any = _MEAN, name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(regression.poisson, reduction, name, dtype)


class Hinge(LossFunctionWrapper):
    """What is missing to a margin of 1: `hinge`.

    `mean(max(1 - y_true y_pred, 0))` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.Hinge()([[1.0, -1.0]], [[0.5, -3.0]]))
        0.25
    """

    def __init__(self, reduction: Any = _MEAN, name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(margins.hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """Squares of what is missing to a margin of 1: `squared_hinge`.

    `mean(max(1 - y_true y_pred, 0)^2)` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.SquaredHinge()([[1.0, -1.0]], [[0.0, -3.0]]))
        0.5
    """

    def __init__(self, reduction: Any = _MEAN, name: str = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(margins.squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """How far the best wrong class comes within 1 of the right one: `categorical_hinge`.

    `max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0)` over the last axis

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.CategoricalHinge()([[1.0, 0.0, 0.0]], [[2.0, 1.5, 0.0]]))
        0.5
    """

    def __init__(self, reduction: Any = _MEAN, name: str = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(margins.categorical_hinge, reduction, name, dtype)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross entropy of independent yes/no predictions: `binary_crossentropy`.

    `mean(-(y_true log y_pred + (1 - y_true) log(1 - y_pred)))` over the axis

    Args:
        from_logits: Whether predictions are logits.
        label_smoothing: Between 0 and 1: labels move so far towards 0.5.
        axis: The axis of the mean.
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.BinaryCrossentropy(from_logits=True)([[1.0, 0.0]], [[1e4, 1e4]]))
        5000.0
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        kwargs = {
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(crossentropy.binary_crossentropy, reduction, name, dtype, **kwargs)


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Binary cross entropy in which what is predicted well counts little: `binary_focal_crossentropy`.

    `mean((1 - p_t)^gamma * crossentropy)` over the axis, `p_t` being the probability given to the label

    Args:
        apply_class_balancing: Whether to weigh label 1 by `alpha` and label 0 by `1 - alpha`.
        alpha: The weight of label 1.
        gamma: How fast the weight falls.
        from_logits: Whether predictions are logits.
        label_smoothing: Between 0 and 1: labels move so far towards 0.5.
        axis: The axis of the mean.
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.BinaryFocalCrossentropy(gamma=1.0)([[1.0]], [[0.5]])) < 0.35
        True
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        kwargs = {
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        focus = {
            "apply_class_balancing": apply_class_balancing,
            "alpha": alpha,
            "gamma": gamma,
        }
        super().__init__(
            crossentropy.binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            **focus,
            **kwargs,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross entropy of a distribution over classes, against one-hot labels: `categorical_crossentropy`.

    `-sum(y_true log y_pred)` over the axis

    Args:
        from_logits: Whether predictions are logits.
        label_smoothing: Between 0 and 1: so much of each label is spread over all classes.
        axis: The axis of the classes.
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.CategoricalCrossentropy(from_logits=True)([[0.0, 1.0]], [[1e4, 0.0]]))
        10000.0
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        kwargs = {
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(crossentropy.categorical_crossentropy, reduction, name, dtype, **kwargs)


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Categorical cross entropy in which what is predicted well counts little: `categorical_focal_crossentropy`.

    `sum(-alpha (1 - y_pred)^gamma y_true log y_pred)` over the axis

    Args:
        alpha: The weight, one number or one per class.
        gamma: How fast the weight falls.
        from_logits: Whether predictions are logits.
        label_smoothing: Between 0 and 1: so much of each label is spread over all classes.
        axis: The axis of the classes.
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.CategoricalFocalCrossentropy(alpha=1.0)([[0.0, 1.0]], [[0.5, 0.5]])) < 0.2
        True
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        kwargs = {
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        focus = {"alpha": alpha, "gamma": gamma}
        super().__init__(
            crossentropy.categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            **focus,
            **kwargs,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross entropy of a distribution over classes, against class numbers: `sparse_categorical_crossentropy`.

    `-log y_pred[y_true]`

    Args:
        from_logits: Whether predictions are logits.
        ignore_class: A label that is left out.
        reduction: See `Loss`.
        axis: The axis of the classes.
        name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> float(lamina.losses.SparseCategoricalCrossentropy(from_logits=True)([1], [[1e4, 0.0]]))
        10000.0
    """

    _omitted = ("dtype", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Any = _MEAN,
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        kwargs = {
            "from_logits": from_logits,
            "ignore_class": ignore_class,
            "axis": axis,
        }
        super().__init__(
            crossentropy.sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            **kwargs,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Between cross entropy and absolute error: `categorical_generalized_cross_entropy`.

    `(1 - p^q) / q`, `p` being the probability given to the label

    Args:
        q: Between 0 and 1, exclusive: 0 would be cross entropy, 1 absolute error.
        reduction, name, dtype: See `Loss`.

    Raises:
        ValueError: if q is out of range.

    Example:
        >>> import lamina
        >>> float(lamina.losses.CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]))
        1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: Any = _MEAN,
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        crossentropy.check_q(q)
        super().__init__(
            crossentropy.categorical_generalized_cross_entropy,
            reduction,
            name,
            dtype,
            q=q,
        )


class CTC(LossFunctionWrapper):
    """Connectionist temporal classification: `ctc`.

    `-log sum over alignments of product over steps of p[step, symbol]`, over all ways to write the labels with blanks and repeats in between.

    Args:
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> lamina.losses.CTC()([[1, 2, 0]], lamina.ops.zeros((1, 4, 3))).shape
        ()
    """

    def __init__(self, reduction: Any = _MEAN, name: str = "ctc", dtype: Any = None) -> None:
        super().__init__(sequence.ctc, reduction, name, dtype)


class Dice(LossFunctionWrapper):
    """One minus the Dice coefficient: `dice`.

    `1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + epsilon)`

    Args:
        reduction, name: See `Loss`.
        axis: The axes of the sums; None means all, batch included.
        dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> round(float(lamina.losses.Dice()([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """

    def __init__(
        self,
        reduction: Any = _MEAN,
        name: str = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(overlap.dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """One minus the Tversky index: `tversky`.

    `1 - tp / (tp + alpha fn + beta fp + epsilon)`

    Args:
        alpha: The price of false negatives.
        beta: The price of false positives.
        reduction, name: See `Loss`.
        axis: The axes of the sums; None means all, batch included.
        dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> round(float(lamina.losses.Tversky(beta=1.0)([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Any = _MEAN,
        name: str = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(overlap.tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class Circle(LossFunctionWrapper):
    """Embeddings of one class come together, those of others move apart: `circle`.

    `log(1 + sum_n exp(gamma (s_n + m)+ (s_n - m)) sum_p exp(-gamma (1 + m - s_p)+ (s_p - 1 + m)))`, for cosine
    similarities s_p to embeddings of the same class and s_n to those of others

    Args:
        gamma: The scale.
        margin: The margin.
        remove_diagonal: Whether an embedding is not compared with itself.
        reduction, name, dtype: See `Loss`.

    Example:
        >>> import lamina
        >>> lamina.losses.Circle()([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).shape
        ()
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Any = _MEAN,
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        kwargs = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
        super().__init__(sequence.circle, reduction, name, dtype, **kwargs)
