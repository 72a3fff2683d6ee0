'''fit_generator with samples_per_epoch, and callbacks, in the style of Keras 1.2.'''
import numpy as np
np.random.seed(3)

from keras.models import Sequential
from keras.layers import Dense
from keras.callbacks import Callback, EarlyStopping, ReduceLROnPlateau
from keras import backend as K


def generate(batch_size):
    while 1:
        x = np.random.rand(batch_size, 5)
        yield x, x.sum(axis=1, keepdims=True)


class LossHistory(Callback):
    def on_train_begin(self, logs={}):
        self.losses = []
        self.rates = []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get('loss'))

    def on_epoch_end(self, epoch, logs={}):
        self.rates.append(float(K.get_value(self.model.optimizer.lr)))
        K.set_value(self.model.optimizer.lr, 0.5 * K.get_value(self.model.optimizer.lr))


model = Sequential([Dense(8, input_dim=5, activation='relu'), Dense(1)])
model.compile(loss='mse', optimizer='sgd')
history = LossHistory()
model.fit_generator(generate(16), samples_per_epoch=64, nb_epoch=3, verbose=0,
                    validation_data=generate(16), nb_val_samples=32, max_q_size=2,
                    callbacks=[history, EarlyStopping(monitor='val_loss', patience=5)])
assert len(history.losses) == 12, len(history.losses)
assert np.allclose(history.rates, [0.01, 0.005, 0.0025]), history.rates
assert model.predict_generator(generate(16), val_samples=48).shape == (48, 1)
assert np.isfinite(model.evaluate_generator(generate(16), val_samples=48))
