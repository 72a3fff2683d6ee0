"""Callbacks, class weights and a learning-rate schedule, in the style of tensorflow.keras 2.4."""
import os
import tempfile

import numpy as np
from tensorflow.keras import Sequential
from tensorflow.keras.layers import Dense, InputLayer, Flatten
from tensorflow.keras.callbacks import Callback, CSVLogger, LearningRateScheduler, EarlyStopping, TerminateOnNaN
from tensorflow.keras.utils import to_categorical, Sequence
from tensorflow.keras.optimizers import SGD
from tensorflow.keras.optimizers.schedules import ExponentialDecay

np.random.seed(3)


class Batches(Sequence):
    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return int(np.ceil(len(self.x) / self.size))

    def __getitem__(self, i):
        part = slice(i * self.size, (i + 1) * self.size)
        return self.x[part], self.y[part]


class Watch(Callback):
    def __init__(self):
        super(Watch, self).__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, logs["acc"], logs.get("val_acc")))


x = np.random.rand(60, 2, 3)
y = to_categorical((x.sum((1, 2)) > 3).astype(int))
model = Sequential([InputLayer(input_shape=(2, 3)), Flatten(), Dense(8, activation="relu"), Dense(2, activation="softmax")])
model.compile(optimizer=SGD(lr=0.1, momentum=0.9), loss="categorical_crossentropy", metrics=["accuracy"])
path = os.path.join(tempfile.mkdtemp(), "log.csv")
watch = Watch()
model.fit_generator(
    Batches(x, y, 16), epochs=3, validation_data=Batches(x, y, 16), verbose=0, class_weight={0: 1.0, 1: 2.0},
    callbacks=[watch, CSVLogger(path), LearningRateScheduler(lambda epoch: 0.1 * 0.5 ** epoch), TerminateOnNaN(),
               EarlyStopping(monitor="val_acc", patience=5)],
    max_queue_size=10, workers=1, use_multiprocessing=False,
)
assert [s[0] for s in watch.seen] == [0, 1, 2] and all(s[2] is not None for s in watch.seen)
assert len(open(path).readlines()) == 4
model.compile(SGD(ExponentialDecay(0.1, 10, 0.9)), "mse")
assert np.isfinite(model.evaluate(Batches(x, y, 16), verbose=0))
