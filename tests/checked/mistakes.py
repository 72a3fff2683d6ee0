"""Mistakes that the type checker must find, each on a line that ends in "error": checked, never run (`test_types.py`)."""

import lamina
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel, Tensor
from lamina.ops.op import op


@op("x", promote="float")
def body(k: Kernel, x: Tensor, axis: int = -1) -> Tensor:
    k.no_such_function(x)  # error
    k.exp(x, 3)  # error
    k.sum(x, keepdim=True)  # error
    return k.sum(x, axis, keepdims=True)


def seam(x: Tensor) -> None:
    body(x, axes=0)  # error
    body.op.run(current(), x, axis="last")  # error
    body(x, axis=0).no_such_attribute  # error
    current().overrides["exp"] = len  # error


def layers_and_models() -> None:
    model = lamina.Sequential([lamina.layers.Dense(2)])
    model.fit([[1.0]], [[1.0, 2.0]], epoch=3)  # error
    model.fit([[1.0]], [[1.0, 2.0]], epochs=3)
    lamina.layers.Dense(2).build()  # error
    lamina.Model(lamina.Input((2,)), lamina.Input((2,))).predict()  # error
