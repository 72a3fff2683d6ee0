"""Models as estimators: scikit-learn's own checks, and its tools around them."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import lamina
from lamina.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer


@pytest.fixture(autouse=True)
def on_torch():
    """torch starts operations at once: these models are tiny and new each time."""
    lamina.utils.set_random_seed(0)
    with lamina.backend("torch"):
        yield


def classifier(X, y, hidden=16, rate=0.01):
    lamina.utils.set_random_seed(0)  # two fits give the same
    model = lamina.Sequential(
        [
            lamina.layers.Dense(hidden, activation="relu"),
            lamina.layers.Dense(y.shape[1], activation="softmax"),
        ]
    )
    model.compile(optimizer=lamina.optimizers.Adam(rate), loss="categorical_crossentropy")
    return model


def regressor(X, y):
    lamina.utils.set_random_seed(0)
    model = lamina.Sequential([lamina.layers.Dense(8, activation="relu"), lamina.layers.Dense(1)])
    model.compile(optimizer=lamina.optimizers.Adam(0.02), loss="mse")
    return model


ESTIMATORS = [
    SKLearnClassifier(classifier, fit_kwargs={"epochs": 40, "verbose": 0}),
    SKLearnRegressor(regressor, fit_kwargs={"epochs": 60, "verbose": 0}),
    SKLearnTransformer(regressor, fit_kwargs={"verbose": 0}),
]


# Workers must name a check alike, so the names leave out what Python writes of a function: its address.
CHECKS = list(parametrize_with_checks(ESTIMATORS).args[1])
NAMES = [f"{i}-{type(e).__name__}-{getattr(c, 'func', c).__name__}" for i, (e, c) in enumerate(CHECKS)]


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=NAMES)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_pipeline_grid_search_and_cross_validation():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    fit = {"epochs": 30, "verbose": 0}
    estimator = SKLearnClassifier(classifier, fit_kwargs=fit, model_kwargs={"rate": 0.02})
    pipeline = make_pipeline(StandardScaler(), estimator)
    assert cross_val_score(pipeline, X, names, cv=3).min() > 0.85
    grid = GridSearchCV(estimator, {"model_kwargs": [{"rate": 1e-6}, {"rate": 0.02}]}, cv=3)
    assert grid.fit(X, names).best_params_ == {"model_kwargs": {"rate": 0.02}}
    assert set(grid.predict(X)) <= set(names)


@pytest.mark.slow
def test_searches_in_other_processes(monkeypatch):
    """`n_jobs=2` sends estimators to processes of joblib, which find the same as this one."""
    monkeypatch.setenv("LAMINA_BACKEND", "torch")
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    estimator = SKLearnClassifier(classifier, fit_kwargs={"epochs": 5, "verbose": 0})
    alone = cross_val_score(estimator, X, y, cv=2)
    np.testing.assert_allclose(cross_val_score(estimator, X, y, cv=2, n_jobs=2), alone)
    grid = GridSearchCV(estimator, {"model_kwargs": [{"rate": 1e-6}, {"rate": 0.05}]}, cv=2, n_jobs=2)
    assert grid.fit(X, y).best_params_ == {"model_kwargs": {"rate": 0.05}}
    fitted = joblib.Parallel(n_jobs=2)(joblib.delayed(clone(estimator).fit)(X, y) for _ in range(2))
    np.testing.assert_array_equal(fitted[0].predict(X), estimator.fit(X, y).predict(X))


@pytest.mark.parametrize("round_trip", ["pickle", "joblib"])
def test_fitted_estimators_are_pickled(round_trip, tmp_path):
    X, y = load_iris(return_X_y=True)
    model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    estimator = SKLearnClassifier(model, fit_kwargs={"epochs": 2, "verbose": 0}).fit(X, y)
    if round_trip == "pickle":
        again = pickle.loads(pickle.dumps(estimator))
    else:
        joblib.dump(estimator, tmp_path / "estimator.joblib")
        again = joblib.load(tmp_path / "estimator.joblib")
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    np.testing.assert_allclose(again.decision_function(X), estimator.decision_function(X), rtol=1e-6)
    assert again.history_.history == estimator.history_.history
    assert again.epoch_ == 2
    again.fit(X, y)


def test_a_given_model_is_cloned_unless_warm():
    X, y = np.eye(4, 3), np.arange(4.0)
    model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    before = model.get_weights()[0]
    cold = SKLearnRegressor(model, fit_kwargs={"verbose": 0}).fit(X, y)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    assert cold.model_ is not model
    warm = SKLearnRegressor(model, warm_start=True).fit(X, y, verbose=0, epochs=2)
    assert warm.model_ is model
    assert warm.epoch_ == 2
    after = model.get_weights()[0]
    assert not np.array_equal(after, before)
    warm.fit(X, y, verbose=0)
    assert warm.model_ is model
    assert not np.array_equal(model.get_weights()[0], after)
    assert clone(warm).model is not model  # scikit-learn copies arguments


def test_the_model_sees_encoded_targets():
    seen = {}

    def watching(X, y):
        seen["y"] = y
        return classifier(X, y)

    SKLearnClassifier(watching, fit_kwargs={"verbose": 0}).fit(np.eye(3), ["b", "a", "c"])
    np.testing.assert_array_equal(seen["y"], [[0, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_transformer_in_a_pipeline():
    X, y = load_iris(return_X_y=True)
    embedding = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(8, activation="relu")])
    whole = lamina.Sequential([embedding, lamina.layers.Dense(1)])
    whole.compile("adam", "mse", jit_compile=False)
    transformer = SKLearnTransformer(whole, fit_kwargs={"verbose": 0})
    assert transformer.fit_transform(X, y).shape == (150, 1)
    pandas = transformer.set_output(transform="pandas").transform(X)
    assert list(pandas.columns) == ["sklearntransformer0"]


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        (3, TypeError, "`model` must be a compiled model or a function that returns one, got 3"),
        (lambda X, y: 3, ValueError, "the model must be compiled, got 3"),
        (
            lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)]),
            ValueError,
            "the model must be compiled",
        ),
    ],
)
def test_what_is_no_compiled_model_is_refused(model, error, text):
    with pytest.raises(error, match=text):
        SKLearnRegressor(model).fit(np.eye(2), np.ones(2))
