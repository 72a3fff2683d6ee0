'''A convolutional autoencoder with a loss of its own, in the style of Keras 2.0.'''
import numpy as np
from keras.layers import Input, Conv2D, MaxPooling2D, UpSampling2D
from keras.models import Model, load_model
from keras import backend as K
from keras.callbacks import LambdaCallback
import os, tempfile

np.random.seed(2)
x = np.random.rand(48, 8, 8, 1).astype('float32')


def pixel_loss(y_true, y_pred):
    return K.mean(K.abs(y_true - y_pred), axis=[1, 2, 3]) + K.mean(K.binary_crossentropy(y_true, y_pred))


inp = Input(shape=(8, 8, 1))
h = Conv2D(4, (3, 3), activation='relu', padding='same')(inp)
h = MaxPooling2D((2, 2), padding='same')(h)
h = Conv2D(4, (3, 3), activation='relu', padding='same')(h)
encoded = h
h = UpSampling2D((2, 2))(h)
decoded = Conv2D(1, (3, 3), activation='sigmoid', padding='same')(h)

autoencoder = Model(inp, decoded)
encoder = Model(inp, encoded)
autoencoder.compile(optimizer='adadelta', loss=pixel_loss)
seen = []
autoencoder.fit(x, x, epochs=2, batch_size=16, shuffle=True, validation_data=(x, x), verbose=0,
                callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs['val_loss']))])
assert len(seen) == 2
assert encoder.predict(x[:2]).shape == (2, 4, 4, 4)

path = os.path.join(tempfile.mkdtemp(), 'autoencoder.h5')
autoencoder.save(path)
again = load_model(path, custom_objects={'pixel_loss': pixel_loss})
assert np.allclose(again.predict(x[:2]), autoencoder.predict(x[:2]), atol=1e-6)
