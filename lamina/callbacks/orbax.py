"""OrbaxCheckpoint: ShardedCheckpoint in the layout of Orbax, whatever the backend."""

from __future__ import annotations

from lamina.callbacks.sharded import ShardedCheckpoint
from lamina.kernel.context import processes


class OrbaxCheckpoint(ShardedCheckpoint):
    """Saves the model's whole state while it is trained, in folders by number; needs the package orbax-checkpoint.

    `ShardedCheckpoint` in the format of Orbax on every backend: a folder holds the state as a tree by path (see
    `Model.get_state_tree`) and the model's configuration. `load_model` and `load_weights` read it, as real Keras does. On
    jax every process writes the parts that it holds; elsewhere the first one writes, and arrays are brought together for it.

    Args:
        directory: The folder of the checkpoints.
        monitor: The name in the logs that says which model is best.
        verbose: 1 says what is saved.
        save_best_only: Whether to save only when the watched number is better than before.
        mode: "min", "max", or "auto": the direction of the metric of that name.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: A value that the first model must be better than.
        max_to_keep: How many checkpoints to keep; None for all.
        save_on_background: Whether training goes on while files are written.
        save_weights_only: Whether to leave out the states of optimizer and metrics, and the configuration.

    Raises:
        ImportError: if the package is not installed.
        ValueError: for another `save_freq` or `max_to_keep`.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.OrbaxCheckpoint("checkpoints", max_to_keep=3)  # doctest: +SKIP
    """

    _format = "orbax"

    def is_multihost_enabled(self) -> bool:
        """Whether several processes train together."""
        return processes()[1] > 1

    def is_primary_host(self) -> bool:
        """Whether this process is the first one."""
        return processes()[0] == 0
