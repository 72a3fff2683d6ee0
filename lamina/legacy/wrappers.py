"""`keras.wrappers.scikit_learn`: models as estimators of scikit-learn, as Keras 1 and 2 had them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from lamina import losses, utils
from lamina.models import Model

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]

_FIT = ("batch_size", "epochs", "nb_epoch", "verbose", "callbacks", "validation_split", "validation_data", "shuffle",
        "class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps")  # fmt: skip
_USE = ("batch_size", "verbose", "steps")


class BaseWrapper:
    """A function that builds a model, and the arguments of it and of `fit`, as an estimator.

    Args:
        build_fn: Gives a compiled model; or None in a subclass with its own `__call__`.
        **sk_params: Arguments of `build_fn`, `fit`, `predict` and `score`.
    """

    _estimator_type = ""

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any) -> None:
        self.build_fn, self.sk_params = build_fn, sk_params
        known = set(self._building_parameters()) | set(_FIT) | set(_USE)
        unknown = [name for name in sk_params if name not in known]
        if unknown:
            raise ValueError(
                f"{type(self).__name__}: {', '.join(map(repr, unknown))} is no argument of the building function (it "
                f"takes {', '.join(self._building_parameters()) or 'none'}), nor of `fit` and `predict`."
            )

    def _builder(self) -> Callable[..., Any]:
        return type(self).__call__ if self.build_fn is None else self.build_fn  # pyright: ignore

    def _building_parameters(self) -> list[str]:
        return [name for name in inspect.signature(self._builder()).parameters if name != "self"]

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks every estimator for, from version 1.6 on."""
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        kind = self._estimator_type
        return Tags(
            estimator_type=kind or None, target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
        )  # fmt: skip

    def get_params(self, deep: bool = True, **_: Any) -> dict[str, Any]:
        """The arguments."""
        return {**copy.copy(self.sk_params), "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> BaseWrapper:
        """Set arguments."""
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, names: Any, override: dict[str, Any] | None = None) -> dict[str, Any]:
        """The arguments with these names (or those of a function), and what takes precedence over them."""
        wanted = inspect.signature(names).parameters if callable(names) else names
        return {k: v for k, v in self.sk_params.items() if k in wanted} | (override or {})

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Build the model and train it; gives the History."""
        build = self._builder()
        arguments = self.filter_sk_params(self._building_parameters())
        self.model = build(self, **arguments) if self.build_fn is None else build(**arguments)
        if not isinstance(self.model, Model):
            raise TypeError(
                f"{type(self).__name__}: the building function gave {type(self.model).__name__}, no model."
            )
        given = self.filter_sk_params(_FIT, kwargs)
        given["epochs"] = given.pop("nb_epoch", given.get("epochs", 1))
        self.history = self.model.fit(x, self._targets(y), **given)
        return self.history

    def _targets(self, y: Any) -> Any:
        loss = self.model.loss
        name = getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss
        one_hot = name == "categorical_crossentropy" or isinstance(loss, losses.CategoricalCrossentropy)
        return utils.to_categorical(y) if one_hot and np.ndim(y) == 1 else y

    def _predict(self, x: Any, kwargs: dict[str, Any]) -> Any:
        return self.model.predict(x, **({"verbose": 0} | self.filter_sk_params(_USE, kwargs)))


class KerasClassifier(BaseWrapper):
    """A model as a classifier: `fit`, `predict`, `predict_proba`, `score` (the accuracy).

    Args:
        build_fn: Gives a compiled model.
        **sk_params: Arguments of `build_fn`, `fit`, `predict`.

    Example:
        >>> from lamina.legacy.wrappers import KerasClassifier
        >>> KerasClassifier(lambda units=3: None, units=4, epochs=2).get_params()["units"]
        4
    """

    _estimator_type = "classifier"

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Build the model and train it on class labels, or rows of one-hot labels; gives the History."""
        y = np.array(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        else:
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y.reshape(-1))
        self.n_classes_ = len(self.classes_)
        return super().fit(x, y, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """The most likely class of each row."""
        found = self._predict(x, kwargs)
        numbers = found.argmax(-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32").reshape(-1)
        return self.classes_[numbers]

    def predict_proba(self, x: Any, **kwargs: Any) -> Any:
        """The probability of each class."""
        found = self._predict(x, kwargs)
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The share of rows that are classified right."""
        y = np.array(y)
        y = self.classes_[y.argmax(-1)] if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
        return float(np.mean(self.predict(x, **kwargs) == y))


class KerasRegressor(BaseWrapper):
    """A model as a regressor: `fit`, `predict`, `score` (minus the loss).

    Args:
        build_fn: Gives a compiled model.
        **sk_params: Arguments of `build_fn`, `fit`, `predict`.

    Example:
        >>> from lamina.legacy.wrappers import KerasRegressor
        >>> KerasRegressor(lambda: None, epochs=2).get_params()["epochs"]
        2
    """

    _estimator_type = "regressor"

    def predict(self, x: Any, **kwargs: Any) -> Any:
        """The predictions, without an axis of size 1."""
        return np.squeeze(self._predict(x, kwargs), axis=-1)

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Minus the loss, so that larger is better."""
        found = self.model.evaluate(x, y, **({"verbose": 0} | self.filter_sk_params(_USE, kwargs)))
        return -float(found[0] if isinstance(found, list) else found)
