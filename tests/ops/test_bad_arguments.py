"""Wrong arguments give Lamina's own error, with one text on every backend."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from case import normal
from test_ops import CASES, NAMES, arrays, function

import lamina.ops as ops
from lamina import activations, backends, random
from lamina.kernel.context import interpreter

x, image, volume = normal(3, 4), normal(2, 6, 5, 3), normal(2, 4, 4, 4, 2)
ids = np.zeros(3, "int32")

BAD = [
    (lambda: ops.softmax(x, axis=2), "softmax: axis 2 is out of range for a tensor of rank 2 (use -2 to 1)."),
    (lambda: ops.glu(normal(3)), "glu: the size along axis 0 must be even, got 3."),
    (lambda: ops.normalize(x, order=0), "normalize: `order` must be an integer of at least 1, got 0."),
    (lambda: activations.relu(x, max_value="1"), "relu: `max_value` must be a number, got '1'."),
    (lambda: ops.leaky_relu(x, [1, 2]), "leaky_relu: `negative_slope` must be a number, got [1, 2]."),
    (lambda: ops.threshold(x, "1", 0), "threshold: `threshold` must be a number, got '1'."),
    (lambda: ops.squareplus(x, b="3"), "squareplus: `b` must be a number, got '3'."),
    (lambda: ops.celu(x, alpha=()), "celu: `alpha` must be a number, got ()."),
    (lambda: ops.elu(normal(0), alpha=None), "elu: `alpha` must be a number, got None."),
    (lambda: ops.logspace(0.0, 1.0, 3, base="3"), "logspace: `base` must be a number, got '3'."),
    (lambda: ops.repeat(3.0, 2, axis=1.0), "repeat: `axis` must be an integer, got 1.0."),
    (lambda: ops.rot90(x, axes=None), "rot90: `axes` must be two different axes, got None."),
    (lambda: ops.select([x > 0], [x], None), "select: `default` must be a number or a tensor, got None."),
    (lambda: ops.bincount(ids, weights=np.ones(2)), "bincount: weights of shape (2,) for `x` of shape (3,)."),
    (lambda: ops.unique(normal(0), size=2), "unique: 2 places and nothing to fill them with"),
    (lambda: ops.solve_triangular(np.eye(2), 1.0), "expected a tensor of rank 1 or more, got shape ()."),
    (lambda: ops.tensordot(x, x, axes=-1), "tensordot: `axes` must be from 0 to 2"),
    (lambda: ops.unstack(x, num=4), "unstack: `num` must be 3, the size of axis 0, got 4."),
    (lambda: activations.get("rellu"), "Did you mean 'relu'?"),
    (lambda: ops.conv(image, normal(3, 3, 2, 4)), "the input has 3 channels"),
    (lambda: ops.conv(image, normal(3, 3, 4)), "needs a kernel of 4 axes, got shape (3, 3, 4)"),
    (
        lambda: ops.conv(image, normal(3, 3, 3, 4), padding="sam"),
        "unknown padding 'sam'. Did you mean 'same'?",
    ),
    (
        lambda: ops.conv(image, normal(3, 3, 3, 4), strides=0),
        "`strides` must be an integer of at least 1, got 0.",
    ),
    (lambda: ops.conv(image, normal(3, 3, 3, 4), strides=(1, 1, 1)), "must be an integer or 2 integers"),
    (lambda: ops.conv(image, normal(3, 3, 3, 4), data_format="last"), "Unknown data_format: 'last'."),
    (lambda: ops.conv_transpose(image, normal(3, 3, 2, 4)), "is for 4 (its last size)"),
    (
        lambda: ops.conv_transpose(image, normal(3, 3, 2, 3), output_padding=1),
        "must be less than the stride 1",
    ),
    (lambda: ops.depthwise_conv(image, normal(3, 3, 4, 1)), "is for 4."),
    (lambda: ops.max_pool(x, 2), "expected an input of shape (batch, *spatial, channels)"),
    (lambda: ops.average_pool(image, (2, 2, 2)), "`pool_size` must be an integer or 2 integers"),
    (lambda: ops.unfold(x, 2), "unfold: expected a batch of images (rank 4), got shape (3, 4)."),
    (
        lambda: ops.fold(normal(2, 12, 7), 4, 2),
        "fold: 3 x 3 windows fit into images of 4 x 4, but the input has 7",
    ),
    (lambda: ops.space_to_depth(image, 2), "space_to_depth: the width must be a multiple of 2, got 5"),
    (lambda: ops.depth_to_space(image, 2), "the number of channels must be a multiple of 4, got 3"),
    (lambda: ops.one_hot(ids, -1), "one_hot: `num_classes` must be an integer of at least 0, got -1."),
    (lambda: ops.multi_hot(ids), "multi_hot: `num_classes` must be given."),
    (lambda: ops.binary_crossentropy(x, normal(3, 5)), "must have the same shape, got (3, 4) and (3, 5)."),
    (lambda: ops.sparse_categorical_crossentropy(ids, normal(4, 5)), "without axis 1, got (3,) and (4, 5)."),
    (lambda: ops.batch_normalization(x, normal(3), normal(4), -1), "`mean` must have shape (4,)"),
    (lambda: ops.layer_normalization(x, normal(3)), "`gamma` must have shape (4,)"),
    (lambda: ops.moments(x, 5), "moments: axis 5 is out of range"),
    (lambda: ops.dot_product_attention(x, x, x), "expected three tensors of rank 4"),
    (
        lambda: ops.ctc_loss(np.zeros((3, 2), "int32"), x, ids, ids),
        "expected outputs of shape (batch, time, classes)",
    ),
    (lambda: ops.ctc_decode(normal(3, 4, 5), ids, "beem_search"), "Did you mean 'beam_search'?"),
    (lambda: ops.psnr(x, normal(3), 1.0), "psnr: the shapes must be equal"),
    (lambda: ops.top_k(x, 5), "top_k: k = 5 is more than the last axis holds (input shape (3, 4))."),
    (lambda: ops.top_k(x, -1), "top_k: `k` must be an integer of at least 0, got -1."),
    (
        lambda: ops.in_top_k(ids, normal(4, 5), 1),
        "in_top_k: the shape of `predictions` must be that of `targets` and an axis of classes",
    ),
    (lambda: ops.logsumexp(x, axis=(0, 0)), "logsumexp: an axis is given twice in (0, 0)."),
    (lambda: ops.extract_sequences(x, 0, 1), "`sequence_length` must be an integer of at least 1, got 0."),
    (lambda: ops.view_as_complex(normal(3, 3)), "the last size must be 2"),
    (lambda: ops.cdist(x, normal(3, 5)), "cdist: the last sizes of (3, 4) and (3, 5) differ."),
    (
        lambda: ops.segment_sum(x, np.zeros(4, "int32"), 2),
        "must be equally long, got shapes (3, 4) and (4,).",
    ),
    (lambda: ops.segment_max(x, np.zeros((3, 1), "int32"), 2), "must have one axis"),
    (lambda: ops.cholesky(x), "cholesky: expected square matrices (..., n, n), got shape (3, 4)."),
    (
        lambda: ops.solve(normal(3, 3), normal(4)),
        "solve: the right side must have shape (..., 3) or (..., 3, k)",
    ),
    (lambda: ops.qr(x, "full"), "qr: unknown mode 'full'."),
    (lambda: ops.norm(x, "fro", 0), "norm: order 'fro' needs two axes (matrices), got one."),
    (lambda: ops.norm(x, 3), "norm: unknown order 3 for matrices."),
    (lambda: ops.lstsq(x, normal(4)), "lstsq: expected shapes (m, n) and (m,) or (m, k)"),
    (lambda: ops.fft(x), "fft: `x` must be a pair (real part, imaginary part) of tensors."),
    (lambda: ops.fft((x, normal(3))), "the two parts differ in shape: (3, 4) and (3,)."),
    (lambda: ops.stft(normal(12), 4, 2, 3), "`fft_length` must be at least `sequence_length`, got 3 and 4."),
    (lambda: ops.stft(normal(12), 4, 2, 4, "han"), "unknown window 'han'. Did you mean 'hann'?"),
    (lambda: ops.scan(lambda c, v: (c, v), 0.0), "scan: give `xs` or `length`"),
    (lambda: ops.scan(lambda c, v: (c, v), 0.0, x, length=2), "scan: `length` is 2, but `xs` has 3 entries."),
    (
        lambda: ops.map(lambda v: v[0], (x, normal(2))),
        "map: the tensors differ in size along axis 0: [2, 3].",
    ),
    (lambda: ops.switch(0, []), "switch: there must be at least one branch."),
    (lambda: ops.cond(x, lambda: 1, lambda: 2), "cond: `pred` must be a scalar, got shape (3, 4)."),
    (
        lambda: ops.image.resize(x, (2, 2)),
        "resize: expected one image (rank 3) or a batch of images (rank 4)",
    ),
    (lambda: ops.image.resize(image, (0, 2)), "resize: `size` must be 2 integers of at least 1, got (0, 2)."),
    (
        lambda: ops.image.resize(image, (2, 2), "bilinar"),
        "unknown interpolation 'bilinar'. Did you mean 'bilinear'?",
    ),
    (
        lambda: ops.image.affine_transform(image, normal(7)),
        "`transform` must have shape (8,) or (batch, 8), got (7,).",
    ),
    (lambda: ops.image.map_coordinates(x, normal(3, 2), 1), "`coordinates` must have shape (2, ...)"),
    (lambda: ops.image.map_coordinates(x, normal(2, 2), 2), "map_coordinates: unknown order 2."),
    (
        lambda: ops.image.rgb_to_hsv(ops.ones((2, 2, 3), "uint8")),
        "rgb_to_hsv: expected float images, got uint8.",
    ),
    (
        lambda: ops.image.rgb_to_hsv(normal(2, 2, 4)),
        "rgb_to_hsv: expected 3 channels, got 4 (shape (2, 2, 4)).",
    ),
    (
        lambda: ops.image.crop_images(image, 1, 1),
        "crop_images: give exactly two of top_cropping, bottom_cropping",
    ),
    (
        lambda: ops.image.crop_images(image, 4, 1, 4, 1),
        "crop_images: `target_height` must be an integer of at least 0",
    ),
    (
        lambda: ops.image.extract_patches(image, 7),
        "extract_patches: a window of 7 does not fit into 6 pixels.",
    ),
    (lambda: ops.image.gaussian_blur(image, 3, 0.0), "gaussian_blur: `sigma` must be two numbers above 0"),
    (lambda: ops.image.ssim(image, image), "ssim: the window of 11 is larger than the images (2, 6, 5, 3)."),
    (
        lambda: random.normal((2,), dtype="int32"),
        "random.normal: `dtype` must be a float dtype, got 'int32'.",
    ),
    (lambda: random.randint((2,), 5, 5), "random.randint: `maxval` must be above `minval`, got 5 to 5."),
    (lambda: random.dropout(x, 1.5), "random.dropout: `rate` must be a number from 0 to 1, got 1.5."),
    (
        lambda: random.categorical(normal(3), 1),
        "random.categorical: `logits` must have two axes, got shape (3,).",
    ),
    (lambda: random.uniform((2, -1)), "a shape has no negative sizes"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("call", "text"), BAD, ids=[text[:40] for _, text in BAD])
def test_says_what_is_wrong(name: str, call: Any, text: str) -> None:
    with interpreter(backends.load(name)), pytest.raises(ValueError) as caught:
        call()
    assert text in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_is_not_there(name: str) -> None:
    with (
        interpreter(backends.load(name)),
        pytest.raises(TypeError, match="stft: `x` must be float, got int32"),
    ):
        ops.stft(np.arange(12, dtype="int32"), 4, 2, 4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.segment_sum(x, np.zeros(3, "float32"), 2),
        lambda: ops.in_top_k(np.zeros(3, "float32"), x, k=1),
        lambda: ops.take(x, np.zeros(0, "float32")),
    ],
)
def test_class_numbers_are_whole(name: str, call: Any) -> None:
    with interpreter(backends.load(name)), pytest.raises(TypeError, match="must be integers, got float32"):
        call()


INDEFINITE = np.array([[[1, 0], [0, 1]], [[1, 2], [2, 1]]], "float32")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_of_no_positive_definite_matrix(name: str, upper: bool) -> None:
    """An error where the numbers are known; NaN in a compiled program, which cannot stop."""
    kernel = backends.load(name)
    with interpreter(kernel):
        with pytest.raises(ValueError, match=r"cholesky: the matrix is not positive definite\."):
            ops.cholesky(INDEFINITE, upper)
        if name not in ("numpy", "torch"):  # those run a compiled program as it is
            found = kernel.to_numpy(kernel.jit(lambda m: ops.cholesky(m, upper))(kernel.asarray(INDEFINITE)))
            assert not np.isnan(found[0]).any()
            assert np.isnan(found[1]).any()


AXES = ("axis", "axes", "axis1", "axis2", "axisa", "axisb", "axisc", "source", "destination")


def calls_with_axes() -> list[Any]:
    """The first case of each op for each of its parameters that is an axis."""
    found = {}
    for case in CASES:
        given = inspect.signature(function(case)).parameters
        for parameter in AXES:
            if parameter in given and arrays(case)[0]:
                found.setdefault(f"{case.name}-{parameter}", (case, parameter))
    del found["tensordot-axes"]  # how many axes
    return [pytest.param(*pair, id=label) for label, pair in found.items()]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("case", "parameter"), calls_with_axes())
def test_no_axis_7(name: str, case: Any, parameter: str) -> None:
    """Every op that takes an axis says in the same words that there is none of that number."""
    kernel = backends.load(name)
    given, build = arrays(case)
    with interpreter(kernel):
        args, kwargs = build([kernel.asarray(a) for a in given])
        call = inspect.signature(function(case)).bind(*args, **kwargs)
        call.arguments[parameter] = 7
        with pytest.raises(ValueError, match=f"^{case.name}: axis 7 is out of range for a tensor of rank "):
            function(case)(*call.args, **call.kwargs)


def test_sparse_tensors_are_refused_where_there_are_none() -> None:
    """Everything that has a `sparse` parameter says so; none ignores it."""
    calls = {
        "one_hot": lambda: ops.one_hot(ids, 3, sparse=True),
        "multi_hot": lambda: ops.multi_hot(ids, 3, sparse=True),
        "bincount": lambda: ops.bincount(ids, sparse=True),
        "convert_to_tensor": lambda: ops.convert_to_tensor(ids, sparse=True),
    }
    for backend in ("torch", "numpy"):
        for op, call in calls.items():
            with (
                interpreter(backends.load(backend)),
                pytest.raises(
                    ValueError, match=f"^{op}: `sparse=True` is not supported with the {backend} backend"
                ),
            ):
                call()
    public = {n: getattr(ops, n) for n in dir(ops) if callable(getattr(ops, n))}
    have = {
        n
        for n, f in public.items()
        if "sparse" in getattr(f, "__signature__", inspect.Signature()).parameters
    }
    assert have <= set(calls)
