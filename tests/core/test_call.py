"""The call protocol: the fast path gives what the full path gives, in every frame that a call can meet."""

from __future__ import annotations

import contextlib
import inspect
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from catalog import LAYERS, Entry

import lamina
from lamina import backends, layers, ops
from lamina.core import call
from lamina.core.masks import TABLE, get_mask, set_mask
from lamina.kernel.context import interpreter, state
from lamina.kernel.trees import leaves

X = np.arange(8, dtype="float32").reshape(2, 4) / 8


@pytest.fixture(autouse=True)
def eager() -> Any:
    """A backend that computes at once, whose tensors can carry a mask."""
    with interpreter(backends.load("torch")):
        yield


def numpy_of(x: Any) -> Any:
    return np.asarray(ops.convert_to_numpy(ops.cast(x, "float32"))) if hasattr(x, "shape") else x


class Caller(layers.Layer):
    """Calls a layer inside its own call, which takes the training flag and does not hand it on."""

    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner
        self.supports_masking = True

    def call(self, *inputs: Any, training: Any = None, **kwargs: Any) -> Any:
        return self.inner(*inputs, **kwargs)


class Penalized(layers.Layer):
    """Adds a loss of its own beside those of the layer inside."""

    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, *inputs: Any, **kwargs: Any) -> Any:
        out = self.inner(*inputs, **kwargs)
        self.add_loss(ops.sum(ops.cast(next(leaves(out)), "float32")))
        return out


# -- the catalogue -----------------------------------------------------------------------------------------------------


def outcome(layer: Any, inputs: tuple, kwargs: dict) -> dict[str, Any]:
    """All that a call shows: values, dtypes, masks, losses, or the error with its notes."""
    try:
        outputs = list(leaves(layer(*inputs, **kwargs)))
    except Exception as error:  # noqa: BLE001 - whatever it is, both paths must raise the same
        return {"error": (type(error), str(error), getattr(error, "__notes__", []))}
    return {
        "values": [numpy_of(y) for y in outputs],
        "dtypes": [ops.dtype(y) if hasattr(ops, "dtype") else str(y.dtype) for y in outputs],
        "masks": [None if get_mask(y) is None else numpy_of(get_mask(y)) for y in outputs],
        "losses": [numpy_of(loss) for loss in layer.losses],
    }


def three(entry: Entry, scope: str) -> list[dict[str, Any]]:
    """What three calls in a scope show, with the state that they leave."""
    lamina.utils.set_random_seed(1)
    more = {"mixed": {"dtype": "mixed_bfloat16"}, "regularized": {"activity_regularizer": "l2"}}.get(
        scope, {}
    )
    made_in = lamina.RematScope() if scope == "made in remat" else contextlib.nullcontext()
    with made_in:
        layer = entry.make(layers, name="it", **more)
    inputs = entry.form([ops.convert_to_tensor(x) for x in entry.inputs()])
    masked = entry.form([ops.convert_to_tensor(x) for x in entry.inputs()])
    set_mask(next(leaves(masked)), ops.convert_to_tensor(np.array([[1, 0, 1, 1, 1], [1, 1, 1, 0, 0]], bool)))
    caller = Caller(layer, name="caller")
    penalized = Penalized(layer, name="penalized")
    mixed = Caller(layer, name="mixed", dtype="mixed_bfloat16")
    given = entry.call
    turns = {
        "training": [(caller, {"training": True})] * 3,
        "both flags": [(caller, {"training": flag}) for flag in (True, False, None, True)],
        "nested": [(caller, {}), (layer, {}), (caller, {}), (layer, {})],
        "mixed": [(layer, {}), (caller, {}), (layer, {}), (caller, {})],
        "around in bfloat16": [(mixed, {}), (layer, {}), (mixed, {}), (layer, {})],
        "losses": [(penalized, {}), (layer, {}), (penalized, {}), (layer, {})],
    }.get(scope, [(layer, {})] * 3)
    around = lamina.RematScope() if scope == "remat" else contextlib.nullcontext()
    with around, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = [outcome(one, inputs, {**given, **kwargs}) for one, kwargs in turns]
        if scope == "mask":
            seen += [outcome(one, masked, given) for one in (layer, caller, layer)]
        layer.call = broken  # what an error tells, on a call of a kind that is known by now
        seen.append(outcome(turns[-1][0], inputs, given))
    seen.append({"values": [v.numpy() for v in layer.variables]})
    return seen


def broken(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("it broke")


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return type(a) is type(b) and a == b


SCOPES = ("plain", "training", "both flags", "mask", "mixed", "around in bfloat16", "remat", "made in remat", "losses",
          "regularized", "nested")  # fmt: skip


def ids(entries: list[Entry]) -> list[str]:
    return [f"{i}-{e.name}" for i, e in enumerate(entries)]


def takes_regularizer(entry: Entry) -> bool:
    """Not all layers do: some constructors, as Keras's, name what they take."""
    parameters = inspect.signature(getattr(layers, entry.name).__init__).parameters
    return entry.name != "ActivityRegularization" and (
        "kwargs" in parameters or "activity_regularizer" in parameters
    )


@pytest.mark.parametrize("entry", LAYERS, ids=ids(LAYERS))
def test_both_paths_give_the_same_in_every_scope(entry: Entry) -> None:
    for scope in SCOPES:
        if scope == "regularized" and (
            "activity_regularizer" in entry.kwargs or not takes_regularizer(entry)
        ):
            continue
        found = three(entry, scope)
        with call.full_path_only():
            wanted = three(entry, scope)
        for i, (a, b) in enumerate(zip(found, wanted, strict=True)):
            assert same(a, b), (scope, i, a, b)


def test_the_catalogue_takes_the_fast_path(monkeypatch: Any) -> None:
    """Or the test above would compare the full path with itself."""
    fast = []
    for entry in LAYERS:
        layer = entry.make(layers)
        inputs = entry.form([ops.convert_to_tensor(x) for x in entry.inputs()])
        layer(*inputs, **entry.call)
        monkeypatch.setattr(call, "full_call", lambda *_: fast.remove(entry.name))
        fast.append(entry.name)
        layer(*inputs, **entry.call)
        monkeypatch.undo()
    assert {"Dense", "Conv2D", "BatchNormalization", "Dropout", "LayerNormalization", "MaxPooling2D"} <= set(
        fast
    )
    assert len(fast) > 70


class Noted(layers.Layer):
    """Notes what its call is given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seen: Any = ()

    def call(self, x: Any, training: Any = None, mask: Any = None) -> Any:
        self.seen = (*self.seen, (type(x).__module__.split(".")[0], training, mask is not None))
        return x


def test_an_array_of_numpy_becomes_a_tensor_also_after_a_tensor_of_its_shape() -> None:
    with interpreter(backends.load("jax")):
        layer = Noted()
        for x in (ops.convert_to_tensor(X), ops.convert_to_tensor(X), X):
            layer(x)
        assert {kind for kind, *_ in layer.seen} == {"jaxlib"}


def goes_fast(layer: Any, x: Any, monkeypatch: Any) -> bool:
    """Whether a call takes the fast path."""
    full: list[Any] = []
    monkeypatch.setattr(call, "full_call", lambda *_: full.append(0))
    layer(x)
    monkeypatch.undo()
    return not full


def test_what_decides_calls_is_learned_anew_when_it_is_set(monkeypatch: Any) -> None:
    x = ops.convert_to_tensor(X)
    layer = layers.Dense(4)
    for name, value in [
        ("activity_regularizer", lamina.regularizers.L2(0.1)),
        ("dtype_policy", lamina.DTypePolicy("mixed_float16")),
        ("input_spec", layers.InputSpec(ndim=3)),
        ("autocast", False),
        ("inner", layers.Dense(3)),
    ]:
        layer = type("Open", (layers.Dense,), {"_locks": False})(4)
        layer(x)
        assert goes_fast(layer, x, monkeypatch), name
        setattr(layer, name, value)
        assert not goes_fast(layer, x, monkeypatch), name


def test_a_layer_that_is_set_unbuilt_is_built_again() -> None:
    layer = layers.Dense(3)
    layer(X)
    before = layer(X)
    layer.built = False
    assert layer(X).shape == before.shape
    assert len(layer.weights) == 2
    assert layer.get_build_config() == {"input_shape": (2, 4)}


def test_a_routine_call_adds_one_frame_of_python() -> None:
    """`layer(x)` -> call_layer -> Layer.call: what the fast path costs is one Python frame and a look-up."""
    import inspect

    depths = []

    class Deep(layers.Layer):
        def call(self, x: Any) -> Any:
            depths.append(len(inspect.stack(0)))
            return x

    layer, x = Deep(), ops.convert_to_tensor(X)
    for _ in range(3):
        layer(x)
    assert depths[1] == depths[2] == len(inspect.stack(0)) + 2


# -- losses ------------------------------------------------------------------------------------------------------------


class Penalty(layers.Layer):
    def call(self, x: Any) -> Any:
        self.add_loss(ops.sum(x))
        return x


def test_losses_are_those_of_the_last_outermost_call() -> None:
    """However often, and wherever, the layer was called before."""
    inner = Penalty()
    middle = Caller(inner)
    outer = Caller(middle)
    x = ops.convert_to_tensor(X)
    for _ in range(3):
        for layer in (outer, inner, inner, middle, inner, outer, outer):
            layer(x)
            assert [float(loss) for loss in layer.losses] == [X.sum()]


def test_losses_of_several_calls_inside_one_add_up() -> None:
    inner = Penalty()

    class Twice(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def call(self, x: Any) -> Any:
            return self.inner(self.inner(x))

    outer, x = Twice(), ops.convert_to_tensor(X)
    for _ in range(4):
        outer(x)
        assert len(outer.losses) == 2
    inner(x)
    assert len(inner.losses) == 1


def test_losses_of_a_layer_that_came_later() -> None:
    """Which layers are asked for losses is kept, until one is added."""

    class Adding(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    class Outer(lamina.Model):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3)

        def call(self, x):
            x = self.inner(x)
            return self.later(x) if hasattr(self, "later") else x

    model = Outer()
    model(X)
    model.later = Adding()
    for _ in range(3):
        model(X)
    assert len(model.losses) == 1


def test_a_layer_that_begins_to_add_losses_late() -> None:
    class Late(layers.Layer):
        adding = False

        def call(self, x: Any) -> Any:
            if self.adding:
                self.add_loss(ops.sum(x))
            return x

    layer, x = Late(), ops.convert_to_tensor(X)
    outer = Caller(layer)
    for one in (layer, layer, outer, outer):
        one(x)
    layer.adding = True
    for one in (layer, outer, layer, layer, outer, outer):
        one(x)
        assert len(one.losses) == 1


# -- errors ------------------------------------------------------------------------------------------------------------


def test_errors_tell_the_layer_on_both_paths() -> None:
    class Fragile(layers.Layer):
        whole = True

        def call(self, x: Any) -> Any:
            if not self.whole:
                raise KeyError("a part")
            return x

    layer, x = Fragile(name="glass"), ops.convert_to_tensor(X)
    outer = Caller(layer, name="box")
    notes = []
    for one in (layer, outer):
        one(x)
        one(x)
    layer.whole = False
    for one in (layer, outer):
        with pytest.raises(KeyError) as caught:
            one(x)
        notes.append(caught.value.__notes__)
    inside = "In layer 'glass' (Fragile), called with input of shape (2, 4)."
    assert notes == [[inside], [inside, "In layer 'box' (Caller), called with input of shape (2, 4)."]]


def test_a_constructor_that_was_forgotten_is_named() -> None:
    class Forgetful(layers.Layer):
        def __init__(self) -> None:
            self.units = 3

        def call(self, x: Any) -> Any:
            return x

    class ForgetfulModel(lamina.Model):
        def __init__(self) -> None:
            self.dense = layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    class ForgetfulMetric(lamina.metrics.Metric):
        def __init__(self) -> None:
            self.total = self.add_variable((), "zeros", name="total")

    class ForgetfulLoss(lamina.losses.Loss):
        def __init__(self) -> None:
            self.weight = 2.0

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return y_pred

    for base, use in (
        ("Layer", lambda: Forgetful()(X)),
        ("Layer", lambda: Forgetful().name),
        ("Model", lambda: ForgetfulModel()(X)),
        ("Metric", lambda: ForgetfulMetric()),
        ("Loss", lambda: ForgetfulLoss()(X, X)),
    ):
        wanted = rf"Forgetful(Model|Metric|Loss)? is not initialized: its `__init__` has not called that of {base}. Begin"
        with pytest.raises(AttributeError, match=wanted):
            use()


# -- masks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["torch", "jax", "numpy"])
def test_a_mask_lasts_as_long_as_its_tensor(name: str, monkeypatch: Any) -> None:
    """It costs the calls nothing whose tensors have none, neither while it is there nor afterwards."""
    steps = np.ones((2, 5, 4), "float32")
    with interpreter(backends.load(name)):
        dense, reader = layers.Dense(3), Noted()
        reader.supports_masking = True
        x = ops.convert_to_tensor(steps)
        for layer in (dense, reader):
            layer(x)
        before = len(TABLE)
        masked = layers.Masking()(x)
        assert get_mask(masked) is not None
        assert get_mask(dense(masked)) is not None  # between outermost calls, too
        assert goes_fast(dense, x, monkeypatch)
        reader(masked)
        reader(x)
        assert [with_mask for *_, with_mask in reader.seen] == [False, True, False]
        assert goes_fast(dense, x, monkeypatch)
        del masked
        assert len(TABLE) == before


def test_masks_are_seen_from_other_threads() -> None:
    kernel = backends.load("numpy")
    with interpreter(kernel):
        x = ops.convert_to_tensor(X)
        set_mask(x, X > 0)
    seen = []

    def look() -> None:
        with interpreter(kernel):
            seen.append(get_mask(x))
            own = [ops.convert_to_tensor(X + i) for i in range(200)]
            masks = [i < X for i in range(200)]
            for y, mask in zip(own, masks, strict=True):
                set_mask(y, mask)
            seen.extend(get_mask(y) is mask for y, mask in zip(own, masks, strict=True))

    run_in_threads(look, 4)
    assert len(seen) == 4 * 201
    assert all(mask is not None and mask is not False for mask in seen)


# -- threads -----------------------------------------------------------------------------------------------------------


def run_in_threads(function: Any, count: int) -> None:
    """Several at once; what one raises is raised here."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - shown in the thread of the test
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if errors:
        raise errors[0]


def test_a_frame_belongs_to_its_thread() -> None:
    layer = Noted()
    outer = Caller(layer)
    kernel = state.kernel
    x = ops.convert_to_tensor(X)
    layer(x)

    class During(layers.Layer):
        def call(self, x: Any, training: Any = None) -> Any:
            run_in_threads(other, 1)
            return x

    frames = []

    def other() -> None:
        with interpreter(kernel):
            frames.append(state.frame)
            layer(x)

    with lamina.RematScope(), lamina.name_scope("here"):
        During()(x, training=True)
    outer(x, training=True)
    assert frames == [call.CallFrame()]
    assert [training for _, training, _ in layer.seen] == [None, None, True]


def test_one_layer_in_several_threads() -> None:
    """Each with a training flag of its own: what one thread learns of the layer serves the others, no more."""
    layer = layers.Dropout(0.5, seed=1)
    outer, kernel = Caller(layer), state.kernel
    x = ops.ones((4, 4))
    layer(x)

    def use(training: bool) -> None:
        with interpreter(kernel):
            for _ in range(100):
                kept = bool(ops.all(outer(x, training=training) == x))
                assert kept is not training

    run_in_threads(lambda: use(False), 2)
    threads = iter([True, False, True, False])
    run_in_threads(lambda: use(next(threads)), 4)


def test_automatic_names_differ_between_threads() -> None:
    from lamina.core import names

    found: list[Any] = []

    def draw() -> None:
        mine = [names.unique("of_threads") for _ in range(2000)]
        found.extend(mine)
        found.extend(("uid", names.uid("of_threads_too")) for _ in range(2000))

    run_in_threads(draw, 8)
    assert len(set(found)) == len(found) == 8 * 4000


def test_scopes_of_custom_objects_and_names_belong_to_their_thread() -> None:
    ready, leave = threading.Event(), threading.Event()
    mine, other = layers.Dense, layers.Conv2D
    scope = lamina.saving.CustomObjectScope({"Mine": other})
    seen: list[Any] = []

    def elsewhere() -> None:
        seen.append(lamina.saving.get_registered_object("Mine"))
        with scope, lamina.name_scope("elsewhere"):
            ready.set()
            assert leave.wait(60)
            seen.append(lamina.saving.get_registered_object("Mine"))
            seen.append(state.names)

    thread = threading.Thread(target=elsewhere)
    with lamina.saving.CustomObjectScope({"Mine": mine}), lamina.name_scope("here"):
        thread.start()
        assert ready.wait(60)
        assert lamina.saving.get_registered_object("Mine") is mine
        assert state.names == ("here",)
    assert lamina.saving.get_registered_object("Mine") is None
    leave.set()
    thread.join()
    assert seen == [None, other, ("elsewhere",)]
