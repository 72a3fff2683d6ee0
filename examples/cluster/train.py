"""A model that trains on whatever devices and processes there are: `lamina launch --cpu --devices 4 train.py`."""

import argparse

import numpy as np

import lamina
from lamina import distribution, layers

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument(
    "--checkpoints", help="a folder that all processes see: an interrupted run goes on from there"
)
given = parser.parse_args()

distribution.initialize()
lamina.utils.set_random_seed(0)
if distribution.get_device_count() > 1:
    distribution.set_distribution(distribution.DataParallel())

x = np.random.default_rng(0).random((1000, 32), "float32")
y = (x.sum(1) > 16).astype("int32")
model = lamina.Sequential([lamina.Input((32,)), layers.Dense(64, activation="relu"), layers.Dense(2)])
model.compile("adam", lamina.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(x, y, batch_size=64, epochs=given.epochs, verbose=2, resume=given.checkpoints)
