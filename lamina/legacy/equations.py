"""The equations of `EinsumDense` and the attention layers, as functions that packages import from below `keras.src`."""

from __future__ import annotations

import re
import string
from typing import Any

__all__ = ["_analyze_einsum_string", "_build_attention_equation", "_build_proj_equation"]


def _letters(first: int, count: int) -> str:
    return string.ascii_lowercase[first : first + count]


def _build_proj_equation(free_dims: int, bound_dims: int, output_dims: int) -> tuple[str, str, int]:
    """The equation of a projection, the axes of its bias and the rank of its output.

    The first axes are kept, the `bound_dims` last ones are summed over, `output_dims` new ones take their place.
    """
    kept = _letters(0, free_dims)
    summed = _letters(free_dims, bound_dims)
    new = _letters(free_dims + bound_dims, output_dims)
    return f"{kept}{summed},{summed}{new}->{kept}{new}", new, free_dims + output_dims


def _build_attention_equation(rank: int, attn_axes: Any) -> tuple[str, str, int]:
    """The equations of the scores and of what is read with them, and the rank of the scores.

    Query, key and value are (batch, <axes>, heads, size); `attn_axes` are attended along, the others are batch.
    """
    query = _letters(0, rank)
    along = tuple(attn_axes)
    batch = [i for i in range(rank) if i not in along and i != rank - 1]
    fresh = iter(_letters(rank, len(along)))
    key = "".join(next(fresh) if i in along else query[i] for i in range(rank))
    # the heads are an axis of the batch, the size is summed over
    scores = (
        "".join(query[i] for i in batch) + "".join(query[i] for i in along) + "".join(key[i] for i in along)
    )
    return f"{key},{query}->{scores}", f"{scores},{key}->{query}", len(scores)


def _analyze_einsum_string(equation: str, bias_axes: Any, input_shape: Any, output_shape: Any) -> tuple:
    """What an `EinsumDense` of this equation is made of.

    Args:
        equation: Such as "abc,cd->abd"; an ellipsis (or 0) stands for axes that are kept.
        bias_axes: The letters of the output that have a bias; None for none.
        input_shape: With the batch's size.
        output_shape: The sizes of the output's axes after the first, None where the input says them.

    Returns:
        The shapes of kernel, bias (None without) and output, then the kernel's axes that are summed over and those that
        stay.

    Raises:
        ValueError: if the equation is none of an `EinsumDense`, or a size is not known.
    """
    found = re.fullmatch(
        r"([a-zA-Z0]+),([a-zA-Z]+)->([a-zA-Z0]+)", equation.replace(" ", "").replace("...", "0")
    )
    if found is None:
        raise ValueError(
            f"Cannot read the equation {equation!r}: write it as 'ab,bc->ac' or '...b,bc->...c'."
        )
    given, kernel, output = found.groups()
    free = (c for c in string.ascii_letters if c not in given + kernel + output)
    dots = "".join(next(free) for _ in range(len(input_shape) - len(given.replace("0", ""))))
    given, output = given.replace("0", dots), output.replace("0", dots)
    sizes = dict(zip(given, input_shape, strict=True))
    wanted = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
    for letter, size in zip(reversed(output), reversed(wanted), strict=False):
        known = sizes.get(letter)
        if size is not None and known not in (None, size):
            raise ValueError(
                f"{equation!r}: axis {letter!r} is {known} in the input {input_shape}, not {size}."
            )
        sizes[letter] = known if size is None else size
    for letter in kernel:
        if sizes.get(letter) is None:
            raise ValueError(f"{equation!r}: the size of the kernel's axis {letter!r} is not known.")
    full = [sizes.get(letter) for letter in output]
    bias = None
    if bias_axes:
        places = [output.index(letter) for letter in bias_axes]
        bias = [full[i] if i in places else 1 for i in range(min(places), len(output))]
    summed = [i for i, letter in enumerate(kernel) if letter not in output]
    return [sizes[c] for c in kernel], bias, full, summed, [i for i in range(len(kernel)) if i not in summed]
