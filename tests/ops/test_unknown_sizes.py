"""Sizes that are not known: a tf.function made for any batch, and shapes drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from test_ops import NAMES, arrays, first_of_each, flat, function, run, skip, wide

import lamina.ops as ops
from lamina import backends
from lamina.kernel.context import interpreter
from lamina.kernel.shapes.infer import infer

# Ops whose program depends on a leading size: what they say when it is not known. Every other op just works.
MUST_BE_KNOWN = {
    "image.scale_and_translate": "must have shape",
    "image.map_coordinates": "must have shape",
    "cholesky_inverse": "expected square matrices",
    "eigh": "expected square matrices",
    "eig": "expected square matrices",
    "pinv": "must be known when the program is made",
    "cross": "expected 2 or 3 components",
    "correlate": "must be known when the program is made",
    "array_split": "must be known when the program is made",
    "unstack": "is not known here, give it as `num`",
}
# The leading size of these arrays (by place) is a kernel's, not a batch.
WEIGHTS = {"conv": (1,), "depthwise_conv": (1,), "conv_transpose": (1,), "separable_conv": (1, 2)}


# Ops whose bodies read sizes; the others are slow tests.
READ_SIZES = {
    "scan", "map", "fold", "ctc_loss", "ctc_decode", "image.affine_transform", "image.perspective_transform",
    "image.elastic_transform", "image.pad_images", "image.crop_images", "batch_normalization", "layer_normalization",
    "rms_normalization", "depthwise_conv", "conv_transpose", "histogram", "broadcast_to", "reshape",
}  # fmt: skip


def cases_of_tensorflow() -> list[Any]:
    quick = READ_SIZES | set(MUST_BE_KNOWN)
    return [
        pytest.param(case, id=case.name, marks=[] if case.name in quick else [pytest.mark.slow])
        for case in first_of_each()
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif("tensorflow" not in NAMES, reason="tensorflow is not installed")
@pytest.mark.parametrize("case", cases_of_tensorflow())
def test_tensorflow_takes_any_batch(case: Any) -> None:
    import tensorflow as tf

    k: Any = backends.load("tensorflow")
    skip(k, case)
    given, build = arrays(case)
    fixed = WEIGHTS.get(case.name, ())

    def program(tensors: list) -> list:
        args, kwargs = build(tensors)
        return [x if k.is_tensor(x) else k.asarray(x) for x in flat(function(case)(*args, **kwargs))]

    with interpreter(k):
        tensors = [k.asarray(a) for a in given]
        specs = [
            tf.TensorSpec(x.shape if i in fixed or not x.shape.rank else [None, *x.shape[1:]], x.dtype)
            for i, x in enumerate(tensors)
        ]
        compiled = tf.function(program, input_signature=[specs])
        if case.name in MUST_BE_KNOWN:
            with pytest.raises(ValueError, match=MUST_BE_KNOWN[case.name]):
                compiled(tensors)
            return
        found = compiled(tensors)
    # NumPy's results, which the test of the ops holds against Keras: asking Keras again would take longer
    for x, y in zip(found, run(backends.load("numpy"), case), strict=True):
        np.testing.assert_allclose(
            wide(k.to_numpy(x)), wide(np.asarray(y)), rtol=max(case.rtol, 1e-4), atol=max(case.atol, 1e-4)
        )


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda x: ops.glu(x), [2, None]),
        (lambda x: ops.image.extract_patches(x, 2), [1, None, None, 3]),
        (lambda x: ops.irfft((x, x), 4), [2, None]),
        (lambda x: ops.sparsemax(x), [None, None]),
    ],
    ids=["glu", "extract_patches", "irfft", "sparsemax"],
)
def test_sizes_that_tensorflow_does_not_know_are_asked_for(call: Any, shape: list) -> None:
    tf = pytest.importorskip("tensorflow")
    given = np.ones([n or 4 for n in shape], "float32")
    with interpreter(backends.load("tensorflow")):
        assert call(given) is not None
        with pytest.raises(ValueError, match=r"must be known when the program is made, got .*None"):
            tf.function(call, input_signature=[tf.TensorSpec(shape)])(given)


SIZE = st.integers(0, 4)
SHAPE = st.lists(SIZE, min_size=1, max_size=4).map(tuple)
IMAGE = st.tuples(SIZE, st.integers(3, 7), st.integers(3, 7), st.integers(1, 3))


def agrees(call: Any, *shapes: tuple, hide: int) -> None:
    """The shape inferred with some sizes unknown fits the real one; those of axis i of `hide`'s set bits are hidden."""
    k: Any = backends.load("numpy")
    with interpreter(k):
        real = [x.shape for x in flat(call(*[k.ones(s, "float32") for s in shapes]))]
    some = [tuple(None if hide >> i & 1 else n for i, n in enumerate(s)) for s in shapes]
    for specs, exact in ((shapes, True), (some, False)):
        found = flat(infer(lambda xs: call(*xs), [(s, "float32") for s in specs]))
        assert len(found) == len(real)
        for x, shape in zip(found, real, strict=True):
            assert len(x.shape) == len(shape)
            assert all(n == m or (n is None and not exact) for n, m in zip(x.shape, shape, strict=True))


quick = settings(max_examples=15, deadline=None, derandomize=True, database=None)


@quick
@drawn(SHAPE, st.data(), SIZE)
def test_shapes_of_elementwise_ops(shape: tuple, data: st.DataObject, hide: int) -> None:
    """Broadcasting: a size of 1, or an axis less in front."""
    cut = data.draw(st.integers(0, len(shape)))
    other = tuple(data.draw(st.sampled_from([n, 1])) for n in shape[cut:])
    agrees(ops.exp, shape, hide=hide)
    agrees(ops.add, shape, other, hide=hide)
    agrees(lambda a, b: ops.where(ops.greater(a, b), a, 0.0), other, shape, hide=hide)


@quick
@drawn(SHAPE, st.data(), SIZE)
def test_shapes_along_an_axis(shape: tuple, data: st.DataObject, hide: int) -> None:
    """Sums, joins and changes of form, with axes counted from either end."""
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    keep = data.draw(st.booleans())
    agrees(lambda a: ops.sum(a, axis, keepdims=keep), shape, hide=hide)
    agrees(lambda a: ops.concatenate([a, a], axis), shape, hide=hide)
    agrees(lambda a: ops.stack([a, a], axis), shape, hide=hide)
    agrees(lambda a: ops.flip(ops.expand_dims(a, axis), axis), shape, hide=hide)
    agrees(lambda a: ops.cumsum(a, axis), shape, hide=hide)
    agrees(lambda a: ops.moveaxis(a, axis, 0), shape, hide=hide)
    if 0 not in shape:
        agrees(lambda a: ops.reshape(a, (a.shape[0], -1)), shape, hide=hide)
        agrees(lambda a: ops.max(a, axis), shape, hide=hide)


@quick
@drawn(IMAGE, st.sampled_from(["valid", "same"]), st.integers(1, 3), st.integers(0, 7))
def test_shapes_of_windows(shape: tuple, padding: str, step: int, hide: int) -> None:
    """Convolution and pooling over batches of any size, also empty ones, and images of any size."""
    kernel = np.ones((3, 2, shape[-1], 5), "float32")
    agrees(lambda a: ops.conv(a, kernel, step, padding), shape, hide=hide)
    agrees(lambda a: ops.max_pool(a, 2, step, padding), shape, hide=hide)
    agrees(lambda a: ops.average_pool(a, (3, 2), step, padding), shape, hide=hide)
