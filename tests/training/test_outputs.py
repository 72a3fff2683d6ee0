"""Predictions brought together: one array where the rows are known, as many as batches where outputs are of another kind."""

import itertools

import numpy as np
import pytest

from lamina.kernel.context import real_kernel
from lamina.training.run.outputs import Outputs


def collect(parts: list, rows: int | None) -> Outputs:
    outputs = Outputs(real_kernel(), rows)
    k = real_kernel()
    for part in parts:
        outputs.add({"a": k.asarray(part, "float32"), "b": k.asarray(part[..., :1], "float32")})
    return outputs


def batches(*sizes: int, width: int = 3) -> list:
    rows = iter(np.arange(100 * width, dtype="float32").reshape(100, width))
    return [np.stack(list(itertools.islice(rows, n))) for n in sizes]


@pytest.mark.parametrize("rows", [None, 7, 20, 5], ids=["unknown", "as told", "more told", "fewer told"])
@pytest.mark.parametrize("sizes", [(7,), (3, 3, 1), (1, 6)])
def test_rows_stand_in_the_order_of_the_batches(rows: int | None, sizes: tuple) -> None:
    parts = batches(*sizes)
    found = collect(parts, rows).result()
    np.testing.assert_array_equal(found["a"], np.concatenate(parts))
    np.testing.assert_array_equal(found["b"], np.concatenate(parts)[:, :1])


def test_rows_that_are_known_have_their_place_from_the_start() -> None:
    outputs = collect(batches(3, 3, 1), 7)
    place = outputs._whole
    assert place is not None
    assert [a.shape for a in place] == [(7, 3), (7, 1)]
    assert outputs.result()["a"] is place[0]


def test_outputs_whose_rows_are_not_the_datas() -> None:
    narrow, wide = batches(2, 2), batches(2, width=4)
    outputs = collect(narrow, 6)
    outputs.add({"a": wide[0], "b": wide[0][:, :1]})
    with pytest.raises(ValueError, match="concatenation"):
        outputs.result()
    scalars = Outputs(real_kernel(), 4)
    for value in (1.0, 2.0):
        scalars.add(np.full((1, 1), value, "float32"))
    np.testing.assert_array_equal(scalars.result(), [[1.0], [2.0]])


def test_a_callback_gets_arrays_of_its_own() -> None:
    parts = batches(3, 3, 3, 1)
    outputs = Outputs(real_kernel(), 10)
    outputs.add(parts[0])
    outputs.add(parts[1])
    outputs.add(parts[2])
    last = outputs.since(1)
    np.testing.assert_array_equal(last, np.concatenate(parts[1:3]))
    last[:] = 0
    outputs.add(parts[3])
    np.testing.assert_array_equal(outputs.since(3), parts[3])
    np.testing.assert_array_equal(outputs.result(), np.concatenate(parts))
