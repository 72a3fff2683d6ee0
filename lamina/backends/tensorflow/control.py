"""Control flow and the transformations: derivatives, mapping, compilation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial, reduce
from typing import Any

import numpy as np
import optree
import tensorflow as tf

from lamina.backends.tensorflow import dtensor
from lamina.backends.tensorflow._support import move_axis, prefixes
from lamina.backends.tensorflow.array import asarray

# Control flow. Trees are flattened here and rebuilt by optree, as everywhere in Lamina; TensorFlow sees lists.

trees: Any = optree  # the recursive type in its stub does not take a tuple of tensors


def cond(pred: Any, true: Callable[[], Any], false: Callable[[], Any]) -> Any:
    if isinstance(pred, (bool, np.bool_)) or hasattr(pred, "numpy"):
        return true() if pred else false()
    if dtensor.mesh_in_force() is not None:
        return _all_run(lambda values: dtensor.select(pred, *values), [true, false])
    return _choose(lambda branches: tf.cond(pred, *branches), [true, false])


def switch(index: Any, branches: Any, operands: Any) -> Any:
    bound = [partial(branch, *operands) for branch in branches]
    if isinstance(index, int) or hasattr(index, "numpy"):
        return bound[min(max(int(index), 0), len(bound) - 1)]()
    position = tf.clip_by_value(tf.cast(index, tf.int32), 0, len(bound) - 1)
    if dtensor.mesh_in_force() is not None:
        pick = lambda values: reduce(
            lambda found, i: dtensor.select(position == i, values[i], found), range(1, len(values)), values[0]
        )
        return _all_run(pick, bound)
    return _choose(lambda branches: tf.switch_case(position, branches), bound)


def _all_run(pick: Callable[[list], Any], branches: list[Callable[[], Any]]) -> Any:
    """The tree of the selected branch, where all are computed: TensorFlow 2.21 dies of branches that it divides."""
    trees_of, traces = [], []
    for branch in branches:
        with dtensor.inside() as trace:
            trees_of.append(trees.tree_flatten(branch()))
        traces.append(trace)
    (_, spec), *others = trees_of
    for _, other in others:
        _check_alike(spec, other)
    for v in {id(v): v for trace in traces for v in trace.own()}.values():
        before = dtensor.read(v)
        dtensor.write(v, dtensor.like(pick([trace.value_of(v, before) for trace in traces]), v))
    columns = zip(*[map(tf.convert_to_tensor, flat) for flat, _ in trees_of], strict=True)
    return spec.unflatten([pick(list(column)) for column in columns])


def _check_alike(one: Any, other: Any) -> None:
    if one != other:
        raise ValueError(f"The branches must give trees alike. Received: {one} and {other}.")


def _choose(select: Callable[[list], Any], branches: list[Callable[[], Any]]) -> Any:
    """The tree of the selected branch; each branch is traced, and all must give trees alike."""
    specs: list = []

    def flat(branch: Callable[[], Any]) -> list:
        leaves, spec = trees.tree_flatten(branch())
        specs.append(spec)
        _check_alike(specs[0], spec)
        return [tf.convert_to_tensor(leaf) for leaf in leaves]

    leaves = select([partial(flat, branch) for branch in branches])
    return specs[0].unflatten(leaves if isinstance(leaves, list) else [leaves])


def while_loop(cond: Callable, body: Callable, state: tuple, limit: int | None) -> tuple:
    leaves, spec = trees.tree_flatten(tuple(state))
    leaves = [tf.convert_to_tensor(leaf) for leaf in leaves]

    def turn(*now: Any) -> list:
        return _alike(trees.tree_leaves(tuple(body(*spec.unflatten(now)))), leaves)

    last = tf.while_loop(lambda *now: cond(*spec.unflatten(now)), turn, leaves, maximum_iterations=limit)
    out: Any = spec.unflatten(list(last))
    return out


def _alike(new: list, old: list) -> list:
    """The new tensors with the sizes that are known of the old ones, which a loop may not forget."""
    return [tf.ensure_shape(tf.convert_to_tensor(n, o.dtype), o.shape) for n, o in zip(new, old, strict=True)]


def scan(f: Callable, init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> tuple[Any, Any]:
    carry, carry_spec = trees.tree_flatten(init)
    carry = [tf.convert_to_tensor(leaf) for leaf in carry]
    rows, rows_spec = trees.tree_flatten(xs)
    outputs: list = []  # the structure of y, known once f has run

    def step(carry: list, row: list) -> tuple[list, list]:
        new, y = f(carry_spec.unflatten(carry), rows_spec.unflatten(row))
        leaves, spec = trees.tree_flatten(y)
        outputs.append(spec)
        return _alike(trees.tree_leaves(new), carry), [tf.convert_to_tensor(leaf) for leaf in leaves]

    if length is None and rows:  # the size of a tensor that only the run knows
        length = tf.shape(rows[0])[0]
    known = not isinstance(length, tf.Tensor)
    # DTensor has no rule for lists of tensors, of which a loop consists
    divided = dtensor.mesh_in_force() is not None
    if known and length > 0 and (divided or length <= unroll or tf.executing_eagerly()):
        carry, ys = _scan_in_python(step, carry, rows, length, reverse)
    else:
        carry, ys = _scan_in_graph(step, carry, rows, length, reverse, unroll if known else 1)
    return carry_spec.unflatten(carry), outputs[0].unflatten(ys)


def _scan_in_python(step: Callable, carry: list, rows: list, length: int, reverse: bool) -> tuple[list, list]:
    """One turn after the other: what eager execution does anyway, and a loop wholly unrolled."""
    columns = [tf.unstack(x, length) for x in rows]
    ys: list = [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        carry, ys[i] = step(carry, [column[i] for column in columns])
    return carry, [tf.stack(column) for column in zip(*ys, strict=True)]


def _scan_in_graph(
    step: Callable, carry: list, rows: list, length: Any, reverse: bool, unroll: int
) -> tuple[list, list]:
    """One tf.while_loop over arrays of tensors: a slice of a tensor would give a dense gradient each turn."""
    kinds = [tf.TensorSpec(x.shape[1:], x.dtype) for x in rows]
    _, results = _trace(lambda c, r: step(c, r), [tf.TensorSpec(c.shape, c.dtype) for c in carry], kinds)
    inputs = [tf.TensorArray(x.dtype, length, element_shape=x.shape[1:]).unstack(x) for x in rows]
    arrays = [tf.TensorArray(y.dtype, length, element_shape=y.shape) for y in results]

    def turn(i: Any, carry: list, arrays: list) -> tuple:
        for ahead in range(unroll):
            position = length - 1 - (i + ahead) if reverse else i + ahead
            carry, ys = step(carry, [x.read(position) for x in inputs])
            arrays = [array.write(position, y) for array, y in zip(arrays, ys, strict=True)]
        return i + unroll, list(carry), arrays

    whole = length - length % unroll
    _, carry, arrays = tf.while_loop(lambda i, *_: i < whole, turn, (tf.constant(0), list(carry), arrays))
    for left in range(length - whole if unroll > 1 else 0):
        position = (length - whole - 1 - left) if reverse else whole + left
        carry, ys = step(carry, [x.read(position) for x in inputs])
        arrays = [array.write(position, y) for array, y in zip(arrays, ys, strict=True)]
    static = None if isinstance(length, tf.Tensor) else length
    stacked = [tf.ensure_shape(a.stack(), [static, *y.shape]) for a, y in zip(arrays, results, strict=True)]
    return list(carry), stacked


def _trace(f: Callable, *specs: Any) -> Any:
    """What f gives for such tensors, as symbolic tensors of a graph that nobody runs."""
    result: list = []

    def record(*args: Any) -> None:
        result.append(f(*args))

    tf.function(record, autograph=False).get_concrete_function(*specs)
    return result[-1]


def associative_scan(f: Callable, elems: Any, reverse: bool, axis: int) -> Any:
    leaves, spec = trees.tree_flatten(elems)

    def join(earlier: list, later: list) -> list:
        return trees.tree_leaves(f(spec.unflatten(earlier), spec.unflatten(later)))

    def flip(leaves: list) -> list:
        return [tf.reverse(x, [axis % x.shape.rank]) for x in leaves] if reverse else leaves

    return spec.unflatten(flip(prefixes(join, flip(leaves), axis)))


# Transformations


def vmap(f: Callable, in_axes: Any, out_axes: Any) -> Callable:
    def mapped(*args: Any) -> Any:
        each = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
        leaves, spec = trees.tree_flatten(args)
        axes = _axes_of_leaves(each, args)
        moved = [move_axis(x, a, 0) for x, a in zip(leaves, axes, strict=True) if a is not None]
        results: list = []

        def one(rows: list) -> list:
            remaining = iter(rows)
            parts = [x if a is None else next(remaining) for x, a in zip(leaves, axes, strict=True)]
            outputs, out_spec = trees.tree_flatten(f(*spec.unflatten(parts)))
            results.append(out_spec)
            return [tf.convert_to_tensor(y) for y in outputs]

        outputs = tf.vectorized_map(one, moved)
        result = results[-1].unflatten(outputs)
        positions = _axes_of_leaves(out_axes, result)
        placed = [y[0] if a is None else move_axis(y, 0, a) for y, a in zip(outputs, positions, strict=True)]
        return results[-1].unflatten(placed)

    return mapped


def _axes_of_leaves(axes: Any, tree: Any) -> list[int | None]:
    """The axis of each leaf, where `axes` is one axis, None, or a tree that begins like `tree`."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(trees.tree_leaves(tree))
    parts, part_axes = (trees.tree_flatten_one_level(tree)[0], trees.tree_flatten_one_level(axes)[0])
    return [axis for a, t in zip(part_axes, parts, strict=True) for axis in _axes_of_leaves(a, t)]


stop_gradient = tf.stop_gradient


def custom_gradient(f: Callable, args: tuple) -> Any:
    output, grad = f(*args)
    leaves, spec = trees.tree_flatten(output)

    # f has run already: inside tf.custom_gradient TensorFlow would ask for the variables that it reads
    @tf.custom_gradient
    def ruled(*inputs: Any) -> tuple[list, Callable]:
        return leaves, lambda *upstream: _each(grad(*upstream), len(inputs))

    return spec.unflatten(ruled(*trees.tree_leaves(args)))


def _each(gradients: Any, count: int) -> list:
    found = trees.tree_leaves(gradients, none_is_leaf=True)
    return found + [None] * (count - len(found))


def value_and_grad(f: Callable, values: list) -> tuple[tuple[Any, Any], list]:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        values = [tf.identity(value) for value in values]  # a value given twice has two gradients
        tape.watch([value for value in values if value.dtype.is_floating or value.dtype.is_complex])
        loss, aux = f(values)
    gradients = tape.gradient(loss, values)
    return (loss, aux), [tf.convert_to_tensor(g) if isinstance(g, tf.IndexedSlices) else g for g in gradients]


def jvp(f: Callable, primals: tuple, tangents: tuple) -> tuple[Any, Any]:
    inputs, spec = trees.tree_flatten(tuple(primals))
    inputs = [tf.identity(x) for x in inputs]
    with tf.autodiff.ForwardAccumulator(inputs, trees.tree_leaves(tuple(tangents))) as accumulator:
        outputs = f(*spec.unflatten(inputs))
    directional = partial(accumulator.jvp, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return outputs, trees.tree_map(directional, outputs)


_ARRAYS = (tf.Tensor, np.ndarray)


def _sealed(tree: Any) -> tuple[list, Any, tuple]:
    """The tree's tensors, and the rest: its structure, and the other leaves with their types (1, 1.0 and True differ)."""
    leaves, spec = trees.tree_flatten(tree)
    tensors = [leaf for leaf in leaves if isinstance(leaf, _ARRAYS)]
    return (tensors, spec, tuple([_HOLE if isinstance(x, _ARRAYS) else (type(x), x) for x in leaves]))


def _opened(tensors: Any, spec: Any, rest: tuple) -> Any:
    remaining = iter(tensors)
    return spec.unflatten([next(remaining) if leaf is _HOLE else leaf[1] for leaf in rest])


_HOLE = object()  # the position of a tensor among the other leaves


class _Relaxed:
    """f compiled with the first axes open, so that a last, smaller batch needs no program of its own.

    Where f cannot do with an unknown size it says so when it is traced; then each size has its program.
    """

    def __init__(self, f: Callable) -> None:
        self.f, self.exact = f, False
        self.compiled = tf.function(f, autograph=False, reduce_retracing=True)

    def __call__(self, *args: Any) -> Any:
        try:
            return self.compiled(*args)
        except (TypeError, ValueError):
            if self.exact:
                raise
        self.exact, self.compiled = True, tf.function(self.f, autograph=False)
        return self.compiled(*args)  # an error of another kind comes again

    def trace(self, *args: Any) -> None:
        """Compile for such arguments, without running it."""
        with suppress(TypeError, ValueError):  # it comes again when it runs
            self.compiled.get_concrete_function(*args)


class _Program:
    """A function compiled for one structure of arguments and one set of leaves that are no tensors.

    Args:
        f: The function.
        spec: The structure of its arguments.
        rest: Their leaves that are no tensors.
        mesh: The mesh that the tensors lie on; None for one device, also where the variables that f reads lie on one.
    """

    def __init__(self, f: Callable, spec: Any, rest: tuple, mesh: Any) -> None:
        self.results: list = []  # (structure, other leaves) of what each trace gives
        self.alike = True  # whether they are the same for all traces, as they nearly always are
        self.mesh = mesh
        self.written: list[
            list
        ] = []  # of each trace the variables on several devices that it gives new values of

        def traced(tensors: list) -> list:
            args, kwargs = _opened(tensors, spec, rest)
            with dtensor.tracing(self.mesh) as trace:
                outputs, *result = _sealed(f(*args, **kwargs))
                outputs = [dtensor.whole(tf.convert_to_tensor(y)) for y in outputs]
            self.mesh = trace.mesh
            if self.mesh is not None:
                dtensor.check(trace.graph)
            self.results.append(result)
            self.alike = self.alike and result == self.results[0]
            self.written.append([storage for storage, _ in trace.written.values()])
            changed = [value for _, value in trace.written.values()]
            return [tf.constant(len(self.results) - 1), *outputs, *changed]

        self.compiled = _Relaxed(traced)

    def __call__(self, tensors: list) -> Any:
        if self.mesh is None:
            trace, *outputs = self.compiled(tensors)
            return _opened(outputs, *self.results[0 if self.alike else int(trace)])
        with dtensor.telling():
            trace, *outputs = self.compiled(tensors)
        number = int(dtensor.taken(trace))
        count = len(outputs) - len(self.written[number])
        for storage, value in zip(self.written[number], outputs[count:], strict=True):
            storage.assign(value)
        return _opened([dtensor.taken(y) for y in outputs[:count]], *self.results[number])


def jit(f: Callable, donate: tuple[int, ...] = (), forward: bool = False) -> Callable:
    # nothing to donate: TensorFlow frees a tensor when its last reader has run
    programs: dict = {}

    def call(*args: Any, **kwargs: Any) -> Any:
        if not tf.executing_eagerly():  # inside another program: a part of it
            return f(*args, **kwargs)
        tensors, spec, rest = _sealed((args, kwargs))
        tensors = [asarray(x) for x in tensors]
        mesh = dtensor.mesh_of(tensors)
        # the sizes after the first belong to the program: layers count on them; on a mesh all do
        key = (spec, rest, mesh, tuple([tuple(x.shape)[mesh is None :] for x in tensors]))
        program = programs.get(key)
        if program is None:
            program = programs[key] = _Program(f, spec, rest, mesh)
            if mesh is None and dtensor.in_use():
                program.compiled.trace(tensors)  # do its variables lie on a mesh?
        if program.mesh is not None:
            tensors = [dtensor.on_mesh(x, program.mesh) for x in tensors]
        return program(tensors)

    return call


def without_gradient(f: Callable) -> Callable:
    return f  # nothing is kept but under a tape


def remat(f: Callable) -> Callable:
    def run(*args: Any) -> Any:
        if (
            tf.executing_eagerly()
        ):  # the tape of eager execution cannot tell what f reads besides its arguments
            return f(*args)
        leaves, spec = trees.tree_flatten(args)
        positions = [i for i, x in enumerate(leaves) if isinstance(x, tf.Tensor) and x.dtype.is_floating]
        result_spec: list = []

        def flat(tensors: Any) -> list:
            filled = list(leaves)
            for i, x in zip(positions, tensors, strict=False):
                filled[i] = x
            outputs, out_spec = trees.tree_flatten(f(*spec.unflatten(filled)))
            result_spec.append(out_spec)
            return outputs

        inputs = [leaves[i] for i in positions]
        outputs = _recomputed(flat, inputs, _captured(flat, inputs))
        return result_spec[0].unflatten(outputs)

    return run


def _captured(flat: Callable, inputs: list) -> list:
    """The differentiable tensors that a function reads besides its arguments: weights, mostly."""
    specs = [tf.TensorSpec(x.shape, x.dtype) for x in inputs]
    traced = tf.function(lambda *xs: [tf.convert_to_tensor(y) for y in flat(xs)], autograph=False)
    found = traced.get_concrete_function(*specs).captured_inputs
    given = {id(x) for x in inputs}
    return [x for x in found if x.dtype.is_floating and id(x) not in given]


def _recomputed(flat: Callable, inputs: list, captured: list) -> Any:
    """flat(inputs), whose inner results the gradient computes again."""
    outputs = flat(inputs)

    @tf.custom_gradient
    def ruled(*sources: Any) -> tuple[list, Callable]:
        def grad(*upstream: Any) -> list:
            with tf.control_dependencies(upstream):  # or the optimiser would find the same work done before
                again = [tf.identity(x) for x in inputs]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([*again, *captured])
                results = flat(again)
            return tape.gradient(results, [*again, *captured], list(upstream))

        return outputs, grad

    return ruled(*inputs, *captured)


def eval_shape(f: Callable, specs: Any) -> Any:
    def describe(x: Any) -> Any:
        return (tuple(x.shape), x.dtype.name) if isinstance(x, tf.Tensor) else x

    leaves, spec = trees.tree_flatten(specs, is_leaf=_is_spec)
    signature = [tf.TensorSpec(shape, dtype) for shape, dtype in leaves]
    return trees.tree_map(describe, _trace(lambda *tensors: f(spec.unflatten(tensors)), *signature))


def _is_spec(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 2 and isinstance(x[1], str)


def loop(
    step: Callable[[Any, Any], Any], donate: bool, finish: Callable[[Any], Any] | None = None
) -> Callable:
    programs: dict = {}
    one_by_one = _one_by_one(step, finish)

    def run(state: Any, data: Any, indices: Any, start: int, stop: int, shared: Any = ()) -> Any:
        if dtensor.mesh_of(trees.tree_leaves(data)) is not None:
            return one_by_one(state, data, indices, start, stop)
        now, state_spec = trees.tree_flatten(state)
        leaves, data_spec = trees.tree_flatten(data)
        now, leaves = ([tf.convert_to_tensor(x) for x in xs] for xs in (now, leaves))
        # One program for every number of rows and of batches. The size of a batch belongs to it: with an open one a
        # recurrence takes a quarter longer.
        signature = (
            tuple([tf.TensorSpec(x.shape, x.dtype) for x in now]),
            tuple([tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in leaves]),
            tf.TensorSpec([None, indices.shape[1]], tf.int32),
            *[tf.TensorSpec([], tf.int32)] * 2,
        )
        key = state_spec, data_spec, signature
        program = programs.get(key)
        if program is None:
            turns = _turns(step, state_spec, data_spec, finish)
            program = programs[key] = tf.function(turns, signature, autograph=False)
        bounds = tf.constant(start, tf.int32), tf.constant(stop, tf.int32)
        result = program(tuple(now), tuple(leaves), tf.cast(indices, tf.int32), *bounds)
        return result if finish else state_spec.unflatten(result)

    return run


def _one_by_one(step: Callable, finish: Callable | None) -> Callable:
    """A loop over stacked batches on several devices, where each turn is a program: DTensor divides no loops."""

    def turn(state: Any, data: Any, place: Any) -> Any:
        return step(state, trees.tree_map(lambda x: tf.gather(x, place), data))

    program, last = jit(turn), jit(finish) if finish else None

    def run(state: Any, data: Any, indices: Any, start: int, stop: int) -> Any:
        for i in range(start, stop):
            state = program(state, data, np.asarray(indices[i], np.int32))
        return last(state) if last else state

    return run


def _turns(step: Callable, state_spec: Any, data_spec: Any, finish: Callable | None) -> Callable:
    """A block of steps as a function of flat tensors; what it gives is flat, unless `finish` makes it."""

    def turns(now: tuple, leaves: tuple, indices: Any, start: Any, stop: Any) -> Any:
        def turn(i: Any, *now: Any) -> list:
            positions = indices[i]
            rows = data_spec.unflatten([tf.gather(x, positions) for x in leaves])
            new = trees.tree_leaves(step(state_spec.unflatten(now), rows))
            return [i + 1, *_alike(new, list(now))]

        # one turn at a time: turns change variables in place, and must not overtake one another
        last = tf.while_loop(lambda i, *_: i < stop, turn, [start, *now], parallel_iterations=1)
        state = list(last)[1:]
        return finish(state_spec.unflatten(state)) if finish else state

    return turns
