"""Operations, variables and gradients outside a model."""

import numpy as np

import lamina
from lamina import ops

x = ops.convert_to_tensor(np.arange(6.0).reshape(2, 3))
y = ops.add(x, 1.0)
z = ops.matmul(y, ops.transpose(x))
assert z.shape == (2, 2)
mean = ops.mean(ops.softmax(z, axis=-1), axis=0, keepdims=True)
picked = ops.where(ops.greater(x, 2.0), x, ops.zeros_like(x))
pieces = ops.split(x, 3, axis=1)
assert len(pieces) == 3
weight = lamina.Variable(np.ones((3,), "float32"), name="weight")
weight.assign(ops.multiply(weight, 2.0))
value, gradients = lamina.value_and_grad(lambda: ops.sum(ops.square(weight)), [weight])()
assert float(value) == 12.0
noise = lamina.random.normal((2, 3), seed=lamina.random.SeedGenerator(0))
assert noise.shape == (2, 3)
