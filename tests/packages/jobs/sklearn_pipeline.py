"""scikeras: a classifier and a regressor in scikit-learn's pipelines, searches and pickles."""

import pickle

import keras
import numpy as np
from exchange import done, record
from scikeras.wrappers import KerasClassifier, KerasRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(0)
x = rng.normal(3, 2, size=(90, 4)).astype("float32")
labels = np.array(["low", "middle", "high"])[np.digitize(x[:, 0] - x[:, 1], [-1, 1])]


def network(hidden, meta):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(
                hidden, activation="relu", kernel_initializer=keras.initializers.Constant(0.1)
            ),
            keras.layers.Dense(meta["n_classes_"], activation="softmax", kernel_initializer="zeros"),
        ]
    )


# the loss as a class, the optimizer's arguments routed by prefix, and a callback: what scikeras is for
classifier = KerasClassifier(
    network, loss="sparse_categorical_crossentropy", optimizer="adam", optimizer__learning_rate=0.05, hidden=8,
    epochs=20, batch_size=30, shuffle=False, verbose=0, random_state=1, callbacks=keras.callbacks.TerminateOnNaN,
)  # fmt: skip
pipe = make_pipeline(StandardScaler(), classifier).fit(x, labels)
assert pipe.score(x, labels) > 0.6, pipe.score(x, labels)
record("probabilities", pipe.predict_proba(x[:10]), 1e-3)
again = pickle.loads(pickle.dumps(pipe))
np.testing.assert_allclose(again.predict_proba(x), pipe.predict_proba(x), rtol=1e-5)
assert (again.predict(x) == pipe.predict(x)).all()

search = GridSearchCV(classifier, {"hidden": [4, 8], "optimizer__learning_rate": [0.01, 0.1]}, cv=2, n_jobs=1)
search.fit(StandardScaler().fit_transform(x), labels)
record("search", search.cv_results_["mean_test_score"], 1e-3)
assert search.best_score_ > 0.5, search.best_score_


def line(meta):
    layer = keras.layers.Dense(1, kernel_initializer="zeros")
    return keras.Sequential([keras.Input((meta["n_features_in_"],)), layer])


regressor = KerasRegressor(
    line,
    loss="mse",
    optimizer=keras.optimizers.SGD(0.05),
    epochs=40,
    shuffle=False,
    verbose=0,
    random_state=1,
)
target = (x[:, 0] * 2 - x[:, 2]).astype("float32")
scaled = StandardScaler().fit_transform(x).astype("float32")
r2 = cross_val_score(regressor, scaled, target - target.mean(), cv=3)
record("r2", r2, 1e-3)
assert r2.min() > 0.9, r2
regressor.fit(scaled, target)
before = regressor.predict(scaled)
regressor.partial_fit(scaled, target)
assert regressor.current_epoch == 41
assert not np.allclose(before, regressor.predict(scaled))
done(f"pipeline {pipe.score(x, labels):.2f}, search {search.best_score_:.2f}, r2 {r2.mean():.3f}, pickled")
