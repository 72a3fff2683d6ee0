"""Cases of linear algebra, Fourier transforms, segments and the functions of `lamina.ops.math`."""

from __future__ import annotations

import numpy as np
from case import Case, integers, normal, positive

CASES: list[Case] = []


def add(name: str, *args, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs))


def but(name: str, *args, fields: dict, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs).but(**fields))


def _plain_eigh(x: np.ndarray) -> list[np.ndarray]:
    return [np.diag(x), np.eye(3, dtype="float32")]


def _plain_eig(x: np.ndarray) -> list[np.ndarray]:
    return [np.diag(x).astype("complex64"), np.eye(3, dtype="complex64")]


def _plain_qr(x: np.ndarray) -> list[np.ndarray]:
    return [np.eye(3, dtype="float32"), x]


def _plain_svd(x: np.ndarray) -> list[np.ndarray]:
    return [np.eye(3, dtype="float32")[::-1], np.diag(x)[::-1], np.eye(3, dtype="float32")[::-1]]


# -- linear algebra ----------------------------------------------------------------------------------------------------

roots = normal(3, 4, 4)
definite = roots @ roots.transpose(0, 2, 1) + 2 * np.eye(4, dtype="float32")
lower = np.linalg.cholesky(definite).astype("float32")
small = np.array([[4, 2], [2, 3]], "float32")
ROUND = {"rtol": 1e-3, "atol": 1e-3}
FLAT = {
    **ROUND,
    "gradient": False,
}  # the factors of Keras and ours may differ in signs; gradients are the backend's
for upper in (False, True):
    but("cholesky", definite, upper, fields=FLAT)  # which triangle is read is the backend's choice
    but("cholesky_inverse", (lower.transpose(0, 2, 1).copy() if upper else lower)[0], upper, fields=ROUND)
for name in ("det", "inv", "logdet"):
    but(name, definite, fields=ROUND)
    add(name, small)
    add(name, integers(1, 2, 2, low=1, high=9) + np.array([[20, 0], [0, 20]]))
but("lu_factor", definite, fields=FLAT)
but("lu_factor", normal(3, 5), fields=FLAT)
but("matrix_rank", definite, fields=FLAT)
add("matrix_rank", np.array([[1.0, 1.0], [1.0, 1.0]], "float32"))
but("matrix_rank", small, 2.0, fields=FLAT)
but("pinv", normal(4, 3), fields=ROUND)
but("pinv", normal(2, 3, 4), fields=ROUND)
but("pinv", small, 0.9, fields=ROUND)
but("svd", normal(3, 4), compute_uv=False, fields=ROUND)
but("svd", definite, compute_uv=False, fields=ROUND)
for order in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
    but("norm", normal(3, 4), order, fields=ROUND)
    but("norm", normal(2, 3, 4), order, (0, 2), True, fields=ROUND)
for order in (None, 0, 1, -1, 2, 3, np.inf, -np.inf):
    but("norm", positive(3, 4), order, 1, fields=ROUND)
add("norm", normal(2, 3, 4))
add("norm", integers(3, 4))
add("norm", normal(0, 4), axis=0)
for name in ("solve", "solve_triangular"):
    but(name, definite, normal(3, 4, 2), fields=ROUND)
    add(name, small, normal(2))
    add(name, small, normal(2, 3))
add("solve_triangular", small, normal(2), lower=True)
but("lstsq", normal(5, 3), normal(5), fields=FLAT)
but("lstsq", normal(5, 3), normal(5, 2), fields=FLAT)
but("lstsq", np.ones((3, 2), "float32"), normal(3), 0.5, fields=FLAT)

# Vectors have no sign of their own: these have a plain form, and tests/ops/test_factors.py multiplies factors back.
plain = np.diag(np.array([1, 2, 3], "float32"))
for name in ("eigh", "eig", "qr", "svd"):
    but(name, plain, fields={"gradient": False, "oracle": globals().get(f"_plain_{name}")})

# -- Fourier -----------------------------------------------------------------------------------------------------------

for name in ("fft", "fft2", "ifft2"):
    add(name, (normal(3, 4), normal(3, 4)))
    add(name, (normal(2, 3, 5), normal(2, 3, 5)))
for size in (None, 3, 6, 1):
    add("rfft", normal(2, 4), size)
    add("irfft", (normal(2, 4), normal(2, 4)), size)
wave = normal(2, 15)
spectrum = (normal(2, 6, 5), normal(2, 6, 5))
for center in (True, False):
    for lengths in ((4, 2, 4), (4, 2, 8), (4, 3, 5)):
        add("stft", wave, *lengths, center=center)
        add("stft", wave, *lengths, window="hamming", center=center)
    add("stft", wave, 4, 2, 6, None, center)
    add("stft", wave, 4, 2, 6, np.array([0.5, 1, 1, 0.5], "float32"), center)
    add("istft", spectrum, 8, 2, 8, center=center)
    add("istft", spectrum, 6, 3, 8, window="hamming", center=center, length=7)

# -- segments ----------------------------------------------------------------------------------------------------------

for name in ("segment_sum", "segment_max", "segment_min", "segment_prod"):
    lone = name in ("segment_sum", "segment_prod")  # elsewhere an empty segment is infinite
    but(name, normal(5), np.array([0, 0, 2, 5, 2]), num_segments=4, fields={"gradient": lone})
    but(name, normal(5, 3), np.array([0, 0, 2, -1, 2]), 4, fields={"gradient": lone})
    add(name, integers(5, 2), np.array([0, 0, 2, 1, 2]), 4)
    add(name, normal(4), np.array([0, 0, 1, 1]), 2, sorted=True)
    add(name, normal(0, 3), np.zeros(0, "int32"), 2)
zeros = np.array([2, 0, 3, 0, 0, 5], "float32")
add("segment_prod", zeros, np.array([0, 0, 0, 1, 1, 2], "int32"), 3)

# -- mathematics -------------------------------------------------------------------------------------------------------

add("top_k", normal(3, 7), 3)
add("top_k", integers(7), 2)
add("top_k", normal(2, 3), 0)
add("in_top_k", np.array([0, 1, 3, 2]), normal(4, 4), 2)
add("in_top_k", np.array([0, 1]), np.array([[np.nan, 0.5, 0.4], [0.1, np.inf, 0.4]], "float32"), 1)
add("in_top_k", np.array([0, 2]), np.full((2, 3), 0.5, "float32"), 1)
for axis in (None, 1, (0, 1)):
    add("logsumexp", normal(3, 4), axis, True)
    add("logsumexp", normal(3, 4), axis)
but("logsumexp", np.array([[1e4, 1e4], [-np.inf, -np.inf]], "float32"), 1, fields={"gradient": False})
add("logsumexp", integers(3, 4))
add("logsumexp", normal(0))
add("rsqrt", positive(3))
add("erf", normal(3, 4) * 2)
add("erfc", normal(3, 4) * 2)
but("erfc", np.array([-30, -6, -0.5, 0.5, 1, 2, 5, 9], "float32"), fields={"gradient": False, "atol": 1e-30})
add("erfinv", np.array([-0.99, -0.5, 0.0, 0.3, 0.9], "float32"))
add("cdist", normal(2, 3, 4), normal(1, 5, 4))
but("cdist", np.zeros((2, 3), "float32"), np.zeros((1, 3), "float32"), fields={"gradient": False})
add("extract_sequences", normal(2, 9), 4, 2)
add("extract_sequences", integers(3), 4, 2)
add("view_as_complex", normal(3, 2))
add("view_as_real", (normal(3) + 1j * normal(3)).astype("complex64"))

for rcond in (0.9, 1.0, 1, 1.5):  # where it cuts singular values off that are not 0
    but("lstsq", normal(5, 3), normal(5, 2), rcond, fields=FLAT)
