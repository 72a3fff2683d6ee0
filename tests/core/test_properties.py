"""Properties that hypothesis looks for counterexamples to: shapes under slicing, dtypes, configs."""

import json

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

import lamina
from lamina import layers, ops
from lamina.kernel import dtypes
from lamina.kernel.shapes.infer import infer

quick = settings(max_examples=60, deadline=None, derandomize=True)  # a clock decides nothing
SIZES = st.integers(1, 5)
SLICES = st.builds(
    slice,
    st.none() | st.integers(-6, 6),
    st.none() | st.integers(-6, 6),
    st.sampled_from([None, 1, 2, -1]),
)


@quick
@given(st.tuples(SIZES, SIZES), st.tuples(SLICES, SLICES | st.integers(0, 0) | st.none()), SIZES)
def test_a_symbolic_slice_has_the_shape_of_the_numbers(shape, key, batch):
    """For every batch: what is said to be known is so, and a size that follows the batch is not said to be known."""
    found = lamina.KerasTensor((None, *shape))[key].shape
    many = [np.zeros((n, *shape))[key].shape for n in (batch, 1009, 2027)]
    for sizes in many[1:]:  # the slices' ends are far below these
        assert len(found) == len(sizes)
        assert all(a is None or a == b for a, b in zip(found, sizes, strict=True))
    assert all(a is None for a, b, c in zip(found, *many[1:], strict=True) if b != c)


@quick
@given(
    st.lists(st.sampled_from(sorted(dtypes.NAMES - {"string"} - set(dtypes.FLOAT8))), min_size=1, max_size=4)
)
def test_promotion_has_no_order(names):
    assert dtypes.result_type(*names) == dtypes.result_type(*reversed(names))
    assert dtypes.result_type(*names, *names) == dtypes.result_type(*names)


@quick
@given(
    st.integers(1, 64),
    st.sampled_from([None, "relu", "softmax"]),
    st.booleans(),
    st.sampled_from([None, "l2"]),
)
def test_configs_round_trip(units, activation, use_bias, regularizer):
    layer = layers.Dense(units, activation=activation, use_bias=use_bias, kernel_regularizer=regularizer)
    config = json.loads(json.dumps(layer.get_config()))
    assert json.loads(json.dumps(layers.Dense.from_config(config).get_config())) == config


@quick
@given(st.lists(SIZES, min_size=1, max_size=3), st.lists(SIZES | st.just(1), min_size=1, max_size=3))
def test_broadcasting_is_numpys(first, second):
    try:
        wanted = np.broadcast_shapes(tuple(first), tuple(second))
    except ValueError:
        wanted = None
    a, b = lamina.KerasTensor(tuple(first)), lamina.KerasTensor(tuple(second))
    try:
        found = ops.add(a, b).shape
    except ValueError:
        found = None
    assert found == wanted


@quick
@given(SIZES, st.integers(1, 4))
def test_a_size_is_unknown_also_where_its_mark_is_lost(fixed, factor):
    """Python's `int` and `max` give plain numbers: only the second run, with another stand-in, tells."""
    program = lambda x: ops.zeros((max(int(x.shape[0]), 1) * factor, fixed))
    assert infer(lambda specs: program(specs[0]), [((None, 2), "float32")]).shape == (None, fixed)
