"""The snippet of seed 002, and what the text says of the objects that it makes."""

# -- from the text
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense

model = Sequential()

model.add(Dense(units=64, activation='relu'))
model.add(Dense(units=10, activation='softmax'))

model.compile(loss='categorical_crossentropy',
optimizer='sgd',
metrics=['accuracy'])

model.build(input_shape=(None, 3))
# --

dense = model.layers[0]
assert [w.shape for w in model.weights] == [(3, 64), (64,), (64, 10), (10,)]
assert (dense.units, dense.use_bias, dense.activation.__name__) == (64, True, "relu")
assert type(dense.kernel_initializer).__name__ == "GlorotUniform"
assert dense.input_spec.min_ndim == 2 and dense.supports_masking
