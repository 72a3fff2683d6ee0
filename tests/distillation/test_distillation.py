"""Distillation against Keras and against its formulas."""

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina.distillation import DistillationLoss, Distiller, FeatureDistillation, LogitsDistillation

random = np.random.RandomState(0)
T, S = random.randn(4, 3).astype("float32"), random.randn(4, 3).astype("float32")
X, Y = random.randn(16, 5).astype("float32"), random.randint(0, 3, 16)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def divergence(t, s, temperature):
    p, q = softmax(t / temperature), softmax(s / temperature)
    return (p * np.log(p / q)).sum(-1).mean() * temperature**2


def value(loss, t=T, s=S):
    with lamina.backend("numpy"):
        wrap = lambda v: lamina.tree.map_structure(lamina.ops.array, v)
        return float(loss.compute_loss(wrap(t), wrap(s)))


def test_logits_are_those_of_keras():
    """With an instance of the loss. (By the name "kl_divergence" Keras leaves the softmax out; we do not.)"""
    theirs = keras.distillation.LogitsDistillation(2.0, keras.losses.KLDivergence())
    wanted = float(theirs.compute_loss(keras.ops.array(T), keras.ops.array(S)))
    for loss in ("kl_divergence", lamina.losses.KLDivergence()):
        np.testing.assert_allclose(value(LogitsDistillation(2.0, loss)), wanted, rtol=1e-5)
    np.testing.assert_allclose(wanted, divergence(T, S, 2.0), rtol=1e-5)
    theirs = keras.distillation.LogitsDistillation(2.0, "mse")
    np.testing.assert_allclose(
        value(LogitsDistillation(2.0, "mse")),
        float(theirs.compute_loss(keras.ops.array(T), keras.ops.array(S))),
        rtol=1e-5,
    )


@pytest.mark.parametrize("from_logits", [False, True])
def test_cross_entropy_compares_probabilities(from_logits):
    wanted = -(softmax(T / 2) * np.log(softmax(S / 2))).sum(-1).mean() * 4
    loss = lamina.losses.CategoricalCrossentropy(from_logits=from_logits)
    np.testing.assert_allclose(value(LogitsDistillation(2.0, loss)), wanted, rtol=1e-5)


def test_structures_of_losses():
    one, mse = divergence(T, S, 3.0), ((T - S) ** 2).mean() / 9
    np.testing.assert_allclose(
        value(LogitsDistillation(3.0, ["kl_divergence", None]), [T, T], [S, S]), one, rtol=1e-5
    )
    both = LogitsDistillation(3.0, {"a": "kl_divergence", "b": "mse"})
    np.testing.assert_allclose(value(both, {"a": T, "b": T}, {"a": S, "b": S}), one + mse, rtol=1e-5)
    with pytest.raises(ValueError, match="`loss` has 3 entries, but there are 2 outputs"):
        value(LogitsDistillation(3.0, ["mse", None, "mse"]), [T, T], [S, S])
    with pytest.raises(ValueError, match="the teacher has 1 outputs and the student 2; they must be as many"):
        value(LogitsDistillation(), T, [S, S])


def net(library, hidden, name):
    inputs = library.Input((5,))
    x = library.layers.Dense(hidden, activation="relu", name="hidden")(inputs)
    return library.Model(inputs, library.layers.Dense(3, name="out")(x), name=name)


def distiller(library, losses, **kwargs):
    teacher, student = net(library, 8, "teacher"), net(library, 8, "student")
    for i, v in enumerate([*teacher.weights, *student.weights]):
        v.assign(np.random.RandomState(i).randn(*v.shape).astype("float32"))
    made = library.distillation.Distiller(teacher, student, losses, **kwargs)
    crossentropy = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(library.optimizers.SGD(0.1), crossentropy, metrics=["accuracy"], jit_compile=False)
    return made


@pytest.mark.filterwarnings("ignore::UserWarning:keras")  # about the structure of its own inputs
def test_training_is_that_of_keras():
    """Losses, results and weights after three steps."""
    made = []
    for library in (keras, lamina):
        losses = [
            library.distillation.LogitsDistillation(2.0, library.losses.KLDivergence()),
            library.distillation.FeatureDistillation("mse", "hidden", "hidden"),
        ]
        made.append(distiller(library, losses, distillation_loss_weights=[0.5, 2.0], student_loss_weight=0.3))
    theirs, ours = made
    fit = {"batch_size": 8, "shuffle": False, "verbose": 0}
    wanted = theirs.fit(X, Y, **fit).history
    before = [w.numpy() for w in ours.teacher.weights]
    found = ours.fit(X, Y, **fit).history
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, err_msg=name)
    for a, b in zip(ours.student.weights, theirs.student.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)
    for w, value in zip(ours.teacher.weights, before, strict=True):
        np.testing.assert_array_equal(w.numpy(), value)
    assert ours.evaluate(X, Y, verbose=0, return_dict=True).keys() == wanted.keys()
    np.testing.assert_allclose(ours.predict(X, verbose=0), ours.student.predict(X, verbose=0), rtol=1e-5)


def test_the_student_comes_near_the_teacher_without_labels(tmp_path):
    with lamina.backend("torch"):
        made = distiller(lamina, LogitsDistillation(), student_loss_weight=0.0)
        made.compile(lamina.optimizers.Adam(0.05), jit_compile=False)
        first, *_, last = made.fit(X, epochs=30, verbose=0).history["distillation_loss"]
        assert last < 0.1 * first
        made.save(tmp_path / "distiller.keras")
        again = lamina.models.load_model(tmp_path / "distiller.keras")
        assert type(again) is Distiller
        assert again.distillation_losses[0].get_config() == made.distillation_losses[0].get_config()
        np.testing.assert_array_equal(again.predict(X, verbose=0), made.predict(X, verbose=0))


def test_own_losses_take_part():
    class Distance(DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
            return lamina.ops.mean(lamina.ops.abs(teacher_outputs - student_outputs))

    with lamina.backend("torch"):
        made = distiller(lamina, Distance())
        results = made.evaluate(X, Y, verbose=0, return_dict=True)
        gap = np.abs(made.teacher.predict(X, verbose=0) - made.student.predict(X, verbose=0)).mean()
    np.testing.assert_allclose(results["distillation_loss"], gap, rtol=1e-5)
    with pytest.raises(NotImplementedError, match="DistillationLoss has no `compute_loss`"):
        DistillationLoss().compute_loss(T, S)


TEACHER, STUDENT = net(lamina, 8, "teacher"), net(lamina, 4, "student")
OTHER = lamina.Sequential([lamina.Input((6,)), lamina.layers.Dense(3)])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: LogitsDistillation(0), ValueError, "`temperature` must be a positive number, got 0"),
        (lambda: LogitsDistillation("hot"), ValueError, "`temperature` must be a positive number, got 'hot'"),
        (lambda: LogitsDistillation(loss=None), ValueError, "at least one loss of `loss` must not be None"),
        (lambda: FeatureDistillation([None, None]), ValueError, "at least one loss of `loss` must not be None"),
        (lambda: Distiller(3, STUDENT, LogitsDistillation()), ValueError, "the teacher must be a model, got 3"),
        (lambda: Distiller(TEACHER, "s", LogitsDistillation()), ValueError, "the student must be a model, got 's'"),
        (lambda: Distiller(TEACHER, STUDENT, "kl"), TypeError, "expected losses such as lamina.distillation.Logits"),
        (
            lambda: Distiller(TEACHER, STUDENT, LogitsDistillation(), student_loss_weight=1.5),
            ValueError, "`student_loss_weight` must be from 0 to 1, got 1.5",
        ),
        (
            lambda: Distiller(TEACHER, STUDENT, [LogitsDistillation()], [1.0, 2.0]),
            ValueError, r"one number for each of the 1 losses, none below 0, got \[1.0, 2.0\]",
        ),
        (
            lambda: Distiller(TEACHER, OTHER, LogitsDistillation()), ValueError,
            r"the teacher's inputs have the shapes \[\(None, 5\)\], the student's \[\(None, 6\)\]",
        ),
        (
            lambda: Distiller(TEACHER, STUDENT, FeatureDistillation("mse", "hiden", "hidden")), ValueError,
            "the teacher has no layer 'hiden'.*Did you mean 'hidden'",
        ),
        (
            lambda: Distiller(TEACHER, STUDENT, FeatureDistillation("mse", "hidden", "hidden")), ValueError,
            r"features have shape \(None, 8\), the student's \(None, 4\)",
        ),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make()
