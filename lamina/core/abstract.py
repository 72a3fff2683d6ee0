"""Symbolic tensors for shapes, and a layer's `call` without numbers where it leaves `lamina.ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamina.core.stateless import StatelessScope
from lamina.core.tensor import KerasTensor
from lamina.kernel.context import current, interpreter, real_kernel, state
from lamina.kernel.namespaces import is_ours
from lamina.kernel.shapes.spec import NeedsNumbers, Spec, Unknown
from lamina.kernel.tracebacks import raised_by_lamina
from lamina.kernel.trees import leaves, map_leaves

if TYPE_CHECKING:
    from lamina.core.layer import Layer

_ANYWHERE = (NeedsNumbers, TypeError, AttributeError, NotImplementedError)
# Sizes in place of unknown ones where numbers are made after all: small, and unlike the sizes of features.
_SMALL = (31, 37)


def shapes_of(structure: Any) -> Any:
    """The shapes of the tensors in a structure; sizes that are not known are None."""
    return map_leaves(_shape_of, structure)


def _shape_of(x: Any) -> Any:
    shape = getattr(x, "shape", None)
    if shape is None:
        return None
    unknown = state.stand_ins
    return tuple([None if type(n) is Unknown or not isinstance(n, int) or n in unknown else n for n in shape])


def tensors_of(shapes: Any, dtype: str) -> Any:
    """A symbolic tensor for each shape in a structure of shapes."""
    if isinstance(shapes, KerasTensor) or shapes is None:
        return shapes
    if isinstance(shapes, dict):
        return {name: tensors_of(s, dtype) for name, s in shapes.items()}
    if all(n is None or hasattr(n, "__index__") for n in shapes):
        return KerasTensor(tuple(shapes), dtype)
    return type(shapes)(tensors_of(s, dtype) for s in shapes)


def tells_in_one_run(layer: Layer) -> bool:
    """Whether one run without numbers tells the shapes of a layer whose class says that it keeps the marks of unknown
    sizes: it does as long as nobody else's code runs in it, that of a subclass or an activation."""
    activation = layer.__dict__.get("activation")
    return is_ours(type(layer)) and (activation is None or is_ours(activation))


def call_on_shapes(layer: Layer, args: tuple, kwargs: dict) -> Any:
    """`layer.call` on tensors without numbers.

    Where `call` leaves `lamina.ops`, the layer's own `compute_output_spec` or `compute_output_shape` says what it gives,
    else the framework's abstract evaluation, else a run on ones (for NumPy, or an `if` that looks at values).
    """
    try:
        return layer.call(*args, **kwargs)
    except Exception as error:
        if not current().abstract or not (isinstance(error, _ANYWHERE) or not raised_by_lamina(error)):
            raise
        layer._layer_state.native = True
        found = _as_declared(layer, args, kwargs)
        if found is not None:
            return found
        if "_tried" in error.__dict__:  # by a layer inside this one
            raise
        error.__dict__["_tried"] = True
        for way in (_by_framework, _on_ones):
            try:
                out = _twice(way, layer, args, kwargs)
                layer._layer_state.asks_values = way is _on_ones
                return out
            except Exception:  # noqa: BLE001, S112 - whatever was raised: the first error says what was wrong
                continue
        if isinstance(error, AttributeError | NotImplementedError):
            raise  # of the layer's own code: no function of shapes would mend it
        error.add_note(
            f"The output shape of layer {layer.path!r} ({type(layer).__name__}) could not be found by running `call` "
            "without numbers. Define `compute_output_shape(self, input_shape)`, or use lamina.ops in `call`."
        )
        raise


def _as_declared(layer: Layer, args: tuple, kwargs: dict) -> Any:
    """What the layer's own functions of shapes say; None if it has none."""
    own, cls = layer._layer_state, type(layer)
    if own.asked:  # by its own shape function, which asks its base class
        return None
    own.asked = True
    try:
        if not getattr(cls.compute_output_spec, "usual", False) and not hasattr(cls, "_graph_inputs"):
            symbolic = lambda x: KerasTensor(shapes_of(x), x.dtype) if isinstance(x, Spec) else x
            named = {name: map_leaves(symbolic, v) for name, v in kwargs.items() if v is not None}
            return _specs(layer.compute_output_spec(*map_leaves(symbolic, args), **named))
        if layer._knows_shape():
            shapes = layer.compute_output_shape(*(shapes_of(a) for a in args if a is not None))
            return None if shapes is None else _specs(tensors_of(shapes, layer.compute_dtype))
    finally:
        own.asked = False
    return None


def _specs(symbolic: Any) -> Any:
    def one(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        return Spec(tuple([Unknown(1009) if n is None else n for n in x.shape]), x.dtype)

    return map_leaves(one, symbolic)


def _twice(way: Callable[..., Any], layer: Layer, args: tuple, kwargs: dict) -> Any:
    """The outputs by two runs with other sizes in place of the unknown ones: those that differ are unknown."""
    given = {id(x): x for x in leaves((args, list(kwargs.values()))) if isinstance(x, Spec)}
    unknown = any(type(n) is Unknown for x in given.values() for n in x.shape)
    first = way(layer, args, kwargs, given, 0)
    second = way(layer, args, kwargs, given, 1) if unknown else first
    others = {id(x): y for x, y in zip(leaves(first), leaves(second), strict=True)}

    def agreed(x: Any) -> Any:
        if not isinstance(x, Spec):
            return x
        sizes = zip(x.shape, others[id(x)].shape, strict=True)
        return Spec(tuple([n if n == m else Unknown(n) for n, m in sizes]), x.dtype)

    return map_leaves(agreed, first)


def _by_framework(layer: Layer, args: tuple, kwargs: dict, given: dict[int, Spec], turn: int) -> Any:
    kernel = real_kernel()
    sizes = _sizes(given, lambda n: n * (turn + 1))
    kept: list[Any] = []

    def program(tensors: list[Any]) -> Any:
        kept[:] = [_run(layer, args, kwargs, dict(zip(given, tensors, strict=True)), sizes)]
        return [x for x in leaves(kept[0]) if kernel.is_tensor(x)]

    with interpreter(kernel):
        shapes = list(kernel.eval_shape(program, _filled(given, sizes)))
    tensors = [x for x in leaves(kept[0]) if kernel.is_tensor(x)]
    found = {id(x): Spec(*spec) for x, spec in zip(tensors, shapes, strict=True)}
    return map_leaves(lambda x: found.get(id(x), x), kept[0])


def _on_ones(layer: Layer, args: tuple, kwargs: dict, given: dict[int, Spec], turn: int) -> Any:
    kernel = real_kernel()
    sizes = _sizes(given, lambda n: _SMALL[turn])
    with interpreter(kernel):
        tensors = [kernel.ones(shape, dtype) for shape, dtype in _filled(given, sizes)]
        out = _run(layer, args, kwargs, dict(zip(given, tensors, strict=True)), sizes)
    numbers = lambda x: kernel.is_tensor(x) or hasattr(x, "__array__")
    return map_leaves(
        lambda x: Spec(tuple(x.shape), kernel.dtype(kernel.asarray(x))) if numbers(x) else x, out
    )


def _sizes(given: dict[int, Spec], size: Callable[[int], int]) -> dict[int, int]:
    """Unknown size -> what stands in for it."""
    return {int(n): size(int(n)) for x in given.values() for n in x.shape if type(n) is Unknown}


def _filled(given: dict[int, Spec], sizes: dict[int, int]) -> list[tuple[tuple, str]]:
    fill = lambda shape: tuple([sizes[int(n)] if type(n) is Unknown else int(n) for n in shape])
    return [(fill(x.shape), x.dtype) for x in given.values()]


def _run(layer: Layer, args: tuple, kwargs: dict, table: dict[int, Any], sizes: dict[int, int]) -> Any:
    swap = lambda x: table.get(id(x), x)
    before, state.stand_ins = state.stand_ins, frozenset(sizes.values())
    try:
        with StatelessScope(collect_losses=True):  # what the call assigns has no numbers either
            return layer.call(*map_leaves(swap, args), **map_leaves(swap, kwargs))
    finally:
        state.stand_ins = before
