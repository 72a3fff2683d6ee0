"""Trains with Ray in two workers on CPUs, of which one fails once; prints the metrics. python script.py BACKEND FOLDER"""

import json
import os
import pathlib
import sys

import lamina

D = lamina.distribution


def train(config):
    sys.path.insert(0, config["eight"])
    from same import data, network

    class Fails(lamina.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            with open(config["seen"], "a") as file:
                file.write(f"{D.DataParallel().data_shard_id} {epoch}\n")
            if epoch == 2 and D.DataParallel().data_shard_id == 1 and not os.path.exists(config["failed"]):
                pathlib.Path(config["failed"]).touch()
                raise RuntimeError("this worker fails once")

    D.initialize()  # as a script has it; there is nothing left to do
    if config["spread"]:
        assert D.get_device_count() == 2
        D.set_distribution(
            D.FullyShardedDataParallel(min_size=8)
        )  # each worker writes its parts of the state
    lamina.utils.set_random_seed(1)
    model = network("mlp")
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(lamina.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    x, y = data(101)
    callbacks = [Fails()] if config["spread"] else []
    resume = D.ray.Report() if config["spread"] else None
    history = model.fit(x, y, batch_size=32, epochs=4, verbose=0, callbacks=callbacks, resume=resume).history
    return {name: values[-1] for name, values in history.items()}


if __name__ == "__main__":
    import ray
    import ray.train

    backend, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    config = {
        "eight": str(pathlib.Path(__file__).parents[1] / "eight"), "seen": str(folder / "seen"),
        "failed": str(folder / "failed"), "spread": True,
    }  # fmt: skip
    ray.init(num_cpus=3, include_dashboard=False)
    trainer = D.ray.trainer(
        train, config, backend=backend, workers=2, cpu=True,
        run=ray.train.RunConfig(
            name="test", storage_path=str(folder / "storage"),
            failure_config=ray.train.FailureConfig(max_failures=1),
        ),
    )  # fmt: skip
    metrics = trainer.fit().metrics
    ray.shutdown()
    lamina.config.set_backend(backend)
    alone = train({**config, "spread": False})
    print("FOUND " + json.dumps([metrics, alone]), flush=True)
