"""The snippets of seed 000, as they stand, between what they need around them."""

import numpy as np
from keras import backend as K
from keras.engine.topology import Container, Layer
from keras.layers import Dense, Input
from keras.models import Model

merged = Input(shape=(16,))

# -- from the text
densor=Dense(256,activation="relu") #__init__()
d1=densor(merged)                   #__call__()
# --
assert K.int_shape(d1) == (None, 256) and len(densor.weights) == 2

# -- from the text
d1=Dense(256,activation="relu")(merged) #__init__().__call__()
# --
assert K.int_shape(d1) == (None, 256)


class Placeholder(Layer):
    def __init__(self, sparse=False, **kwargs):
        super().__init__(**kwargs)
        self.sparse = sparse

    def begin(self, batch_input_shape, dtype):
        if True:
            # -- from the text
            input_tensor = K.placeholder(shape=batch_input_shape,
                                         dtype=dtype,
                                         sparse=self.sparse,
                                         name=self.name)
            # --
        return input_tensor


begun = Placeholder(name="words").begin((None, 4), "float32")
assert K.is_keras_tensor(begun) and K.int_shape(begun) == (None, 4)


class Plain(Layer):
    def __init__(self, units, kernel_regularizer=None, kernel_constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.kernel_initializer = units, "glorot_uniform"
        self.kernel_regularizer, self.kernel_constraint = kernel_regularizer, kernel_constraint

    def build(self, input_shape):
        input_dim = input_shape[-1]
        # -- from the text
        self.kernel = self.add_weight(shape=(input_dim, self.units),
                                      initializer=self.kernel_initializer,
                                      name='kernel',
                                      regularizer=self.kernel_regularizer,
                                      constraint=self.kernel_constraint)
        # --

    # -- from the text
    def call(self, inputs):
        output = K.dot(inputs, self.kernel)
        ...
        ...
        return output
    # --


layer, x = Plain(3, "l2", "non_neg"), np.ones((2, 4), "float32")
assert np.allclose(K.eval(layer(x)), x @ K.get_value(layer.kernel), atol=1e-6)

a1, a2 = Input((4,)), Input((4,))
b1, b2, b3 = Dense(3)(a1), Plain(2)(a2), Dense(1)(a1)
# -- from the text
model = Model(inputs=[a1, a2], outputs=[b1, b2, b3])
# --
assert isinstance(model, Container)
model.compile("sgd", "mse")
model.fit([x, x], [np.ones((2, n)) for n in (3, 2, 1)], verbose=0)
