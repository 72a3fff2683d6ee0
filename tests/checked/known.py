"""What a type checker knows of the usual calls: checked, never run (`test_types.py`)."""

from typing import assert_type

import lamina
from lamina.ops.op import Array

assert_type(lamina.layers.Dense(3), lamina.layers.Dense)
assert_type(lamina.layers.Dense(3, activation="relu").units, int)
model = lamina.Sequential([lamina.layers.Dense(3)])
assert_type(model, lamina.Sequential)
assert_type(lamina.Model(lamina.Input((2,)), lamina.Input((2,))), lamina.Model)
assert_type(model.fit([[1.0]], [[1.0]]), lamina.callbacks.History)
assert_type(model.count_params(), int)
assert_type(model.get_layer("dense"), lamina.layers.Layer)
assert_type(model.trainable_variables, list[lamina.Variable])
assert_type(lamina.ops.add([1.0], [2.0]), Array)
assert_type(lamina.ops.matmul([[1.0]], [[2.0]]), Array)
assert_type(lamina.ops.add([1.0], [2.0]).ndim, int)
assert_type(float(lamina.ops.sum([1.0])), float)
assert_type(lamina.losses.MeanSquaredError(), lamina.losses.MeanSquaredError)
assert_type(lamina.optimizers.Adam(1e-3), lamina.optimizers.Adam)
