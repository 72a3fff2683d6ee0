"""The estimators of scikit-learn that a model can be."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.wrappers.base import ARGUMENTS, Estimator, sk


def _documented(doc: str) -> Any:
    """A decorator that sets a docstring with the shared arguments filled in."""

    def decorate(cls: Any) -> Any:
        cls.__doc__ = doc.format(arguments=ARGUMENTS)
        return cls

    return decorate


@_documented("""A model as a classifier of scikit-learn.

    Labels of any kind become rows of zeros with a one at the class; the model gives scores for each class.

    {arguments}

    Raises:
        ImportError: if scikit-learn is not installed.

    Attributes:
        model_: The trained model.
        history_: What its `fit` returned.
        classes_: The labels, in the order of the model's outputs.

    Example:
        >>> import lamina
        >>> def network(X, y):
        ...     model = lamina.Sequential([lamina.layers.Dense(y.shape[1], activation="softmax")])
        ...     model.compile(optimizer="sgd", loss="categorical_crossentropy")
        ...     return model
        >>> estimator = lamina.wrappers.SKLearnClassifier(network, fit_kwargs={{"verbose": 0}})
        >>> X, y = np.eye(4), np.array(["a", "b", "a", "b"])
        >>> estimator.fit(X, y).predict(X).shape
        (4,)
    """)
class SKLearnClassifier(sk.base.ClassifierMixin, Estimator):
    def _demands(self) -> dict[str, Any]:
        return {"dtype": "numeric"}

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        sk.utils.multiclass.check_classification_targets(y)
        y = np.asarray(y).reshape(len(y), -1)[:, 0]
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"Classifier can't train when only one class is present: {self.classes_.tolist()}. Give samples of at "
                "least two classes."
            )
        return np.eye(len(self.classes_))[places]

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of the classes.

        Args:
            X: Samples of shape (samples, features).

        Returns:
            The model's outputs of shape (samples, classes). For two classes, as scikit-learn wants it, how much the
            second one is ahead, of shape (samples,).
        """
        scores = self._outputs(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return self.classes_[np.argmax(outputs, axis=1)]


@_documented("""A model as a regressor of scikit-learn.

    {arguments}

    Raises:
        ImportError: if scikit-learn is not installed.

    Attributes:
        model_: The trained model.
        history_: What its `fit` returned.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> estimator = lamina.wrappers.SKLearnRegressor(model, fit_kwargs={{"verbose": 0}})
        >>> estimator.fit(np.eye(2), np.array([1.0, 2.0])).predict(np.eye(2)).shape
        (2,)
    """)
class SKLearnRegressor(sk.base.RegressorMixin, Estimator):
    def _demands(self) -> dict[str, Any]:
        return {"y_numeric": True}


@_documented("""A model as a transformer of scikit-learn: what it gives is what the next step of a pipeline gets.

    {arguments}

    Raises:
        ImportError: if scikit-learn is not installed.

    Attributes:
        model_: The trained model.
        history_: What its `fit` returned.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> estimator = lamina.wrappers.SKLearnTransformer(model, fit_kwargs={{"verbose": 0}})
        >>> estimator.fit(np.eye(2), np.array([1.0, 2.0])).transform(np.eye(2)).shape
        (2, 1)
    """)
class SKLearnTransformer(sk.base.ClassNamePrefixFeaturesOutMixin, sk.base.TransformerMixin, Estimator):
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the model computes in a dtype of its own
        return tags

    @property
    def _n_features_out(self) -> int:
        """For the names of the features that the next step gets."""
        return int(self.model_.output_shape[-1])

    def transform(self, X: Any) -> np.ndarray:
        """The model's outputs.

        Args:
            X: Samples of shape (samples, features).

        Returns:
            An array whose first axis is that of the samples.
        """
        return self._outputs(X)
