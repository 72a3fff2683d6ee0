'''A siamese MLP with a shared base and a contrastive loss, in the style of Keras 2.0.'''
from __future__ import absolute_import
from __future__ import print_function
import numpy as np
import random
from keras.models import Sequential, Model
from keras.layers import Dense, Dropout, Input, Lambda
from keras.optimizers import RMSprop
from keras import backend as K

np.random.seed(1), random.seed(1)


def euclidean_distance(vects):
    x, y = vects
    return K.sqrt(K.maximum(K.sum(K.square(x - y), axis=1, keepdims=True), K.epsilon()))


def eucl_dist_output_shape(shapes):
    shape1, shape2 = shapes
    return (shape1[0], 1)


def contrastive_loss(y_true, y_pred):
    '''Contrastive loss from Hadsell-et-al.'06'''
    margin = 1
    return K.mean(y_true * K.square(y_pred) +
                  (1 - y_true) * K.square(K.maximum(margin - y_pred, 0)))


def create_base_network(input_dim):
    seq = Sequential()
    seq.add(Dense(16, input_shape=(input_dim,), activation='relu'))
    seq.add(Dropout(0.1))
    seq.add(Dense(8, activation='relu'))
    return seq


def accuracy(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))


x = np.random.rand(128, 2, 6).astype('float32')
same = np.random.randint(0, 2, 128)
x[same == 1, 1] = x[same == 1, 0]

base_network = create_base_network(6)
input_a = Input(shape=(6,))
input_b = Input(shape=(6,))
processed_a = base_network(input_a)
processed_b = base_network(input_b)
distance = Lambda(euclidean_distance,
                  output_shape=eucl_dist_output_shape)([processed_a, processed_b])
model = Model([input_a, input_b], distance)

rms = RMSprop(lr=0.01)
model.compile(loss=contrastive_loss, optimizer=rms, metrics=[accuracy])
h = model.fit([x[:, 0], x[:, 1]], same.astype('float32')[:, None], batch_size=32, epochs=5, verbose=0)
assert h.history['loss'][-1] < h.history['loss'][0]
assert len(base_network._inbound_nodes) >= 2
