"""keras-tuner: a random search and a Bayesian one over a small network; the best model is rebuilt from its file."""

import keras
import keras_tuner
import numpy as np
from exchange import FOLDER, done

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.normal(size=(96, 4)).astype("float32")
y = (x[:, :1] > x[:, 1:2]).astype("float32")


def build(hp):
    model = keras.Sequential([keras.Input((4,))])
    for i in range(hp.Int("layers", 1, 2)):
        model.add(keras.layers.Dense(hp.Choice("units", [4, 16]), activation="relu", name=f"hidden_{i}"))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


scores = []
for kind in (keras_tuner.RandomSearch, keras_tuner.BayesianOptimization):
    tuner = kind(
        build, objective="val_accuracy", max_trials=3, seed=1, directory=FOLDER / "search", overwrite=True,
        project_name=kind.__name__,
    )  # fmt: skip
    tuner.search(x[:64], y[:64], epochs=4, validation_data=(x[64:], y[64:]), verbose=0)
    best = tuner.get_best_models(1)[0]
    trial = tuner.oracle.get_best_trials(1)[0]
    accuracy = best.evaluate(x[64:], y[64:], verbose=0)[1]
    assert abs(accuracy - trial.score) < 1e-5, (accuracy, trial.score)
    assert len(tuner.oracle.trials) == 3
    assert set(trial.hyperparameters.values) == {"layers", "units", "rate"}
    scores.append(accuracy)
assert max(scores) > 0.7, scores
done(f"best accuracies {scores[0]:.2f} (random) and {scores[1]:.2f} (Bayesian) of 3 trials each")
