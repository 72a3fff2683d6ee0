"""A transformer block, in the style of Keras 3."""
import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(1)


@keras.saving.register_keras_serializable(package="blocks")
class Block(layers.Layer):
    def __init__(self, dim, heads, **kwargs):
        super().__init__(**kwargs)
        self.dim, self.heads = dim, heads
        self.attention = layers.MultiHeadAttention(heads, dim // heads)
        self.forward = keras.Sequential([layers.Dense(2 * dim, activation="relu"), layers.Dense(dim)])
        self.norm_1, self.norm_2 = layers.LayerNormalization(), layers.LayerNormalization()

    def call(self, x):
        x = self.norm_1(x + self.attention(x, x, use_causal_mask=True))
        return self.norm_2(x + self.forward(x))

    def get_config(self):
        return {**super().get_config(), "dim": self.dim, "heads": self.heads}


inputs = keras.Input((6,), dtype="int32")
x = layers.Embedding(20, 8)(inputs)
x = Block(8, 2)(x)
outputs = layers.Dense(20)(ops.mean(x, axis=1))
model = keras.Model(inputs, outputs)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
tokens = np.random.randint(0, 20, (32, 6))
model.fit(tokens, tokens[:, 0], epochs=1, verbose=0)
again = keras.Model.from_config(model.get_config())
assert again.count_params() == model.count_params()
