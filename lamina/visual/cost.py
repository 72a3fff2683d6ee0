"""What a model costs: multiply-adds and memory of each layer, without a framework and without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lamina.core.call import full_path_only
from lamina.core.operation import OpCall
from lamina.core.stateless import StatelessScope
from lamina.kernel.context import interpreter, state
from lamina.kernel.cost import Cost, Place
from lamina.kernel.cost.tensor import width
from lamina.kernel.dtypes import IS_INEXACT
from lamina.kernel.shapes.spec import Spec
from lamina.kernel.trees import leaves, map_leaves
from lamina.models import Functional


class CostReport:
    """The counts of one forward pass and its gradient: what `lamina.visual.cost` gives.

    Args:
        cost: The interpreter that counted.
        root: The name of what was called.
        batch_size: The number of rows that the counts are for.
        results: What the call gave.

    Attributes:
        places: Path of names, from the model inwards -> what that layer costs without the layers in it.
        unbounded: Paths of loops whose number of rounds is not known; their bodies are counted once.
        peak: The most bytes of intermediate tensors that live at once in a forward pass.
        outputs: Bytes of the model's outputs.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3)])
        >>> type(lamina.visual.cost(model, batch_size=1)).__name__
        'CostReport'
    """

    def __init__(self, cost: Cost, root: str, batch_size: int, results: list[Any]) -> None:
        self.batch_size, self.root = batch_size, root
        self.places = cost.ledger.places
        self.unbounded = sorted("/".join(path) for path in cost.ledger.unbounded)
        buffers = [x.buffer for x in results if hasattr(x, "buffer")]
        self.peak = cost.ledger.peak(buffers)
        self.outputs = sum(b.size for b in buffers)
        self._ledger = cost.ledger
        self._weights: dict[int, Any] = {}  # variables by the ids of their buffers

    def at(self, *path: str) -> Place:
        """What a layer costs together with the layers in it.

        Args:
            *path: The names from the outermost inwards, without the model's own; none means the whole model.
        """
        whole, wanted = Place(), (self.root, *path)
        for found, place in self.places.items():
            if found[: len(wanted)] == wanted:
                whole += place
        return whole

    @property
    def multiply_adds(self) -> int:
        """Of the forward pass, with taps on padding, as published counts have them."""
        return self.at().multiply_adds()

    @property
    def backward_multiply_adds(self) -> int:
        """Of the gradient with respect to all trainable variables."""
        return self.at().multiply_adds(backward=True)

    @property
    def kept(self) -> int:
        """Bytes of the tensors that the gradient reads again."""
        return self.at().kept

    @property
    def factors(self) -> list[Any]:
        """The variables that the gradient multiplies by once more."""
        found = [self._weights.get(key) for key in self._ledger.factors]
        return [v for v in found if v is not None]

    @property
    def products(self) -> list[tuple[Any, Any]]:
        """Each product with a weight: the variable and a `lamina.kernel.cost.ledger.Product`."""
        found = [(self._weights.get(id(one.weight)), one) for one in self._ledger.products]
        return [(v, one) for v, one in found if v is not None]

    def __repr__(self) -> str:
        return f"<CostReport of {self.root!r}, {self.batch_size} rows: {self.multiply_adds:,} multiply-adds>"


def cost(
    model: Any, batch_size: int = 1, inputs: Any = None, call: Any = None, input_gradient: bool = False
) -> CostReport:  # fmt: skip
    """Count what calling a model, or a layer, costs, and its gradient.

    Args:
        model: A built model or layer.
        batch_size: The number of rows that unknown first axes stand for.
        inputs: The arguments as a list, each a shape or a (shape, dtype) pair, or a structure of such pairs; a model with
            a graph knows its own.
        call: More arguments of the call by name, such as `{"training": True}`.
        input_gradient: Whether the gradient with respect to the inputs is wanted, too.

    Returns:
        A CostReport.

    Raises:
        ValueError: if the model is not built, its inputs are not known, or a size besides the first is unknown.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3)])
        >>> lamina.visual.cost(model, batch_size=2).multiply_adds
        24
    """
    return counted(model, batch_size, inputs, call, input_gradient)


def counted(
    model: Any, rows: int, inputs: Any, call: Any, input_gradient: bool = False,
    parts: Callable[[Any], Sequence[int]] = lambda variable: (),
) -> CostReport:  # fmt: skip
    """As `cost`, on one of several devices: `parts` says into how many parts each axis of a variable is divided."""
    if not model.built:
        raise ValueError(
            f"{model.name!r} is not built yet, so what it costs is not known: call it on data, or `build(input_shape)`."
        )
    counter = Cost()
    args = _arguments(model, counter, rows, inputs)
    for x in leaves(args):
        x.wanted = input_gradient and x.dtype in IS_INEXACT
    values = [(v, counter.given(v.shape, v.dtype, v.trainable, parts(v))) for v in model.variables]
    names = state.names
    with interpreter(counter), full_path_only(), StatelessScope(values), _named_operations(model):
        state.names = ()
        try:
            out = model(*args, **(call or {}))
        finally:
            state.names = names
    report = CostReport(counter, model.name, rows, list(leaves(out)))
    report._weights = {id(x.buffer): v for v, x in values}
    return report


def _arguments(model: Any, counter: Cost, rows: int, inputs: Any) -> list[Any]:
    if inputs is not None:
        return [_tensors(counter, x, rows, model.name) for x in inputs]
    known = _functional(model)
    if known is None and (shapes := model._layer_state.build_shapes):
        return [_tensors(counter, shape, rows, model.name) for shape in shapes.values()]
    if known is None:
        raise ValueError(
            f"{model.name!r} has no graph that knows its inputs: pass their shapes, `inputs=[(None, 28, 28)]`."
        )
    return [map_leaves(lambda x: _given(counter, x.shape, x.dtype, rows, model.name), known._inputs_struct)]


def _tensors(counter: Cost, given: Any, rows: int, name: str) -> Any:
    if isinstance(given, dict):
        return {key: _tensors(counter, x, rows, name) for key, x in given.items()}
    if len(given) == 2 and isinstance(given[1], str):
        return _given(counter, given[0], given[1], rows, name)
    if all(n is None or isinstance(n, int) for n in given):
        return _given(counter, given, "float32", rows, name)
    return [_tensors(counter, x, rows, name) for x in given]


def _functional(model: Any) -> Any:
    return (
        model if isinstance(model, Functional) and model.__dict__.get("_inputs_struct") is not None else None
    )


def _given(counter: Cost, shape: Any, dtype: str, rows: int, name: str) -> Any:
    if dtype == "string":
        raise ValueError(
            f"{name!r} takes strings: its work on the host has no multiply-adds that could be counted."
        )
    sizes = [rows if i == 0 and n is None else n for i, n in enumerate(shape)]
    if None in sizes:
        raise ValueError(
            f"The input of {name!r} has shape {tuple(shape)}: what it costs depends on the sizes that are None. Pass "
            "them, `inputs=[(None, 224, 224, 3)]`."
        )
    return counter.given(sizes, dtype)


@contextmanager
def _named_operations(model: Any) -> Iterator[None]:
    """Operations of a graph run under their names while the block lasts, as layers always do."""
    graphs = [m for m in (model, *_nested(model)) if _functional(m) is not None]
    before = [(m, m.__dict__.get("_steps")) for m in graphs]
    try:
        for m in graphs:
            operations = {id(n): n.operation for n in m._nodes}
            given = {id(x) for x in m._inputs}
            ran = [o for n, o in zip(m._nodes, operations.values(), strict=True)
                   if not all(id(x) in given for x in n.output_tensors)]  # fmt: skip
            steps = m._plan_steps()
            m.__dict__["_steps"] = [
                (_named(o, call), *rest) for o, (call, *rest) in zip(ran, steps, strict=True)
            ]
        yield
    finally:
        for m, steps in before:
            m.__dict__["_steps"] = steps


def _nested(model: Any) -> list[Any]:
    return [layer for layer in getattr(model, "_flatten_layers", list)() if layer is not model]


def _named(operation: Any, call: Any) -> Any:
    if not isinstance(operation, OpCall):
        return call

    def named(*args: Any, **kwargs: Any) -> Any:
        before = state.names
        state.names = (*before, operation.name)
        try:
            return call(*args, **kwargs)
        finally:
            state.names = before

    return named


def output_bytes(operation: Any, rows: int) -> int | None:
    """The bytes of an operation's outputs for a number of rows; None where they are not known."""
    total = 0
    for node in operation._inbound_nodes[-1:]:
        for x in leaves(node.outputs):
            if not hasattr(x, "shape") or None in x.shape[1:] or x.dtype == "string":
                return None
            total += int(Spec([rows if n is None else n for n in x.shape], x.dtype).size) * width(x.dtype)
    return total if operation._inbound_nodes else None
