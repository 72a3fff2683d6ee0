"""Cases of control flow. The functions in them use operators only, so that Keras runs them, too."""

from __future__ import annotations

import numpy as np
from case import Case, normal

CASES: list[Case] = []


def add(name: str, *args, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs))


def but(name: str, *args, fields: dict, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs).but(**fields))


x, y = normal(4, 3), normal(4, 3)
add("stop_gradient", x)
CASES[-1] = CASES[-1].but(gradient=False)


def chosen(pred, true_fn, false_fn):
    return (true_fn if pred else false_fn)()


for pred in (True, False):
    add("cond", np.array(pred), lambda: 1.0, lambda: 2.0)
    but("cond", pred, lambda: (1, 2.5), lambda: (3, 4.5), fields={"oracle": chosen, "jit": False})
for index in (0, 1):
    add("switch", np.array(index, "int32"), [lambda a, b: a + b, lambda a, b: a * b], x, y)
add("switch", np.array(7, "int32"), [lambda a: a, lambda a: -a], x)

LOOP = {"gradient": False}  # a loop whose length is not known has no gradient on jax
but("while_loop", lambda i, v: i < 5, lambda i, v: (i + 1, v * 2.0), (np.array(0, "int32"), x), fields=LOOP)
but(
    "while_loop", lambda i, v: i < 5, lambda i, v: (i + 1, v * 2.0), (np.array(0, "int32"), x), 3, fields=LOOP
)
but("while_loop", lambda i: i < 5, lambda i: i + 2, np.array(0, "int32"), fields=LOOP)
add("fori_loop", 0, 4, lambda i, v: v * 1.5, x)
add("fori_loop", 2, 2, lambda i, v: v * 1.5, x)
but(
    "fori_loop",
    np.array(1, "int32"),
    np.array(4, "int32"),
    lambda i, v: v + i,
    np.array(0, "int32"),
    fields=LOOP,
)

add("scan", lambda c, v: (c + v, c * v), x[0], y)
add("scan", lambda c, v: (c + v, c * v), x[0], y, reverse=True, unroll=2)
add("scan", lambda c, v: (c * 2.0, c), x[0], None, 3)
add("scan", lambda c, v: ((c[0] + v["a"], c[1]), v["b"] * c[1]), (x[0], y[0]), {"a": x, "b": y})
add("associative_scan", lambda a, b: a + b, x)
add("associative_scan", lambda a, b: a * b, y, True, 1)
add("associative_scan", lambda a, b: (a[0] + b[0], a[1] * b[1]), (x, y))
add("map", lambda v: v * 2.0 + 1.0, x)
add("map", lambda v: (v[0] + v[1], v[0]), (x, y))
add("vectorized_map", lambda v: v * 2.0 + 1.0, x)
add("vectorized_map", lambda v: v[0] @ v[1], (normal(3, 2, 2), normal(3, 2, 2)))
