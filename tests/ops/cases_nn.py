"""Cases of activations, convolution, pooling, losses, normalization, attention and CTC."""

from __future__ import annotations

import numpy as np
from case import Case, integers, normal, positive

CASES: list[Case] = []


def add(name: str, *args, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs))


def but(name: str, *args, fields: dict, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs).but(**fields))


def probabilities(*shape: int) -> np.ndarray:
    p = positive(*shape)
    return p / p.sum(-1, keepdims=True)


x = normal(3, 4)
far = np.array([[-1e4, -50, -3.3, -1.2, -0.7, 0.2, 0.4, 0.9, 3.7, 6.6, 50, 1e4]], "float32")
empty = normal(0, 4)

# -- activations -------------------------------------------------------------------------------------------------------

CURVES = [
    "celu", "elu", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu",
    "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "squareplus", "swish", "tanh_shrink",
]  # fmt: skip
for name in CURVES:
    add(name, x)
    but(name, far, fields={"gradient": False})  # a sum of such terms has too few digits for differences
    add(name, empty)
    add(name, np.float32(0.3).reshape(()))
    add(name, x.astype("float16"))
    if name not in ("sigmoid", "silu", "swish"):  # Keras has none for integers there
        add(name, integers(2, 3))
add("celu", x, alpha=0.5)
add("elu", x, alpha=0.5)
add("gelu", x, approximate=False)
but("gelu", far, approximate=False, fields={"gradient": False})
add("leaky_relu", x, negative_slope=0.1)
add("hard_shrink", x, threshold=0.2)
add("soft_shrink", x, threshold=0.2)
add("squareplus", x, b=1)
add("threshold", x, 0.3, 7.0)
add("threshold", integers(3, 4), 0.5, 7.5)
for name in ("softmax", "log_softmax"):
    for axis in (-1, 0, None, (0, 1)):
        add(name, x, axis=axis)
    add(name, normal(2, 3, 4), axis=(0, 2))
    but(name, far, fields={"gradient": False})
    but(name, np.array([[-np.inf, 1.0, 2.0]], "float32"), fields={"gradient": False})
    add(name, normal(1, 1))
    add(name, normal(3, 0))
    add(name, integers(3, 4))
add("glu", x)
add("glu", normal(4, 2, 3), axis=0)


def simplex(z: np.ndarray, axis: int = -1) -> np.ndarray:
    """Sparsemax by bisection of tau; Keras's own result does not sum to 1 for some inputs."""
    low, high = z.max(axis, keepdims=True) - 1.0, z.max(axis, keepdims=True).astype("float64")
    for _ in range(60):
        middle = (low + high) / 2
        over = np.maximum(z - middle, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return np.maximum(z - low, 0).astype("float32")


for z, axis in ((x, -1), (normal(5, 3), 0), (far, -1), (normal(2, 1), -1)):
    but("sparsemax", z, axis=axis, fields={"oracle": simplex, "gradient": z is not far})

# -- convolution and pooling -------------------------------------------------------------------------------------------

image = normal(2, 7, 6, 4)
for padding in ("valid", "same"):
    for options in ({}, {"strides": 2}, {"dilation_rate": 2}, {"strides": (2, 1)}, {"strides": 3}):
        add("conv", image, normal(3, 2, 4, 6), padding=padding, **options)
        add("depthwise_conv", image, normal(2, 3, 4, 2), padding=padding, **options)
        add("conv_transpose", normal(2, 5, 4, 3), normal(3, 2, 2, 3), padding=padding, **options)
    add("conv", normal(2, 7, 4), normal(3, 4, 6), padding=padding)
    add("conv", normal(1, 4, 3, 4, 2), normal(2, 2, 2, 2, 3), padding=padding)
    add("conv", image, normal(2, 2, 2, 6), padding=padding)  # two groups
    add("conv", normal(2, 4, 7, 6), normal(2, 2, 2, 6), padding=padding, data_format="channels_first")
    add("depthwise_conv", normal(2, 7, 4), normal(3, 4, 1), 2, padding)
    add("depthwise_conv", normal(2, 4, 7, 6), normal(3, 3, 4, 2), 1, padding, "channels_first")
    add("separable_conv", image, normal(2, 3, 4, 2), normal(1, 1, 8, 5), 1, padding)
    add("separable_conv", normal(2, 4, 7), normal(3, 4, 2), normal(1, 8, 5), 2, padding, "channels_first")
    add("conv_transpose", normal(2, 3, 7), normal(4, 2, 3), 2, padding, data_format="channels_first")
    add("conv_transpose", normal(2, 5, 3), normal(3, 2, 3), 3, padding, output_padding=1)
    for kind in ("max_pool", "average_pool"):
        add(kind, image, 3, 3, padding)
        add(kind, image, (3, 2), 1, padding)
        add(kind, normal(2, 5, 3), 2, 2, padding)
        add(kind, normal(2, 3, 7), 3, 2, padding, "channels_first")
        add(kind, normal(1, 3, 4, 5, 2), 2, 2, padding)
add("conv", normal(0, 7, 6, 4), normal(3, 3, 4, 2))
add("conv", normal(1, 1, 1), normal(1, 1, 1))
for kind in ("adaptive_average_pool", "adaptive_max_pool"):
    for size in (3, (2, 4), 1, 9):
        add(kind, image, size)
    add(kind, normal(2, 3, 7), 3, data_format="channels_first")
    add(kind, normal(1, 3, 4, 5, 2), 2)
add("unfold", normal(2, 3, 5, 6), 2)
add("unfold", normal(2, 3, 5, 6), (2, 3), 2, 1, 2)
but("fold", normal(2, 12, 20), (5, 6), 2, fields={"known": (0,)})
but("fold", normal(2, 18, 6), (5, 6), (2, 3), 2, 1, 2, fields={"known": (0,)})
add("space_to_depth", normal(2, 4, 6, 3), 2)
add("space_to_depth", normal(2, 3, 4, 6), 2, data_format="channels_first")
add("depth_to_space", normal(2, 4, 6, 8), 2)
add("depth_to_space", normal(2, 8, 4, 6), 2, data_format="channels_first")

# -- losses and classes ------------------------------------------------------------------------------------------------

sure = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4]], "float32")
sharp = np.array([[1e4, -1e4, 0, 3], [-1e4, 0, 1e4, 2], [1, 2, 3, 4]], "float32")
rows = np.eye(3, 4, dtype="float32")
for name in ("binary_crossentropy", "categorical_crossentropy"):
    add(name, probabilities(3, 4), probabilities(3, 4))
    add(name, probabilities(3, 4), normal(3, 4), from_logits=True)
    but(name, rows, sure, fields={"gradient": False})
    but(name, rows, sharp, from_logits=True, fields={"gradient": False})
    add(name, integers(3, 4, low=0, high=2), normal(3, 4), from_logits=True)
    add(name, probabilities(0, 4), probabilities(0, 4))
add("categorical_crossentropy", probabilities(3, 4), normal(3, 4), from_logits=True, axis=0)
for logits in (False, True):
    of = normal if logits else probabilities
    add("sparse_categorical_crossentropy", np.array([0, 3, 1]), of(3, 4), from_logits=logits)
    add("sparse_categorical_crossentropy", np.array([[0], [3], [-1]]), of(3, 4), from_logits=logits)
    add("sparse_categorical_crossentropy", np.array([[0, 3], [1, 9]]), of(2, 2, 4), from_logits=logits)
but(
    "sparse_categorical_crossentropy",
    np.array([0, 2, 1]),
    sharp,
    from_logits=True,
    fields={"gradient": False},
)
add("one_hot", np.array([0, -1, 3, 2]), 3)
add("one_hot", np.array([[0, 1]]), 3, axis=1, dtype="bool")
add("one_hot", np.array([[0, 1]]), 3, axis=-2, dtype="int32")
add("one_hot", np.zeros((0, 2), "int32"), 3)
add("multi_hot", np.array([[0, -1, 3, 2], [1, 1, 1, 1]]), 4)
add("multi_hot", integers(2, 3, 4, low=0, high=5), 5, axis=1)
add("multi_hot", np.array([0, 1]), 4)
add("psnr", positive(3, 4), positive(3, 4), 2.0)
add("polar", positive(3), normal(3))

# -- normalization -----------------------------------------------------------------------------------------------------

y = normal(3, 4, 5)
for axes in ((0, 1), None, -1, [0, 2]):
    but("moments", y, axes, fields={"rtol": 1e-4})
add("moments", y, 1, keepdims=True)
add("moments", normal(2, 3).astype("float16"), 0)
add("batch_normalization", y, normal(4), positive(4), 1, normal(4), positive(4))
add("batch_normalization", y, normal(5), positive(5), -1)
add("batch_normalization", y, normal(5), positive(5), 2, None, positive(5), epsilon=0.1)
add("layer_normalization", y, normal(5), normal(5))
add("layer_normalization", y, normal(4, 5), normal(4, 5), axis=(1, 2))
add("layer_normalization", y, normal(4), normal(4), axis=1, epsilon=0.1)
add("layer_normalization", y.astype("float16"))
but(
    "layer_normalization",
    np.array([[1e4, 1e4 + 8, 1e4 - 8]], "float32"),
    fields={"rtol": 1e-3, "atol": 1e-4, "gradient": False},
)
add("rms_normalization", y, normal(5))
add("rms_normalization", y, axis=(1, 2), epsilon=0.1)
for order in (1, 2, 3):
    add("normalize", y, 1, order)
    add("normalize", y, -1, order, epsilon=0.5)
add("normalize", y, None)
add("normalize", y, (0, 1), 1)
but("normalize", np.zeros((2, 3), "float32"), fields={"gradient": False})

# -- attention and CTC -------------------------------------------------------------------------------------------------

query, key, value = normal(2, 3, 4, 8), normal(2, 5, 4, 8), normal(2, 5, 4, 8)
mask = normal(2, 1, 3, 5) > -0.5
mask[0, 0, 1] = False
add("dot_product_attention", query, key, value)
add("dot_product_attention", query, key, value, normal(2, 4, 3, 5), mask, 0.3, True)
add("dot_product_attention", query, normal(2, 5, 2, 8), normal(2, 5, 2, 8), mask=mask)
but("dot_product_attention", query * 300, key * 300, value, fields={"gradient": False})
add("dot_product_attention", normal(1, 1, 1, 2), normal(1, 1, 1, 2), normal(1, 1, 1, 2), is_causal=True)


def ints(*values: int) -> np.ndarray:
    return np.array(values, "int32")


logits, labels = normal(3, 6, 5), np.array([[1, 2, 2], [3, 3, 0], [4, 1, 2]], "int32")
add("ctc_loss", labels, logits, ints(3, 2, 1), ints(6, 5, 4))
add("ctc_loss", labels, logits, ints(3, 2, 0), ints(6, 5, 4), mask_index=4)
but("ctc_loss", labels, logits, ints(3, 2, 3), ints(2, 1, 0), fields={"gradient": False, "rtol": 1e-4})
add("ctc_decode", logits, ints(6, 5, 2))
add("ctc_decode", logits, ints(6, 5, 2), merge_repeated=False, mask_index=4)
BEAM = {"rtol": 1e-4, "gradient": False}
but("ctc_decode", logits, ints(6, 5, 2), "beam_search", beam_width=40, top_paths=3, fields=BEAM)
but("ctc_decode", logits, ints(6, 5, 2), "beam_search", beam_width=2, top_paths=1, mask_index=4, fields=BEAM)

# -- arguments that decide the dtype, limits, whole numbers ------------------------------------------------------------

for slope in (0, 2, 0.5):
    add("leaky_relu", integers(3, 4, dtype="int8"), negative_slope=slope)
add("threshold", integers(3, 4), 0, 1)
but("celu", x, alpha=0.0, fields={"oracle": lambda x, alpha: np.maximum(x, 0)})
for strategy in ("greedy", "beam_search"):
    for dtype in ("float16", "int32"):
        but("ctc_decode", (5 * logits).astype(dtype), ints(6, 5, 2), strategy, fields=BEAM)
add("layer_normalization", x, np.ones(4, "float16"), integers(4))
for name in ("max_pool", "average_pool"):  # more axes than frameworks pool
    add(name, normal(1, 3, 4, 5, 2, 3), 2, 2, "same")
    add(name, normal(1, 3, 4, 2, 3, 4), 2, (1, 2, 1, 2), "valid", "channels_first")
