"""Initializers make what Keras's make: constants exactly, random ones of the same distribution, on all backends alike."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from oracle import BACKENDS, keras

import lamina
from lamina import backends, initializers
from lamina.kernel.context import interpreter

EXACT: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Zeros", {}, (3, 2)), ("Ones", {}, (3, 2)), ("Constant", {"value": 1.5}, (3, 2)), ("Constant", {"value": [1, 2]}, (3, 2)),
    ("Identity", {}, (3, 5)), ("Identity", {"gain": 2.0}, (4, 4)),
    ("STFT", {}, (8, 1, 5)), ("STFT", {"side": "imag", "scaling": "spectrum"}, (6, 1, 4)),
    ("STFT", {"window": "hamming", "periodic": True, "scaling": None}, (7, 1, 9)), ("STFT", {"window": None}, (4, 1, 3)),
    ("STFT", {"window": "blackman", "scaling": None}, (6, 1, 3)),
    ("STFT", {"window": np.array([1.0, 2.0, 2.0, 1.0]), "side": "imag"}, (4, 1, 3)),
]  # fmt: skip

AXES = {"input_axes": [0], "output_axes": [2]}
RANDOM: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("RandomNormal", {}, (50, 40)), ("RandomNormal", {"mean": 2.0, "stddev": 0.5}, (50, 40)),
    ("RandomUniform", {}, (50, 40)), ("RandomUniform", {"minval": 1.0, "maxval": 3.0}, (50, 40)),
    ("TruncatedNormal", {}, (50, 40)), ("TruncatedNormal", {"mean": -1.0, "stddev": 2.0}, (50, 40)),
    ("VarianceScaling", {}, (50, 40)), ("VarianceScaling", {"scale": 3.0, "mode": "fan_out"}, (3, 3, 20, 30)),
    ("VarianceScaling", {"mode": "fan_avg", "distribution": "untruncated_normal"}, (5, 20, 30)),
    ("VarianceScaling", {"distribution": "uniform", **AXES}, (20, 10, 30)),
    ("VarianceScaling", {"distribution": "uniform", "mode": "fan_out", **AXES}, (20, 10, 30)),
    *((name, {}, (40, 60)) for name in ("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform")),
    ("HeNormal", {}, (2000,)), ("GlorotUniform", {}, (2, 3, 20, 30)),
]  # fmt: skip


def identity(case: tuple[str, dict[str, Any], tuple[int, ...]]) -> str:
    return f"{case[0]}-{','.join(case[1])}-{case[2]}"


@pytest.mark.parametrize("case", EXACT, ids=identity)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_constants(case: tuple[str, dict[str, Any], tuple[int, ...]], dtype: str) -> None:
    name, arguments, shape = case
    wanted = np.asarray(getattr(keras.initializers, name)(**arguments)(shape))
    found = getattr(initializers, name)(**arguments).plan(shape, dtype)()
    assert found.dtype == (ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    narrow = {"rtol": 1e-2, "atol": 2e-2} if dtype == "bfloat16" else {"rtol": 1e-5, "atol": 2e-6}
    np.testing.assert_allclose(found.astype("float64"), wanted, **narrow)


@pytest.mark.parametrize("dtype", ["int32", "bool", "uint8", "float16"])
def test_constants_of_other_dtypes(dtype: str) -> None:
    assert initializers.Ones().plan((2,), dtype)().tolist() == [1, 1]
    assert initializers.Zeros().plan((2,), dtype)().dtype == dtype


@pytest.mark.parametrize("case", RANDOM, ids=identity)
def test_distributions(case: tuple[str, dict[str, Any], tuple[int, ...]]) -> None:
    name, arguments, shape = case
    theirs = np.concatenate(
        [np.asarray(getattr(keras.initializers, name)(**arguments, seed=s)(shape)).ravel() for s in range(8)]
    )
    ours = np.concatenate(
        [getattr(initializers, name)(**arguments, seed=s).plan(shape)().ravel() for s in range(8)]
    )
    spread = theirs.std()
    few = 5 * spread / np.sqrt(theirs.size)  # five standard errors
    assert abs(ours.mean() - theirs.mean()) < 2 * few
    assert ours.std() == pytest.approx(spread, rel=0.03)
    if "ormal" not in name or "untruncated" not in str(arguments):
        for quantile in (0.01, 0.25, 0.5, 0.75, 0.99):
            assert (
                abs(np.quantile(ours, quantile) - np.quantile(theirs, quantile))
                < (0.15 if quantile in (0.01, 0.99) else 0.07) * spread
            )
    if name not in ("RandomNormal",) and arguments.get("distribution") != "untruncated_normal":
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)


def test_orthogonal() -> None:
    for shape in ((4, 6), (6, 4), (5, 5), (2, 3, 4)):
        matrix = initializers.Orthogonal(gain=2.0, seed=1).plan(shape)().reshape(-1, shape[-1])
        small = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)
    corners = [initializers.Orthogonal(seed=s).plan((3, 3))()[0, 0] for s in range(300)]
    assert abs(np.mean(corners)) < 0.15  # both signs: uniform over all orthogonal matrices


def test_seeds() -> None:
    same = initializers.GlorotUniform(seed=3)
    assert np.array_equal(same.plan((5, 5))(), same.plan((5, 5))())
    assert np.array_equal(same.plan((5, 5))(), initializers.GlorotUniform(seed=3).plan((5, 5))())
    fresh = initializers.GlorotUniform()
    assert not np.array_equal(fresh.plan((5, 5))(), fresh.plan((5, 5))())
    lamina.utils.set_random_seed(1)
    one = initializers.RandomNormal().plan((4,))()
    lamina.utils.set_random_seed(1)
    assert np.array_equal(one, initializers.RandomNormal().plan((4,))())
    stream = initializers.RandomNormal(seed=lamina.random.SeedGenerator(3))
    assert not np.array_equal(stream.plan((4,))(), stream.plan((4,))())
    later = fresh.plan((3,))
    assert np.array_equal(later(), later())  # a plan gives the same numbers whenever it is carried out
    assert np.array_equal(same.clone().plan((3,))(), same.plan((3,))())


def test_large_weights_do_not_depend_on_threads() -> None:
    whole = initializers.RandomNormal(seed=5).plan((3 * 2**20 + 17,))()
    assert np.array_equal(whole, initializers.RandomNormal(seed=5).plan((3 * 2**20 + 17,))())
    assert np.array_equal(whole[: 2**20], initializers.RandomNormal(seed=5).plan((2**20,))())
    blocks = whole[: 3 * 2**20].reshape(3, -1)
    assert np.abs(np.corrcoef(blocks) - np.eye(3)).max() < 0.01
    assert whole.std() == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize("backend", BACKENDS)
def test_tensors_are_those_of_the_backend_with_the_same_numbers(backend: str) -> None:
    wanted = initializers.HeNormal(seed=1).plan((4, 4), "float32")()
    with interpreter(backends.load(backend)) as k:
        found = initializers.HeNormal(seed=1)((4, 4))
        assert k.is_tensor(found)
        assert np.array_equal(k.to_numpy(found), wanted)
        assert k.dtype(initializers.Ones()((2,), dtype="int32")) == "int32"
        assert k.dtype(initializers.Zeros()((2,), dtype="bfloat16")) == "bfloat16"


ALIASES = {
    "zeros": "Zeros", "zero": "Zeros", "ones": "Ones", "one": "Ones", "constant": "Constant", "uniform": "RandomUniform",
    "normal": "RandomNormal", "random_uniform": "RandomUniform", "random_normal": "RandomNormal",
    "truncated_normal": "TruncatedNormal", "variance_scaling": "VarianceScaling", "glorot_uniform": "GlorotUniform",
    "GlorotUniform": "GlorotUniform", "he_normal": "HeNormal", "lecun_uniform": "LecunUniform", "orthogonal": "Orthogonal",
    "OrthogonalInitializer": "Orthogonal", "identity": "Identity", "IdentityInitializer": "Identity", "stft": "STFT",
}  # fmt: skip


@pytest.mark.parametrize(("name", "cls"), ALIASES.items())
def test_identifiers(name: str, cls: str) -> None:
    assert type(initializers.get(name)).__name__ == cls


def test_other_identifiers() -> None:
    made = initializers.Zeros()
    assert initializers.get(made) is made
    assert type(initializers.get(initializers.Ones)) is initializers.Ones
    assert initializers.get(np.array([1.0, 2.0])).plan((2,))().tolist() == [1.0, 2.0]
    assert initializers.get(None) is None
    function = lambda shape, dtype=None: lamina.ops.ones(shape, dtype)
    assert initializers.get(function) is function
    assert initializers.get({"class_name": "Constant", "config": {"value": 3}}).value == 3
    with pytest.raises(ValueError, match=r"Unknown initializer: 'zeross'. Did you mean 'zeros'"):
        initializers.get("zeross")


@pytest.mark.parametrize("case", [*EXACT, *RANDOM], ids=identity)
def test_configs(case: tuple[str, dict[str, Any], tuple[int, ...]]) -> None:
    name, arguments, shape = case
    ours = getattr(initializers, name)(**arguments)
    theirs = getattr(keras.initializers, name)(**arguments).get_config()
    if name != "Identity" and not isinstance(arguments.get("window"), np.ndarray):  # Keras forgets the gain
        assert ours.get_config() == theirs
    again = initializers.deserialize(initializers.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()
    if name == "RandomNormal":
        seeded = type(ours)(seed=7)
        same = initializers.deserialize(initializers.serialize(seeded))
        assert np.array_equal(same.plan(shape)(), seeded.plan(shape)())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.Identity()((2, 2, 2)), "matrices only"),
        (lambda: initializers.Identity(gain=[1, 2]), r"Identity: `gain` must be a number, got \[1, 2\]"),
        (lambda: initializers.Orthogonal()((2,)), "two axes or more"),
        (lambda: initializers.Constant([1, 2, 3])((2,)), "does not broadcast"),
        (lambda: initializers.Constant(None), "`value` must be a number or an array, got None"),
        (lambda: initializers.HeNormal(input_axes=True, output_axes=0)((2, 3)), "must be integers, got True"),
        (lambda: initializers.VarianceScaling(scale=-1.0), "`scale` must be positive, got -1.0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "Unknown mode 'fan'"),
        (lambda: initializers.VarianceScaling(distribution="flat"), "Unknown distribution 'flat'"),
        (lambda: initializers.VarianceScaling(input_axes=[0])((2, 3)), "both `input_axes` and `output_axes`"),
        (lambda: initializers.VarianceScaling(input_axes=[7], output_axes=[0])((2, 3)), "out of range"),
        (lambda: initializers.RandomNormal(seed="x"), "`seed` must be"),
        (lambda: initializers.RandomNormal()((2,), dtype="int32"), "draw floats, not int32"),
        (lambda: initializers.STFT(side="left"), "Unknown side"),
        (lambda: initializers.STFT()((3, 4)), "frame, 1, frequencies"),
        (lambda: initializers.STFT(window=np.ones(3))((4, 1, 3)), "window has shape"),
    ],
)
def test_bad_arguments(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_one_of_the_users() -> None:
    class Halves(initializers.Initializer):
        def __init__(self, by: float = 2.0) -> None:
            self.by = by

        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return lamina.ops.full(shape, 1 / self.by, dtype=dtype)

    assert Halves(4.0).clone().get_config() == {"by": 4.0}
    variable = lamina.Variable(Halves(4.0), shape=(2,), dtype="float32")
    assert variable.numpy().tolist() == [0.25, 0.25]
