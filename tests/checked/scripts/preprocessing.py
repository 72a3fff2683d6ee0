"""Preprocessing: numbers, categories, texts and images, and data sets."""

import numpy as np

import lamina
from lamina import layers, utils

norm = layers.Normalization()
norm.adapt(np.array([[1.0], [3.0]], "float32"))
assert norm(np.array([[2.0]], "float32")).shape == (1, 1)
lookup = layers.StringLookup(vocabulary=["red", "blue"])
assert lookup.vocabulary_size() == 3
vectors = layers.TextVectorization(max_tokens=10, output_sequence_length=4)
vectors.adapt(["a small text", "a text"])
assert len(vectors.get_vocabulary()) == 5
images = layers.RandomFlip("horizontal", seed=1)(np.ones((2, 4, 4, 3), "float32"), training=True)
assert images.shape == (2, 4, 4, 3)


class Squares(utils.PyDataset):
    """Batches of numbers and their squares."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        x = np.full((2, 1), float(index), "float32")
        return x, x**2


model = lamina.Sequential([lamina.Input((1,)), layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(Squares(), verbose=0)
assert utils.to_categorical([0, 2], num_classes=3).shape == (2, 3)
