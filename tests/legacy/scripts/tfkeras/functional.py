"""Several inputs and outputs, in the style of tensorflow.keras 2.4."""
import numpy as np
from tensorflow.keras.layers import Input, Embedding, LSTM, Dense, concatenate, GlobalMaxPooling1D
from tensorflow.keras.models import Model, load_model
from tensorflow.keras.optimizers import RMSprop
from tensorflow.keras.callbacks import ModelCheckpoint, EarlyStopping, ReduceLROnPlateau
import tensorflow.keras.backend as K
import os, tempfile

np.random.seed(1)
main_input = Input(shape=(6,), dtype="int32", name="main_input")
x = Embedding(output_dim=8, input_dim=50, input_length=6)(main_input)
lstm_out = LSTM(6)(x)
auxiliary_output = Dense(1, activation="sigmoid", name="aux_output")(lstm_out)
auxiliary_input = Input(shape=(3,), name="aux_input")
x = concatenate([lstm_out, auxiliary_input])
x = Dense(8, activation="relu")(x)
main_output = Dense(1, activation="sigmoid", name="main_output")(x)
model = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
model.compile(
    optimizer=RMSprop(lr=1e-3),
    loss={"main_output": "binary_crossentropy", "aux_output": "binary_crossentropy"},
    loss_weights={"main_output": 1.0, "aux_output": 0.2},
)
words = np.random.randint(1, 50, (48, 6))
extra = np.random.rand(48, 3)
labels = np.random.randint(0, 2, (48, 1))
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.fit(
    {"main_input": words, "aux_input": extra},
    {"main_output": labels, "aux_output": labels},
    epochs=2, batch_size=16, verbose=0,
    callbacks=[ModelCheckpoint(path, monitor="loss"), ReduceLROnPlateau(monitor="loss")],
)
again = load_model(path)
a, b = model.predict([words, extra]), again.predict([words, extra])
assert np.allclose(a[0], b[0], atol=1e-6) and K.int_shape(main_output) == (None, 1)
assert model.get_layer("main_output").output_shape == (None, 1)
