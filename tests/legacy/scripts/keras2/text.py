'''Tokenizer, TimeseriesGenerator and a bidirectional net, in the style of Keras 2.0.'''
import numpy as np
from keras.preprocessing.text import Tokenizer, text_to_word_sequence
from keras.preprocessing.sequence import pad_sequences, TimeseriesGenerator
from keras.utils import to_categorical
from keras.models import Sequential
from keras.layers import Embedding, Bidirectional, LSTM, Dense, TimeDistributed, CuDNNGRU, SpatialDropout1D

texts = ['the cat sat on the mat', 'the dog ate my homework', 'a cat and a dog', 'my mat']
labels = np.array([0, 1, 1, 0])
tokenizer = Tokenizer(num_words=20)
tokenizer.fit_on_texts(texts)
sequences = tokenizer.texts_to_sequences(texts)
data = pad_sequences(sequences, maxlen=6)
matrix = np.random.RandomState(0).rand(20, 5)
assert text_to_word_sequence('Hi, there!') == ['hi', 'there']
assert tokenizer.texts_to_matrix(texts, mode='tfidf').shape == (4, 20)

model = Sequential()
model.add(Embedding(20, 5, weights=[matrix], input_length=6, trainable=False))
model.add(SpatialDropout1D(0.1))
model.add(Bidirectional(LSTM(4, return_sequences=True)))
model.add(TimeDistributed(Dense(3)))
model.add(CuDNNGRU(4))
model.add(Dense(2, activation='softmax'))
model.compile('rmsprop', 'categorical_crossentropy', metrics=['acc'])
model.fit(data, to_categorical(labels), epochs=1, verbose=0)
assert np.allclose(model.layers[0].get_weights()[0], matrix)

series = np.sin(np.arange(60) / 5.0)[:, None]
generator = TimeseriesGenerator(series, series, length=8, batch_size=8)
rnn = Sequential([LSTM(4, input_shape=(8, 1)), Dense(1)])
rnn.compile('adam', 'mse')
rnn.fit_generator(generator, epochs=1, verbose=0)
assert len(generator) == 7 and generator[0][0].shape == (8, 8, 1)
