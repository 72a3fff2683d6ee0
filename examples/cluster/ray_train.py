"""A model that Ray trains: `python ray_train.py --cpu --workers 2`; on a cluster, `ray job submit -- python ray_train.py`."""

import argparse

import numpy as np

import lamina
from lamina import distribution, layers


def train(config):
    """Runs in each worker."""
    lamina.utils.set_random_seed(0)
    if distribution.get_device_count() > 1:
        distribution.set_distribution(distribution.DataParallel())
    x = np.random.default_rng(0).random((1000, 32), "float32")
    y = (x.sum(1) > 16).astype("int32")
    model = lamina.Sequential([lamina.Input((32,)), layers.Dense(64, activation="relu"), layers.Dense(2)])
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(lamina.optimizers.Adam(config["learning_rate"]), loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=64, epochs=config["epochs"], verbose=0, resume=distribution.ray.Report())


if __name__ == "__main__":
    import ray.train

    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", default="jax", choices=["jax", "torch"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cpu", action="store_true", help="workers have no GPU")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--storage", help="a folder or a bucket that all machines see")
    given = parser.parse_args()

    trainer = distribution.ray.trainer(
        train,
        {"epochs": given.epochs, "learning_rate": 1e-3},
        backend=given.backend,
        workers=given.workers,
        cpu=given.cpu,
        run=ray.train.RunConfig(
            name="lamina",
            storage_path=given.storage,
            failure_config=ray.train.FailureConfig(
                max_failures=3
            ),  # workers begin again, after the last epoch
        ),
    )
    print(trainer.fit().metrics)
