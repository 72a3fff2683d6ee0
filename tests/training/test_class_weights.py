"""`class_weight`: by label, whatever its sign, per step where the loss takes a class per step; Keras as oracle."""

import numpy as np
import pytest
from oracle import keras

import lamina


def trained(k, x, y, class_weight, loss, **how):
    units = 3 if "categorical" in loss else 1
    model = k.Sequential([k.Input(x.shape[1:]), k.layers.Dense(units, kernel_initializer="ones")])
    model.compile(k.optimizers.SGD(0.0), loss)
    return model.fit(x, y, class_weight=class_weight, verbose=0, **how).history["loss"][0]


ONES = np.ones((4, 1), "float32")
SIGNS, ONE_HOT = np.array([[-1.0], [1.0], [-1.0], [1.0]]), np.eye(3)[[0, 1, 2, 1]]
CASES = [
    (SIGNS, {-1: 1.0, 1: 4.0}, "squared_hinge"),
    (SIGNS, {1: 4.0, -1: 1.0}, "squared_hinge"),
    (SIGNS, {-1: 3.0}, "squared_hinge"),
    (np.array([0.0, 1.0, 2.0, 7.0]), {2: 5.0, 0: 3.0}, "mse"),
    (np.array([0, 1, 2, 1]), {1: 5.0, 9: 3.0}, "sparse_categorical_crossentropy"),
    (ONE_HOT, {0: 3.0, 1: 0.5}, "categorical_crossentropy"),
]


@pytest.mark.parametrize(("y", "weights", "loss"), CASES)
def test_weights_are_looked_up_by_label(y, weights, loss):
    with lamina.backend("torch"):
        np.testing.assert_allclose(
            trained(lamina, ONES, y, weights, loss), trained(keras, ONES, y, weights, loss), rtol=1e-5
        )


@pytest.mark.parametrize("last", [(), (1,)])
def test_a_class_per_step_has_a_weight_per_step(last):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 2, 2)).astype("float32"), np.array([[0, 1], [1, 0], [2, 1], [0, 2]])
    each = np.array([2.0, 5.0, 1.0])[y]
    with lamina.backend("torch"):
        found = trained(lamina, x, y.reshape(*y.shape, *last), {0: 2.0, 1: 5.0}, CASES[4][2])
        expected = trained(lamina, x, y, None, CASES[4][2], sample_weight=each)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("y", "weights", "words"),
    [
        (np.array([[1.0, 1.0, 0.0]] * 4), {0: 1.0}, "is not one-hot along its last axis"),
        (np.array([[0, 2, 1]] * 4), {0: 1.0}, "is not one-hot along its last axis"),
        (np.array([0.5, 0, 1, 1]), {0: 1.0}, "but `y` holds 0.5"),
        (np.zeros(4), {"a": 1.0}, "must be class numbers"),
        (np.zeros(4), {0: "a"}, "must hold numbers"),
        (np.zeros(4), [1.0], "must be a dict"),
    ],
)
def test_what_has_no_class_is_refused(y, weights, words):
    with lamina.backend("torch"), pytest.raises(ValueError, match=words):
        trained(lamina, ONES, y, weights, "categorical_crossentropy" if y.ndim > 1 else "mse")


@pytest.mark.parametrize("place", [lambda y: (y,), lambda y: [y], lambda y: {"out": y}])
def test_one_output_may_stand_in_a_list_or_dict(place):
    inputs = lamina.Input((1,))
    outputs = lamina.layers.Dense(3, kernel_initializer="ones", name="out")(inputs)
    losses = []
    with lamina.backend("torch"):
        for structure in (lambda y: y, place):
            model = lamina.Model(inputs, structure(outputs))
            model.compile(
                lamina.optimizers.SGD(0.0), lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
            )
            y = structure(np.array([0, 1, 2, 1]))
            losses.append(
                model.fit(ONES, y, class_weight={1: 5.0}, sample_weight=structure(ONES[:, 0]), verbose=0)
            )
    assert losses[0].history == losses[1].history
