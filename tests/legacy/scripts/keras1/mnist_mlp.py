'''Trains a simple deep NN on digits, in the style of Keras 1.2.'''
from __future__ import print_function
import numpy as np
np.random.seed(1337)  # for reproducibility

from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation
from keras.optimizers import RMSprop
from keras.utils import np_utils

batch_size = 32
nb_classes = 4
nb_epoch = 8

X_train = np.random.rand(256, 16).astype('float32')
y_train = X_train[:, :4].argmax(axis=1)
Y_train = np_utils.to_categorical(y_train, nb_classes)

model = Sequential()
model.add(Dense(32, input_shape=(16,), init='uniform'))
model.add(Activation('relu'))
model.add(Dropout(0.1))
model.add(Dense(output_dim=nb_classes, W_regularizer='l2'))
model.add(Activation('softmax'))

model.summary()

model.compile(loss='categorical_crossentropy',
              optimizer=RMSprop(lr=0.01),
              metrics=['accuracy'])

history = model.fit(X_train, Y_train,
                    batch_size=batch_size, nb_epoch=nb_epoch,
                    verbose=0, validation_data=(X_train, Y_train))
score = model.evaluate(X_train, Y_train, verbose=0)
print('Test score:', score[0])
print('Test accuracy:', score[1])
print('acc', history.history['acc'][-1], 'val_acc', history.history['val_acc'][-1])
classes = model.predict_classes(X_train, batch_size=32)
proba = model.predict_proba(X_train, batch_size=32)
assert classes.shape == (256,) and proba.shape == (256, 4)
assert score[1] > 0.6
