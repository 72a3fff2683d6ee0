"""Functions of single entries turned into functions of tensors."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

import optree

from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import broadcast
from lamina.ops.checks import shown
from lamina.ops.op import convert
from lamina.ops.tensors import count

Names = list[tuple[str, ...]]


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Iterable[int | str] | None = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function of entries (or of small tensors) turned into one of tensors, which broadcast.

    Args:
        pyfunc: The function, written with `lamina.ops`.
        excluded: Positions and names of arguments that are handed over as they are.
        signature: The axes that `pyfunc` takes and gives, as "(m,n),(n)->(m)"; None for single entries.

    Returns:
        Function of tensors: the axes in front of those of the signature broadcast, and are mapped over.

    Raises:
        ValueError: if the signature cannot be read; by the result, if arguments do not fit it.

    Example:
        >>> product = lamina.ops.vectorize(lambda a, b: lamina.ops.sum(a * b), signature="(n),(n)->()")
        >>> lamina.ops.convert_to_numpy(product([[1, 2], [3, 4]], [1, 1])).tolist()
        [3, 7]
    """
    left_out = frozenset(() if excluded is None else excluded)
    inputs = None if signature is None else _read(signature)

    @functools.wraps(pyfunc)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        places = [i for i in range(len(args)) if i not in left_out]
        words = [name for name in kwargs if name not in left_out]
        if words and signature is not None:
            raise ValueError(f"vectorize: arguments of a signature go by position, got {', '.join(words)}.")

        def inner(*tensors: Any) -> Any:
            given, named = list(args), dict(kwargs)
            for place, x in zip((*places, *words), tensors, strict=True):
                (given if isinstance(place, int) else named)[place] = x  # type: ignore[call-overload, index]
            return pyfunc(*given, **named)

        k = current()
        tensors = [convert(k, x) for x in (*[args[i] for i in places], *[kwargs[name] for name in words])]
        cores = [()] * len(tensors) if inputs is None else inputs
        if len(cores) != len(tensors):
            raise ValueError(
                f"vectorize: the signature {signature!r} has {len(cores)} inputs, got {len(tensors)}."
            )
        return _map(k, inner, tensors, cores)

    return mapped


def _read(signature: str) -> Names:
    """The names of each input's axes."""
    group = r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)"
    text = signature.replace(" ", "")
    if not re.fullmatch(rf"{group}(,{group})*->{group}(,{group})*", text):
        raise ValueError(
            f"vectorize: cannot read the signature {signature!r}; one looks like '(m,n),(n)->(m)'."
        )
    inside = re.findall(r"\(([^)]*)\)", text.partition("->")[0])
    return [tuple(name for name in names.split(",") if name) for names in inside]


def _map(k: Kernel, function: Callable[..., Any], tensors: list[Any], cores: Names) -> Any:
    """`function` over the axes in front of the cores, flattened to one."""
    sizes: dict[str, Any] = {}
    fronts = []
    for x, names in zip(tensors, cores, strict=True):
        shape = tuple(k.shape(x))
        if len(shape) < len(names):
            raise ValueError(f"vectorize: shape {shown(shape)} has fewer axes than ({','.join(names)}).")
        cut = len(shape) - len(names)
        fronts.append(shape[:cut])
        for name, n in zip(names, shape[cut:], strict=True):
            if sizes.setdefault(name, n) != n:
                raise ValueError(f"vectorize: axis {name!r} has sizes {sizes[name]} and {n}.")
    front = broadcast(*fronts) if fronts else ()
    if not front:
        return function(*tensors)
    flat = []
    for x, own in zip(tensors, fronts, strict=True):
        core = tuple(k.shape(x))[len(own) :]
        flat.append(k.reshape(k.broadcast_to(x, (*front, *core)), (count(front), *core)))
    out = k.vmap(function, 0, 0)(*flat)
    return optree.tree_map(lambda y: k.reshape(y, (*front, *tuple(k.shape(y))[1:])), out)
