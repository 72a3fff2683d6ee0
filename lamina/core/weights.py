"""What a layer holds: its variables and those of the layers inside it, as lists, as arrays and as entries of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamina.core import tracking
from lamina.core.holder import holders_config, put_holders
from lamina.core.tracking import Tracker, made_trainable, own_variables
from lamina.core.variable import Variable
from lamina.kernel.tracebacks import folds_frames


def checked_flag(where: str, parameter: str, value: Any) -> bool:
    """A bool that is one.

    Raises:
        ValueError: for anything else, which Python would take as true or false all the same.
    """
    if not isinstance(value, bool):
        raise ValueError(
            f"{where}: `{parameter}` must be True or False, got {value!r} ({type(value).__name__})."
        )
    return value


class Weights(Tracker):
    """The state of a layer."""

    built: bool
    name: str
    path: Any
    _variables: list[Variable]
    _layers: list[Any]
    _seed_generators: list[Any]
    _trainable: bool

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> Iterator[Any]:
        seen: set[int] = set()
        stack: list[Any] = [self]
        while stack:
            layer = stack.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            if include_self or layer is not self:
                yield layer
            if recursive or layer is self:
                stack.extend(reversed(layer._layers))

    def _own_weights(self) -> list[Variable]:
        """This layer's own variables in the order of files: trainable ones first."""
        return sorted(own_variables(self), key=lambda v: not made_trainable(v))

    @property
    def weights(self) -> list[Variable]:
        """All variables that files hold: without metric state and random seeds."""
        return _distinct(v for layer in self._flatten_layers() for v in layer._own_weights())

    @property
    def variables(self) -> list[Variable]:
        """All state but that of metrics: weights, random seeds."""
        unsaved = [v for layer in self._flatten_layers() for v in layer._unsaved_variables()]
        return _distinct([*self.weights, *unsaved])

    def _unsaved_variables(self) -> list[Variable]:
        """State of this layer itself that files do not hold: its random seeds."""
        return [g.state for g in self._seed_generators]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """All other state: moving averages, random seeds."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        if not self._trainable:
            return []
        frozen = {id(v) for layer in self._flatten_layers() if not layer._trainable for v in layer.weights}
        return [v for v in self.weights if v.trainable and id(v) not in frozen]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    def _holders_config(self) -> dict[str, Any]:
        """What stands in the place of variables, for the codec."""
        return holders_config(self)

    def _put_holders(self, config: Any) -> None:
        put_holders(self, config, self.name)

    @property
    def metrics(self) -> list[Any]:
        """The metrics of this layer and its sublayers."""
        return [m for layer in self._flatten_layers() for m in layer._metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The state of the metrics."""
        return [v for m in self.metrics for v in m.variables]

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Not part of Keras 3: assign a metric to an attribute and call its `update_state` in `call`."""
        raise NotImplementedError(
            "`add_metric` is gone: make the metric in `__init__` (self.m = lamina.metrics.Mean()) and call "
            "self.m.update_state(value) in `call`."
        )

    @property
    def trainable(self) -> bool:
        """Whether this layer's variables are trained."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        # only what changes is noted: programs stay valid where `trainable` is set to what it is
        flipped = []
        for layer in self._flatten_layers():
            if layer._trainable != value:
                object.__setattr__(layer, "_trainable", value)
                flipped.append(layer)
            for v in own_variables(layer):
                if made_trainable(v):
                    v.trainable = bool(value)
        if flipped:
            tracking.changed(*flipped)

    @folds_frames
    def get_weights(self) -> list[Any]:
        """The weights as NumPy arrays, in the order of `weights`.

        Raises:
            ValueError: if the layer has no weights yet because it is not built.
        """
        self._needs_built("get_weights")
        return [v.numpy() for v in self.weights]

    @folds_frames
    def set_weights(self, weights: Any) -> None:
        """Set all weights.

        Args:
            weights: Arrays, one per entry of `weights`, of the same shapes.

        Raises:
            ValueError: if their number or a shape differs (all differences are listed).
        """
        self._needs_built("set_weights")
        have, given = self.weights, list(weights)
        if len(have) != len(given):
            raise ValueError(
                f"Layer {self.path!r} has {len(have)} weights, but set_weights got {len(given)} arrays. "
                f"Expected: {', '.join(f'{v.path} {v.shape}' for v in have) or 'none'}."
            )
        wrong = [
            f"{v.path}: expected {v.shape}, got {tuple(getattr(w, 'shape', ()))}"
            for v, w in zip(have, given, strict=True)
            if tuple(getattr(w, "shape", ())) != v.shape
        ]
        if wrong:
            raise ValueError(f"Layer {self.path!r}: shapes do not fit. {'; '.join(wrong)}.")
        for v, w in zip(have, given, strict=True):
            v.assign(w)

    def _needs_built(self, what: str) -> None:
        if not self.built:
            raise ValueError(
                f"`{what}` needs weights, but {type(self).__name__} {self.name!r} is not built yet. Call it on data "
                "once, call `build(input_shape)`, or begin the model with `Input(shape)`."
            )

    @folds_frames
    def count_params(self) -> int:
        """The number of entries of all weights.

        Raises:
            ValueError: if the layer is not built.
        """
        self._needs_built("count_params")
        total = 0
        for v in self.weights:
            size = 1
            for n in v.shape:
                size *= n
            total += size
        return total

    def save_own_variables(self, store: Any) -> None:
        """Write this layer's own variables into `store`, keyed "0", "1", ..."""
        for i, v in enumerate(self._own_weights()):
            store[str(i)] = v.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read this layer's own variables from `store`.

        Raises:
            ValueError: if it holds another number of them.
        """
        own = self._own_weights()
        if len(store.keys()) != len(own):
            wanted = ", ".join(f"{v.path} {v.shape}" for v in own) or "none"
            hint = "" if self.built else " The layer is not built: build it (call it on data) before loading."
            raise ValueError(
                f"Layer {self.path!r} expected {len(own)} variables ({wanted}), the file holds {len(store.keys())}.{hint}"
            )
        for i, v in enumerate(own):
            v.assign(store[str(i)])


def _distinct(variables: Any) -> list[Variable]:
    return list({id(v): v for v in variables}.values())
