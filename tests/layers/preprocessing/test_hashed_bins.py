"""Bins are those of TensorFlow: of strings, of integers, of crosses, on the host and inside compiled programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, keras, numbers

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter
from lamina.layers.preprocessing.bins import bins_in_program, bins_of_integers, bins_of_texts
from lamina.layers.preprocessing.fingerprint import fingerprint64
from lamina.layers.preprocessing.packed import pack
from lamina.layers.preprocessing.siphash import siphash

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Explicitly requested dtype int64"
)  # Keras on jax, of its results
COUNT = 10_000
SALTS = (None, 133, [133, 2**62 + 7])


@pytest.fixture(params=BACKENDS)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


@pytest.fixture
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def texts(count: int) -> list[str]:
    """Random strings of 0 to 99 characters, with letters of one to four bytes."""
    rng = np.random.default_rng(0)
    alphabet = list("abcdefgh 0123456789.-") + ["é", "Ω", "語", "🙂"]
    lengths = rng.integers(0, 100, count)
    return ["".join(rng.choice(alphabet, n)) for n in lengths]


def integers(count: int, bits: int) -> np.ndarray:
    """Random integers of all lengths, and the extremes."""
    rng = np.random.default_rng(1)
    limit = 2 ** (bits - 1)
    edges = [0, 1, -1, 9, 10, -9, -10, 99, 100, 999, 1000, limit - 1, -limit]
    sizes = [int(10**e) for e in range(1, len(str(limit)) - 1)]
    drawn = [rng.integers(-s, s, count // len(sizes) + 1) for s in sizes]
    return np.concatenate([edges, *drawn])[:count].astype(f"int{bits}")


TEXTS = texts(COUNT)


# -- the hashes --------------------------------------------------------------------------------------------------------


def test_every_length_has_the_fingerprint_of_farmhash() -> None:
    import tensorflow as tf

    rng = np.random.default_rng(2)
    data = [rng.integers(0, 256, n, dtype=np.uint8).tobytes() for n in range(300) for _ in range(3)]
    n = 2**62
    packed = pack(data)
    fast = tf.strings.to_hash_bucket_fast(data, n).numpy()
    np.testing.assert_array_equal(fingerprint64(packed) % np.uint64(n), fast.astype(np.uint64))
    strong = tf.strings.to_hash_bucket_strong(data, n, key=[3, 2**63 - 5]).numpy()
    np.testing.assert_array_equal(siphash(packed, (3, 2**63 - 5)) % np.uint64(n), strong.astype(np.uint64))


def test_strings_and_bytes_have_the_same_hash() -> None:
    mixed = [t.encode() if i % 2 else t for i, t in enumerate(TEXTS[:50])]
    np.testing.assert_array_equal(fingerprint64(pack(mixed)), fingerprint64(pack(TEXTS[:50])))


# -- Hashing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [None, TEXTS[7]], ids=["plain", "masked"])
@pytest.mark.parametrize("salt", SALTS, ids=["unsalted", "one", "pair"])
def test_strings_have_the_bins_of_keras(salt: Any, mask: Any, on_numpy: None) -> None:
    data = np.array(TEXTS).reshape(100, 100)
    for bins in (2, 7, 1000, 1_000_003):
        given = {"num_bins": bins, "salt": salt, "mask_value": mask}
        theirs = keras.layers.Hashing(**given)(data)
        np.testing.assert_array_equal(layers.Hashing(**given)(data), np.asarray(theirs))
    for mode in ("one_hot", "multi_hot", "count"):
        given = {"num_bins": 50, "salt": salt, "mask_value": mask, "output_mode": mode}
        theirs = np.asarray(keras.layers.Hashing(**given)(data))
        ours = layers.Hashing(**given)(data)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("mask", [None, -10], ids=["plain", "masked"])
@pytest.mark.parametrize("salt", SALTS, ids=["unsalted", "one", "pair"])
def test_integers_have_the_bins_of_keras(salt: Any, mask: Any, on_numpy: None) -> None:
    data = integers(COUNT, 64).reshape(100, 100)
    for bins in (2, 7, 1000, 1_000_003):
        given = {"num_bins": bins, "salt": salt, "mask_value": mask}
        theirs = keras.layers.Hashing(**given)(data)
        np.testing.assert_array_equal(layers.Hashing(**given)(data), np.asarray(theirs))


@pytest.mark.parametrize("salt", SALTS, ids=["unsalted", "one", "pair"])
def test_integers_have_the_same_bins_in_compiled_programs(salt: Any, k: Any) -> None:
    wide = k.dtype(k.astype(k.asarray(np.zeros(1)), "int64")) == "int64"
    for bits in (32, 64) if wide else (32,):
        data = integers(2000, bits)
        pair = [salt, salt] if isinstance(salt, int) else salt
        for bins in (1, 7, 1_000_003, 2**29 + 11) if bits == 64 else (1000,):
            program = lambda x, bins=bins: bins_in_program(k, x, bins, pair)
            compiled = k.jit(program) if k.functional else program
            np.testing.assert_array_equal(
                k.to_numpy(compiled(k.asarray(data))), bins_of_integers(data, bins, pair)
            )


def test_floats_lose_their_fraction(k: Any) -> None:
    data = np.array([1.7, 2.0, -3.2], "float32")
    for x in (data,) if k.functional else (data, k.asarray(data)):  # op by op, jax compiles each
        assert numbers(layers.Hashing(5)(x)).tolist() == bins_of_texts(["1", "2", "-3"], 5).tolist()


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_ranks_are_as_in_keras(mode: str, k: Any) -> None:
    for data in ([1, 2], [[1], [2]], [[1, 2, 3], [4, 5, 6]]):
        theirs = np.asarray(keras.layers.Hashing(4, output_mode=mode)(np.array(data)))
        layer = layers.Hashing(4, output_mode=mode)
        for x in (np.array(data),) if k.functional else (np.array(data), k.asarray(np.array(data, "int32"))):
            ours = numbers(layer(x))
            assert ours.shape == theirs.shape
            np.testing.assert_array_equal(ours, theirs)
        symbolic = layer(lamina.Input(np.shape(data)[1:], dtype="int32"))
        assert len(symbolic.shape) == theirs.ndim


def test_hashing_config_is_that_of_keras() -> None:
    for given in ({"num_bins": 3}, {"num_bins": 3, "salt": 4, "mask_value": "a", "output_mode": "count"}):
        ours, theirs = layers.Hashing(**given).get_config(), keras.layers.Hashing(**given).get_config()
        assert ours | {"name": ""} == theirs | {"name": ""}
        assert layers.Hashing.from_config(ours).get_config() == ours
    ours, theirs = layers.HashedCrossing(3).get_config(), keras.layers.HashedCrossing(3).get_config()
    assert ours | {"name": ""} == theirs | {"name": ""}


def test_hashing_refuses_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"Hashing: `num_bins` must be a positive integer; got 0"):
        layers.Hashing(0)
    with pytest.raises(ValueError, match=r"`output_mode` must be one of 'int'.*got 'onehot'.*'one_hot'"):
        layers.Hashing(3, output_mode="onehot")
    with pytest.raises(ValueError, match=r"`salt` must be an integer or a pair of integers; got 'x'"):
        layers.Hashing(3, salt="x")
    with pytest.raises(
        ValueError, match=r"`mask_value` takes one bin for itself, so `num_bins` must be 2 or more"
    ):
        layers.Hashing(1, mask_value="a")
    with pytest.raises(ValueError, match=r"`dtype` must be 'int64' or 'int32'; got 'float32'"):
        layers.Hashing(3, dtype="float32")
    with pytest.raises(ValueError, match=r"`sparse=True` is for vectors"):
        layers.Hashing(3, sparse=True)
    with pytest.raises(TypeError, match=r"got numbers, but its `mask_value` is the string 'a'"):
        layers.Hashing(3, mask_value="a")(np.array([1, 2]))
    with pytest.raises(NotImplementedError, match=r"fewer than 2\^30 bins, got 2147483648"):
        kernel = backends.load("torch")
        with interpreter(kernel):
            layers.Hashing(2**31)(kernel.asarray(np.array([1], "int32")))


# -- HashedCrossing ----------------------------------------------------------------------------------------------------


def columns() -> list[np.ndarray]:
    return [np.array(TEXTS), integers(COUNT, 64), np.array(TEXTS[::-1]), integers(COUNT, 32)]


@pytest.mark.parametrize("chosen", [(0, 1), (1, 3), (0, 2), (3, 0, 1, 2)], ids=str)
def test_crosses_have_the_bins_of_keras(chosen: tuple[int, ...], on_numpy: None) -> None:
    data = [columns()[i] for i in chosen]
    for bins in (2, 1000, 1_000_003):
        theirs = keras.layers.HashedCrossing(bins)(data)
        np.testing.assert_array_equal(layers.HashedCrossing(bins)(data), np.asarray(theirs))
    data = [x[:100, None] for x in data]
    theirs = np.asarray(keras.layers.HashedCrossing(9, output_mode="one_hot")(data))
    np.testing.assert_array_equal(layers.HashedCrossing(9, output_mode="one_hot")(data), theirs)


def test_crosses_of_integers_in_compiled_programs(k: Any) -> None:
    data = [integers(500, 32), integers(500, 32)[::-1].copy()]
    layer = layers.HashedCrossing(1000)
    with interpreter(backends.load("numpy")):
        wanted = layer(data)
    program = lambda a, b: layer([a, b])
    compiled = k.jit(program) if k.functional else program
    np.testing.assert_array_equal(numbers(compiled(*(k.asarray(x) for x in data))), wanted)


def test_crossing_refuses_bad_input() -> None:
    layer = layers.HashedCrossing(5, name="cross")
    with pytest.raises(ValueError, match=r"'cross'.*two columns or more, in a list or tuple; got ndarray"):
        layer(np.array(["x"]))
    with pytest.raises(ValueError, match=r"got list of 1"):
        layer([np.array(["x"])])
    with pytest.raises(
        ValueError, match=r"one shape, \(\), \(batch,\) or \(batch, 1\); got \(1,\), \(1, 1\)"
    ):
        layer([np.array(["x"]), np.array([["x"]])])
    with pytest.raises(ValueError, match=r"column 0 has dtype float64"):
        layer([np.array([1.0]), np.array(["x"])])
