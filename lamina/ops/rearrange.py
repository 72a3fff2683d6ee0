"""Axes named by a pattern: `rearrange`."""

from __future__ import annotations

from typing import Any

from lamina.kernel.contract import Kernel
from lamina.ops.checks import shown
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import count, static

Groups = list[list[str]]


@op("tensor", given=("pattern",), module="einops")
def rearrange(k: Kernel, tensor: Tensor, pattern: Any, **axes_lengths: int) -> Output:
    """Axes reordered, joined and split as a pattern says.

    Args:
        tensor: Tensor of any shape.
        pattern: Names of the axes before and after "->". Axes in parentheses are one axis that consists of them, the
            last one running fastest; "1" (or "()") is an axis of size 1; "..." stands for any axes.
        **axes_lengths: Sizes of axes in parentheses that cannot be found from the tensor.

    Returns:
        Tensor with the same values.

    Raises:
        ValueError: if the pattern does not fit the tensor, or its sides name different axes.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.rearrange([[1, 2, 3, 4]], "a (b c) -> c (a b)", b=2)).tolist()
        [[1, 3], [2, 4]]

    Reference:
        Rogozhnikov, Einops: Clear and Reliable Tensor Manipulations with Einstein-like Notation, ICLR 2022.
    """
    left, arrow, right = pattern.partition("->")
    if not arrow:
        raise ValueError(f"rearrange: the pattern {pattern!r} has no '->'.")
    before, after = _groups(pattern, left), _groups(pattern, right)
    before, after = _without_dots(pattern, before, after, len(tensor.shape))
    names, result = ([name for group in side for name in group] for side in (before, after))
    if sorted(names) != sorted(result) or len(set(names)) != len(names):
        raise ValueError(f"rearrange: both sides of {pattern!r} must name the same axes, each once.")
    unknown = [name for name in axes_lengths if name not in names]
    if unknown:
        raise ValueError(f"rearrange: {', '.join(unknown)} does not stand in the pattern {pattern!r}.")
    sizes = _sizes(pattern, before, k.shape(tensor), axes_lengths)
    apart = k.reshape(tensor, tuple([sizes[name] for name in names]))
    moved = k.permute_dims(apart, [names.index(name) for name in result])
    return k.reshape(moved, tuple([count([sizes[name] for name in group]) for group in after]))


def _groups(pattern: str, side: str) -> Groups:
    """The axes of one side, each a list of the names that it consists of."""
    groups: Groups = []
    inside = False
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word in "()":
            if inside == (word == "("):
                raise ValueError(f"rearrange: the parentheses of {pattern!r} do not match.")
            inside = word == "("
            if inside:
                groups.append([])
        elif not (word.isidentifier() or word in ("1", "...")):
            raise ValueError(f"rearrange: {word!r} in {pattern!r} is no name of an axis.")
        elif inside:
            groups[-1].extend([] if word == "1" else [word])
        else:
            groups.append([] if word == "1" else [word])
    if inside:
        raise ValueError(f"rearrange: the parentheses of {pattern!r} do not match.")
    return groups


def _without_dots(pattern: str, before: Groups, after: Groups, rank: int) -> tuple[Groups, Groups]:
    """Both sides with names for the axes that "..." stands for."""
    extra = rank - len(before) + (["..."] in before)
    if extra < 0 or (extra and ["..."] not in before) or any("..." in g and g != ["..."] for g in before):
        raise ValueError(f"rearrange: the left side of {pattern!r} does not fit a tensor of rank {rank}.")
    dots = [f"...{i}" for i in range(extra)]
    opened: Groups = []
    for group in before:
        opened.extend([[name] for name in dots] if group == ["..."] else [group])
    closed: Groups = []
    for group in after:
        if group == ["..."]:
            closed.extend([name] for name in dots)
        else:
            closed.append([name for part in group for name in (dots if part == "..." else [part])])
    return opened, closed


def _sizes(pattern: str, groups: Groups, shape: tuple, given: dict[str, int]) -> dict[str, Any]:
    """The size of each name; one in each group may be found from the others."""
    sizes: dict[str, Any] = dict(given)
    for group, n in zip(groups, shape, strict=True):
        missing = [name for name in group if name not in given]
        rest = count([given[name] for name in group if name in given])
        if len(missing) > 1:
            raise ValueError(f"rearrange: give the size of {' or '.join(missing)} in {pattern!r}.")
        if static((n, rest)) and (rest == 0 or n % rest or (not missing and n != rest)):
            raise ValueError(
                f"rearrange: ({' '.join(group)}) in {pattern!r} does not fit size {n} of {shown(shape)}."
            )
        if missing:
            sizes[missing[0]] = n // rest
    return sizes
