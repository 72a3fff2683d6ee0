"""What the three estimators share: making, fitting and keeping a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.models.cloning import clone_model
from lamina.models.model import Model


def scikit_learn() -> Any:
    """The scikit-learn package, with the modules that are used here.

    Raises:
        ImportError: if it is not installed, or older than 1.6.
    """
    try:
        import sklearn
        import sklearn.base
        import sklearn.utils.multiclass
        import sklearn.utils.validation
    except ImportError:
        sklearn = None
    if sklearn is None or not hasattr(sklearn.utils.validation, "validate_data"):  # it came with 1.6
        raise ImportError("lamina.wrappers needs scikit-learn 1.6 or later: pip install 'scikit-learn>=1.6'.")
    return sklearn


sk = scikit_learn()

ARGUMENTS = """Args:
        model: A compiled model, which is cloned before each `fit` (unless `warm_start`); or a function that returns a
            compiled model and takes at least `X` and `y`, the data as the model will get them.
        warm_start: Whether `fit` goes on with the model of the `fit` before, or with the given model itself.
        model_kwargs: More arguments for a `model` that is a function.
        fit_kwargs: Arguments for the model's `fit`; those given to the estimator's `fit` win."""


class Estimator(sk.base.BaseEstimator):
    """Base of the estimators: a model behind `fit` and `predict`."""

    # `fit` takes any argument of the model's; these are the ones that scikit-learn may be asked to route there
    __metadata_request__fit = {"sample_weight": None}

    def __init__(
        self, model: Any, warm_start: bool = False, model_kwargs: Any = None, fit_kwargs: Any = None
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True  # shuffled batches, drawn weights
        return tags

    @property
    def epoch_(self) -> int:
        """How many epochs the model has been trained."""
        sk.utils.validation.check_is_fitted(self, "history_")
        return len(self.history_.epoch)

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train the model.

        Args:
            X: Samples of shape (samples, features).
            y: Their targets, of shape (samples,).
            **kwargs: Arguments for the model's `fit`, such as `epochs` and `sample_weight`.

        Returns:
            The estimator itself.

        Raises:
            TypeError: if `model` is neither a model nor a function.
            ValueError: if the model is not compiled, or the data have another form.
        """
        X, y = sk.utils.validation.validate_data(self, X, y, **self._demands())
        y = self._encoded(y)
        model = self._made(X, y)
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _demands(self) -> dict[str, Any]:
        """What scikit-learn checks of the targets."""
        return {}

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        """The targets as the model gets them."""
        return y.reshape(len(y), -1)

    def _made(self, X: np.ndarray, y: np.ndarray) -> Any:
        """The model to be trained."""
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        kind = type(self).__name__
        if isinstance(self.model, Model):
            model = self.model
            if not self.warm_start and model.compiled:
                model = clone_model(model)
                # what was left to the backend stays so: the config says what it was where it was asked for
                config = {**(self.model.get_compile_config() or {}), "jit_compile": self.model.jit_compile}
                model.compile_from_config(config)
        elif callable(self.model):
            model = self.model(X=X, y=y, **(self.model_kwargs or {}))
        else:
            raise TypeError(
                f"{kind}: `model` must be a compiled model or a function that returns one, got {self.model!r} "
                f"({type(self.model).__name__})."
            )
        if not isinstance(model, Model) or not model.compiled:
            raise ValueError(
                f"{kind}: the model must be compiled, got {model!r}. Call its `compile(optimizer=..., loss=...)`."
            )
        return model

    def _outputs(self, X: Any) -> np.ndarray:
        """What the model gives for samples."""
        sk.utils.validation.check_is_fitted(self, "model_")
        X = sk.utils.validation.validate_data(self, X, reset=False)
        return np.asarray(self.model_.predict(X, verbose=0))

    def predict(self, X: Any) -> np.ndarray:
        """The model's predictions.

        Args:
            X: Samples of shape (samples, features).

        Returns:
            Predictions in the form of the targets of `fit`.
        """
        return self._decoded(self._outputs(X))

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs of the model in the form of the targets."""
        return outputs.reshape(len(outputs)) if outputs.shape[1:] == (1,) else outputs
