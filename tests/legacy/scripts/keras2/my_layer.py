'''A layer of one's own with K, saved and loaded, in the style of Keras 2.0.'''
import os
import tempfile
import numpy as np
from keras import backend as K
from keras.engine.topology import Layer
from keras.models import Sequential, load_model, model_from_json
from keras.layers import Dense, Dropout
from keras.callbacks import ModelCheckpoint, EarlyStopping
from keras.wrappers.scikit_learn import KerasClassifier

np.random.seed(6)


class MyLayer(Layer):

    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super(MyLayer, self).__init__(**kwargs)

    def build(self, input_shape):
        # Create a trainable weight variable for this layer.
        self.kernel = self.add_weight(name='kernel',
                                      shape=(input_shape[1], self.output_dim),
                                      initializer='uniform',
                                      trainable=True)
        super(MyLayer, self).build(input_shape)  # Be sure to call this somewhere!

    def call(self, x):
        return K.dot(x, self.kernel)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)

    def get_config(self):
        config = {'output_dim': self.output_dim}
        base_config = super(MyLayer, self).get_config()
        return dict(list(base_config.items()) + list(config.items()))


x = np.random.rand(64, 6).astype('float32')
y = np.eye(3)[x[:, :3].argmax(1)]
model = Sequential()
model.add(MyLayer(8, input_shape=(6,)))
model.add(Dense(3, activation='softmax'))
model.compile('adam', 'categorical_crossentropy', metrics=['acc'])
folder = tempfile.mkdtemp()
model.fit(x, y, epochs=2, verbose=0, validation_split=0.2,
          callbacks=[EarlyStopping(monitor='val_acc', patience=3)])
model.save_weights(os.path.join(folder, 'w.h5'))
again = model_from_json(model.to_json(), custom_objects={'MyLayer': MyLayer})
again.load_weights(os.path.join(folder, 'w.h5'))
assert np.allclose(again.predict(x), model.predict(x), atol=1e-6)


def make(units=4):
    model = Sequential([Dense(units, input_dim=6, activation='relu'), Dense(3, activation='softmax')])
    model.compile('adam', 'categorical_crossentropy', metrics=['accuracy'])
    return model


estimator = KerasClassifier(build_fn=make, units=5, epochs=2, batch_size=16, verbose=0)
estimator.fit(x, y)
assert estimator.predict(x).shape == (64,) and 0 <= estimator.score(x, y) <= 1
