"""What a case is for each kind of object, and which facts of it a user can see."""

from __future__ import annotations

import inspect
import random
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from catalog import LAYERS, Entry, Inner
from values import choose, reshaped, tensor

import lamina
from lamina import backends
from lamina.kernel.context import interpreter
from lamina.kernel.trees import leaves

Facts = dict[str, Any]
# the classes of a kind, and what those with required arguments are given
REQUIRED: dict[str, dict[str, Any]] = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "MeanIoU": {"num_classes": 3},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 4},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [3, 6], "values": [0.1, 0.05, 0.01]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10},
}
BASES = {"Layer", "Loss", "Metric", "Optimizer", "Initializer", "Regularizer", "Constraint", "Wrapper",
         "LearningRateSchedule", "MeanMetricWrapper", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}  # fmt: skip
_X64 = "will be truncated to dtype"  # jax has no 64 bits, and says so
SPECIAL = {"STFT", "STFTInitializer", "stft", "CTC"}
SPACES = ("layers", "losses", "metrics", "optimizers", "optimizers.schedules", "initializers", "regularizers",
          "constraints", "activations", "ops")  # fmt: skip


def names_of(space: Any) -> Iterator[str]:
    for name in sorted(dir(space)):
        if not name.startswith("_") and name not in BASES | SPECIAL:
            yield name


def builtin(error: BaseException) -> str:
    """The classes of an error that every program knows, as far as their common bases: "TypeError/ValueError"."""
    known = [c for c in type(error).__mro__ if c.__module__ == "builtins"]
    return (
        "/".join(c.__name__ for c in known if not any(c is not o and issubclass(o, c) for o in known))
        or "Exception"
    )


class Raised(Exception):
    """A stage failed: what is known so far stands in the facts."""


class Probe:
    """Collects the facts of one object; a stage that raises ends it.

    Args:
        library: Keras or Lamina.
        differentiates: Whether this case asks for gradients, too.
    """

    def __init__(self, library: Any, differentiates: bool = False) -> None:
        self.library, self.differentiates = library, differentiates
        self.facts: Facts = {}
        self.messages: dict[str, str] = {}
        self.warned: dict[str, list[str]] = {}

    def stage(self, name: str, run: Callable[[], Any]) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = run()
            except Exception as error:
                self.facts[f"{name} raises"] = builtin(error)
                self.messages[name] = str(error)[:200]
                raise Raised from None
        said = sorted(
            {w.category.__name__ for w in caught if w.category is UserWarning and _X64 not in str(w.message)}
        )
        self.facts[f"{name} raises"] = None
        self.facts[f"{name} warns"] = said
        if said:
            self.warned[f"{name} warns"] = [
                str(w.message)[:200] for w in caught if w.category is UserWarning
            ][:2]
        return found

    def gradients(self, function: Callable[[list[Any]], Any], values: list[Any]) -> None:
        """The fact of how the float outputs change with each float of `values` (arrays)."""
        places = [i for i, x in enumerate(values) if x.dtype == "float32"]
        if not self.differentiates or not places:
            return
        ops = self.library.ops

        def total(given: list[Any]) -> Any:
            mixed = list(values)
            for i, x in zip(places, given, strict=True):
                mixed[i] = x
            outputs = [x for x in leaves(function(mixed)) if "float" in str(getattr(x, "dtype", ""))]
            # factors that differ: of a softmax's sum the gradient is 0
            weighed = [
                ops.sum(ops.multiply(ops.cast(x, "float32"), _factors(tuple(x.shape)))) for x in outputs
            ]
            return sum(weighed, ops.sum(ops.cast(given[0], "float32")))

        differentiate = GRADIENTS[self.library.__name__]
        found = self.stage("gradient", lambda: differentiate(total, [values[i] for i in places]))
        del self.facts["gradient warns"]  # of the two frameworks themselves
        self.facts["gradients"] = [
            np.zeros(values[i].shape, "float32") if g is None else np.asarray(g)
            for i, g in zip(places, found, strict=True)
        ]


def _factors(shape: tuple[int, ...]) -> np.ndarray:
    return np.cos(np.arange(int(np.prod(shape)))).reshape(shape).astype("float32")


def _with_jax(function: Callable[..., Any], values: list[np.ndarray]) -> list[Any]:
    import jax

    return jax.grad(function)([jax.numpy.asarray(x) for x in values])


def _with_torch(function: Callable[..., Any], values: list[np.ndarray]) -> list[Any]:
    """Lamina's gradients, of the backend that compiles nothing for them."""
    k = backends.load("torch")
    with interpreter(k):
        found = lamina.grad(function)([k.asarray(x.copy()) for x in values])
    return [None if g is None else k.to_numpy(g) for g in found]


GRADIENTS: dict[str, Callable[..., list[Any]]] = {"keras": _with_jax, "lamina": _with_torch}


def plain(x: Any) -> Any:
    """Values, dtypes and containers as they can be compared."""
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return ["list" if isinstance(x, list) else "tuple", *map(plain, x)]
    if isinstance(x, str | bool | int | float | type(None)) and not isinstance(x, np.generic):
        return x
    if hasattr(x, "todense"):
        x = x.todense()
    if hasattr(x, "dense_shape"):
        import tensorflow as tf

        x = tf.sparse.to_dense(x)
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        x = np.asarray(x.detach() if hasattr(x, "detach") else x)
        return ["array", x.astype("float32") if x.dtype.name == "bfloat16" else x]
    return type(x).__name__


def config_of(config: dict[str, Any]) -> Any:
    """A config as files hold it: a number is a number, of NumPy, too; what a counter of objects adds to a name is left out."""
    return plain(_numbers(config | ({"name": automatic(config["name"])} if "name" in config else {})))


def _numbers(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _numbers(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(map(_numbers, x))
    if hasattr(x, "tolist") and getattr(x, "shape", None) == ():
        return x.tolist()
    return x


def automatic(name: Any) -> Any:
    """A name without the number of the object among those of its class, which errors use up, too."""
    return re.sub(r"_\d+$", "", name) if isinstance(name, str) else name


def shape_of(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return [shape_of(v) for v in x]
    if isinstance(x, dict):
        return {k: shape_of(v) for k, v in x.items()}
    if hasattr(x, "shape") and not callable(x.shape):
        # Keras on jax has no 64 bits, NumPy has
        return (
            tuple(x.shape),
            re.sub(r"torch\.|<dtype: '|'>", "", str(x.dtype))
            .replace("int64", "int32")
            .replace("float64", "float32"),
        )
    return type(x).__name__


def spec_of(spec: Any) -> Any:
    if spec is None or isinstance(spec, list | tuple):
        return spec and [spec_of(s) for s in spec]
    fields = ("ndim", "max_ndim", "min_ndim", "dtype", "optional", "allow_last_axis_squeeze")
    out = {name: getattr(spec, name, None) for name in fields}
    return out | {"axes": dict(spec.axes or {}), "shape": spec.shape and tuple(spec.shape)}


def pick(rng: random.Random, items: list[Any], keys: list[str]) -> Any:
    """One of the items; a new one in the list changes only the cases that it wins, not all of them."""
    token = rng.getrandbits(32)
    return max(zip(items, keys, strict=True), key=lambda pair: zlib.crc32(f"{token}:{pair[1]}".encode()))[0]


# -- layers ------------------------------------------------------------------------------------------------------------


_LAYER_KEYS = [repr(entry) for entry in LAYERS]


def layer_case(rng: random.Random, theirs: Any) -> tuple[str, Callable[[Any], Any]]:
    """A layer of the catalogue with up to three arguments and perhaps a shape changed."""
    entry = pick(rng, LAYERS, _LAYER_KEYS)
    kwargs = dict(entry.kwargs)
    if "seed" in kwargs:
        kwargs["seed"] = 3
    parameters = [p for p in inspect.signature(getattr(theirs.layers, entry.name).__init__).parameters.values()
                  if p.name not in ("self", "kwargs", "args", "name", "layer", "cell", "cells")]  # fmt: skip
    extra = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=d)
             for n, d in (("dtype", None), ("trainable", True), ("name", None))]  # fmt: skip
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        p = rng.choice(parameters + extra if rng.random() < 0.2 or not parameters else parameters)
        kwargs[p.name] = choose(rng, p.name, p.default)
    shapes = [reshaped(rng, s) if rng.random() < 0.15 else s for s in entry.shapes]
    dtype = entry.dtype if rng.random() < 0.9 else rng.choice(["float16", "int32", "bool", "float64"])
    inputs = [tensor(rng, s, dtype) for s in shapes]
    training = rng.choice([None, None, None, False])
    shown = f"layers.{entry.name}({', '.join(f'{k}={v!r}' for k, v in kwargs.items())}) on {shapes} {dtype}"
    return shown, lambda probe: _layer_facts(probe, entry, kwargs, inputs, training)


def _layer_facts(probe: Probe, entry: Entry, kwargs: dict, inputs: list, training: Any) -> None:
    library, facts = probe.library, probe.facts
    given = {k: v(library.layers) if isinstance(v, Inner) else v for k, v in kwargs.items()}
    layer = probe.stage("constructor", lambda: getattr(library.layers, entry.name)(**given))
    for name in ("built", "trainable", "supports_masking", "dtype", "compute_dtype", "autocast"):
        facts[name] = getattr(layer, name)
    facts["input_spec"] = spec_of(layer.input_spec)
    config = probe.stage("get_config", layer.get_config)
    facts["config"] = plain(
        _nameless({k: v for k, v in config.items() if k not in ("layer", "cell", "cells")})
    )
    call = {**entry.call, **({"training": training} if training is not None and entry.random else {})}
    symbols = [library.KerasTensor((None, *x.shape[1:]), dtype=x.dtype.name) for x in inputs]
    out = probe.stage("symbolic call", lambda: layer(*entry.form(symbols), **call))
    facts["symbolic output"] = shape_of(out)
    facts["weights"] = [(tuple(w.shape), str(w.dtype), w.trainable) for w in layer.weights]
    rng = np.random.default_rng(4)
    layer.set_weights([_weight(rng, w) for w in layer.weights])
    out = probe.stage("call", lambda: layer(*entry.form(inputs), **call))
    facts["output"] = shape_of(out)
    if not (training and entry.random):
        facts["values"] = plain(out)
    draws = entry.inference or (entry.random and training is not False)
    halves = any(x.dtype == "float16" for x in inputs)  # rounded at each step
    if layer.compute_dtype == "float32" and not draws and not halves:
        weights = [np.asarray(library.ops.convert_to_numpy(v)) for v in layer.trainable_variables]
        fixed = [np.asarray(library.ops.convert_to_numpy(v)) for v in layer.non_trainable_variables]
        apply = lambda given: layer.stateless_call(
            given[: len(weights)],
            [*map(library.ops.convert_to_tensor, fixed)],
            *entry.form(given[len(weights) :]),
            **call,
        )[0]
        probe.gradients(apply, weights + inputs)
    _shape_facts(probe, layer, entry, inputs, call)
    if layer.supports_masking:
        _mask_facts(probe, layer, entry, inputs)


def _shape_facts(probe: Probe, layer: Any, entry: Entry, inputs: list, call: dict) -> None:
    """What a user is told of the output ahead of a call."""
    library, facts = probe.library, probe.facts
    symbols = [library.KerasTensor((None, *x.shape[1:]), dtype=x.dtype.name) for x in inputs]
    shapes = [s.shape for s in symbols]
    facts["output shape"] = probe.stage(
        "compute_output_shape", lambda: _sizes(layer.compute_output_shape(*entry.form(shapes)))
    )
    spec = probe.stage("compute_output_spec", lambda: layer.compute_output_spec(*entry.form(symbols), **call))
    facts["output spec"] = shape_of(spec)


def _sizes(shape: Any) -> Any:
    """Shapes in their structure; Keras has some of them as lists."""
    if isinstance(shape, list | tuple) and all(n is None or isinstance(n, int) for n in shape):
        return tuple(shape)
    if isinstance(shape, dict):
        return {key: _sizes(value) for key, value in shape.items()}
    return [*map(_sizes, shape)] if isinstance(shape, list | tuple) else type(shape).__name__


def _mask_facts(probe: Probe, layer: Any, entry: Entry, inputs: list) -> None:
    """The masks that come of a mask for each input, of one for the first alone, and of none."""
    numbers, tensor_of = np.random.default_rng(5), probe.library.ops.convert_to_tensor
    given = [numbers.random(x.shape[: min(x.ndim - 1, 2) or 1]) < 0.5 for x in inputs]
    given = [*map(tensor_of, given)]
    tensors = [*map(tensor_of, inputs)]
    lone = [*given[:1], *([None] * (len(given) - 1))]
    for name, masks in {"all": given, "first": lone, "none": [None] * len(given)}.items():
        if name == "first" and len(given) == 1:
            continue
        args, masks = entry.form(tensors), entry.form(masks)
        if len(args) == 2 and isinstance(args[1], list | tuple):  # states have no masks
            args, masks = args[:1], masks[:1]
        found = probe.stage(f"compute_mask {name}", lambda: layer.compute_mask(*args, *masks))  # noqa: B023 - run at once
        probe.facts[f"mask {name}"] = plain(found)


def _nameless(config: Any) -> Any:
    """A config without names, which count the objects of a process."""
    if isinstance(config, dict):
        return {k: _nameless(v) for k, v in config.items() if k != "name"}
    return config


def _weight(rng: np.random.Generator, w: Any) -> np.ndarray:
    if "float" not in str(w.dtype):
        return np.zeros(tuple(w.shape), str(w.dtype))
    x = rng.normal(size=tuple(w.shape)) * 0.5
    return (np.abs(x) + 0.1 if "variance" in w.path else x).astype("float32")


# -- losses, metrics and the small kinds -------------------------------------------------------------------------------


def _constructor(rng: random.Random, cls: Any, most: int = 2) -> dict[str, Any]:
    kwargs = dict(REQUIRED.get(cls.__name__, {}))
    parameters = [p for p in inspect.signature(cls.__init__).parameters.values()
                  if p.name not in ("self", "args", "kwargs", "loss_scale_factor")]  # fmt: skip
    for _ in range(rng.randint(0, most) if parameters else 0):
        p = rng.choice(parameters)
        kwargs[p.name] = choose(rng, p.name, p.default)
    return kwargs


def _class_case(rng: random.Random, theirs: Any, where: str, facts: Any) -> tuple[str, Callable[[Any], Any]]:
    space = _space(theirs, where)
    classes = [n for n in names_of(space) if inspect.isclass(getattr(space, n))]
    name = rng.choice(classes)
    kwargs = _constructor(rng, getattr(space, name))
    state = rng.getstate()

    def run(probe: Probe) -> None:
        own = random.Random()
        own.setstate(state)
        made = probe.stage("constructor", lambda: getattr(_space(probe.library, where), name)(**kwargs))
        config = probe.stage("get_config", made.get_config)
        probe.facts["config"] = config_of(config)
        facts(probe, made, own)

    return (
        f"{where}.{name}({', '.join(f'{k}={v!r}' for k, v in kwargs.items())}) [{rng.randrange(10**6)}]",
        run,
    )


def _space(library: Any, where: str) -> Any:
    for part in where.split("."):
        library = getattr(library, part)
    return library


def _targets(rng: random.Random, name: str) -> tuple[Any, Any, Any]:
    shape = rng.choice([(4, 3), (4, 3), (2, 5, 3), (4,), (4, 1), (0, 3)])
    y_pred = np.abs(tensor(rng, shape, "float32"))
    y_pred = y_pred / (y_pred.sum(-1, keepdims=True) + 1e-3) if rng.random() < 0.8 else y_pred * 3 - 1
    if name.startswith("Sparse") or ("IoU" in name and not name.startswith("OneHot")):
        y_true = tensor(rng, shape[:-1], "int32") % max(1, shape[-1])
    elif rng.random() < 0.5 and shape[-1] > 1:
        y_true = np.eye(shape[-1], dtype="float32")[tensor(rng, shape[:-1], "int32") % shape[-1]]
    else:
        y_true = (np.abs(tensor(rng, shape, "float32")) > 0.5).astype(
            rng.choice(["float32", "int32", "bool"])
        )
    if name in ("AUC", "BinaryFocalCrossentropy"):  # which are for probabilities
        y_pred = np.clip(y_pred, 0, 1)
    weight = (
        None
        if rng.random() < 0.6
        else np.abs(tensor(rng, rng.choice([shape[:1], shape[:-1], shape]), "float32"))
    )
    return y_true, y_pred, weight


def _loss_facts(probe: Probe, made: Any, rng: random.Random) -> None:
    y_true, y_pred, weight = _targets(rng, type(made).__name__)
    probe.facts["name"] = automatic(made.name)
    out = probe.stage("call", lambda: made(y_true, y_pred, sample_weight=weight))
    probe.facts["output"], probe.facts["values"] = shape_of(out), plain(out)
    if made.dtype == "float32":
        probe.gradients(lambda given: made(y_true, given[0], sample_weight=weight), [y_pred])


def _metric_facts(probe: Probe, made: Any, rng: random.Random) -> None:
    probe.facts["name"], probe.facts["dtype"] = automatic(made.name), made.dtype
    y_true, y_pred, weight = _targets(rng, type(made).__name__)
    given = (y_pred,) if type(made).__name__ in ("Mean", "Sum") else (y_true, y_pred)
    for _ in range(rng.randint(1, 2)):
        probe.stage("update_state", lambda: made.update_state(*given, sample_weight=weight))
    probe.facts["variables"] = [(v.name, tuple(v.shape), v.dtype) for v in made.variables]
    out = probe.stage("result", made.result)
    probe.facts["output"], probe.facts["values"] = shape_of(out), plain(out)


def _optimizer_facts(probe: Probe, made: Any, rng: random.Random) -> None:
    variables = [
        probe.library.Variable(tensor(rng, s, "float32"), name=n)
        for s, n in (((3, 2), "kernel"), ((2,), "b"))
    ]
    probe.stage("build", lambda: made.build(variables))
    probe.facts["variables"] = [(v.name, tuple(v.shape), v.dtype) for v in made.variables]
    for _ in range(3):
        gradients = [
            probe.library.ops.convert_to_tensor(tensor(rng, tuple(v.shape), "float32")) for v in variables
        ]
        probe.stage("apply", lambda: made.apply(gradients))  # noqa: B023 - run at once
    probe.facts["iterations"] = int(made.iterations)
    probe.facts["values"] = plain([np.asarray(probe.library.ops.convert_to_numpy(v)) for v in variables])


def _schedule_facts(probe: Probe, made: Any, rng: random.Random) -> None:
    out = [probe.stage("call", lambda: made(step)) for step in (0, 1, 3, 10, 25)]  # noqa: B023 - run at once
    probe.facts["values"] = plain([np.asarray(probe.library.ops.convert_to_numpy(x)) for x in out])


def _initializer_facts(probe: Probe, made: Any, rng: random.Random) -> None:
    shape = rng.choice([(3, 3), (4, 2), (3,), (), (2, 3, 4), (0, 2), [2, 2]])
    dtype = rng.choice([None, "float32", "float16", "int32"])
    out = probe.stage("call", lambda: made(shape, dtype=dtype))
    probe.facts["output"] = shape_of(out)


def _tensor_facts(probe: Probe, made: Any, rng: random.Random) -> None:
    x = tensor(rng, rng.choice([(3, 2), (2, 3, 4), (4,), (2, 2, 3, 3)]), "float32")
    out = probe.stage("call", lambda: made(probe.library.ops.convert_to_tensor(x)))
    probe.facts["output"], probe.facts["values"] = shape_of(out), plain(out)


# -- functions ---------------------------------------------------------------------------------------------------------


def activation_case(rng: random.Random, theirs: Any) -> tuple[str, Callable[[Any], Any]]:
    skip = ("get", "serialize", "deserialize")
    name = rng.choice([n for n in names_of(theirs.activations) if n not in skip])
    parameters = list(inspect.signature(getattr(theirs.activations, name)).parameters.values())[1:]
    kwargs = {}
    if parameters and rng.random() < 0.6:
        p = rng.choice(parameters)
        kwargs[p.name] = choose(rng, p.name, p.default)
    x = tensor(
        rng, rng.choice([(3, 4), (2, 3, 2), (4,), ()]), rng.choice(["float32", "float32", "float16", "int32"])
    )
    return f"activations.{name}({x.shape} {x.dtype}, {kwargs})", lambda probe: _call_facts(
        probe, probe.library.activations, name, (x,), kwargs
    )


def op_case(rng: random.Random, theirs: Any) -> tuple[str, Callable[[Any], Any]]:
    """A case of the operations' catalogue with a tensor or an argument changed."""
    from op_cases import KEYS, OP_CASES

    case = pick(rng, OP_CASES, KEYS)
    args, kwargs = list(case.args), dict(case.kwargs)
    if rng.random() < 0.8:
        places = [i for i, a in enumerate(args) if isinstance(a, np.ndarray)]
        if places and rng.random() < 0.6:
            i = rng.choice(places)
            old = args[i]
            if rng.random() < 0.5:
                args[i] = tensor(
                    rng, reshaped(rng, old.shape), old.dtype.name if old.dtype.kind != "c" else "float32"
                )
            else:
                kinds = ["float16", "float32", "int32", "int8", "uint8", "bool", "float64", "int64"]
                with np.errstate(all="ignore"):  # of what no integer holds, each framework makes another
                    args[i] = (
                        np.nan_to_num(old, posinf=9, neginf=-9).clip(-1e9, 1e9)
                        if old.dtype.kind == "f"
                        else old
                    ).astype(rng.choice(kinds))
        else:
            try:
                parameters = list(inspect.signature(getattr(theirs.ops, case.name)).parameters.values())
            except (TypeError, ValueError):
                parameters = []
            known = [
                p for p in parameters[len(args) :] if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
            ]
            if known:
                p = rng.choice(known)
                kwargs[p.name] = choose(rng, p.name, p.default)
    show = [f"{a.shape} {a.dtype}" if isinstance(a, np.ndarray) else repr(a)[:60] for a in args]
    return f"ops.{case.name}({', '.join(show)}, {str(kwargs)[:120]})", lambda probe: _call_facts(
        probe, probe.library.ops, case.name, tuple(args), kwargs, case.gradient
    )


def _call_facts(
    probe: Probe, space: Any, name: str, args: tuple, kwargs: dict, differentiable: bool = True
) -> None:
    out = probe.stage("call", lambda: getattr(space, name)(*args, **kwargs))
    probe.facts["output"], probe.facts["values"] = shape_of(out), plain(out)
    places = [i for i, a in enumerate(args) if isinstance(a, np.ndarray)]

    def apply(given: list[Any]) -> Any:
        mixed = list(args)
        for i, x in zip(places, given, strict=True):
            mixed[i] = x
        return getattr(space, name)(*mixed, **kwargs)

    if differentiable:
        probe.gradients(apply, [args[i] for i in places])


def _training_case(rng: random.Random, theirs: Any) -> tuple[str, Callable[[Any], Any]]:
    from training import training_case

    return training_case(rng, theirs)


KINDS: dict[str, tuple[int, Callable[[random.Random, Any], tuple[str, Callable[[Any], Any]]]]] = {
    "layers": (40, layer_case),
    "losses": (8, lambda r, t: _class_case(r, t, "losses", _loss_facts)),
    "metrics": (14, lambda r, t: _class_case(r, t, "metrics", _metric_facts)),
    "optimizers": (8, lambda r, t: _class_case(r, t, "optimizers", _optimizer_facts)),
    "schedules": (2, lambda r, t: _class_case(r, t, "optimizers.schedules", _schedule_facts)),
    "initializers": (3, lambda r, t: _class_case(r, t, "initializers", _initializer_facts)),
    "regularizers": (2, lambda r, t: _class_case(r, t, "regularizers", _tensor_facts)),
    "constraints": (2, lambda r, t: _class_case(r, t, "constraints", _tensor_facts)),
    "activations": (4, activation_case),
    "ops": (17, op_case),
    "training": (0, _training_case),  # by its name alone: it is for backends with gradients
}
