"""The snippets of seed 001. Two of its slips are repaired: `super(MyLayer, ...)` in the class `MyDense`, and `self.units`,
which is read as `self.output_dim`; what the texts leave out stands around them."""

import numpy as np
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential

input_shape, num_classes = (12, 12, 1), 10
# -- from the text
model = Sequential()
model.add(Conv2D(32, kernel_size=(3, 3), activation='relu', input_shape=input_shape))
model.add(Conv2D(64, (3, 3), activation='relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(128, activation='relu'))
model.add(Dropout(0.5))
model.add(Dense(num_classes, activation='softmax'))
# --
assert model.predict(np.ones((2, 12, 12, 1)), verbose=0).shape == (2, 10)

data, labels = np.random.rand(32, 784), np.eye(10)[np.arange(32) % 10]
# -- from the text
from keras.layers import Input, Dense
from keras.models import Model

# This returns a tensor
inputs = Input(shape=(784,))

# a layer instance is callable on a tensor, and returns a tensor
x = Dense(64, activation='relu')(inputs)
x = Dense(64, activation='relu')(x)
predictions = Dense(10, activation='softmax')(x)

# This creates a model that includes
# the Input layer and three Dense layers
model = Model(inputs=inputs, outputs=predictions)
model.compile(optimizer='rmsprop',
              loss='categorical_crossentropy',
              metrics=['accuracy'])
model.fit(data, labels)  # starts training
# --
assert len(model.layers) == 4

# -- from the text
from keras import backend as K
from keras.engine.topology import Layer

class MyDense(Layer):

    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super(MyDense, self).__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(name='kernel',
                                      shape=(input_shape[1], self.output_dim),
                                      initializer='uniform',
                                      trainable=True)
        super(MyDense, self).build(input_shape)

    def call(self, x):
        y = K.dot(x, self.kernel)
        return y

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)
# --


model = Sequential([MyDense(4, input_shape=(3,)), Dense(1)])
model.compile("sgd", "mse")
before = K.get_value(model.layers[0].kernel).copy()
model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
assert not np.allclose(before, K.get_value(model.layers[0].kernel))
