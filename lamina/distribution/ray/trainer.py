"""A trainer of Ray from a function that builds a model and fits it."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable, Mapping
from typing import Any

from lamina import backends
from lamina import config as settings
from lamina.distribution.devices import initialize
from lamina.distribution.ray._ray import imported


def trainer(
    train: Callable[..., Any],
    config: Mapping[str, Any] | None = None,
    *,
    backend: str | None = None,
    workers: int = 1,
    cpu: bool = False,
    scaling: Any = None,
    run: Any = None,
) -> Any:
    """A trainer of Ray that runs a function in several workers, which train together.

    In each worker the backend is in force and the processes know each other before the function runs, so it sets a distribution
    and fits a model as a script does that `lamina launch` starts. `fit(..., resume=lamina.distribution.ray.Report())` tells
    Ray of each epoch.

    Args:
        train: The function; it takes the configuration, or nothing.
        config: What the function is given, a dict.
        backend: "jax" or "torch"; the one in force by default.
        workers: How many there are. Each has a GPU.
        cpu: Whether workers have no GPU.
        scaling: Instead of `workers` and `cpu` a `ray.train.ScalingConfig`: TPUs, several GPUs for a worker, a number of workers
            that changes.
        run: A `ray.train.RunConfig`: where checkpoints go, how often workers are started again.

    Returns:
        A `JaxTrainer` or `TorchTrainer` of Ray Train; its `fit()` trains and returns Ray's `Result`.

    Raises:
        ImportError: if Ray is not installed.
        ValueError: for a backend that Ray has no trainer of, or a number of workers that is none.

    Example:
        >>> import lamina
        >>> def train(config):
        ...     lamina.distribution.set_distribution(lamina.distribution.DataParallel())
        ...     model = lamina.Sequential([lamina.Input((8,)), lamina.layers.Dense(1)])
        ...     model.compile("adam", "mse")
        ...     x = lamina.ops.ones((64, 8))
        ...     model.fit(x, x[:, :1], epochs=config["epochs"], resume=lamina.distribution.ray.Report())
        >>> trainer = lamina.distribution.ray.trainer(train, {"epochs": 3}, workers=4)  # doctest: +SKIP
        >>> trainer.fit().metrics["loss"]  # doctest: +SKIP
    """
    name = backend or settings.backend()
    module, kind = backends.load(name).spread.workers
    if not module:
        raise ValueError(
            f"lamina.distribution.ray.trainer: Ray starts no workers for the backend {name!r}, which keeps each tensor on one "
            "device: choose another with `backend=`."
        )
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(
            f"lamina.distribution.ray.trainer: `workers` must be a positive number, got {workers!r}."
        )
    ray_train = imported("ray.train")
    made = getattr(imported(module), kind)
    wants_config = bool(inspect.signature(train).parameters)

    def in_a_worker(given: dict[str, Any]) -> Any:
        begin(name)
        return train(given) if wants_config else train()

    return made(
        in_a_worker,
        train_loop_config=dict(config or {}),
        scaling_config=scaling or ray_train.ScalingConfig(num_workers=workers, use_gpu=not cpu),
        run_config=run or ray_train.RunConfig(),
    )


def begin(backend: str) -> None:
    """In a worker of Ray: the backend is in force, and this process is one of those that train together."""
    settings.set_backend(backend)
    context = imported("ray.train").get_context()
    count, rank = context.get_world_size(), context.get_world_rank()
    # Ray has joined the processes on GPUs and TPUs and wherever torch trains; `initialize` leaves those as they are
    address = f"{imported('ray.util').get_node_ip_address()}:{_free_port()}" if rank == 0 else None
    initialize(imported("ray.train.collective").broadcast_from_rank_zero(address), count, rank)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])
