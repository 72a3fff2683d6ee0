'''Trains an LSTM on sequences of word numbers, in the style of Keras 1.2.'''
from __future__ import print_function
import numpy as np
np.random.seed(1337)

from keras.preprocessing import sequence
from keras.models import Sequential
from keras.layers import Dense, Activation, Embedding
from keras.layers import LSTM

max_features = 50
maxlen = 8
batch_size = 32

X_train = [list(np.random.randint(1, max_features, size=np.random.randint(3, 12))) for _ in range(96)]
y_train = np.array([int(np.mean(x) > 25) for x in X_train])
X_train = sequence.pad_sequences(X_train, maxlen=maxlen)
print('X_train shape:', X_train.shape)

model = Sequential()
model.add(Embedding(max_features, 8, input_length=maxlen, dropout=0.))
model.add(LSTM(8, dropout_W=0.2, dropout_U=0.2, inner_init='orthogonal', forget_bias_init='one'))
model.add(Dense(1))
model.add(Activation('sigmoid'))

model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(X_train, y_train, batch_size=batch_size, nb_epoch=2, verbose=0,
          validation_data=(X_train, y_train))
score, acc = model.evaluate(X_train, y_train, batch_size=batch_size, verbose=0)
print('Test score:', score)
assert model.predict_classes(X_train).shape == (96, 1)
assert 0 <= acc <= 1
