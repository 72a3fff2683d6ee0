"""Strings looked up, split, counted and hashed many at a time: the same numbers as one by one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from lamina import backends, layers
from lamina.kernel.context import interpreter
from lamina.layers.preprocessing import index, packed, string_lookup, text_vectorization, texts
from lamina.layers.preprocessing import strings as strings_module
from lamina.layers.preprocessing.fingerprint import fingerprint64
from lamina.layers.preprocessing.index import Index
from lamina.layers.preprocessing.packed import pack, pack_array
from lamina.layers.preprocessing.strings import Strings, strings
from lamina.layers.preprocessing.vocabulary import Counts

RNG = np.random.default_rng(0)
LETTERS = np.array([*"ab Q.,!", "\t", "\n", "\x0b", "\r", "\x00", "\x1c", "\u00a0", "é", "語", "🙂"])
SOME = ["".join(LETTERS[RNG.integers(0, len(LETTERS), n)]) for n in RNG.integers(0, 70, 1500)]
PLAIN = [
    t.encode("ascii", "ignore").decode().replace("\0", "") for t in SOME
]  # as arrays of strings hold them


@pytest.fixture(autouse=True)
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def forms(values: list[str]) -> dict[str, Any]:
    """The same strings as different holders have them."""
    found = {
        "list": values,
        "objects": np.array(values, object),
        "bytes objects": [v.encode() for v in values],
    }
    if not any(v.endswith("\0") for v in values):  # NumPy's own strings end there
        found["unicode"] = np.array(values)
        found["bytes"] = np.array([v.encode() for v in values])
    return found


def bytes_of(made: Strings) -> list[bytes]:
    """All that functions of pieces see."""
    found: list[bytes] = []

    def see(texts: packed.Packed) -> np.ndarray:
        found.extend(texts.texts())
        return texts.lengths

    assert made.mapped("utf-8", see).tolist() == list(map(len, found))
    return found


@pytest.mark.parametrize("values", [SOME, PLAIN], ids=["all kinds", "ascii"])
def test_packed_strings_are_what_they_were(values: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for piece in (1 << 15, 64):
        monkeypatch.setattr(packed, "PIECE", piece)
        monkeypatch.setattr(strings_module, "PIECE", piece)
        for name, form in forms(values).items():
            assert [t.decode() for t in bytes_of(strings(form, "a test"))] == values, name
            assert bytes_of(strings(form[:0], "a test")) == []
    assert pack_array(np.array(["é"])) is None
    empty = pack_array(np.array([""] * 3))
    assert empty is not None
    assert empty.texts() == [b""] * 3


@pytest.mark.parametrize("length", [1, 3, 7, 8, 16, 30, 64, 200])
def test_strings_of_one_length_are_read_at_their_step(length: int) -> None:
    values = ["".join(RNG.choice(list("abcXYZ019"), length)) for _ in range(50)]
    for form in (values, np.array(values), np.array(values, object)):
        made = strings(form, "a test")
        steps: list[int | None] = []
        found = made.mapped("utf-8", lambda t, steps=steps: (steps.append(t.step), fingerprint64(t))[1])
        assert all(steps), "the shortcut is not taken"
        singly = [
            fingerprint64(pack([t, "another length" * 20]))[0] for t in values
        ]  # whose places are looked up
        assert found.tolist() == singly


@pytest.mark.parametrize("order", ["=", ">", "<"])
def test_arrays_of_other_byte_orders_and_strides(order: str) -> None:
    array = np.array(PLAIN[:600]).astype(f"{order}U70").reshape(20, 30)
    for view in (array, array.T, array[::2, ::-3]):
        found = pack_array(view)
        assert found is not None
        assert [t.decode() for t in found.texts()] == view.ravel().tolist()


@pytest.mark.parametrize("factor", [None, 0, 1 << 40])
def test_the_table_is_exact(factor: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where all strings have the same hash, or those that end alike."""
    if factor is not None:
        monkeypatch.setattr(index, "_FACTOR", np.uint64(factor))
    pool = list(
        dict.fromkeys([*SOME[:400], *(f"a much longer one {i}" for i in range(100)), "a", "a\0", "a\0\0"])
    )
    keys = pool[::2]
    table = Index(pack(keys), np.arange(len(keys)) * 3, -7)
    asked = [pool[i] for i in RNG.integers(0, len(pool), 3000)]
    known = {t: 3 * i for i, t in enumerate(keys)}
    assert table.find(pack(asked)).tolist() == [known.get(t, -7) for t in asked]
    assert Index(pack([]), np.zeros(0, np.int64), 5).find(pack(["x", ""])).tolist() == [5, 5]


WAYS: list[dict[str, Any]] = [
    {}, {"standardize": None}, {"standardize": "lower"}, {"standardize": "strip_punctuation"},
    {"output_sequence_length": 3}, {"output_mode": "count"}, {"output_mode": "multi_hot"}, {"ragged": True},
]  # fmt: skip


@pytest.mark.parametrize("given", WAYS, ids=str)
@pytest.mark.parametrize("values", [SOME, PLAIN], ids=["all kinds", "ascii"])
def test_texts_at_once_are_texts_one_by_one(
    values: list[str], given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = layers.TextVectorization(**given)
    learned.adapt(values)
    monkeypatch.setattr(texts, "_TOGETHER", 97)
    for name, form in forms(values).items():
        layer = layers.TextVectorization(**given)
        layer.adapt(form)
        assert layer.get_vocabulary() == learned.get_vocabulary(), name
        many = layer(form)
        with monkeypatch.context() as patch:
            patch.setattr(text_vectorization, "_FEW", 10**9)
            single = layer(form)
        if given.get("ragged"):
            assert all(np.array_equal(a, b) for a, b in zip(many, single, strict=True))
        else:
            np.testing.assert_array_equal(many, single, err_msg=name)
    tokens = Counter(t for text in values for t in learned._tokenizer.rows([text])[0])
    wanted = sorted(tokens, key=lambda t: (tokens[t], t), reverse=True)
    assert [t.encode() for t in learned.get_vocabulary(False)] == wanted


def test_counts_grow_into_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamina.layers.preprocessing.vocabulary._NEW", 20)
    counts, wanted = Counts(False), Counter()
    for _ in range(30):
        some = [f"t{i}" for i in RNG.zipf(1.3, 200) % 500]
        counts.add_packed(pack(some))
        wanted.update(some)
    found = {t.decode(): n for t, n in counts._all()}
    assert found == dict(wanted)
    best = counts.most_frequent(5, {b"t1"}, lambda t: t)
    order = sorted(((n, t) for t, n in wanted.items() if t != "t1"), reverse=True)[:5]
    assert [t.decode() for t in best] == [t for _, t in order]


@pytest.mark.parametrize(
    "given", [{}, {"num_oov_indices": 3}, {"mask_token": "b"}, {"num_oov_indices": 2, "salt": 5}]
)
def test_lookups_at_once_are_lookups_one_by_one(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = [t for t in dict.fromkeys(PLAIN[:300]) if t not in ("", "b")]
    layer = layers.StringLookup(vocabulary=vocabulary, **given)
    for name, form in forms([*PLAIN, "b", ""]).items():
        many = layer(form)
        with monkeypatch.context() as patch:
            patch.setattr(string_lookup, "_FEW", 10**9)
            np.testing.assert_array_equal(many, layer(form), err_msg=name)
    refusing = layers.StringLookup(vocabulary=vocabulary, num_oov_indices=0)
    with pytest.raises(ValueError, match=r"these are not: .*'nowhere'"):
        refusing(np.array([vocabulary[0]] * 600 + ["nowhere"]))


@pytest.mark.parametrize(
    "given", [{}, {"mask_value": "a"}, {"salt": 3}, {"mask_value": b"a", "salt": [1, 2]}, {"mask_value": 3}]
)
def test_every_form_has_the_same_bins(given: dict[str, Any]) -> None:
    layer, values = layers.Hashing(1000, **given), [*PLAIN, "a", ""]
    wanted = [int(layer(v)) for v in values]
    for name, form in forms(values).items():
        assert layer(form).tolist() == wanted, name
    if given.get("mask_value") in ("a", b"a"):
        assert wanted[-2] == 0
        assert wanted.count(0) == values.count("a")


def test_nothing_is_held_twice_for_strings_of_an_array() -> None:
    """A large array of strings makes no object for each."""
    made = strings(np.array(["abc"] * 1000), "a test")
    layers.StringLookup(vocabulary=["abc"])(made)
    layers.Hashing(5)(made)
    assert made._flat is None


def test_one_zero_width_column() -> None:
    assert packed.matrix_of(np.zeros(3, "U1")) is not None
    assert layers.TextVectorization(vocabulary=["a"])(np.zeros(200, "U1")).shape == (200, 0)
