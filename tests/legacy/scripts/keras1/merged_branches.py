'''Two branches joined by Merge and by merge(), in the style of Keras 1.2.'''
import numpy as np
np.random.seed(0)

from keras.models import Sequential, Model
from keras.layers import Dense, Input, Merge, merge, Highway, MaxoutDense
from keras.optimizers import SGD

left = Sequential()
left.add(Dense(4, input_dim=6, activation='tanh'))
right = Sequential()
right.add(Dense(4, input_dim=3, activation='tanh'))

model = Sequential()
model.add(Merge([left, right], mode='concat'))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer=SGD(lr=0.5, decay=1e-6, momentum=0.9, nesterov=True))
a, b = np.random.rand(64, 6), np.random.rand(64, 3)
y = (a[:, 0] > b[:, 0]).astype('int32')
h = model.fit([a, b], y, nb_epoch=10, batch_size=16, verbose=0)
assert h.history['loss'][-1] < h.history['loss'][0]

u, v = Input(shape=(4,)), Input(shape=(4,))
for mode, shape in [('sum', 4), ('mul', 4), ('concat', 8), ('dot', 1), ('cos', 1), ('ave', 4), ('max', 4)]:
    m = Model(input=[u, v], output=merge([u, v], mode=mode))
    assert m.output_shape == (None, shape), (mode, m.output_shape)
custom = merge([u, v], mode=lambda x: x[0] - x[1], output_shape=(4,))
deep = MaxoutDense(2, nb_feature=3)(Highway(activation='relu')(custom))
m = Model(input=[u, v], output=deep)
assert m.predict([np.ones((2, 4)), np.zeros((2, 4))]).shape == (2, 2)
