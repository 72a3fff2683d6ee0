"""Methods and attributes that models, layers and nodes had in Keras 1 and 2, and arguments of theirs."""

from __future__ import annotations

import itertools
import pathlib
import zipfile
from typing import Any

from h5py import is_hdf5

from lamina import optimizers, saving
from lamina.callbacks import CallbackList, History, ModelCheckpoint
from lamina.callbacks.monitor import Monitor
from lamina.core.codec import deserialize_arguments
from lamina.core.config import constructor
from lamina.core.layer import Layer
from lamina.core.operation import Node
from lamina.core.variable import Variable
from lamina.kernel.trees import map_leaves
from lamina.legacy.forwarding import forwarding, tell
from lamina.metrics import Mean, Metric
from lamina.models import Functional, Model, Sequential
from lamina.optimizers import Optimizer
from lamina.optimizers.options import of_today
from lamina.saving import archive
from lamina.saving.atomic import may_replace
from lamina.saving.legacy import files

_GONE = ("max_queue_size", "max_q_size", "workers", "nb_worker", "use_multiprocessing", "pickle_safe")
_METRICS = {"acc": "accuracy", "accuracy": "acc"}


class Logs(dict):
    """Logs that know a metric by its old name, too: `acc` is `accuracy`, `val_acc` is `val_accuracy`."""

    def _key(self, name: Any) -> Any:
        if dict.__contains__(self, name) or not isinstance(name, str):
            return name
        front, _, last = name.rpartition("_")
        other = f"{front}_{_METRICS[last]}".lstrip("_") if last in _METRICS else name
        return other if dict.__contains__(self, other) else name

    def __missing__(self, name: Any) -> Any:
        other = self._key(name)
        if other == name:
            raise KeyError(name)
        return dict.__getitem__(self, other)

    def __contains__(self, name: Any) -> bool:
        return dict.__contains__(self, self._key(name))

    def get(self, name: Any, default: Any = None) -> Any:
        """The value by either name."""
        return dict.get(self, self._key(name), default)


def _with_old_names(hook: Any) -> Any:
    def on_end(self: CallbackList, number: int, logs: Any = None) -> None:
        hook(self, number, Logs(logs or {}))

    return on_end


# -- training ----------------------------------------------------------------------------------------------------------


def _steps(generator: Any, steps: int | None, rows: int | None) -> tuple[Any, int | None]:
    """Keras 1 counted rows: how many batches they are, from the size of the first one."""
    if rows is None:
        return generator, steps
    size = getattr(generator, "batch_size", None)
    if size is None and hasattr(generator, "__next__"):
        first = next(generator)
        size = len(first[0][0] if isinstance(first[0], list | tuple) else first[0])
        generator = itertools.chain([first], generator)
    return generator, max(1, rows // (size or 1))


def _rename(where: str, kwargs: dict[str, Any], old: str, new: str) -> None:
    if old in kwargs:
        tell(where, f"{old}=", f"{new}=")
        kwargs.setdefault(new, kwargs.pop(old))


def fit_generator(
    self: Any, generator: Any, steps_per_epoch: Any = None, epochs: int = 1, **kwargs: Any
) -> Any:
    """`fit` on a generator of batches; `samples_per_epoch` and `nb_val_samples` count rows, as in Keras 1."""
    tell("fit_generator", "fit_generator", "model.fit(generator, steps_per_epoch=..., epochs=...)")
    for name in _GONE:
        kwargs.pop(name, None)
    epochs = kwargs.pop("nb_epoch", epochs)
    generator, steps = _steps(generator, steps_per_epoch, kwargs.pop("samples_per_epoch", None))
    data, rows = kwargs.pop("validation_data", None), kwargs.pop("nb_val_samples", None)
    data, validation_steps = _steps(data, kwargs.pop("validation_steps", None), rows)
    return self.fit(
        generator, steps_per_epoch=steps, epochs=epochs, validation_data=data, validation_steps=validation_steps,
        **kwargs,
    )  # fmt: skip


def evaluate_generator(self: Any, generator: Any, steps: Any = None, *_: Any, **kwargs: Any) -> Any:
    """`evaluate` on a generator of batches; `val_samples` counts rows, as in Keras 1."""
    tell("evaluate_generator", "evaluate_generator", "model.evaluate(generator, steps=...)")
    generator, steps = _steps(generator, steps, kwargs.pop("val_samples", None))
    return self.evaluate(generator, steps=steps, **{k: v for k, v in kwargs.items() if k not in _GONE})


def predict_generator(self: Any, generator: Any, steps: Any = None, *_: Any, **kwargs: Any) -> Any:
    """`predict` on a generator of batches; `val_samples` counts rows, as in Keras 1."""
    tell("predict_generator", "predict_generator", "model.predict(generator, steps=...)")
    generator, steps = _steps(generator, steps, kwargs.pop("val_samples", None))
    return self.predict(generator, steps=steps, **{k: v for k, v in kwargs.items() if k not in _GONE})


def predict_classes(self: Any, x: Any, batch_size: int = 32, verbose: Any = 0) -> Any:
    """The most likely class of each row; with one output 1 above 0.5, else 0."""
    tell("predict_classes", "predict_classes", "np.argmax(model.predict(x), axis=-1)")
    found = self.predict(x, batch_size=batch_size, verbose=verbose)
    return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")


def predict_proba(self: Any, x: Any, batch_size: int = 32, verbose: Any = 0) -> Any:
    """What `predict` gives."""
    tell("predict_proba", "predict_proba", "model.predict(x)")
    return self.predict(x, batch_size=batch_size, verbose=verbose)


_LOSSES = {
    "kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh", "cosine": "cosine_similarity",
}  # fmt: skip


def cosine_proximity(y_true: Any, y_pred: Any) -> Any:
    """Minus the cosine of the angle, as Keras 1 and 2 had it."""
    from lamina import losses

    return losses.cosine_similarity(y_true, y_pred)


def _compile(compile: Any) -> Any:
    def with_old_names(
        self: Any, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        for name in ("sample_weight_mode", "target_tensors", "experimental_run_tf_function"):
            if kwargs.pop(name, None) not in (None, "temporal", True, False):
                raise NotImplementedError(f"compile({name}=...) has no counterpart in Lamina.")
        if isinstance(loss, str | list | tuple | dict):
            loss = map_leaves(_today, loss)
        compile(self, optimizer, loss, *args, **kwargs)
        if loss is None:  # the sum of what layers add was shown as the loss
            self._model_state.loss_tracker = Mean(name="loss")

    return with_old_names


def _today(loss: Any) -> Any:
    if loss == "cosine_proximity":
        return cosine_proximity
    return _LOSSES.get(loss, loss) if isinstance(loss, str) else loss


def _new_model(new: Any) -> Any:
    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:
        return new(cls, *args, **_inputs_and_outputs(kwargs))

    return staticmethod(__new__)


def _init_model(init: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **_inputs_and_outputs(kwargs))

    return __init__


def _init_sequential(init: Any) -> Any:
    """`Sequential(layers, name)`, the order of Keras 1 and 2."""

    def __init__(self: Any, layers: Any = None, *args: Any, **kwargs: Any) -> None:
        if len(args) == 1 and (args[0] is None or isinstance(args[0], str)):
            if args[0] is not None:
                tell("Sequential", "layers, name", f"Sequential(layers, name={args[0]!r})")
            args, kwargs = (), {"name": args[0], **kwargs}
        init(self, layers, *args, **kwargs)

    return __init__


def _inputs_and_outputs(kwargs: dict[str, Any]) -> dict[str, Any]:
    names = {"input": "inputs", "output": "outputs"}
    if not {"input", "output"} <= set(kwargs):
        return kwargs
    tell("Model", "input=, output=", "Model(inputs=..., outputs=...)")
    return {names.get(k, k): v for k, v in kwargs.items()}


def _init_optimizer(init: Any) -> Any:
    import functools

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        old = [name for name in ("lr", "decay") if name in kwargs]
        if old:
            bound = constructor(type(self)).bind_partial(*args).arguments
            new = of_today({**bound, **kwargs}, constructor(type(self)).parameters)
            new.pop("schedule_decay", None)
            shown = "learning_rate=..." + (" with a schedule" if kwargs.get("decay") else "")
            tell(type(self).__name__, "=, ".join(old) + "=", f"{type(self).__name__}({shown})")
            args, kwargs = (
                (),
                {**new, **deserialize_arguments({"learning_rate": new.get("learning_rate", 0.001)})},
            )
            object.__setattr__(self, "_given", (args, kwargs))
        init(self, *args, **kwargs)

    return __init__


# -- files -------------------------------------------------------------------------------------------------------------


_HDF5 = (".h5", ".hdf5", ".hdf")


def _save_weights(save: Any) -> Any:
    def save_weights(
        self: Any, filepath: Any, overwrite: bool = True, save_format: Any = None, **kwargs: Any
    ) -> None:
        kwargs.pop("options", None)
        path = pathlib.Path(filepath)
        if save_format == "h5" or (path.suffix in _HDF5 and not path.name.endswith(".weights.h5")):
            may_replace(path, overwrite)
            files.save_weights(self, path, archive.FORMAT)
            return
        save(self, filepath, overwrite=overwrite, **kwargs)

    return save_weights


def save(
    self: Any,
    filepath: Any,
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: Any = None,
    **kwargs: Any,
) -> None:
    """Write the model: HDF5 under a name in `.h5`, as Keras 1 and 2 did, else what a `.keras` file holds."""
    for gone in ("signatures", "options", "save_traces"):
        kwargs.pop(gone, None)
    path = pathlib.Path(filepath)
    if path.suffix == ".keras" or kwargs:
        saving.save_model(self, path, overwrite=overwrite, include_optimizer=include_optimizer, **kwargs)
        return
    may_replace(path, overwrite)
    if path.suffix in _HDF5 or save_format == "h5":
        files.save(self, path, archive.FORMAT, include_optimizer=include_optimizer)
        return
    ending = path.suffix or "a name without ending"
    tell("save", ending, "a name that ends in '.keras' (this file holds the same)")
    beside = path.with_name(path.name + ".keras")
    saving.save_model(self, beside, overwrite=True, include_optimizer=include_optimizer)
    beside.replace(path)


def save_model(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
    """Write a model, as its `save` does."""
    model.save(filepath, *args, **kwargs)


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, **kwargs: Any) -> Any:
    """Read a model of any age; what the file is says its content, whatever its name."""
    path = pathlib.Path(filepath)
    if path.suffix != ".keras" and path.is_file():
        if zipfile.is_zipfile(path):
            return archive.load(path, path.name, custom_objects, compile)
        if is_hdf5(path):
            return files.load(path, path.name, custom_objects, compile)
    return saving.load_model(filepath, custom_objects, compile, **kwargs)


def _add_loss(add: Any) -> Any:
    def add_loss(self: Any, losses: Any = None, inputs: Any = None, **kwargs: Any) -> None:
        add(self, kwargs.get("loss", losses))

    return add_loss


def add_update(self: Any, updates: Any, inputs: Any = None) -> None:
    """Nothing is left to do for `K.update` and kin, which have taken effect; pairs are assigned now."""
    for one in updates if isinstance(updates, list) else [updates]:
        if isinstance(one, tuple):
            one[0].assign(one[1])


_WEIGHTS_GONE = (
    "use_resource",
    "synchronization",
    "partitioner",
    "getter",
    "collections",
    "experimental_autocast",
)


def _add_weight(add: Any) -> Any:
    """Keras 2 wrote the name first, Keras 1 wrote it third."""

    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str):
            kwargs["name"], args = args[0], args[1:]
            if args and not isinstance(args[0], str) and len(args) == 2:  # name, shape, dtype
                kwargs["dtype"], args = args[1], args[:1]
        elif len(args) > 2 and isinstance(args[2], str) and "name" not in kwargs:
            kwargs["name"], args = args[2], (*args[:2], *args[3:])
        return add(self, *args, **{k: v for k, v in kwargs.items() if k not in _WEIGHTS_GONE})

    return add_weight


def reset_states(self: Any) -> None:
    """`reset_state` under the name that it had."""
    self.reset_state()


def _reset_state(reset: Any) -> Any:
    def reset_state(self: Any) -> None:
        if type(self).reset_states is not reset_states:  # a metric of the user's own
            self.reset_states()
        else:
            reset(self)

    return reset_state


def _direction(direction: Any) -> Any:
    return lambda self: "up" if self.monitor.rpartition("_")[2] == "acc" else direction(self)


# -- the graph ---------------------------------------------------------------------------------------------------------


def _node(self: Any, index: int) -> Node:
    nodes = self._inbound_nodes
    if not -len(nodes) <= index < len(nodes):
        raise ValueError(f"Layer {self.name!r} was called {len(nodes)} times, so there is no node {index}.")
    return nodes[index]


def _one(tensors: Any) -> Any:
    return tensors[0] if isinstance(tensors, list | tuple) and len(tensors) == 1 else tensors


def get_input_at(self: Any, node_index: int) -> Any:
    """The symbolic input of a call, by its number."""
    node = _node(self, node_index)
    return _one(node.input_tensors or node.output_tensors)


def get_output_at(self: Any, node_index: int) -> Any:
    """The symbolic output of a call, by its number."""
    return _one(_node(self, node_index).output_tensors)


def get_input_shape_at(self: Any, node_index: int) -> Any:
    """The shape of the input of a call, or the list of shapes."""
    return _one(_node(self, node_index).input_shapes)


def get_output_shape_at(self: Any, node_index: int) -> Any:
    """The shape of the output of a call, or the list of shapes."""
    return _one(_node(self, node_index).output_shapes)


def get_input_mask_at(self: Any, node_index: int) -> Any:
    """The mask of the input of a call."""
    return _one(_node(self, node_index).input_masks)


def get_output_mask_at(self: Any, node_index: int) -> Any:
    """The mask of the output of a call."""
    return _one(_node(self, node_index).output_masks)


def _shape_of(side: str) -> property:
    name = f"{side}_shape"

    def shape(self: Any) -> Any:
        if name in self.__dict__:  # a layer's own attribute of that name
            return self.__dict__[name]
        return map_leaves(lambda x: x.shape, getattr(self, side))

    return property(shape, lambda self, value: self.__dict__.__setitem__(name, value))


def _rebuild(rebuild: Any) -> Any:
    """A `Sequential` may begin with a model of several inputs: what `Merge` gives."""

    def _maybe_rebuild(self: Any) -> None:
        first = self._stack[0] if self._stack else None
        if not isinstance(first, Functional) or len(first._inputs) == 1:
            rebuild(self)
            return
        self._undraw()
        x = first.output
        for layer in self._stack[1:]:
            x = self._after(x, layer)
        self._drawn(list(first.inputs), x)

    return _maybe_rebuild


def _lr(self: Any) -> Any:
    rate = self._learning_rate
    return rate if isinstance(rate, Variable) else self.learning_rate


def _set_lr(self: Any, value: Any) -> None:
    self.learning_rate = value


def _loss_tracker(self: Any) -> Any:
    """The mean of the loss, by the private name that packages know; there is one after `compile`."""
    found = self._model_state.loss_tracker
    if found is None:
        raise AttributeError(f"Model {self.name!r} has no `_loss_tracker`: compile it with a loss.")
    return found


def _set_loss_tracker(self: Any, value: Any) -> None:
    self._model_state.loss_tracker = value


def patches() -> list[tuple[Any, str, Any]]:
    """What is set while old spellings are taken: (class, attribute, value)."""
    out: list[tuple[Any, str, Any]] = [(Model, f.__name__, f) for f in (
        fit_generator, evaluate_generator, predict_generator, predict_classes, predict_proba, save)]  # fmt: skip
    out += [(Layer, f.__name__, f) for f in (get_input_at, get_output_at, get_input_shape_at, get_output_shape_at,
                                             get_input_mask_at, get_output_mask_at)]  # fmt: skip
    out += [
        (Layer, "add_weight", _add_weight(Layer.add_weight)), (Metric, "add_weight", _add_weight(Metric.add_weight)),
        (Metric, "reset_states", reset_states), (Metric, "reset_state", _reset_state(Metric.reset_state)),
        (Monitor, "_direction", _direction(Monitor._direction)),
        (Layer, "add_loss", _add_loss(Layer.add_loss)), (Layer, "add_update", add_update),
        (Layer, "input_shape", _shape_of("input")), (Layer, "output_shape", _shape_of("output")),
        (Layer, "inbound_nodes", property(lambda self: self._inbound_nodes)),
        (Layer, "outbound_nodes", property(lambda self: self._outbound_nodes)),
        (Functional, "container_nodes", property(lambda self: set(self._nodes))),
        (Sequential, "model", property(lambda self: self)),
        (History, "_kind", Logs),
        (CallbackList, "on_epoch_end", _with_old_names(CallbackList.on_epoch_end)),
        (Model, "_loss_tracker", property(_loss_tracker, _set_loss_tracker)),
        (Model, "compile", _compile(Model.compile)),
        (Model, "fit", forwarding("fit", Model.fit, {"nb_epoch": "epochs"}, (*_GONE, "show_accuracy"))),
        (Model, "evaluate", forwarding("evaluate", Model.evaluate, {}, (*_GONE, "show_accuracy"))),
        (Model, "predict", forwarding("predict", Model.predict, {}, _GONE)),
        (ModelCheckpoint, "_of_models", (".keras", *_HDF5)),
        (ModelCheckpoint, "_of_weights", (".weights.h5", ".safetensors", *_HDF5)),
        (Model, "save_weights", _save_weights(Model.save_weights)),
        (Model, "__new__", _new_model(Model.__new__)),
        (Model, "__init__", _init_model(Model.__init__)),
        (Functional, "__init__", _init_model(Functional.__init__)),
        (Sequential, "__init__", _init_sequential(Sequential.__init__)),
        (Sequential, "_maybe_rebuild", _rebuild(Sequential._maybe_rebuild)),
        (Optimizer, "lr", property(_lr, _set_lr)),
    ]  # fmt: skip

    for name in ("SGD", "RMSprop", "Adam", "Adamax", "Adagrad", "Adadelta", "Nadam"):
        cls = getattr(optimizers, name)
        out.append((cls, "__init__", _init_optimizer(cls.__init__)))
    return out
