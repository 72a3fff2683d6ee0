'''Trains a simple convnet, in the style of Keras 1.2.'''
from __future__ import print_function
import numpy as np
np.random.seed(1337)

from keras.models import Sequential
from keras.layers import Dense, Dropout, Activation, Flatten
from keras.layers import Convolution2D, MaxPooling2D
from keras.utils import np_utils
from keras import backend as K

nb_classes = 2
img_rows, img_cols = 10, 10
nb_filters = 4
pool_size = (2, 2)
kernel_size = (3, 3)

X = np.random.rand(96, img_rows * img_cols).astype('float32')
y = np.random.randint(0, 2, 96)
X[y == 1, :50] += 0.5

if K.image_dim_ordering() == 'th':
    X = X.reshape(X.shape[0], 1, img_rows, img_cols)
    input_shape = (1, img_rows, img_cols)
else:
    X = X.reshape(X.shape[0], img_rows, img_cols, 1)
    input_shape = (img_rows, img_cols, 1)
Y = np_utils.to_categorical(y, nb_classes)

model = Sequential()
model.add(Convolution2D(nb_filters, kernel_size[0], kernel_size[1],
                        border_mode='valid',
                        input_shape=input_shape))
model.add(Activation('relu'))
model.add(Convolution2D(nb_filters, 3, 3, subsample=(1, 1), border_mode='same'))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=pool_size))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(8))
model.add(Activation('relu'))
model.add(Dense(nb_classes))
model.add(Activation('softmax'))

model.compile(loss='categorical_crossentropy', optimizer='adadelta', metrics=['accuracy'])
model.fit(X, Y, batch_size=32, nb_epoch=2, verbose=0, validation_split=0.25)

# what the first layer sees
get_activations = K.function([model.layers[0].input, K.learning_phase()], [model.layers[1].output])
activations = get_activations([X[:3], 0])[0]
assert activations.shape == (3, 8, 8, 4) and activations.min() >= 0
assert model.layers[0].output_shape == (None, 8, 8, 4)
